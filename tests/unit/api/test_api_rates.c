#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/rate.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "fixture.h"

#define BUSY "GET /busy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define CLIENTS 10
#define SHARE 4
#define BURST_MS 20 /* of work, without a rest */

static void ask_busy(struct fixture *fixture, int fds[static CLIENTS])
{
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial_unix(fixture);
		say(fds[i], BUSY);
	}
	sd_event_run(fixture->event, 0); /* they are accepted */
}

static void test_what_is_taken_is_paid_for_by_waiting(void)
{
	struct oo_rate rate = {0};
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 1000, 300, 500), 0);
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 1000, 200, 500), 0);
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 1000, 100, 500), 100);
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 1100, 0, 500), 0);
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 1100, 1, 500), 1);
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 90000, 500, 500), 0); /* nothing is saved up */
	CU_ASSERT_EQUAL(oo_rate_take(&rate, 90000, 1, 500), 1);
}

/* All requests are there at once; what is due meanwhile must not wait for all answers. */
static void test_a_turn_ends_when_it_has_taken_long_enough(void)
{
	struct fixture fixture;
	int fds[CLIENTS];
	fixture_start(&fixture, false);
	ask_busy(&fixture, fds);
	while (fixture.asked < CLIENTS) {
		int before = fixture.asked;
		CU_ASSERT_TRUE_FATAL(sd_event_run(fixture.event, WAIT_MS * INT64_C(1000)) > 0);
		CU_ASSERT_TRUE(fixture.asked <= before + 1);
	}
	for (int i = 0; i < CLIENTS; i++) {
		struct oo_buffer heard;
		oo_buffer_init(&heard, LARGE_BYTES);
		CU_ASSERT_TRUE(hear(&fixture, fds[i], &heard));
		CU_ASSERT_PTR_NOT_NULL(strstr(heard.data, "HTTP/1.1 200 OK\r\n"));
		oo_buffer_done(&heard);
		close(fds[i]);
	}
	fixture_stop(&fixture);
}

/* Neither connection ends, nothing more arrives, no rest is due: the turn alone is to be taken. */
static void test_who_waits_for_a_turn_gets_it_soon(void)
{
	struct fixture fixture;
	int fds[2];
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(fds); i++) {
		fds[i] = dial_unix(&fixture);
		say(fds[i], "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	int64_t began = oo_clock_now();
	for (size_t i = 0; i < OO_LENGTH(fds); i++) {
		struct oo_buffer heard;
		oo_buffer_init(&heard, LARGE_BYTES);
		CU_ASSERT_TRUE(hear_text(&fixture, fds[i], &heard, "fine"));
		oo_buffer_done(&heard);
	}
	CU_ASSERT_TRUE(oo_clock_now() - began < OO_API_IDLE_S * 1000 / 2);
	for (size_t i = 0; i < OO_LENGTH(fds); i++) {
		close(fds[i]);
	}
	fixture_stop(&fixture);
}

static void test_who_waits_for_a_turn_is_no_hindrance_to_the_end(void)
{
	struct fixture fixture;
	int fds[CLIENTS];
	fixture_start(&fixture, false);
	ask_busy(&fixture, fds);
	while (fixture.asked == 0) {
		sd_event_run(fixture.event, 5000);
	}
	close(fds[0]);
	fixture_stop(&fixture); /* with nine that wait */
	for (int i = 1; i < CLIENTS; i++) {
		close(fds[i]);
	}
}

static void test_greedy_clients_get_a_quarter_of_the_time(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	int64_t began = oo_clock_now();
	for (int i = 0; i < CLIENTS; i++) {
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), BUSY);
		CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	}
	/* the last answer may follow the burst, or the rest before it, at once */
	CU_ASSERT_TRUE(oo_clock_now() - began >= SHARE * ((CLIENTS - 1) * BUSY_MS - BURST_MS));
	fixture_stop(&fixture);
}

static void test_one_listener_does_not_pay_for_the_other(void)
{
	struct fixture fixture;
	int fds[CLIENTS];
	fixture_start(&fixture, true);
	ask_busy(&fixture, fds);
	while (fixture.asked < 3) { /* the socket rests from now on */
		sd_event_run(fixture.event, 5000);
	}
	int64_t spent_us = work_us();
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_tcp(&fixture),
			   "GET /leader HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 503 "));
	CU_ASSERT_TRUE(work_us() - spent_us < BUSY_MS * 2000);
	for (int i = 0; i < CLIENTS; i++) {
		close(fds[i]);
	}
	fixture_stop(&fixture);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"what is taken is paid for by waiting", test_what_is_taken_is_paid_for_by_waiting},
		{"a turn ends when it has taken long enough",
		 test_a_turn_ends_when_it_has_taken_long_enough},
		{"who waits for a turn gets it soon", test_who_waits_for_a_turn_gets_it_soon},
		{"who waits for a turn is no hindrance to the end",
		 test_who_waits_for_a_turn_is_no_hindrance_to_the_end},
		{"greedy clients get a quarter of the time",
		 test_greedy_clients_get_a_quarter_of_the_time},
		{"one listener does not pay for the other",
		 test_one_listener_does_not_pay_for_the_other},
		CU_TEST_INFO_NULL,
	};
	return run_suite("api rates", tests);
}
