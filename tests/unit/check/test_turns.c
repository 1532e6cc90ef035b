/* What a run leaves to the next one, and checks that begin together. */
#include <sys/socket.h>

#include "../event/peer.h"
#include "event/timer.h"
#include "ran.h"

#define TRUE_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"

struct runner {
	struct watch watch;
	struct oo_check *check;
};

static void start(struct runner *runner, struct oo_timers *timers, struct oo_check_spec spec)
{
	struct oo_check_setup setup = {event, transfers, on_result, &runner->watch, 0, timers};
	*runner = (struct runner){0};
	spec.name = "x";
	spec.interval_ms = spec.timeout_ms = AWAIT_MS;
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, &spec, &runner->check, NULL), 0);
}

static struct oo_check_spec reach(int port)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_TCP,
				      .tcp.address = {"127.0.0.1", (uint16_t)port}};
}

static const struct oo_check_result *await_run(struct runner *runner)
{
	CU_ASSERT(await(event, &runner->watch.done));
	runner->watch.done = false;
	return &runner->watch.result;
}

static const struct oo_check_result *run_again(struct runner *runner)
{
	oo_check_run_now(runner->check);
	return await_run(runner);
}

static void test_a_run_after_a_good_one_connects_anew_and_sees_what_is(void)
{
	char url[64];
	struct runner runners[2];
	struct peer *peer = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", peer_port(peer));
	start(&runners[0], NULL,
	      (struct oo_check_spec){
		      .type = OO_CHECK_TYPE_HTTP,
		      .http = {.url = url, .expect = {.statuses = {{200, 200}}, .n_statuses = 1}}});
	start(&runners[1], NULL, reach(peer_port(peer)));
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(await_run(&runners[i])->reason, OO_CHECK_REASON_OK);
		CU_ASSERT_EQUAL(run_again(&runners[i])->reason, OO_CHECK_REASON_OK);
	}
	settle(event);
	CU_ASSERT_EQUAL(peer_accepted(peer), 4);
	peer_free(peer);
	for (int i = 0; i < 2; i++) {
		const struct oo_check_result *result = run_again(&runners[i]);
		CU_ASSERT_EQUAL(result->reason, OO_CHECK_REASON_REFUSED);
		CU_ASSERT_EQUAL(result->http_status, 0);
		CU_ASSERT_EQUAL(result->times.first_byte_us, 0);
		oo_check_free(runners[i].check);
	}
}

static int count_done(const struct runner *runners, int n)
{
	int done = 0;
	for (int i = 0; i < n; i++) {
		done += runners[i].watch.done;
	}
	return done;
}

/* What a turn of the loop costs is most of what many checks cost; nobody has to accept here. */
static void test_checks_that_are_due_together_take_a_few_turns_of_the_loop(void)
{
	enum { N = 20 };
	int port, turns = 0;
	struct runner runners[N];
	struct oo_timers *timers = NULL;
	OO_AUTO(oo_close) int fd = peer_refusing(&port);
	CU_ASSERT_EQUAL_FATAL(listen(fd, N), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timers_new(event, &timers, NULL), 0);
	for (int i = 0; i < N; i++) {
		start(&runners[i], timers, reach(port));
	}
	while (count_done(runners, N) < N && turns < 1000) {
		sd_event_run(event, 10000);
		turns++;
	}
	CU_ASSERT(turns <= 6); /* begin, connect, be connected */
	for (int i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(runners[i].watch.result.reason, OO_CHECK_REASON_OK);
		oo_check_free(runners[i].check);
	}
	oo_timers_free(timers);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_run_after_a_good_one_connects_anew_and_sees_what_is),
		TEST(checks_that_are_due_together_take_a_few_turns_of_the_loop),
	};
	return run_check_tests("check turns", tests, OO_LENGTH(tests));
}
