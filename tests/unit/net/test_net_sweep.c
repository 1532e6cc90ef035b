/*
 * The kernel's requests, with everything refused in turn: an error that says why, nothing left open,
 * and the same again works. What is refused below the drivers is tests/unit/support's.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "../support/faults.h"
#include "base/cleanup.h"
#include "event/timer.h"
#include "harness.h"
#include "net/announce.h"
#include "net/neighbour.h"
#include "net/rival.h"

#define CALLS (FAULT_MEMORY | FAULT_CALLS)

/* A link with two addresses' room, opened before the refusals begin. */
struct fixture {
	sd_event *event;    /* owned */
	struct oo_net *net; /* owned */
	struct oo_link link;
	struct oo_address list[2];
	struct oo_address_set set;
};

static void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){.event = NULL};
	make_veth(-1);
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &(struct oo_net_callbacks){0}, NULL,
				   &fixture->net, NULL) == 0);
	CU_ASSERT_FATAL(oo_net_link(fixture->net, "eth0", &fixture->link, NULL) == 0);
	fixture->list[0] = address_of("10.0.0.100/24");
	fixture->list[1] = address_of("fd00::100/64");
	fixture->set = (struct oo_address_set){
		.ifindex = fixture->link.index, .list = fixture->list, .n = 2};
}

static void fixture_done(struct fixture *fixture)
{
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
}

static bool are_present(struct fixture *fixture, bool wanted)
{
	bool present[2] = {!wanted, !wanted};
	CU_ASSERT_EQUAL(oo_net_addresses_present(fixture->net, &fixture->set, present, NULL), 0);
	return present[0] == wanted && present[1] == wanted;
}

static int try_add(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	fault_go();
	int r = oo_net_addresses_add(fixture->net, &fixture->set, 60, err);
	fault_stop();
	CU_ASSERT(r < 0 || are_present(fixture, true));
	CU_ASSERT_EQUAL(oo_net_addresses_remove(fixture->net, &fixture->set, NULL), 0);
	return r;
}

static void test_addresses_are_added_or_an_error_is_told(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT(fault_sweep(CALLS, try_add, &fixture).failed >= 3);
	fixture_done(&fixture);
}

static int try_remove(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	CU_ASSERT_EQUAL(oo_net_addresses_add(fixture->net, &fixture->set, 60, NULL), 0);
	fault_go();
	int r = oo_net_addresses_remove(fixture->net, &fixture->set, err);
	fault_stop();
	const bool gone = are_present(fixture, false); /* reopens what a refusal has closed */
	CU_ASSERT(r < 0 || gone);
	return r;
}

static void test_addresses_are_removed_or_an_error_is_told(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT(fault_sweep(CALLS, try_remove, &fixture).failed >= 2);
	fixture_done(&fixture);
}

static int try_neighbours(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	struct oo_neighbour neighbours[2] = {{.known = false}};
	fault_go();
	int r = oo_net_neighbours(fixture->net, &fixture->set, neighbours, err);
	fault_stop();
	CU_ASSERT(r < 0 || (neighbours[0].known && neighbours[1].known));
	CU_ASSERT(are_present(fixture, false)); /* reopens what a refusal has closed */
	return r;
}

static void test_neighbours_are_looked_up_or_an_error_is_told(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	ip("neighbour add 10.0.0.100 lladdr 02:00:00:00:00:07 dev eth0");
	ip("neighbour add fd00::100 lladdr 02:00:00:00:00:07 dev eth0");
	CU_ASSERT(fault_sweep(CALLS, try_neighbours, &fixture).failed >= 2);
	fixture_done(&fixture);
}

static int try_announce(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	struct oo_announcer *announcer = NULL;
	(void)err;
	CU_ASSERT_EQUAL_FATAL(oo_announcer_new(fixture->event, &announcer, NULL), 0);
	fault_go();
	int r = oo_announcer_start(announcer, &fixture->link, fixture->list, 2);
	fault_stop();
	const int64_t until = oo_clock_now() + 5000;
	while (r == 0 && oo_announcer_count(announcer) < 2 && oo_clock_now() < until) {
		CU_ASSERT_FATAL(sd_event_run(fixture->event, 100000) >= 0);
	}
	CU_ASSERT(r < 0 ||
		  oo_announcer_count(announcer) >= 2); /* by itself, whatever failed once */
	oo_announcer_free(announcer);
	return r;
}

static void test_announcing_starts_or_an_error_is_told(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT(fault_sweep_silent(CALLS, try_announce, &fixture).refused >= 3);
	fixture_done(&fixture);
}

static void on_seen(void *user, const struct oo_rival_report *report)
{
	(void)user;
	(void)report;
}

static struct oo_rival *make_rival(struct fixture *fixture)
{
	const struct oo_rival_options options = {
		.link = &fixture->link, .list = fixture->list, .n = 2, .seen = on_seen};
	struct oo_rival *rival = NULL;
	CU_ASSERT_FATAL(oo_rival_new(fixture->event, &options, &rival, NULL) == 0);
	oo_rival_listen(rival, true);
	return rival;
}

static int try_set_link(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	struct oo_rival *rival = make_rival(fixture);
	fault_go();
	int r = oo_rival_set_link(rival, &fixture->link, err);
	fault_stop();
	CU_ASSERT_EQUAL(oo_rival_set_link(rival, &fixture->link, NULL), 0); /* the next call */
	oo_rival_free(rival);
	return r;
}

static void test_a_link_that_is_back_is_listened_on_or_an_error_is_told(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT(fault_sweep(CALLS, try_set_link, &fixture).failed >= 2);
	fixture_done(&fixture);
}

static int try_probe(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	struct oo_rival *rival = make_rival(fixture);
	(void)err;
	fault_go();
	oo_rival_probe(rival, NULL);
	oo_rival_look(rival);
	fault_stop();
	if (!fault_fired()) {
		CU_ASSERT(oo_rival_is_asked(rival, 0) && oo_rival_is_asked(rival, 1));
	}
	CU_ASSERT(oo_rival_answer(rival, 0) == NULL && oo_rival_answer(rival, 1) == NULL);
	oo_rival_free(rival);
	return 0;
}

static void test_a_probe_that_did_not_leave_is_not_said_to_have(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT(fault_sweep_silent(CALLS, try_probe, &fixture).refused >= 2);
	fixture_done(&fixture);
}

static const struct named_test tests[] = {
	{"addresses are added, or an error is told", test_addresses_are_added_or_an_error_is_told},
	{"addresses are removed, or an error is told",
	 test_addresses_are_removed_or_an_error_is_told},
	{"neighbours are looked up, or an error is told",
	 test_neighbours_are_looked_up_or_an_error_is_told},
	{"announcing starts, or an error is told", test_announcing_starts_or_an_error_is_told},
	{"a link that is back is listened on, or an error is told",
	 test_a_link_that_is_back_is_listened_on_or_an_error_is_told},
	{"a probe that did not leave is not said to have",
	 test_a_probe_that_did_not_leave_is_not_said_to_have},
};

int main(void)
{
	return harness_run_isolated("net sweep", tests, OO_LENGTH(tests));
}
