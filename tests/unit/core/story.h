#ifndef OO_STORY_H
#define OO_STORY_H
/*
 * A stage for stories about one core: a small etcd that answers when the story says so, and a trace
 * of everything that the core wants, one short line a change, compared with literals.
 *
 *   STEP(500, .type = OO_EVENT_LINK, .up = true);   any event, at a time in ms
 *   UNTIL(3031);                                    time passes; reads are answered at once
 *   ANSWER(3040);                                   etcd carries out what was asked, and says so
 *   TRACE("[ 3040] acquiring -> active: claimed\n"
 *         "[ 3040] ask renew n1 beat 1\n");
 *
 * The core under test is node-b unless begin_with says otherwise; ttl 3 s, renew 500 ms, margin
 * 150 ms, retry 100 ms; one group with one check, which is up, as the link is. Nonces are called
 * n1, n2, ... in the order in which the trace first mentions them. Reads are not in the trace, nor is
 * the mark in the place of absent keys.
 */
#include "core/core.h"

#include <CUnit/CUnit.h>

#define STORY_GROUPS 2

struct story_etcd {
	int64_t revision;
	struct oo_pair pairs[STORY_GROUPS];
	struct oo_order orders[STORY_GROUPS];
	bool paused, drained;
	bool target_drained;
	bool member_gone; /* the member key of whoever is offered something */
	uint64_t nonces;  /* of the other nodes, counted up */
};

/* A request as it was put on the wire. */
struct story_copy {
	struct oo_request request;
	struct oo_pair expect;
	unsigned group;
};

struct story {
	struct oo_core *core;
	struct oo_core_config config;
	struct story_etcd etcd;
	struct story_copy sent[STORY_GROUPS]; /* the newest request of each group */
	int64_t now;
	bool reads_are_lost;           /* UNTIL answers them with OO_OUTCOME_UNKNOWN */
	bool reads_hang;               /* UNTIL does not answer them */
	bool marks_hang;               /* UNTIL does not answer them, and the trace tells of them */
	uint64_t marked[STORY_GROUPS]; /* seq of the last that was answered */
};
extern struct story story;

/* Steps the core every ms of UNTIL instead of only when it asked to be woken. */
extern bool story_steps_every_ms;

#define STEP(at, ...) story_step(at, &(struct oo_event){__VA_ARGS__})
#define TRACE(expected) story_compare(expected, __FILE__, __LINE__)
#define UNTIL(at) story_until(at)

void begin(void);
/* The core and its stage before the first step; and the first news: link and check are up. */
void begin_without_news(const struct oo_core_config *config);
void raise_curtain(void);
/* The same with a configuration of the story's own; its times and counts are taken as they are. */
void begin_with(const struct oo_core_config *config);
/*
 * node-b's agent ended while it held (epoch 7) and starts again with its tenure; the address is up. holder:
 * whose claim etcd has by now.
 */
void begin_after_a_crash(const char *holder);
struct oo_core_config story_config(void);
void story_end(void);

/*
 * For STEP: seq 0 with OO_EVENT_READ or OO_EVENT_ANSWER means that of the newest question, and no orders
 * those that etcd has.
 */
void story_step(int64_t at, const struct oo_event *event);
void story_until(int64_t at);
void story_compare(const char *expected, const char *file, int line);
void story_forget_trace(void);

/* etcd carries out the newest request of the group and answers. */
void ANSWER(int64_t at);
void ANSWER_GROUP(int64_t at, unsigned group);
/* Nobody knows: etcd never got it, or carried it out and the answer was lost. */
void LOSE_REQUEST(int64_t at);
void LOSE_ANSWER(int64_t at);
/* A copy of a request reaches etcd, late; nobody is told. */
bool arrive(const struct story_copy *copy);
/* An operator orders node-b to give group 0 to target ("": to the best), as order id; 0: no longer. */
void order(int64_t at, uint64_t id, const char *target);
/* Likewise, and node-b hears of it with the next read only. */
void order_unheard(uint64_t id, const char *target);
void drain(int64_t at, bool drained);
/* The outstanding read is answered with what etcd has. */
void READ(int64_t at);
/* The watch shows the newest claim and beat of group 0. */
void WATCH(int64_t at);
void WATCH_BEAT(int64_t at);

/* What other nodes do to group 0. */
void other_takes(const char *node, uint64_t epoch);
void other_renews(void);
void other_offers(const char *target);
void other_releases(void);
void other_marks(void);
void keys_vanish(void);

/* Shorthands for a story's beginning. */
void see_members(int64_t at, const struct oo_core_member *members, size_t n);
/* node-b holds, address up, since about 3 s; the newest renewal was sent at 3033. */
void become_active(void);
/* node-a holds and was seen to, claim n1 by the trace's name if mentioned first; at 100 ms. */
void watch_node_a(void);
void check_result(int64_t at, enum oo_health health);

#endif
