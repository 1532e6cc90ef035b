/* A carrier that is lost or comes back counts when it has lasted; an interface that is off, at once. */
#include "carrier.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/testing.h"

#define START 5000

static struct agent_carrier carrier_with_link(void)
{
	struct agent_carrier carrier = {0};
	agent_carrier_see(&carrier, true, true, START);
	return carrier;
}

static void test_what_is_first_seen_counts_at_once(void)
{
	struct agent_carrier up = {0}, down = {0}, off = {0};
	agent_carrier_see(&up, true, true, START);
	agent_carrier_see(&down, true, false, START);
	agent_carrier_see(&off, false, true, START);
	CU_ASSERT_TRUE(up.counts);
	CU_ASSERT_FALSE(down.counts);
	CU_ASSERT_FALSE(off.counts);
	CU_ASSERT_EQUAL(agent_carrier_due_at(&up), OO_NEVER);
	CU_ASSERT_EQUAL(agent_carrier_due_at(&down), OO_NEVER);
}

static void test_a_lost_carrier_counts_when_it_has_lasted(void)
{
	struct agent_carrier carrier = carrier_with_link();
	const int64_t lost_at = START + 100;
	agent_carrier_see(&carrier, true, false, lost_at);
	CU_ASSERT_TRUE(carrier.counts);
	CU_ASSERT_EQUAL(agent_carrier_due_at(&carrier), lost_at + AGENT_CARRIER_DOWN_MS);
	/* said again, which happens for whatever reason, is no new loss */
	agent_carrier_see(&carrier, true, false, lost_at + 200);
	agent_carrier_settle(&carrier, lost_at + AGENT_CARRIER_DOWN_MS - 1);
	CU_ASSERT_TRUE(carrier.counts);
	agent_carrier_settle(&carrier, lost_at + AGENT_CARRIER_DOWN_MS);
	CU_ASSERT_FALSE(carrier.counts);
	CU_ASSERT_EQUAL(agent_carrier_due_at(&carrier), OO_NEVER);
}

static void test_a_glitch_does_not_count(void)
{
	struct agent_carrier carrier = carrier_with_link();
	agent_carrier_see(&carrier, true, false, START + 100);
	agent_carrier_see(&carrier, true, true, START + 100 + AGENT_CARRIER_DOWN_MS - 1);
	CU_ASSERT_TRUE(carrier.counts);
	CU_ASSERT_EQUAL(agent_carrier_due_at(&carrier), OO_NEVER);
}

static void test_an_interface_that_is_off_counts_at_once(void)
{
	struct agent_carrier carrier = carrier_with_link();
	agent_carrier_see(&carrier, false, false, START + 100);
	CU_ASSERT_FALSE(carrier.counts);
}

static void test_a_carrier_that_flaps_stays_down(void)
{
	struct agent_carrier carrier = carrier_with_link();
	int64_t now = START;
	agent_carrier_see(&carrier, false, false, now);
	for (int i = 0; i < 10; i++) {
		agent_carrier_see(&carrier, true, true, now += 50);
		agent_carrier_settle(&carrier, now += AGENT_CARRIER_UP_MS - 1);
		CU_ASSERT_FALSE(carrier.counts);
		agent_carrier_see(&carrier, true, false, now);
	}
	agent_carrier_see(&carrier, true, true, now);
	CU_ASSERT_EQUAL(agent_carrier_due_at(&carrier), now + AGENT_CARRIER_UP_MS);
	agent_carrier_settle(&carrier, now + AGENT_CARRIER_UP_MS);
	CU_ASSERT_TRUE(carrier.counts);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(what_is_first_seen_counts_at_once),
		TEST(a_lost_carrier_counts_when_it_has_lasted),
		TEST(a_glitch_does_not_count),
		TEST(an_interface_that_is_off_counts_at_once),
		TEST(a_carrier_that_flaps_stays_down),
	};
	return run_tests("carrier", tests, OO_LENGTH(tests));
}
