/* Calls: which member is asked when, and what the answer is. Against members by script. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fake.h"
#include "loop.h"
#include "run.h"

#define HEDGE_MS 60
#define PUT_RESULT ",\"succeeded\":true,\"responses\":[{\"response_put\":{}}]"

static const char *say_ok(struct fake *fake)
{
	return fake_ok(fake, strcmp(fake->path, "/v3/kv/txn") == 0 ? PUT_RESULT : "");
}

static const char *say_nothing(struct fake *fake)
{
	(void)fake;
	return NULL;
}

static const char *say_no_leader(struct fake *fake)
{
	return fake_refuse(fake, 14, "etcdserver: no leader");
}

static const char *say_timed_out(struct fake *fake)
{
	return fake_refuse(fake, 14, "etcdserver: request timed out");
}

static const char *say_denied(struct fake *fake)
{
	return fake_refuse(fake, 7, "etcdserver: permission denied");
}

static const char *say_taken(struct fake *fake)
{
	return fake_refuse(fake, 9, "etcdserver: lease already exists");
}

static const char *hang_up(struct fake *fake)
{
	(void)fake;
	return fake_hang_up;
}

/* Two members by script and a client of both, the first one in use. */
struct pair {
	struct fake one, two;
	struct oo_etcd *etcd;
	struct box box;
};

static void open_pair(struct pair *pair, fake_fn *one, fake_fn *two)
{
	fake_open(&pair->one, one);
	fake_open(&pair->two, two);
	pair->etcd = client_new((const char *[]){pair->one.url, pair->two.url, NULL}, HEDGE_MS);
}

static void close_pair(struct pair *pair)
{
	oo_etcd_free(pair->etcd);
	fake_close(&pair->one);
	fake_close(&pair->two);
}

static const struct oo_etcd_op put = {.type = OO_ETCD_OP_PUT, .key = "k"};
static const struct oo_etcd_txn txn = {.success = &put, .n_success = 1};

static void send_txn(struct pair *pair, int64_t timeout_ms, bool hedge)
{
	const struct oo_etcd_call call = box_call(&pair->box, timeout_ms, hedge);
	CU_ASSERT_EQUAL_FATAL(oo_etcd_txn(pair->etcd, &txn, &call, NULL), 0);
	CU_ASSERT_FALSE(pair->box.done); /* never inside the call */
	box_wait(&pair->box);
	loop_turn();
	CU_ASSERT_EQUAL(pair->box.calls, 1);
}

static void test_a_request_carries_what_etcd_needs(void)
{
	struct pair pair;
	open_pair(&pair, say_ok, say_ok);
	send_txn(&pair, 1000, false);
	CU_ASSERT_EQUAL(pair.box.r, 0);
	CU_ASSERT_TRUE(pair.box.succeeded);
	CU_ASSERT_EQUAL(pair.box.revision, 7);
	CU_ASSERT_STRING_EQUAL(pair.one.path, "/v3/kv/txn");
	CU_ASSERT_PTR_NOT_NULL(strstr(pair.one.head, " HTTP/1.1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(pair.one.head, "\r\nContent-Type: application/json\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(pair.one.head, "\r\nGrpc-Metadata-hasleader: true\r\n"));
	CU_ASSERT_PTR_NULL(strstr(pair.one.head, "Expect"));
	CU_ASSERT_PTR_NULL(strstr(pair.one.head, "Authorization"));
	const char *timeout = strstr(pair.one.head, "\r\nGrpc-Timeout: ");
	int given_ms = 0;
	CU_ASSERT_PTR_NOT_NULL_FATAL(timeout);
	CU_ASSERT_EQUAL(sscanf(timeout, "\r\nGrpc-Timeout: %dm\r\n", &given_ms), 1);
	CU_ASSERT_TRUE(given_ms > 500 && given_ms <= 900); /* before our own */
	const struct oo_etcd_call call = box_call(&pair.box, 1000, false);
	CU_ASSERT_EQUAL(oo_etcd_status_get(pair.etcd, &call, NULL), 0);
	box_wait(&pair.box);
	CU_ASSERT_PTR_NULL(strstr(pair.one.head, "hasleader")); /* also without a leader */
	CU_ASSERT_EQUAL(pair.two.requests, 0);
	close_pair(&pair);
}

static bool is_failing(const struct pair *pair, size_t i, const char *url)
{
	bool failing = false;
	const char *found = oo_etcd_endpoint_state(pair->etcd, i, &failing);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT_STRING_EQUAL(found, url);
	return failing;
}

static void test_a_refusal_that_another_may_cure_goes_on_at_once_and_stays_there(void)
{
	struct pair pair;
	open_pair(&pair, say_no_leader, say_ok);
	send_txn(&pair, 5000, false);
	CU_ASSERT_EQUAL(pair.box.r, 0);
	CU_ASSERT_TRUE(pair.box.took_ms < 1000);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(pair.etcd), pair.two.url);
	CU_ASSERT_TRUE(is_failing(&pair, 0, pair.one.url));
	CU_ASSERT_FALSE(is_failing(&pair, 1, pair.two.url));
	CU_ASSERT_PTR_NULL(oo_etcd_endpoint_state(pair.etcd, 2, &(bool){false}));
	send_txn(&pair, 5000, false);
	CU_ASSERT_EQUAL(pair.one.requests, 1);
	CU_ASSERT_EQUAL(pair.two.requests, 2);
	CU_ASSERT_STRING_EQUAL(oo_etcd_trouble(pair.etcd), "");
	close_pair(&pair);
}

static void test_a_full_round_of_refusals_fails_at_once(void)
{
	struct pair pair;
	open_pair(&pair, say_no_leader, say_no_leader);
	send_txn(&pair, 5000, true);
	CU_ASSERT_EQUAL(pair.box.r, -EAGAIN);
	CU_ASSERT_FALSE(oo_etcd_is_unknown(pair.box.r));
	CU_ASSERT_TRUE(pair.box.took_ms < 1000);
	CU_ASSERT_EQUAL(pair.one.requests, 1);
	CU_ASSERT_EQUAL(pair.two.requests, 1);
	char expected[256];
	snprintf(expected, sizeof(expected), "%s: etcdserver: no leader; %s: etcdserver: no leader",
		 pair.one.url, pair.two.url);
	CU_ASSERT_STRING_EQUAL(pair.box.err.text, expected);
	CU_ASSERT_STRING_EQUAL(oo_etcd_trouble(pair.etcd), expected);
	CU_ASSERT_EQUAL(oo_etcd_answered_at(pair.etcd), 0);
	close_pair(&pair);
}

static void test_a_hedged_call_asks_the_next_and_leaves_the_silent_one(void)
{
	struct pair pair;
	open_pair(&pair, say_nothing, say_ok);
	send_txn(&pair, 5000, true);
	CU_ASSERT_EQUAL(pair.box.r, 0);
	CU_ASSERT_TRUE(pair.box.took_ms >= HEDGE_MS - 1 && pair.box.took_ms < 2000);
	CU_ASSERT_STRING_EQUAL(pair.one.body, pair.two.body);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(pair.etcd), pair.two.url);
	CU_ASSERT_TRUE(oo_etcd_answered_at(pair.etcd) >= pair.box.started_at);
	close_pair(&pair);
}

static void test_without_hedging_the_next_gets_its_share_of_the_time(void)
{
	struct pair pair;
	open_pair(&pair, say_nothing, say_ok);
	send_txn(&pair, 600, false);
	CU_ASSERT_EQUAL(pair.box.r, 0);
	CU_ASSERT_TRUE(pair.box.took_ms >= 299 && pair.box.took_ms < 600);
	close_pair(&pair);
}

static struct fake *slow; /* the member that answers once another one was asked */

static const char *wake_slow(struct fake *fake)
{
	(void)fake;
	fake_send(slow, say_ok(slow));
	return NULL;
}

static void test_a_slow_answer_still_counts_while_the_next_is_asked(void)
{
	struct pair pair;
	open_pair(&pair, say_nothing, wake_slow);
	slow = &pair.one;
	send_txn(&pair, 5000, true);
	CU_ASSERT_EQUAL(pair.box.r, 0);
	CU_ASSERT_EQUAL(pair.one.requests, 1);
	CU_ASSERT_EQUAL(pair.two.requests, 1);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(pair.etcd), pair.one.url); /* not left */
	close_pair(&pair);
}

static void test_a_member_asked_later_is_not_left_for_being_slower(void)
{
	struct fake fakes[3];
	struct box box;
	fake_open(&fakes[0], say_nothing);
	fake_open(&fakes[1], say_nothing);
	fake_open(&fakes[2], wake_slow);
	slow = &fakes[0];
	struct oo_etcd *etcd = client_new(
		(const char *[]){fakes[0].url, fakes[1].url, fakes[2].url, NULL}, HEDGE_MS);
	const struct oo_etcd_call call = box_call(&box, 5000, true);
	CU_ASSERT_EQUAL(oo_etcd_txn(etcd, &txn, &call, NULL), 0);
	box_wait(&box);
	CU_ASSERT_EQUAL(box.r, 0); /* of the first, which was asked first */
	CU_ASSERT_EQUAL(fakes[2].requests, 1);
	fakes[0].reply = say_no_leader;
	fakes[1].reply = say_ok;
	client_put(etcd, "k", "v", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), fakes[1].url);
	CU_ASSERT_EQUAL(fakes[2].requests, 1);
	oo_etcd_free(etcd);
	for (size_t i = 0; i < OO_LENGTH(fakes); i++) {
		fake_close(&fakes[i]);
	}
}

static void test_silence_ends_at_the_deadline_as_unknown(void)
{
	struct pair pair;
	open_pair(&pair, say_nothing, say_nothing);
	send_txn(&pair, 300, true);
	CU_ASSERT_EQUAL(pair.box.r, -ETIMEDOUT);
	CU_ASSERT_TRUE(oo_etcd_is_unknown(pair.box.r));
	CU_ASSERT_TRUE(pair.box.took_ms >= 300 && pair.box.took_ms < 600);
	CU_ASSERT_EQUAL(pair.one.requests, 1);
	CU_ASSERT_EQUAL(pair.two.requests, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(pair.box.err.text, "no answer within"));
	close_pair(&pair);
}

static void test_a_deadline_that_has_passed_sends_nothing(void)
{
	struct pair pair;
	open_pair(&pair, say_ok, say_ok);
	send_txn(&pair, -1, false);
	CU_ASSERT_EQUAL(pair.box.r, -ETIMEDOUT);
	CU_ASSERT_EQUAL(pair.one.requests + pair.two.requests, 0);
	const struct oo_etcd_call call = box_call(&pair.box, 2 * OO_ETCD_CALL_MAX_MS, false);
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &call, NULL), -EINVAL);
	close_pair(&pair);
}

static void test_a_refusal_after_a_copy_that_may_have_run_is_unknown(void)
{
	struct pair pair;
	open_pair(&pair, say_timed_out, say_denied);
	send_txn(&pair, 5000, false);
	CU_ASSERT_EQUAL(pair.box.r, -ETIMEDOUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(pair.box.err.text, "permission denied"));
	send_txn(&pair, 5000, false); /* the second is in use now */
	CU_ASSERT_EQUAL(pair.box.r, -EACCES);
	close_pair(&pair);
}

static void test_a_read_is_never_an_unknown_outcome_because_of_its_copies(void)
{
	struct pair pair;
	open_pair(&pair, hang_up, say_denied);
	const struct oo_etcd_call call = box_call(&pair.box, 5000, false);
	CU_ASSERT_EQUAL(oo_etcd_run(pair.etcd, &(struct oo_etcd_op){.key = "k"}, &call, NULL), 0);
	box_wait(&pair.box);
	CU_ASSERT_EQUAL(pair.one.requests, 1);
	CU_ASSERT_EQUAL(pair.box.r, -EACCES);
	close_pair(&pair);
}

static void test_a_grant_whose_first_copy_came_through_is_a_success(void)
{
	struct pair pair;
	open_pair(&pair, hang_up, say_taken);
	struct oo_etcd_call call = box_call(&pair.box, 5000, false);
	CU_ASSERT_EQUAL(oo_etcd_lease_grant(pair.etcd, 77, 5, &call, NULL), 0);
	box_wait(&pair.box);
	CU_ASSERT_EQUAL(pair.box.r, 0);
	CU_ASSERT_EQUAL(pair.box.lease_id, 77);
	CU_ASSERT_EQUAL(pair.box.lease_ttl_s, 5);
	call = box_call(&pair.box, 5000, false);
	CU_ASSERT_EQUAL(oo_etcd_lease_grant(pair.etcd, 77, 5, &call, NULL), 0);
	box_wait(&pair.box);
	CU_ASSERT_EQUAL(pair.box.r, -EEXIST); /* no copy of ours before it */
	close_pair(&pair);
}

static const char *say_garbage(struct fake *fake)
{
	return fake_say(fake, 200, "<html>welcome</html>");
}

static const char *say_too_few(struct fake *fake)
{
	return fake_ok(fake, ",\"succeeded\":true");
}

/* An answer that says it has 3 MiB, of which enough come to be too much. */
static const char *say_too_much(struct fake *fake)
{
	static char part[64 << 10];
	memset(part, 'x', sizeof(part) - 1);
	fake_send(fake, "HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n");
	for (int i = 0; i < 40; i++) {
		fake_send(fake, part);
	}
	return NULL;
}

static void test_answers_that_are_none_are_said_to_be(void)
{
	static const struct {
		fake_fn *reply;
		const char *text;
	} rows[] = {
		{say_garbage, "HTTP 200 that is not an answer of etcd's: \"<html>welcome</html>\""},
		{say_too_few, "0 results for 1 operations"},
		{say_too_much, "an answer larger than we take"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct pair pair;
		open_pair(&pair, rows[i].reply, rows[i].reply);
		send_txn(&pair, 5000, false);
		CU_ASSERT_EQUAL(pair.box.r, -EPROTO);
		CU_ASSERT_TRUE(oo_etcd_is_unknown(pair.box.r));
		CU_ASSERT_PTR_NOT_NULL(strstr(pair.box.err.text, rows[i].text));
		close_pair(&pair);
	}
}

static void test_a_cancelled_call_is_never_answered(void)
{
	struct pair pair;
	struct box other;
	open_pair(&pair, say_ok, say_ok);
	struct oo_etcd_request *request = NULL;
	const struct oo_etcd_call call = box_call(&pair.box, 5000, false);
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &call, &request), 0);
	oo_etcd_cancel(request); /* before it was sent */
	pair.one.reply = say_nothing;
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &call, &request), 0);
	CU_ASSERT_TRUE(loop_until_count(&pair.one.requests, 1, 5000));
	oo_etcd_cancel(request); /* after */
	pair.one.reply = say_ok;
	client_put(pair.etcd, "k", "v", &other);
	CU_ASSERT_EQUAL(other.r, 0);
	CU_ASSERT_EQUAL(pair.box.calls, 0);
	close_pair(&pair);
}

static void test_freeing_the_client_ends_all_without_a_callback(void)
{
	struct pair pair;
	struct view view;
	open_pair(&pair, say_nothing, say_nothing);
	const struct oo_etcd_call call = box_call(&pair.box, 5000, true);
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &call, NULL), 0);
	view_open(pair.etcd, "w/", 0, &view);
	CU_ASSERT_TRUE(loop_until_count(&pair.two.requests, 1, 5000));
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &call, NULL), 0);
	close_pair(&pair);
	loop_turn();
	CU_ASSERT_EQUAL(pair.box.calls, 0);
	CU_ASSERT_FALSE(view.ended);
}

/* A callback that starts a call, cancels another and closes a watch. */
struct busy {
	struct oo_etcd *etcd;
	struct oo_etcd_request *victim;
	struct oo_etcd_watch *watch;
	struct box next;
};

static void on_busy(void *user, int r, const struct oo_etcd_answer *answer,
		    const struct oo_err *err)
{
	struct busy *busy = user;
	(void)answer;
	(void)err;
	CU_ASSERT_EQUAL(r, 0);
	oo_etcd_cancel(busy->victim);
	oo_etcd_watch_close(busy->watch);
	const struct oo_etcd_call call = box_call(&busy->next, 5000, false);
	CU_ASSERT_EQUAL(oo_etcd_txn(busy->etcd, &txn, &call, NULL), 0);
}

static void test_a_callback_may_start_cancel_and_close(void)
{
	struct pair pair;
	struct view view;
	open_pair(&pair, say_nothing, say_ok);
	struct busy busy = {.etcd = pair.etcd};
	const struct oo_etcd_call victim = box_call(&pair.box, 5000, false);
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &victim, &busy.victim), 0);
	busy.watch = view_open(pair.etcd, "w/", 0, &view);
	const struct oo_etcd_call call = {
		.deadline = oo_clock_now() + 2000, .hedge = true, .done = on_busy, .user = &busy};
	CU_ASSERT_EQUAL(oo_etcd_txn(pair.etcd, &txn, &call, NULL), 0);
	box_wait(&busy.next);
	CU_ASSERT_EQUAL(busy.next.r, 0);
	CU_ASSERT_EQUAL(pair.box.calls, 0);
	CU_ASSERT_FALSE(view.ended);
	close_pair(&pair);
}

static void test_wrong_options_are_refused_with_what_would_be_right(void)
{
	static const char *const one[] = {"http://127.0.0.1:2379"};
	static const char *const twice[] = {"http://127.0.0.1", "http://127.0.0.1:2379/"};
	static const struct {
		struct oo_etcd_options options;
		int r;
		const char *text;
	} rows[] = {
		{{0}, -EINVAL, "0 endpoints: 1 to 16 are right"},
		{{.endpoints = twice, .n_endpoints = 2},
		 -EINVAL,
		 "\"http://127.0.0.1:2379\" is listed twice"},
		{{.endpoints = one, .n_endpoints = 1, .username = "u"},
		 -EINVAL,
		 "username without password_file: set both or none"},
		{{.endpoints = one, .n_endpoints = 1, .key_file = "/dev/null"},
		 -EINVAL,
		 "key_file without cert_file: set both or none"},
		{{.endpoints = one, .n_endpoints = 1, .ca_file = "/nowhere/ca.pem"},
		 -ENOENT,
		 "ca_file /nowhere/ca.pem: No such file or directory"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd *etcd = NULL;
		struct oo_err err = {.text = ""};
		CU_ASSERT_EQUAL(oo_etcd_new(loop_get(), &rows[i].options, &etcd, &err), rows[i].r);
		CU_ASSERT_STRING_EQUAL(err.text, rows[i].text);
		CU_ASSERT_PTR_NULL(etcd);
	}
}

static void test_a_member_on_this_host_is_used_first(void)
{
	static const char *const endpoints[] = {"http://240.0.0.1:2379", "http://[::1]:2379",
						"http://240.0.0.2:2379"};
	const struct oo_etcd_options options = {
		.endpoints = endpoints, .n_endpoints = 3, .name = "node-a"};
	struct oo_etcd *etcd = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_etcd_new(loop_get(), &options, &etcd, NULL), 0);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), "http://[::1]:2379");
	oo_etcd_free(etcd);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_a_request_carries_what_etcd_needs),
		OO_TEST(test_a_refusal_that_another_may_cure_goes_on_at_once_and_stays_there),
		OO_TEST(test_a_full_round_of_refusals_fails_at_once),
		OO_TEST(test_a_hedged_call_asks_the_next_and_leaves_the_silent_one),
		OO_TEST(test_without_hedging_the_next_gets_its_share_of_the_time),
		OO_TEST(test_a_slow_answer_still_counts_while_the_next_is_asked),
		OO_TEST(test_a_member_asked_later_is_not_left_for_being_slower),
		OO_TEST(test_silence_ends_at_the_deadline_as_unknown),
		OO_TEST(test_a_deadline_that_has_passed_sends_nothing),
		OO_TEST(test_a_refusal_after_a_copy_that_may_have_run_is_unknown),
		OO_TEST(test_a_read_is_never_an_unknown_outcome_because_of_its_copies),
		OO_TEST(test_a_grant_whose_first_copy_came_through_is_a_success),
		OO_TEST(test_answers_that_are_none_are_said_to_be),
		OO_TEST(test_a_cancelled_call_is_never_answered),
		OO_TEST(test_freeing_the_client_ends_all_without_a_callback),
		OO_TEST(test_a_callback_may_start_cancel_and_close),
		OO_TEST(test_wrong_options_are_refused_with_what_would_be_right),
		OO_TEST(test_a_member_on_this_host_is_used_first),
	};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int r = run_tests("etcd client", tests, OO_LENGTH(tests));
	loop_free();
	curl_global_cleanup();
	return r;
}
