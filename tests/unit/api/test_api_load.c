#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"
#include "fixture.h"

#define REQUEST "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define PER_ADDRESS 16

static void turn(struct fixture *fixture, int times)
{
	for (int i = 0; i < times; i++) {
		sd_event_run(fixture->event, 0);
	}
}

static void dial_many(struct fixture *fixture, int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		fds[i] = dial_unix(fixture);
		turn(fixture, 2);
	}
}

static void hang_up_many(int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		oo_close(&fds[i]);
	}
}

static bool is_answered(struct fixture *fixture, int fd, const char *request)
{
	OO_AUTO(oo_free) char *answer = ask(fixture, fd, request);
	return strstr(answer, "HTTP/1.1 200 OK\r\n") != NULL;
}

static void test_idle_connections_keep_nobody_waiting(void)
{
	struct fixture fixture;
	int idle[OO_API_CONNECTIONS_MAX - 1];
	fixture_start(&fixture, false);
	dial_many(&fixture, idle, OO_LENGTH(idle));
	int64_t started = oo_clock_now();
	CU_ASSERT_TRUE(is_answered(&fixture, dial_unix(&fixture), REQUEST));
	CU_ASSERT_TRUE(oo_clock_now() - started < OO_API_IDLE_S * 1000 / 2);
	hang_up_many(idle, OO_LENGTH(idle));
	fixture_stop(&fixture);
}

/* All leave in one go, so that neither an event nor a timeout of theirs is left to wake anybody. */
static void test_who_waits_for_a_place_gets_it_when_the_others_leave(void)
{
	struct fixture fixture;
	int idle[OO_API_CONNECTIONS_MAX];
	fixture_start(&fixture, false);
	dial_many(&fixture, idle, OO_LENGTH(idle));
	int waiting = dial_unix(&fixture);
	say(waiting, REQUEST);
	turn(&fixture, 20);
	CU_ASSERT_EQUAL(fixture.asked, 0); /* the limit holds */
	hang_up_many(idle, OO_LENGTH(idle));
	int64_t started = oo_clock_now();
	struct oo_buffer heard;
	oo_buffer_init(&heard, LARGE_BYTES);
	CU_ASSERT_TRUE(hear(&fixture, waiting, &heard));
	CU_ASSERT_TRUE(oo_clock_now() - started < OO_API_IDLE_S * 1000 / 2);
	CU_ASSERT_EQUAL(fixture.asked, 1);
	oo_buffer_done(&heard);
	close(waiting);
	fixture_stop(&fixture);
}

/* Takes its ten seconds: it is the timeout that is under test. */
static void test_idle_connections_are_closed_and_make_room(void)
{
	struct fixture fixture;
	int idle[OO_API_CONNECTIONS_MAX];
	fixture_start(&fixture, false);
	dial_many(&fixture, idle, OO_LENGTH(idle));
	int64_t started = oo_clock_now();
	CU_ASSERT_TRUE(is_answered(&fixture, dial_unix(&fixture), REQUEST));
	int64_t took_ms = oo_clock_now() - started;
	CU_ASSERT_TRUE(took_ms > OO_API_IDLE_S * 1000 / 2);
	CU_ASSERT_TRUE(took_ms < OO_API_IDLE_S * 1000 + 5000);
	hang_up_many(idle, OO_LENGTH(idle));
	fixture_stop(&fixture);
}

static void test_strangers_on_tcp_do_not_keep_the_operator_out(void)
{
	struct fixture fixture;
	int idle[OO_API_CONNECTIONS_MAX + 10];
	fixture_start(&fixture, true);
	for (size_t i = 0; i < OO_LENGTH(idle); i++) {
		idle[i] = dial_tcp(&fixture);
	}
	turn(&fixture, 50);
	int64_t started = oo_clock_now();
	CU_ASSERT_TRUE(is_answered(&fixture, dial_unix(&fixture), REQUEST));
	CU_ASSERT_TRUE(oo_clock_now() - started < OO_API_IDLE_S * 1000 / 2);
	hang_up_many(idle, OO_LENGTH(idle));
	fixture_stop(&fixture);
}

static void test_one_address_gets_only_its_share_of_tcp(void)
{
	struct fixture fixture;
	int idle[PER_ADDRESS];
	fixture_start(&fixture, true);
	for (size_t i = 0; i < OO_LENGTH(idle); i++) {
		idle[i] = dial_tcp(&fixture);
	}
	turn(&fixture, 50);
	int one_more = dial_tcp(&fixture);
	struct oo_buffer heard;
	oo_buffer_init(&heard, LARGE_BYTES);
	int64_t started = oo_clock_now();
	CU_ASSERT_TRUE(hear(&fixture, one_more, &heard)); /* hung up on */
	CU_ASSERT_TRUE(oo_clock_now() - started < OO_API_IDLE_S * 1000 / 2);
	CU_ASSERT_EQUAL(heard.length, 0);
	close(one_more);
	hang_up_many(idle, 1);
	turn(&fixture, 10);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_tcp(&fixture),
			   "GET /leader HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 503 "));
	hang_up_many(idle, OO_LENGTH(idle));
	oo_buffer_done(&heard);
	fixture_stop(&fixture);
}

static void test_a_client_that_does_not_read_delays_nobody(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	int slow = dial_unix(&fixture);
	say(slow, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	turn(&fixture, 20);
	CU_ASSERT_EQUAL(fixture.asked, 1);
	CU_ASSERT_TRUE(is_answered(&fixture, dial_unix(&fixture), REQUEST));
	/* nothing is left to do for it: a loop that spins on it would never come to rest */
	turn(&fixture, 20);
	CU_ASSERT_EQUAL(sd_event_run(fixture.event, 50000), 0);
	/* and once it reads it gets all of it */
	struct oo_buffer heard;
	oo_buffer_init(&heard, 2 * LARGE_BYTES);
	CU_ASSERT_TRUE(hear(&fixture, slow, &heard));
	CU_ASSERT_TRUE(heard.length > LARGE_BYTES);
	oo_buffer_done(&heard);
	close(slow);
	fixture_stop(&fixture);
}

static void test_a_client_that_writes_byte_by_byte_delays_nobody(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	int slow = dial_unix(&fixture);
	int answered = 0;
	for (const char *byte = REQUEST; *byte != '\0'; byte++) {
		say(slow, (char[]){*byte, '\0'});
		turn(&fixture, 3);
		if ((byte - REQUEST) % 10 == 0) {
			answered += is_answered(&fixture, dial_unix(&fixture), REQUEST) ? 1 : 0;
		}
	}
	CU_ASSERT_EQUAL(answered, (int)(sizeof(REQUEST) + 8) / 10);
	struct oo_buffer heard;
	oo_buffer_init(&heard, LARGE_BYTES);
	CU_ASSERT_TRUE(hear(&fixture, slow, &heard));
	CU_ASSERT_PTR_NOT_NULL(strstr(heard.data, "HTTP/1.1 200 OK\r\n"));
	oo_buffer_done(&heard);
	close(slow);
	fixture_stop(&fixture);
}

struct alarm {
	struct oo_timer timer;
	int rang;
};

static void on_alarm(struct oo_timer *timer)
{
	oo_container_of(timer, struct alarm, timer)->rang++;
}

#define TWO_REQUESTS                                                                               \
	"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"                                               \
	"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"

static void test_a_deadline_comes_before_any_request(void)
{
	struct fixture fixture;
	struct alarm alarm = {.rang = 0};
	int busy[8];
	fixture_start(&fixture, false);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&alarm.timer, fixture.event, on_alarm), 0);
	dial_many(&fixture, busy, OO_LENGTH(busy));
	for (int round = 1; round <= 100; round++) {
		say(busy[round % 8], "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
		oo_timer_set(&alarm.timer, 0);
		turn(&fixture, 1);
		CU_ASSERT_EQUAL(alarm.rang, round);
	}
	turn(&fixture, 500);
	CU_ASSERT_EQUAL(fixture.asked, 100); /* and the clients get their turn after it */
	oo_timer_done(&alarm.timer);
	hang_up_many(busy, OO_LENGTH(busy));
	fixture_stop(&fixture);
}

/* The second of two requests sent at once is work that no event announces: the API's timer does. */
static void test_a_deadline_comes_before_work_left_over(void)
{
	struct fixture fixture;
	struct alarm alarm = {.rang = 0};
	fixture_start(&fixture, false);
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&alarm.timer, fixture.event, on_alarm), 0);
	int busy = dial_unix(&fixture);
	turn(&fixture, 5);
	for (int round = 1; round <= 20; round++) {
		say(busy, TWO_REQUESTS);
		turn(&fixture, 1);
		int64_t due_at = oo_clock_now() + 2;
		oo_timer_set(&alarm.timer, due_at);
		while (oo_clock_now() <= due_at) {
			usleep(500);
		}
		turn(&fixture, 1);
		CU_ASSERT_EQUAL(alarm.rang, round);
		turn(&fixture, 10);
		CU_ASSERT_EQUAL(fixture.asked, 2 * round);
	}
	oo_timer_done(&alarm.timer);
	oo_close(&busy);
	fixture_stop(&fixture);
}

static void test_nothing_wakes_the_loop_while_nobody_asks(void)
{
	struct fixture fixture;
	fixture_start(&fixture, true);
	CU_ASSERT_TRUE(is_answered(&fixture, dial_unix(&fixture), REQUEST));
	turn(&fixture, 20);
	CU_ASSERT_EQUAL(sd_event_run(fixture.event, 50000), 0);
	fixture_stop(&fixture);
}

static void test_an_api_with_clients_can_be_freed(void)
{
	struct fixture fixture;
	int idle[10];
	fixture_start(&fixture, true);
	dial_many(&fixture, idle, OO_LENGTH(idle));
	say(idle[0], "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
	say(idle[1], "GET /v1/sta");
	turn(&fixture, 10);
	fixture_stop(&fixture);
	hang_up_many(idle, OO_LENGTH(idle));
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"idle connections keep nobody waiting", test_idle_connections_keep_nobody_waiting},
		{"who waits for a place gets it when the others leave",
		 test_who_waits_for_a_place_gets_it_when_the_others_leave},
		{"idle connections are closed and make room",
		 test_idle_connections_are_closed_and_make_room},
		{"strangers on tcp do not keep the operator out",
		 test_strangers_on_tcp_do_not_keep_the_operator_out},
		{"one address gets only its share of tcp",
		 test_one_address_gets_only_its_share_of_tcp},
		{"a client that does not read delays nobody",
		 test_a_client_that_does_not_read_delays_nobody},
		{"a client that writes byte by byte delays nobody",
		 test_a_client_that_writes_byte_by_byte_delays_nobody},
		{"a deadline comes before any request", test_a_deadline_comes_before_any_request},
		{"a deadline comes before work left over",
		 test_a_deadline_comes_before_work_left_over},
		{"nothing wakes the loop while nobody asks",
		 test_nothing_wakes_the_loop_while_nobody_asks},
		{"an api with clients can be freed", test_an_api_with_clients_can_be_freed},
		CU_TEST_INFO_NULL,
	};
	return run_suite("api under load", tests);
}
