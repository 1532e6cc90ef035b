#ifndef OO_HOSTFS_H
#define OO_HOSTFS_H
/* Parsers, pure, of what /proc says of the whole host (proc(5)). Private to the module. */
#include <stdbool.h>
#include <stdint.h>

/*
 * The number after a word at the beginning of a line: "MemTotal:", "oom_kill". Returns whether it
 * is there; else *ret_value is untouched.
 */
bool oo_hostfs_find(const char *text, const char *word, uint64_t *ret_value);

/* avg10 of the line of /proc/pressure/... that begins so ("some", "full"), in whole percent; 0. */
unsigned oo_hostfs_pressure(const char *text, const char *line);

/* A counter of /proc/net/netstat: a line of names, then one of numbers. As oo_hostfs_find. */
bool oo_hostfs_netstat(const char *text, const char *name, uint64_t *ret_value);

/* How much of most is used, at most 100; 0 where most is 0. */
uint32_t oo_hostfs_percent(uint64_t used, uint64_t most);

#endif
