#ifndef OO_PROVIDER_ORDER_H
#define OO_PROVIDER_ORDER_H
/* What a provider's program is told and what it answers: docs/providers.md. Private to the module. */
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "provider/provider.h"

enum oo_provider_verb {
	OO_PROVIDER_UP,
	OO_PROVIDER_DOWN,
	OO_PROVIDER_STATUS,
};

/* What `status` has printed. */
struct oo_provider_answer {
	bool here;
	const char *holder; /* "here", "elsewhere", "nobody" */
	uint64_t epoch;     /* 0: the provider keeps none */
};

const char *oo_provider_verb_name(enum oo_provider_verb verb);

/* Puts the standard input of a run in buffer. Returns 0, -ENOMEM or -EMSGSIZE. */
int oo_provider_order_write(const struct oo_provider_vip *vip, enum oo_provider_verb verb,
			    uint64_t epoch, int64_t deadline_ms, struct oo_buffer *buffer);

/*
 * Reads a line: {"holder": "here", "epoch": 57}. Returns 0, or -EBADMSG with what is wrong in err;
 * ret_answer is untouched then.
 */
int oo_provider_answer_read(const char *line, struct oo_provider_answer *ret_answer,
			    struct oo_err *err);

/*
 * The environment of a run: the process's own but for what systemd has meant for it alone. Ended by
 * NULL, to be freed at once; the texts are the environment's. NULL: no memory.
 */
const char **oo_provider_environment(void);

#endif
