/* Mode arp: announced on the subnet of its interface, by ARP and neighbour discovery. */
#include <errno.h>

#include "net/announce.h"
#include "part.h"
#include "way.h"

static int open_announcer(struct agent_part *part, struct oo_err *err)
{
	return oo_announcer_new(part->agent->event, &part->announcer, err);
}

static void close_announcer(struct agent_part *part)
{
	oo_announcer_free(part->announcer);
}

static int up(struct agent_part *part, size_t n, int64_t hold_until, struct oo_err *err)
{
	if (oo_clock_now() >= hold_until) {
		return oo_fail_text(err, ETIME, "not announced: the hold ended meanwhile");
	}
	return oo_announcer_start(part->announcer, &part->link, part->spoken, n) < 0
		       ? oo_fail(err, ENOMEM, "announcements")
		       : 0;
}

/* It goes on by itself. */
static int confirm(struct agent_part *part, int64_t hold_until, struct oo_err *err)
{
	(void)part;
	(void)hold_until;
	(void)err;
	return 0;
}

static void hush(struct agent_part *part)
{
	oo_announcer_stop(part->announcer);
}

/* Nobody can be told that it is gone; who gets it next is believed. */
static int down(struct agent_part *part, int64_t until, struct oo_err *err)
{
	(void)until;
	(void)err;
	hush(part);
	return 0;
}

static void repeat(const struct agent_part *part)
{
	oo_announcer_burst(part->announcer);
}

/* Those that stay are started anew by who takes over. */
static void drop(struct agent_part *part, size_t k)
{
	(void)k;
	hush(part);
}

/* The announcements of what stays go on; those of before must never speak of what is gone. */
static void inherit(struct agent_part *part, struct agent_part *before)
{
	struct oo_announcer *announcer = part->announcer;
	part->announcer = before->announcer;
	before->announcer = announcer;
}

static int find(struct agent_part *part, bool adopt, struct oo_err *err)
{
	(void)part;
	(void)adopt;
	(void)err;
	return 0;
}

static void read_state(const struct agent_part *part, size_t k, struct agent_way_state *ret_state)
{
	ret_state->told = part->n_announced > 0 && part->present[k];
	ret_state->told_at = oo_announcer_last_at(part->announcer);
	ret_state->times = oo_announcer_count(part->announcer);
}

const struct agent_way agent_way_arp = {
	.on_link = true,
	.open = open_announcer,
	.close = close_announcer,
	.up = up,
	.confirm = confirm,
	.down = down,
	.hush = hush,
	.repeat = repeat,
	.drop = drop,
	.inherit = inherit,
	.find = find,
	.read = read_state,
};
