#ifndef OO_AGENT_RIVAL_H
#define OO_AGENT_RIVAL_H
/*
 * Other hosts that have VIPs of a part (net/rival.h). Before the VIPs come up they are asked for,
 * while the claim is on its way; one that a stranger answers for is left out until the stranger is
 * gone. While they are up a foreign claim on one has the core confirm its own at once: lost, it
 * drops them; still ours, they are announced again, and the log names the MAC.
 */
#include "agent.h"
#include "net/address.h"
#include "part.h"

struct agent_rival;

struct agent_rival_state {
	char error[OO_ERR_LENGTH]; /* why it is not added; "" if that is not a stranger's doing */
	uint64_t conflicts;        /* foreign claims on it while it was held here */
	char mac[OO_MAC_TEXT_LENGTH]; /* of the last; "": none yet */
	int64_t at;                   /* then, CLOCK_BOOTTIME ms */
};

/* For a part whose VIPs are all in. Returns what oo_rival_new does. */
int agent_rival_new(struct agent_part *part, unsigned group, struct agent_rival **ret_rival,
		    struct oo_err *err);
/* NULL is accepted. */
void agent_rival_free(struct agent_rival *rival);

/* What the core wants now, and which interface it is. Before the part is made so. */
void agent_rival_apply(struct agent_rival *rival, const struct oo_want *want);

/*
 * Of the part's VIPs, those that no stranger has; does not wait for answers.
 * ret_list  borrowed until the next call.
 */
size_t agent_rival_select(struct agent_rival *rival, const struct oo_address **ret_list);

/* Whether VIP number k is not to be added: a stranger has it, or nobody knows yet. */
bool agent_rival_withholds(const struct agent_rival *rival, size_t k);
/*
 * What is known of the VIPs that before (NULL: none) has, too; others are asked for, if they are to come
 * up, and withheld until nobody has answered for 100 ms.
 */
void agent_rival_inherit(struct agent_rival *rival, const struct agent_rival *before, bool held);

/* Of the part's VIP number k. */
struct agent_rival_state agent_rival_state(const struct agent_rival *rival, size_t k);

#endif
