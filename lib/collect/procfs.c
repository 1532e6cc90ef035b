#include "collect/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PATH_LENGTH 48
#define STAT_LENGTH 512
#define STATUS_LENGTH 4096
#define WORDS_MAX 8 /* of a command, that are looked at */
/* Counted no further: what is left to open is far from used up, or the limit is told anyway. */
#define CGROUP_LENGTH 4096
#define DESCRIPTORS_MAX 100000

bool oo_procfs_parse_stat(const char *text, struct oo_procfs_stat *ret_stat)
{
	/* a name may have anything in it: the last bracket is its end */
	const char *begin = strchr(text, '('), *end = strrchr(text, ')');
	unsigned long long user = 0, system = 0, started = 0;
	char state = 0;
	if (begin == NULL || end == NULL || end < begin) {
		return false;
	}
	/* 3 state, 14 utime, 15 stime, 22 starttime */
	int n = sscanf(end + 1,
		       " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
		       "%*d %llu",
		       &state, &user, &system, &started);
	if (n != 4) {
		return false;
	}
	*ret_stat = (struct oo_procfs_stat){
		.state = state, .cpu_ticks = user + system, .started_ticks = started};
	size_t length = (size_t)(end - begin - 1);
	size_t most = sizeof(ret_stat->name) - 1;
	memcpy(ret_stat->name, begin + 1, length < most ? length : most);
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);
	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static struct oo_procfs_role classify_proxy(const char *command)
{
	struct oo_procfs_role role = {.program = OO_PROGRAM_PROXY};
	/* without a title that we know, it has no master: it serves by itself */
	role.is_worker =
		strstr(command, "master process") == NULL && strstr(command, "cache ") == NULL;
	role.is_leaving = role.is_worker && strstr(command, "is shutting down") != NULL;
	return role;
}

/* A program of a Document Server, packed or as node runs it from its sources. */
static bool is_node_program(const char *name, const char *command, size_t length,
			    const char *packed, const char *source)
{
	if (oo_text_equal(name, packed) || oo_text_equal(base_name(command), packed)) {
		return true;
	}
	const char *word = command;
	for (int i = 0; i < WORDS_MAX && word < command + length; i++) {
		if (i > 0 && ends_with(word, source)) {
			return true;
		}
		word += strlen(word) + 1;
	}
	return false;
}

static bool has_word(const char *command, size_t length, const char *part)
{
	for (const char *word = command; word < command + length; word += strlen(word) + 1) {
		if (strstr(word, part) != NULL) {
			return true;
		}
	}
	return false;
}

struct oo_procfs_role oo_procfs_classify(const char *name, const char *command, size_t length)
{
	struct oo_procfs_role role = {.program = OO_PROGRAM_END};
	if (oo_text_equal(name, "nginx") || oo_text_equal(name, "openresty")) {
		return classify_proxy(command);
	}
	if (is_node_program(name, command, length, "docservice", "DocService/sources/server.js")) {
		role.program = OO_PROGRAM_DOCSERVICE;
	} else if (is_node_program(name, command, length, "converter",
				   "FileConverter/sources/convertermaster.js") ||
		   is_node_program(name, command, length, "converter",
				   "FileConverter/sources/converter.js")) {
		role.program = OO_PROGRAM_CONVERTER;
	} else if (oo_text_equal(name, "postgres") || oo_text_equal(name, "mysqld") ||
		   oo_text_equal(name, "mariadbd")) {
		role.program = OO_PROGRAM_DATABASE;
	} else if (strncmp(name, "beam", 4) == 0 && has_word(command, length, "rabbit")) {
		role.program = OO_PROGRAM_BROKER;
	}
	return role;
}

bool oo_procfs_may_be_docservice(const char *name, const char *command, size_t length)
{
	return oo_text_equal(name, "node") || oo_text_equal(name, "nodejs") ||
	       oo_text_equal(base_name(command), "node") ||
	       has_word(command, length, "docservice") || has_word(command, length, "DocService") ||
	       has_word(command, length, "documentserver");
}

bool oo_procfs_option(const char *title, const char *option, char *value, size_t size)
{
	char text[OO_PROCFS_COMMAND];
	char *rest = text;
	const char *word;
	oo_text_clip(text, sizeof(text), title);
	while ((word = strsep(&rest, " ")) != NULL) {
		size_t length = strlen(option);
		if (strncmp(word, option, length) != 0) {
			continue;
		}
		const char *given = word[length] != '\0' ? word + length : strsep(&rest, " ");
		if (given != NULL && given[0] != '\0') {
			return oo_text_copy(value, size, given) == 0;
		}
	}
	return false;
}

bool oo_procfs_parse_proxy(const char *title, char path[static OO_TEXT_LENGTH])
{
	char file[OO_TEXT_LENGTH], prefix[OO_TEXT_LENGTH], joined[2 * OO_TEXT_LENGTH];
	if (!oo_procfs_option(title, "-c", file, sizeof(file))) {
		return false;
	}
	if (file[0] == '/') {
		return oo_text_copy(path, OO_TEXT_LENGTH, file) == 0;
	}
	if (!oo_procfs_option(title, "-p", prefix, sizeof(prefix)) || prefix[0] != '/') {
		return false; /* relative to what it was built with: we cannot know */
	}
	snprintf(joined, sizeof(joined), "%s%s%s", prefix, ends_with(prefix, "/") ? "" : "/", file);
	return oo_text_copy(path, OO_TEXT_LENGTH, joined) == 0;
}

uint32_t oo_procfs_parse_limits(const char *text)
{
	unsigned limit = 0;
	const char *line = strstr(text, "Max open files");
	return line != NULL && sscanf(line, "Max open files %u", &limit) == 1 ? limit : 0;
}

uint64_t oo_procfs_parse_capabilities(const char *text)
{
	const char *line = strstr(text, "CapEff:");
	return line != NULL ? strtoull(line + strlen("CapEff:"), NULL, 16) : 0;
}

bool oo_procfs_parse_is_roots(const char *text)
{
	unsigned real = 1, effective = 1, saved = 1, files = 1;
	const char *line = strstr(text, "\nUid:"); /* the name, before it, has no line break */
	return line != NULL &&
	       sscanf(line, "\nUid: %u %u %u %u", &real, &effective, &saved, &files) == 4 &&
	       (real | effective | saved | files) == 0;
}

bool oo_procfs_parse_is_nobody(const char *text, const char *address)
{
	char its[OO_PROCFS_NAME];
	unsigned flags;
	for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
		if (sscanf(line, "\n%31s 0x%*x 0x%x", its, &flags) == 2 &&
		    oo_text_equal(its, address)) {
			return (flags & ATF_COM) == 0;
		}
	}
	return false;
}

ssize_t oo_procfs_read(int directory, const char *path, char *text, size_t size)
{
	size_t used = 0;
	OO_AUTO(oo_close) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	while (used < size - 1) {
		ssize_t n = read(fd, text + used, size - 1 - used);
		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		used += (size_t)n;
	}
	text[used] = '\0';
	return (ssize_t)used;
}

int oo_procfs_stat(int proc, pid_t pid, struct oo_procfs_stat *ret_stat)
{
	char path[PATH_LENGTH], text[STAT_LENGTH];
	snprintf(path, sizeof(path), "%d/stat", pid);
	ssize_t n = oo_procfs_read(proc, path, text, sizeof(text));
	if (n < 0) {
		return (int)n;
	}
	return oo_procfs_parse_stat(text, ret_stat) ? 0 : -EPROTO;
}

size_t oo_procfs_command(int proc, pid_t pid, char command[static OO_PROCFS_COMMAND])
{
	char path[PATH_LENGTH];
	snprintf(path, sizeof(path), "%d/cmdline", pid);
	ssize_t n = oo_procfs_read(proc, path, command, OO_PROCFS_COMMAND);
	if (n < 0) {
		command[0] = '\0';
		return 0;
	}
	return (size_t)n;
}

bool oo_procfs_is_roots(int proc, pid_t pid)
{
	char path[PATH_LENGTH], text[STATUS_LENGTH];
	snprintf(path, sizeof(path), "%d/status", pid);
	return oo_procfs_read(proc, path, text, sizeof(text)) > 0 && oo_procfs_parse_is_roots(text);
}

bool oo_procfs_may(int proc, uint64_t capabilities)
{
	char text[STATUS_LENGTH];
	return oo_procfs_read(proc, "self/status", text, sizeof(text)) > 0 &&
	       (oo_procfs_parse_capabilities(text) & capabilities) == capabilities;
}

/*
 * By the inode of a file that each network namespace has of its own: what a process's ns/net links
 * to may be seen by its owner and root alone, this by everybody.
 */
bool oo_procfs_is_elsewhere(int proc, pid_t pid)
{
	char path[PATH_LENGTH];
	struct stat there, here;
	snprintf(path, sizeof(path), "%d/net/dev", pid);
	return fstatat(proc, path, &there, 0) == 0 &&
	       fstatat(proc, "self/net/dev", &here, 0) == 0 && there.st_ino != here.st_ino;
}

uint32_t oo_procfs_count_descriptors(int proc, pid_t pid)
{
	char path[PATH_LENGTH];
	uint32_t n = 0;
	snprintf(path, sizeof(path), "%d/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		oo_close(&fd);
		return 0;
	}
	const struct dirent *entry;
	while ((entry = readdir(directory)) != NULL && n < DESCRIPTORS_MAX) {
		n += isdigit((unsigned char)entry->d_name[0]) ? 1 : 0;
	}
	closedir(directory);
	return n;
}

static bool join(char path[static OO_TEXT_LENGTH], const char *root, const char *group,
		 const char *file)
{
	int length = (int)strcspn(group, "\n");
	int n = snprintf(path, OO_TEXT_LENGTH, "%s%.*s%s%s", root, length, group,
			 length > 1 ? "/" : "", file);
	return n > 0 && n < OO_TEXT_LENGTH;
}

bool oo_procfs_parse_freezer(const char *text, char path[static OO_TEXT_LENGTH])
{
	const char *freezer = strstr(text, ":freezer:");
	const char *unified = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (freezer != NULL) {
		return join(path, "/sys/fs/cgroup/freezer", freezer + strlen(":freezer:"),
			    "freezer.state");
	}
	return unified != NULL &&
	       join(path, "/sys/fs/cgroup", strstr(unified, "::") + 2, "cgroup.events");
}

bool oo_procfs_says_frozen(const char *text)
{
	return strncmp(text, "FROZEN", 6) == 0 || strncmp(text, "FREEZING", 8) == 0 ||
	       strncmp(text, "frozen 1", 8) == 0 || strstr(text, "\nfrozen 1") != NULL;
}

bool oo_procfs_is_frozen(int proc, pid_t pid)
{
	char path[OO_TEXT_LENGTH], text[CGROUP_LENGTH];
	/* where it sleeps (kernel/freezer.c), for whoever has no cgroup file system mounted */
	snprintf(path, sizeof(path), "%d/wchan", pid);
	if (oo_procfs_read(proc, path, text, sizeof(text)) > 0 &&
	    strcmp(text, "__refrigerator") == 0) {
		return true;
	}
	snprintf(path, sizeof(path), "%d/cgroup", pid);
	return oo_procfs_read(proc, path, text, sizeof(text)) > 0 &&
	       oo_procfs_parse_freezer(text, path) &&
	       oo_procfs_read(AT_FDCWD, path, text, sizeof(text)) > 0 &&
	       oo_procfs_says_frozen(text);
}
