#ifndef OO_STANDIN_ANSWER_H
#define OO_STANDIN_ANSWER_H
/*
 * What the stand-in Document Server says, and in which mode: the answers of a real one (9.3),
 * and the ways in which it goes wrong.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum standin_kind {
	STANDIN_KIND_TRUE,             /* healthy */
	STANDIN_KIND_FALSE,            /* /healthcheck is 200 "false": database or broker down */
	STANDIN_KIND_HANG,             /* takes connections and requests, never answers */
	STANDIN_KIND_HANG_HEALTHCHECK, /* only /healthcheck hangs: database or broker hung */
	STANDIN_KIND_REFUSE,           /* stopped: does not listen */
	STANDIN_KIND_STATUS,           /* answers everything with a status */
	STANDIN_KIND_SLOW,             /* healthy, but late */
};

struct standin_mode {
	enum standin_kind kind;
	int number; /* STATUS: the status; SLOW: ms */
};

/* The modes as one writes them, for a usage text. */
extern const char standin_modes[];

/* Reads "true", "false", "hang", "hang-healthcheck", "refuse", "status NNN" or "slow MS".
 * Returns 0 or -EINVAL. */
int standin_mode_parse(const char *text, struct standin_mode *ret_mode);

/* When a request that came at asked_at_us is to be answered; OO_NEVER: not in this mode. */
int64_t standin_due(const struct standin_mode *mode, const char *request, int64_t asked_at_us);

/* Whether the client wants the connection to stay open after the answer. */
bool standin_keeps(const char *request);

/* Writes the whole answer, headers and body. Returns its length; size is plenty at 1024. */
size_t standin_answer(const struct standin_mode *mode, const char *request, char *answer,
		      size_t size);

#endif
