/* Strangers that have a group's VIPs: what is listened to, refused and defended, and when. */
#include "rival.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "net/rival.h"
#include "notices.h"
#include "vips.h"

#define TTL_MS 3000

static const uint8_t stranger[OO_MAC_LENGTH] = {2, 0, 0, 0, 0, 0x66};

static struct agent agent;
static struct oo_config_group config = {.name = "office"};
static struct oo_address list[1], more[2];
static struct agent_part part;
static struct agent_rival *rival;
static struct oo_claim claim = {.ttl_ms = TTL_MS};
static unsigned n_doubts, n_repeats, n_binds;
static bool retried;

/* -- beside: the socket, the core, the announcer */

struct oo_rival {
	struct oo_rival_options options;
	int refuses; /* the binding: 0, or the errno */
	bool listens;
	const uint8_t *answer;
	unsigned n_probes, answers_at; /* the probe that is the first to be answered; 0: none */
};
static struct oo_rival wire;

int oo_rival_new(sd_event *event, const struct oo_rival_options *options,
		 struct oo_rival **ret_rival, struct oo_err *err)
{
	(void)event;
	(void)err;
	wire.options = *options;
	*ret_rival = &wire;
	return 0;
}

void oo_rival_free(struct oo_rival *of)
{
	(void)of;
}

int oo_rival_set_link(struct oo_rival *of, const struct oo_link *link, struct oo_err *err)
{
	(void)link;
	n_binds++;
	return of->refuses != 0 ? oo_fail(err, of->refuses, "bind") : 0;
}

void oo_rival_listen(struct oo_rival *of, bool listen)
{
	of->listens = listen;
}

void oo_rival_probe(struct oo_rival *of, const bool *chosen)
{
	(void)chosen;
	if (++of->n_probes == of->answers_at) {
		of->answer = stranger;
	}
}

void oo_rival_look(struct oo_rival *of)
{
	(void)of;
}

bool oo_rival_is_asked(const struct oo_rival *of, size_t index)
{
	(void)of;
	(void)index;
	return true;
}

const uint8_t *oo_rival_answer(const struct oo_rival *of, size_t index)
{
	(void)index;
	return of->answer;
}

void oo_announcer_repeat(struct oo_announcer *announcer, const struct oo_address *address)
{
	(void)announcer;
	(void)address;
	n_repeats++;
}

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return (struct oo_core_view){.mine = &claim};
}

void agent_tell(struct agent *to, const struct oo_event *event)
{
	(void)to;
	n_doubts += event->type == OO_EVENT_DOUBT;
}

void agent_notices_say(struct agent *to, const struct agent_notice *notice)
{
	(void)to;
	(void)notice;
}

void agent_vips_retry(struct agent_vips *vips)
{
	(void)vips;
	retried = true;
}

const char *agent_part_text(const struct agent_part *of, size_t k)
{
	(void)of;
	(void)k;
	return "10.0.0.100/24";
}

size_t agent_part_find_vip(const struct agent_part *of, const struct oo_address *address)
{
	size_t k = 0;
	while (k < of->n && !oo_address_equal(&of->list[k], address)) {
		k++;
	}
	return k;
}

/* -- the story */

static void set_up(void)
{
	CU_ASSERT_FATAL(sd_event_new(&agent.event) >= 0);
	CU_ASSERT_EQUAL_FATAL(oo_address_parse("10.0.0.100/24", &list[0], NULL), 0);
	wire = (struct oo_rival){.answer = NULL};
	n_doubts = n_repeats = n_binds = 0;
	retried = false;
	part = (struct agent_part){
		.agent = &agent,
		.config = &config,
		.interface = "eth0",
		.link = {.index = 1, .exists = true, .up = true, .carrier = true},
		.list = list,
		.n = 1,
		.up = true,
	};
	CU_ASSERT_EQUAL_FATAL(agent_rival_new(&part, 0, &rival, NULL), 0);
}

static void tear_down(void)
{
	agent_rival_free(rival);
	agent.event = sd_event_unref(agent.event);
}

/* The last renewal that succeeded was sent at sent_at. */
static void hold(int64_t sent_at)
{
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_ACTIVE,
						   .address = true,
						   .guard_until = sent_at + TTL_MS});
}

static void claims(enum oo_frame_kind kind)
{
	struct oo_rival_report report = {.index = 0, .kind = kind, .count = 1};
	memcpy(report.mac, stranger, OO_MAC_LENGTH);
	wire.options.seen(wire.options.user, &report);
}

static void test_a_foreign_claim_is_doubted_and_then_defended(void)
{
	set_up();
	hold(oo_clock_now());
	CU_ASSERT_TRUE(wire.listens);
	claims(OO_FRAME_ARP_CLAIM);
	CU_ASSERT_EQUAL(n_doubts, 1);
	CU_ASSERT_EQUAL(n_repeats, 0);
	hold(oo_clock_now() + 1);
	CU_ASSERT_EQUAL(n_repeats, 1);
	CU_ASSERT_EQUAL(agent_rival_state(rival, 0).conflicts, 1);
	CU_ASSERT_STRING_EQUAL(agent_rival_state(rival, 0).mac, "02:00:00:00:00:66");
	tear_down();
}

static void test_a_renewal_that_was_sent_before_the_doubt_does_not_settle_it(void)
{
	set_up();
	const int64_t before = oo_clock_now() - 10;
	hold(before);
	claims(OO_FRAME_ARP_CLAIM);
	hold(before); /* its answer came late, or was applied again */
	CU_ASSERT_EQUAL(n_repeats, 0);
	hold(oo_clock_now() + 1);
	CU_ASSERT_EQUAL(n_repeats, 1);
	tear_down();
}

static void test_who_only_asks_whether_it_is_free_claims_nothing(void)
{
	set_up();
	hold(oo_clock_now());
	claims(OO_FRAME_ARP_PROBE);
	claims(OO_FRAME_DAD);
	CU_ASSERT_EQUAL(n_doubts, 0);
	CU_ASSERT_EQUAL(agent_rival_state(rival, 0).conflicts, 0);
	tear_down();
}

static void test_a_claim_while_it_is_not_held_here_is_none(void)
{
	set_up();
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_STANDBY});
	CU_ASSERT_FALSE(wire.listens);
	claims(OO_FRAME_ARP_CLAIM);
	CU_ASSERT_EQUAL(n_doubts, 0);
	tear_down();
}

static void test_a_binding_that_failed_is_tried_again_at_the_next_turn(void)
{
	set_up();
	hold(oo_clock_now());
	CU_ASSERT_EQUAL(n_binds, 0);
	part.link.index = 2; /* made anew */
	wire.refuses = ENODEV;
	hold(oo_clock_now());
	CU_ASSERT_EQUAL(n_binds, 1);
	hold(oo_clock_now());
	CU_ASSERT_EQUAL(n_binds, 2);
	wire.refuses = 0;
	hold(oo_clock_now());
	hold(oo_clock_now());
	CU_ASSERT_EQUAL(n_binds, 3);
	tear_down();
}

static void test_an_interface_that_went_and_is_back_is_bound_again(void)
{
	set_up();
	hold(oo_clock_now());
	part.link.exists = false;
	hold(oo_clock_now());
	part.link.exists = true; /* with the same index, and the same MAC */
	hold(oo_clock_now());
	CU_ASSERT_EQUAL(n_binds, 1);
	tear_down();
}

static void test_a_stranger_that_answers_keeps_the_address_off(void)
{
	const struct oo_address *available;
	set_up();
	part.up = false;
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_ACQUIRING});
	CU_ASSERT_EQUAL(agent_rival_select(rival, &available), 1);
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_STANDBY});
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_ACQUIRING});
	wire.answer = stranger;
	CU_ASSERT_EQUAL(agent_rival_select(rival, &available), 0);
	CU_ASSERT_STRING_EQUAL(agent_rival_state(rival, 0).error,
			       "10.0.0.100 is in use by 02:00:00:00:00:66 on eth0: not added");
	wire.answer = NULL;
	CU_ASSERT_TRUE(await(agent.event, &retried)); /* it has left */
	CU_ASSERT_EQUAL(agent_rival_select(rival, &available), 1);
	tear_down();
}

/* A second VIP is added to the group: 10.0.0.101. */
static void reload(struct agent_part *next, struct agent_rival **ret_next, bool held)
{
	more[1] = list[0];
	CU_ASSERT_EQUAL_FATAL(oo_address_parse("10.0.0.101/24", &more[0], NULL), 0);
	*next = part;
	next->list = more;
	next->n = 2;
	CU_ASSERT_EQUAL_FATAL(agent_rival_new(next, 0, ret_next, NULL), 0);
	agent_rival_inherit(*ret_next, rival, held);
}

static void test_one_that_is_added_while_held_is_asked_for_first(void)
{
	const struct oo_address *available;
	struct agent_part next;
	struct agent_rival *other;
	set_up();
	hold(oo_clock_now());
	claims(OO_FRAME_ARP_CLAIM);
	reload(&next, &other, true);
	CU_ASSERT_TRUE(wire.listens);
	CU_ASSERT_EQUAL(agent_rival_state(other, 1).conflicts, 1); /* is remembered */
	CU_ASSERT_TRUE(agent_rival_withholds(other, 0));
	CU_ASSERT_FALSE(agent_rival_withholds(other, 1));
	CU_ASSERT_EQUAL(agent_rival_select(other, &available), 1);
	CU_ASSERT_TRUE(oo_address_equal(&available[0], &list[0]));
	CU_ASSERT_TRUE(await(agent.event, &retried)); /* nobody has answered */
	CU_ASSERT_EQUAL(agent_rival_select(other, &available), 2);
	agent_rival_free(other);
	tear_down();
}

static void test_one_that_is_added_and_is_a_strangers_stays_off(void)
{
	const struct oo_address *available;
	struct agent_part next;
	struct agent_rival *other;
	set_up();
	hold(oo_clock_now());
	reload(&next, &other, true);
	wire.answer = stranger;
	CU_ASSERT_TRUE(await(agent.event, &retried));
	CU_ASSERT_EQUAL(agent_rival_select(other, &available), 1);
	CU_ASSERT_TRUE(agent_rival_withholds(other, 0));
	CU_ASSERT_STRING_NOT_EQUAL(agent_rival_state(other, 0).error, "");
	agent_rival_free(other);
	tear_down();
}

static void test_one_that_is_added_while_not_held_is_asked_for_when_it_comes(void)
{
	struct agent_part next;
	struct agent_rival *other;
	set_up();
	reload(&next, &other, false);
	CU_ASSERT_FALSE(wire.listens);
	CU_ASSERT_FALSE(agent_rival_withholds(other, 0));
	agent_rival_free(other);
	tear_down();
}

/* It goes while its VIPs are asked for, and is back. */
static void lose_and_restore_interface(void)
{
	part.up = false;
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_ACTIVE});
	part.link.exists = false;
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_ACTIVE});
	part.link.exists = true;
	wire.n_probes = 0;
	agent_rival_apply(rival, &(struct oo_want){.role = OO_ROLE_ACTIVE});
	CU_ASSERT_EQUAL(wire.n_probes, 1);
}

static void test_an_interface_that_is_back_is_asked_on_for_a_second(void)
{
	const struct oo_address *available;
	set_up();
	lose_and_restore_interface();
	CU_ASSERT_EQUAL(agent_rival_select(rival, &available), 0);
	CU_ASSERT_TRUE(await(agent.event, &retried));
	CU_ASSERT_EQUAL(wire.n_probes, 4);
	CU_ASSERT_EQUAL(agent_rival_select(rival, &available), 1);
	tear_down();
}

/* The switch forwards nothing yet when the first probe is sent. */
static void test_an_answer_to_a_later_probe_keeps_the_address_off(void)
{
	const struct oo_address *available;
	set_up();
	lose_and_restore_interface();
	wire.answers_at = 3;
	CU_ASSERT_TRUE(await(agent.event, &retried));
	CU_ASSERT_EQUAL(agent_rival_select(rival, &available), 0);
	CU_ASSERT_TRUE(agent_rival_state(rival, 0).error[0] != '\0');
	tear_down();
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_foreign_claim_is_doubted_and_then_defended),
		TEST(a_renewal_that_was_sent_before_the_doubt_does_not_settle_it),
		TEST(who_only_asks_whether_it_is_free_claims_nothing),
		TEST(a_claim_while_it_is_not_held_here_is_none),
		TEST(a_binding_that_failed_is_tried_again_at_the_next_turn),
		TEST(an_interface_that_went_and_is_back_is_bound_again),
		TEST(a_stranger_that_answers_keeps_the_address_off),
		TEST(one_that_is_added_while_held_is_asked_for_first),
		TEST(one_that_is_added_and_is_a_strangers_stays_off),
		TEST(one_that_is_added_while_not_held_is_asked_for_when_it_comes),
		TEST(an_interface_that_is_back_is_asked_on_for_a_second),
		TEST(an_answer_to_a_later_probe_keeps_the_address_off),
	};
	return run_tests("rival", tests, OO_LENGTH(tests));
}
