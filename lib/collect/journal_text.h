#ifndef OO_JOURNAL_TEXT_H
#define OO_JOURNAL_TEXT_H
/* Lines of journalctl and of the kernel's ring buffer. Pure; private to the module. */
#include <stdbool.h>
#include <stdint.h>

#include "collect/log_text.h"

/*
 * journalctl --output=short-unix: "1700000000.123456 HOST NAME[PID]: MESSAGE". ret_text begins at
 * NAME. Returns whether it is one.
 */
bool oo_journal_parse(const char *line, int64_t *ret_at_ms, const char **ret_text);

/*
 * A record of /dev/kmsg: "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;MESSAGE\n ...". record is cut behind
 * its message. ret_at_ms counts from the boot. Returns whether it is one.
 */
bool oo_journal_parse_kernel(char *record, int64_t *ret_at_ms, const char **ret_text);

/* Whether it tells of something that went wrong: what level it was given says too little. */
bool oo_journal_is_told(const char *text);

/* Whom a line is about, to hold it against its start; OO_PROGRAM_END: nobody that we know. */
enum oo_program oo_journal_program(const char *text);

#endif
