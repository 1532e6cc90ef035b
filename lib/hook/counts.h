#ifndef OO_HOOK_COUNTS_H
#define OO_HOOK_COUNTS_H
/* What became of hooks. Pure data, for whoever only counts. */
#include <stdint.h>

struct oo_hook_counts {
	uint64_t ran, failed; /* as oo_hooks_done_fn counts them; one that was killed has failed */
	int64_t took_us;      /* all that ran together */
};

#endif
