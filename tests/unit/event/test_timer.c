#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

#include "await.h"
#include "testing.h"

struct watched {
	struct oo_timer timer;
	bool fired;
	int times;
	int64_t fired_at;
	int64_t again_at; /* what the callback arms it for; 0: nothing */
	struct oo_timer *other;
};

static void on_timer(struct oo_timer *timer)
{
	struct watched *watched = oo_container_of(timer, struct watched, timer);
	watched->fired = true;
	watched->times++;
	watched->fired_at = oo_clock_now();
	if (watched->again_at != 0) {
		oo_timer_set(timer, watched->again_at);
		watched->again_at = 0;
	}
}

static void test_a_timer_fires_once_and_never_early(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched watched = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&watched.timer, event, on_timer), 0);
	for (int ms = 1; ms < 40; ms += 3) {
		int64_t at = oo_clock_now() + ms;
		watched.fired = false;
		oo_timer_set(&watched.timer, at);
		CU_ASSERT(await(event, &watched.fired));
		CU_ASSERT(watched.fired_at >= at);
		CU_ASSERT(watched.fired_at <= at + 200); /* sd-event's default would allow 250 */
	}
	settle(event);
	CU_ASSERT_EQUAL(watched.times, 13);
	oo_timer_done(&watched.timer);
}

static void test_an_unarmed_timer_never_fires(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched unarmed = {0}, disarmed = {0}, later = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&unarmed.timer, event, on_timer), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&disarmed.timer, event, on_timer), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&later.timer, event, on_timer), 0);
	oo_timer_set(&disarmed.timer, oo_clock_now() + 5);
	oo_timer_set(&disarmed.timer, OO_NEVER);
	oo_timer_set(&later.timer, oo_clock_now() + 20);
	CU_ASSERT(await(event, &later.fired));
	CU_ASSERT_FALSE(unarmed.fired);
	CU_ASSERT_FALSE(disarmed.fired);
	oo_timer_done(&unarmed.timer);
	oo_timer_done(&disarmed.timer);
	oo_timer_done(&later.timer);
}

static void test_arming_again_replaces_the_time(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched watched = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&watched.timer, event, on_timer), 0);
	int64_t at = oo_clock_now() + 30;
	oo_timer_set(&watched.timer, oo_clock_now() + 5);
	oo_timer_set(&watched.timer, at);
	CU_ASSERT(await(event, &watched.fired));
	CU_ASSERT(watched.fired_at >= at);

	oo_timer_set(&watched.timer, oo_clock_now() + AWAIT_MS);
	oo_timer_set(&watched.timer, oo_clock_now() + 1);
	watched.fired = false;
	CU_ASSERT(await(event, &watched.fired));
	CU_ASSERT_EQUAL(watched.times, 2);
	oo_timer_done(&watched.timer);
}

static void test_a_past_time_fires_at_the_next_turn(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	static const int64_t past[] = {INT64_MIN, -1, 0, 1};
	struct watched watched = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&watched.timer, event, on_timer), 0);
	for (size_t i = 0; i < OO_LENGTH(past); i++) {
		watched.fired = false;
		oo_timer_set(&watched.timer, past[i]);
		CU_ASSERT_FALSE(watched.fired);
		settle(event);
		CU_ASSERT(watched.fired);
	}
	oo_timer_done(&watched.timer);
}

static void test_a_past_time_is_replaced_and_replaces(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched disarmed = {0}, delayed = {0}, hurried = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&disarmed.timer, event, on_timer), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&delayed.timer, event, on_timer), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&hurried.timer, event, on_timer), 0);
	int64_t at = oo_clock_now() + 20;
	oo_timer_set(&disarmed.timer, 0);
	oo_timer_set(&disarmed.timer, OO_NEVER);
	oo_timer_set(&delayed.timer, 0);
	oo_timer_set(&delayed.timer, at);
	oo_timer_set(&hurried.timer, oo_clock_now() + 5);
	oo_timer_set(&hurried.timer, 0);
	settle(event);
	CU_ASSERT(hurried.fired);
	CU_ASSERT(await(event, &delayed.fired));
	CU_ASSERT(delayed.fired_at >= at);
	CU_ASSERT_FALSE(disarmed.fired);
	CU_ASSERT_EQUAL(delayed.times, 1);
	CU_ASSERT_EQUAL(hurried.times, 1);
	oo_timer_done(&disarmed.timer);
	oo_timer_done(&delayed.timer);
	oo_timer_done(&hurried.timer);
}

static void test_a_priority_holds_for_past_times_too(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched first = {0}, second = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&first.timer, event, on_timer), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&second.timer, event, on_timer), 0);
	CU_ASSERT(sd_event_source_set_priority(first.timer.source, SD_EVENT_PRIORITY_IMPORTANT) >=
		  0);
	oo_timer_set(&second.timer, 0);
	oo_timer_set(&first.timer, 0);
	CU_ASSERT(sd_event_run(event, 0) > 0);
	CU_ASSERT(first.fired);
	CU_ASSERT_FALSE(second.fired);
	oo_timer_done(&first.timer);
	oo_timer_done(&second.timer);
}

static void test_a_timer_may_be_armed_in_its_own_callback(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched watched = {.fired = false};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&watched.timer, event, on_timer), 0);
	int64_t again_at = oo_clock_now() + 10;
	watched.again_at = again_at;
	oo_timer_set(&watched.timer, 0);
	CU_ASSERT(await(event, &watched.fired));
	watched.fired = false;
	CU_ASSERT(await(event, &watched.fired));
	CU_ASSERT_EQUAL(watched.times, 2);
	CU_ASSERT(watched.fired_at >= again_at);
	oo_timer_done(&watched.timer);
}

static void end_other_and_self(struct oo_timer *timer)
{
	struct watched *watched = oo_container_of(timer, struct watched, timer);
	watched->fired = true;
	oo_timer_done(watched->other);
	oo_timer_done(timer);
}

static void test_a_timer_may_end_itself_and_another_in_its_callback(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched one = {0}, other = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&one.timer, event, end_other_and_self), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&other.timer, event, end_other_and_self), 0);
	one.other = &other.timer;
	other.other = &one.timer;
	oo_timer_set(&one.timer, 0);
	oo_timer_set(&other.timer, 0); /* both are due; the first to run ends the other */
	settle(event);
	CU_ASSERT(one.fired != other.fired);
	oo_timer_done(&one.timer); /* again: harmless */
	oo_timer_done(&(struct oo_timer){0});
}

/* Whoever is freed after the loop has ended still disarms, and libcurl still asks for a timer. */
static void test_a_timer_may_be_set_when_the_loop_is_over(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct watched watched = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&watched.timer, event, on_timer), 0);
	CU_ASSERT(sd_event_exit(event, 0) >= 0);
	CU_ASSERT_EQUAL(sd_event_loop(event), 0);
	oo_timer_set(&watched.timer, 0);
	oo_timer_set(&watched.timer, OO_NEVER);
	CU_ASSERT_FALSE(watched.fired);
	oo_timer_done(&watched.timer);
}

static void test_among_others_a_timer_fires_once_and_never_early(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct oo_timers *timers = NULL;
	struct watched watched[5] = {0};
	int64_t now = oo_clock_now();
	CU_ASSERT_EQUAL_FATAL(oo_timers_new(event, &timers, NULL), 0);
	for (int i = 0; i < 5; i++) {
		oo_timer_init_among(&watched[i].timer, timers, on_timer);
		oo_timer_set(&watched[i].timer, now + 10 * (5 - i));
	}
	oo_timer_set(&watched[0].timer, now + 5); /* first after all */
	oo_timer_set(&watched[3].timer, now + 60);
	oo_timer_set(&watched[4].timer, OO_NEVER);
	watched[1].again_at = now + 55;
	CU_ASSERT(await(event, &watched[3].fired));
	CU_ASSERT(watched[0].times == 1 && watched[0].fired_at >= now + 5);
	CU_ASSERT(watched[0].fired_at < watched[2].fired_at);
	CU_ASSERT(watched[1].times == 2 && watched[1].fired_at >= now + 55);
	CU_ASSERT(watched[2].times == 1 && watched[2].fired_at >= now + 30);
	CU_ASSERT(watched[3].times == 1 && watched[3].fired_at >= now + 60);
	settle(event);
	CU_ASSERT_EQUAL(watched[4].times, 0);
	for (int i = 0; i < 5; i++) {
		oo_timer_done(&watched[i].timer);
	}
	oo_timers_free(timers);
}

static void test_timers_among_others_that_are_due_fire_in_one_turn(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct oo_timers *timers = NULL;
	struct watched watched[20] = {0};
	int n = 0;
	CU_ASSERT_EQUAL_FATAL(oo_timers_new(event, &timers, NULL), 0);
	for (size_t i = 0; i < OO_LENGTH(watched); i++) {
		oo_timer_init_among(&watched[i].timer, timers, on_timer);
		oo_timer_set(&watched[i].timer, i % 2 == 0 ? 0 : oo_clock_now());
	}
	CU_ASSERT(sd_event_run(event, 0) > 0);
	for (size_t i = 0; i < OO_LENGTH(watched); i++) {
		n += watched[i].times;
		oo_timer_done(&watched[i].timer);
	}
	CU_ASSERT_EQUAL(n, (int)OO_LENGTH(watched));
	oo_timers_free(timers);
}

static void on_turn_of_others(struct oo_timer *timer)
{
	struct watched *watched = oo_container_of(timer, struct watched, timer);
	watched->times++;
	oo_timer_done(timer);
	oo_timer_done(watched->other);
}

/* The one made last is the first to fire: it ends itself and the one that would be next. */
static void test_a_timer_may_end_itself_and_others_that_are_due(void)
{
	OO_AUTO(sd_event_unrefp) sd_event *event = new_loop();
	struct oo_timers *timers = NULL;
	struct watched watched[3] = {0};
	CU_ASSERT_EQUAL_FATAL(oo_timers_new(event, &timers, NULL), 0);
	for (int i = 0; i < 3; i++) {
		oo_timer_init_among(&watched[i].timer, timers,
				    i == 2 ? on_turn_of_others : on_timer);
		oo_timer_set(&watched[i].timer, 0);
	}
	watched[2].other = &watched[1].timer;
	CU_ASSERT(await(event, &watched[0].fired));
	CU_ASSERT_EQUAL(watched[2].times, 1);
	CU_ASSERT_EQUAL(watched[1].times, 0);
	oo_timer_done(&watched[0].timer);
	oo_timers_free(timers);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(among_others_a_timer_fires_once_and_never_early),
		TEST(timers_among_others_that_are_due_fire_in_one_turn),
		TEST(a_timer_may_end_itself_and_others_that_are_due),
		TEST(a_timer_fires_once_and_never_early),
		TEST(an_unarmed_timer_never_fires),
		TEST(arming_again_replaces_the_time),
		TEST(a_past_time_fires_at_the_next_turn),
		TEST(a_past_time_is_replaced_and_replaces),
		TEST(a_priority_holds_for_past_times_too),
		TEST(a_timer_may_be_armed_in_its_own_callback),
		TEST(a_timer_may_end_itself_and_another_in_its_callback),
		TEST(a_timer_may_be_set_when_the_loop_is_over),
	};
	return run_tests("timer", tests, OO_LENGTH(tests));
}
