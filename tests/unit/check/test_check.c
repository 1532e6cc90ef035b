/* When a check runs, and what it is not made of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../event/await.h"
#include "../event/peer.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "check/check.h"
#include "event/timer.h"
#include "event/transfer.h"

#define TRUE_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"

static sd_event *event;
static struct oo_transfers *transfers;
static struct oo_timers *timers;

struct watch {
	struct oo_check *check;
	bool done;
	int n, wanted; /* done once n is wanted */
	int64_t at[16];
	struct oo_check_result result;
	bool frees;
};

static void on_result(void *user, const struct oo_check *check,
		      const struct oo_check_result *result)
{
	struct watch *watch = user;
	CU_ASSERT_PTR_EQUAL(check, watch->check);
	watch->result = *result;
	watch->at[watch->n++ % 16] = oo_clock_now();
	watch->done = watch->n >= watch->wanted;
	if (watch->frees) {
		oo_check_free(watch->check);
		watch->check = NULL;
	}
}

static struct oo_check_spec web(int port, char url[static 64])
{
	snprintf(url, 64, "http://127.0.0.1:%d/x", port);
	return (struct oo_check_spec){
		.type = OO_CHECK_TYPE_HTTP,
		.name = "web",
		.http = {.url = url, .expect = {.statuses = {{200, 200}}, .n_statuses = 1}},
		.interval_ms = AWAIT_MS,
		.timeout_ms = AWAIT_MS};
}

static void start(struct watch *watch, const struct oo_check_spec *spec, int wanted)
{
	struct oo_check_setup setup = {event, transfers, on_result, watch, 0, timers};
	*watch = (struct watch){.wanted = wanted};
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, spec, &watch->check, NULL), 0);
}

static void set_up(void)
{
	event = new_loop();
	transfers = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(oo_timers_new(event, &timers, NULL), 0);
}

static void tear_down(void)
{
	oo_timers_free(timers);
	oo_transfers_free(transfers);
	event = sd_event_unref(event);
}

static const struct oo_check_spec good_web = {
	.type = OO_CHECK_TYPE_HTTP,
	.name = "x",
	.http = {.url = "http://h/", .expect = {.statuses = {{200, 200}}, .n_statuses = 1}},
	.interval_ms = 1,
	.timeout_ms = 1};
static const struct oo_check_spec good_port = {.type = OO_CHECK_TYPE_TCP,
					       .name = "x",
					       .tcp = {.address = {"h", 1}},
					       .interval_ms = 1,
					       .timeout_ms = 1};

static void refuse(const struct oo_check_spec *spec, const char *text)
{
	struct oo_check_setup setup = {event, transfers, on_result, NULL, 0, NULL};
	struct oo_check *check = NULL;
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_check_new(&setup, spec, &check, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, text);
	if (strcmp(err.text, text) != 0) {
		printf("got: %s\n", err.text);
	}
	CU_ASSERT_PTR_NULL(check);
	oo_check_free(check);
}

static void test_a_bad_value_is_refused_with_what_would_be_right(void)
{
	struct oo_check_spec spec = good_web;
	spec.name = NULL;
	refuse(&spec, "check: must have a name");
	spec.name = "";
	refuse(&spec, "check: must have a name");
	spec = good_web;
	spec.type = OO_CHECK_TYPE_NONE;
	refuse(&spec, "check x: type: must be given");
	spec = good_web;
	spec.interval_ms = 0;
	refuse(&spec, "check x: interval: must be positive");
	spec = good_web;
	spec.timeout_ms = -1;
	refuse(&spec, "check x: timeout: must be positive");
	spec = good_web;
	spec.http.expect.n_statuses = 0;
	refuse(&spec, "check x: expected status: must be given");
	spec.http.expect.n_statuses = 1;
	spec.http.expect.statuses[0].least = 99;
	refuse(&spec, "check x: expected status: must be 100 to 599");
	spec.http.expect.statuses[0] = (struct oo_check_range){599, 600};
	refuse(&spec, "check x: expected status: must be 100 to 599");
	spec.http.expect.statuses[0] = (struct oo_check_range){300, 200};
	refuse(&spec, "check x: expected status: must be 100 to 599");
	spec = good_port;
	spec.tcp.address.port = 0;
	refuse(&spec, "check x: port 0: must be 1 to 65535");
}

#define SCHEME_WANTED "must begin with http:// or https://"
#define URL_WANTED "; must be http://host/path or https://host/path"
#define HOST_WANTED "host: must be a name, or an address without brackets"

static void test_a_bad_place_is_refused_with_what_would_be_right(void)
{
	static const struct {
		const char *url, *text;
	} urls[] = {
		{NULL, SCHEME_WANTED},
		{"", SCHEME_WANTED},
		{"127.0.0.1/health", SCHEME_WANTED},
		{"ftp://h/", SCHEME_WANTED},
		{"http://", "No host part in the URL" URL_WANTED},
		{"http://h:99999/",
		 "Port number was not a decimal number between 0 and 65535" URL_WANTED},
		{"http://h h/", "Bad hostname" URL_WANTED},
		{"http://[::g]/", "Bad IPv6 address" URL_WANTED},
		{"http://user:secret@h/", "must not have a user or password in it"},
		{"http://user@h/", "must not have a user or password in it"},
	};
	static const struct {
		const char *host, *text;
	} hosts[] = {
		{NULL, HOST_WANTED},           {"", HOST_WANTED},
		{"[::1]", HOST_WANTED},        {"h/x", HOST_WANTED},
		{"u@h", HOST_WANTED},          {"h h", HOST_WANTED},
		{"fe80::1%eth0", HOST_WANTED}, {"h:80", "url: Bad IPv6 address" URL_WANTED},
	};
	char text[200];
	for (size_t i = 0; i < OO_LENGTH(urls); i++) {
		struct oo_check_spec spec = good_web;
		spec.http.url = urls[i].url;
		snprintf(text, sizeof(text), "check x: url: %s", urls[i].text);
		refuse(&spec, text);
	}
	for (size_t i = 0; i < OO_LENGTH(hosts); i++) {
		struct oo_check_spec spec = good_port;
		spec.tcp.address.host = hosts[i].host;
		snprintf(text, sizeof(text), "check x: %s", hosts[i].text);
		refuse(&spec, text);
	}
}

static void test_a_spec_is_copied(void)
{
	char url[64];
	struct oo_check_spec spec = web(1, url);
	struct watch watch;
	start(&watch, &spec, 1);
	spec = (struct oo_check_spec){0};
	const struct oo_check_spec *copy = oo_check_get_spec(watch.check);
	CU_ASSERT_STRING_EQUAL(copy->name, "web");
	CU_ASSERT_STRING_EQUAL(copy->http.url, "http://127.0.0.1:1/x");
	CU_ASSERT_EQUAL(copy->http.expect.statuses[0].least, 200);
	oo_check_free(watch.check);
}

static void test_the_first_run_comes_at_once_and_others_within_an_interval(void)
{
	char url[64];
	struct watch watch;
	struct peer *peer = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	struct oo_check_spec spec = web(peer_port(peer), url);
	int64_t started_at = oo_clock_now();
	spec.interval_ms = 500;
	start(&watch, &spec, 3);
	CU_ASSERT_EQUAL(watch.n, 0); /* not inside new */
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT(watch.at[0] - started_at < 450);
	CU_ASSERT(watch.at[2] - started_at >= 499);
	CU_ASSERT(watch.at[2] - started_at < 1450);
	CU_ASSERT_EQUAL(watch.result.state, OO_CHECK_STATE_UP);
	CU_ASSERT_EQUAL(peer_accepted(peer), 3); /* a connection each */
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_runs_get_into_phase_and_are_never_nearer_than_half_an_interval(void)
{
	char url[64];
	struct watch watch = {.wanted = 4};
	struct peer *peer = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	struct oo_check_spec spec = web(peer_port(peer), url);
	int64_t soon = oo_clock_now() + 40;
	struct oo_check_setup setup = {event, transfers, on_result, &watch, soon, NULL};
	spec.interval_ms = 500;
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, &spec, &watch.check, NULL), 0);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT(watch.at[1] - watch.at[0] >= 200);
	CU_ASSERT(watch.at[2] - watch.at[1] >= 200);
	CU_ASSERT((watch.at[2] - soon) % 500 < 200);
	CU_ASSERT((watch.at[3] - soon) % 500 < 200);
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_the_time_that_runs_take_does_not_add_up(void)
{
	char url[64];
	struct watch watch;
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_spec spec = web(peer_port(peer), url);
	spec.interval_ms = 300;
	spec.timeout_ms = 240;
	start(&watch, &spec, 5);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT(watch.at[4] - watch.at[2] < 1000); /* 600, and not twice 540 */
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_a_run_longer_than_the_interval_delays_the_next_and_never_overlaps(void)
{
	char url[64];
	struct watch watch;
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_spec spec = web(peer_port(peer), url);
	int64_t started_at = oo_clock_now();
	spec.interval_ms = 20;
	spec.timeout_ms = 100;
	start(&watch, &spec, 3);
	while (!watch.done && oo_clock_now() - started_at < AWAIT_MS) {
		sd_event_run(event, 5000);
		CU_ASSERT(peer_accepted(peer) <= watch.n + 1);
	}
	CU_ASSERT(watch.at[2] - started_at >= 297);
	CU_ASSERT(watch.at[2] - started_at < 1500); /* the next starts at once */
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_SILENT);
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_run_now_brings_the_next_run_forward_and_makes_no_second_one(void)
{
	char url[64];
	struct watch watch;
	struct peer *peer = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	struct oo_check_spec spec = web(peer_port(peer), url);
	start(&watch, &spec, 1);
	CU_ASSERT(await(event, &watch.done));
	for (int n = 2; n < 5; n++) {
		watch.done = false;
		watch.wanted = n;
		oo_check_run_now(watch.check);
		oo_check_run_now(watch.check);
		CU_ASSERT_EQUAL(watch.n, n - 1); /* not inside the call */
		sd_event_run(event, 0);
		oo_check_run_now(watch.check); /* under way: no more than that */
		CU_ASSERT(await(event, &watch.done));
	}
	settle(event);
	CU_ASSERT_EQUAL(watch.n, 4);
	CU_ASSERT_EQUAL(peer_accepted(peer), 4);
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_run_now_does_not_put_off_the_deadline_of_a_run(void)
{
	char url[64];
	struct watch watch;
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_spec spec = web(peer_port(peer), url);
	int64_t started_at = oo_clock_now();
	spec.timeout_ms = 100;
	start(&watch, &spec, 1);
	while (!watch.done && oo_clock_now() - started_at < AWAIT_MS) {
		sd_event_run(event, 10000);
		if (peer_accepted(peer) > 0 && !watch.done) {
			oo_check_run_now(watch.check);
		}
	}
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_SILENT);
	CU_ASSERT(watch.at[0] - started_at >= 99 && watch.at[0] - started_at < 1500);
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_a_changing_check_runs_at_its_fast_interval(void)
{
	char url[64];
	struct watch watch;
	struct peer *peer = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	struct oo_check_spec spec = web(peer_port(peer), url);
	spec.fast_interval_ms = 20;
	start(&watch, &spec, 1);
	oo_check_set_changing(watch.check, true); /* before the first run: no run is put off */
	CU_ASSERT(await(event, &watch.done));
	watch.done = false;
	watch.wanted = 5;
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT(watch.at[4] - watch.at[0] < AWAIT_MS / 2);
	oo_check_set_changing(watch.check, false);
	settle(event);
	int after = watch.n;
	CU_ASSERT(sd_event_run(event, 60000) >= 0);
	CU_ASSERT_EQUAL(watch.n, after);
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_down_is_unknown_during_grace_until_it_was_up_once(void)
{
	char url[64];
	struct watch watch;
	struct peer *bad =
		peer_new(event, (struct peer_script){.answer = "HTTP/1.1 502 x\r\n\r\n"});
	struct oo_check_spec spec = web(peer_port(bad), url);
	spec.grace_ms = AWAIT_MS;
	start(&watch, &spec, 1);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT_EQUAL(watch.result.state, OO_CHECK_STATE_UNKNOWN);
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_STATUS);
	oo_check_free(watch.check);
	spec.grace_ms = 1;
	spec.interval_ms = 5;
	start(&watch, &spec, 3);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT_EQUAL(watch.result.state, OO_CHECK_STATE_DOWN);
	oo_check_free(watch.check);
	peer_free(bad);

	struct peer *good = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	spec = web(peer_port(good), url);
	spec.grace_ms = AWAIT_MS;
	spec.interval_ms = 5;
	start(&watch, &spec, 1);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT_EQUAL(watch.result.state, OO_CHECK_STATE_UP);
	peer_free(good); /* nobody listens any more */
	watch.done = false;
	watch.wanted = watch.n + 2;
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT_EQUAL(watch.result.state, OO_CHECK_STATE_DOWN);
	oo_check_free(watch.check);
}

static void test_a_freed_check_is_silent_and_its_connection_closed(void)
{
	char url[64];
	struct watch watch;
	int before = count_fds();
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_spec spec = web(peer_port(peer), url);
	start(&watch, &spec, 1);
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (peer_open(peer) == 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(peer_open(peer), 1);
	oo_check_free(watch.check);
	while (peer_open(peer) > 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(peer_open(peer), 0);
	CU_ASSERT_EQUAL(watch.n, 0);
	peer_free(peer);
	CU_ASSERT(count_fds() <= before + 1); /* the loop's descriptor for timers stays */
	oo_check_free(NULL);
}

static void test_a_check_may_be_freed_in_its_own_result(void)
{
	int port;
	char url[64];
	OO_AUTO(oo_close) int refusing = peer_refusing(&port);
	CU_ASSERT_FATAL(refusing >= 0);
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_spec specs[] = {web(port, url), web(peer_port(peer), (char[64]){0})};
	specs[1].timeout_ms = 50;
	for (size_t i = 0; i < OO_LENGTH(specs); i++) { /* by the transfer, by the deadline */
		struct watch watch;
		start(&watch, &specs[i], 1);
		watch.frees = true;
		CU_ASSERT(await(event, &watch.done));
		settle(event);
		CU_ASSERT_EQUAL(watch.n, 1);
	}
	peer_free(peer);
}

static void test_many_checks_run_side_by_side_and_leak_nothing(void)
{
	static struct watch watches[20];
	char url[64];
	struct peer *peer = peer_new(event, (struct peer_script){.answer = TRUE_ANSWER});
	struct oo_check_spec spec = web(peer_port(peer), url);
	spec.interval_ms = 10;
	spec.http.expect.body = "true";
	for (size_t i = 0; i < OO_LENGTH(watches); i++) {
		start(&watches[i], &spec, 5);
	}
	for (size_t i = 0; i < OO_LENGTH(watches); i++) {
		CU_ASSERT(await(event, &watches[i].done));
		CU_ASSERT_EQUAL(watches[i].result.state, OO_CHECK_STATE_UP);
	}
	int after = count_fds();
	for (size_t i = 0; i < OO_LENGTH(watches); i++) {
		watches[i].done = false;
		watches[i].wanted = watches[i].n + 5;
	}
	CU_ASSERT(await(event, &watches[0].done));
	for (size_t i = 0; i < OO_LENGTH(watches); i++) {
		oo_check_free(watches[i].check);
	}
	settle(event);
	CU_ASSERT(count_fds() <= after);
	peer_free(peer);
}

/* libcurl calls it a lack of memory; it is not ours. */
static void test_an_endless_header_is_not_our_own_fault(void)
{
	static char answer[300000];
	char url[64];
	struct watch watch;
	memcpy(memset(answer, 'x', sizeof(answer) - 1), "HTTP/1.1 200 OK\r\nX: ", 20);
	struct peer *peer = peer_new(event, (struct peer_script){.answer = answer});
	struct oo_check_spec spec = web(peer_port(peer), url);
	start(&watch, &spec, 1);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT_EQUAL(watch.result.state, OO_CHECK_STATE_DOWN);
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_PROTOCOL);
	CU_ASSERT_STRING_EQUAL(watch.result.seen, "header line too long");
	oo_check_free(watch.check);
	peer_free(peer);
}

static void test_states_and_reasons_have_names(void)
{
	CU_ASSERT_STRING_EQUAL(oo_check_state_name(OO_CHECK_STATE_UNKNOWN), "unknown");
	CU_ASSERT_STRING_EQUAL(oo_check_state_name(OO_CHECK_STATE_UP), "up");
	CU_ASSERT_STRING_EQUAL(oo_check_state_name(OO_CHECK_STATE_DOWN), "down");
	for (int reason = 0; reason < OO_CHECK_REASON_END; reason++) {
		CU_ASSERT_PTR_NOT_NULL(oo_check_reason_name((enum oo_check_reason)reason));
	}
	for (int type = 0; type < OO_CHECK_TYPE_END; type++) {
		CU_ASSERT_PTR_NOT_NULL(oo_check_type_name((enum oo_check_type)type));
	}
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_bad_value_is_refused_with_what_would_be_right),
		TEST(a_bad_place_is_refused_with_what_would_be_right),
		TEST(a_spec_is_copied),
		TEST(the_first_run_comes_at_once_and_others_within_an_interval),
		TEST(runs_get_into_phase_and_are_never_nearer_than_half_an_interval),
		TEST(the_time_that_runs_take_does_not_add_up),
		TEST(a_run_longer_than_the_interval_delays_the_next_and_never_overlaps),
		TEST(run_now_brings_the_next_run_forward_and_makes_no_second_one),
		TEST(run_now_does_not_put_off_the_deadline_of_a_run),
		TEST(a_changing_check_runs_at_its_fast_interval),
		TEST(down_is_unknown_during_grace_until_it_was_up_once),
		TEST(a_freed_check_is_silent_and_its_connection_closed),
		TEST(a_check_may_be_freed_in_its_own_result),
		TEST(many_checks_run_side_by_side_and_leak_nothing),
		TEST(an_endless_header_is_not_our_own_fault),
		TEST(states_and_reasons_have_names),
	};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	return run_tests_in("check", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
