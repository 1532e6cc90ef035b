#ifndef OO_PROCFS_H
#define OO_PROCFS_H
/*
 * What /proc says of a process (proc(5)), and what it means to us. The parsers are pure. Private to
 * the module.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "diagnose/evidence.h"

#define OO_PROCFS_NAME 32
#define OO_PROCFS_COMMAND 1024

struct oo_procfs_stat {
	char name[OO_PROCFS_NAME]; /* comm */
	char state;                /* R, S, D, T, t, Z, ... */
	uint64_t cpu_ticks;        /* user and system */
	uint64_t started_ticks;    /* after the boot */
};

/* What a process is to a Document Server's node. */
struct oo_procfs_role {
	enum oo_program program; /* OO_PROGRAM_END: nothing to us */
	bool is_worker;          /* nginx: it serves, as opposed to the master */
	bool is_leaving;         /* nginx: a worker that shuts down */
};

/* Of /proc/PID/stat. Returns whether it is one. */
bool oo_procfs_parse_stat(const char *text, struct oo_procfs_stat *ret_stat);

/*
 * name     comm.
 * command  of /proc/PID/cmdline: length bytes with a NUL after each word and one more at the end;
 *          empty where it could not be read.
 */
struct oo_procfs_role oo_procfs_classify(const char *name, const char *command, size_t length);

/*
 * May a process that owns the Document Server's port be the Document Server, by another name? It is
 * node, or it has to do with the package by its command. As for oo_procfs_classify.
 */
bool oo_procfs_may_be_docservice(const char *name, const char *command, size_t length);

/*
 * The configuration that an nginx master was told to read (-c, -p), as its title has it. Returns
 * whether it was told one.
 */
bool oo_procfs_parse_proxy(const char *title, char path[static OO_TEXT_LENGTH]);

/* The word after an option, in a title of words with single spaces. Returns whether it fits. */
bool oo_procfs_option(const char *title, const char *option, char *value, size_t size);

/* The soft limit "Max open files" of /proc/PID/limits; 0: none found. */
uint32_t oo_procfs_parse_limits(const char *text);

/* The effective capabilities of /proc/PID/status; 0: none found. */
uint64_t oo_procfs_parse_capabilities(const char *text);

/*
 * Are all users of /proc/PID/status root? A program that is set-user-id has another real one: whoever
 * started it, who also chose its name and its command.
 */
bool oo_procfs_parse_is_roots(const char *text);

/*
 * Of /proc/net/arp: has the kernel asked who has that IPv4 address, and does it wait for an answer still,
 * or no longer?
 */
bool oo_procfs_parse_is_nobody(const char *text, const char *address);

/*
 * Reads a file below /proc whole, as far as it fits; it is terminated. directory: open, or AT_FDCWD.
 * Returns how much, or -errno.
 */
ssize_t oo_procfs_read(int directory, const char *path, char *text, size_t size);

/* Returns 0, or -errno when it is gone. proc: /proc, opened. */
int oo_procfs_stat(int proc, pid_t pid, struct oo_procfs_stat *ret_stat);

/* Reads cmdline for oo_procfs_classify. Returns its length, 0 when it is not to be had. */
size_t oo_procfs_command(int proc, pid_t pid, char command[static OO_PROCFS_COMMAND]);

/* As oo_procfs_parse_is_roots. */
bool oo_procfs_is_roots(int proc, pid_t pid);

/* Have we all of these (bits of capabilities(7))? Root in a unit that bounds them has not. */
bool oo_procfs_may(int proc, uint64_t capabilities);

/* Is it surely of another network namespace than ours? */
bool oo_procfs_is_elsewhere(int proc, pid_t pid);

/*
 * Where the cgroup of a /proc/PID/cgroup (cgroups(7)) says whether it is frozen: the freezer's
 * freezer.state, or, with cgroups of version 2 alone, cgroup.events. Returns whether it has one.
 */
bool oo_procfs_parse_freezer(const char *text, char path[static OO_TEXT_LENGTH]);

/* Whether that file says so: "FROZEN", "FREEZING", or the line "frozen 1". */
bool oo_procfs_says_frozen(const char *text);

/* Was its cgroup frozen? */
bool oo_procfs_is_frozen(int proc, pid_t pid);

/* Open descriptors; 0 where they may not be seen. */
uint32_t oo_procfs_count_descriptors(int proc, pid_t pid);

#endif
