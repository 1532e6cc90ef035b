#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "event/transfer.h"

#include "await.h"
#include "peer.h"
#include "testing.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"

static sd_event *event;
static struct oo_transfers *transfers;

/* One transfer, and what became of it. */
struct request {
	CURL *easy;
	struct oo_buffer body;
	bool done;
	int times;
	CURLcode code;
	struct request *victim; /* cancelled in done */
	int again;              /* how often done starts it again */
};

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct request *request = user;
	(void)one;
	return oo_buffer_add(&request->body, data, n) == 0 ? n : 0;
}

static void request_init(struct request *request, int port)
{
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	*request = (struct request){.easy = curl_easy_init()};
	oo_buffer_init(&request->body, 1000);
	curl_easy_setopt(request->easy, CURLOPT_URL, url);
	curl_easy_setopt(request->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, request);
}

static void request_done(struct request *request)
{
	curl_easy_cleanup(request->easy);
	oo_buffer_done(&request->body);
}

static void on_done(CURL *easy, CURLcode code, void *user)
{
	struct request *request = user;
	CU_ASSERT_PTR_EQUAL(easy, request->easy);
	request->times++;
	request->code = code;
	if (request->victim != NULL && !request->victim->done) {
		oo_transfers_cancel(transfers, request->victim->easy);
	}
	if (request->again-- > 0) {
		CU_ASSERT_EQUAL(oo_transfers_start(transfers, easy, on_done, request), 0);
		return;
	}
	request->done = true;
}

static void set_up(void)
{
	event = new_loop();
	transfers = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
}

static void tear_down(void)
{
	oo_transfers_free(transfers);
	event = sd_event_unref(event);
}

static void test_an_answer_arrives_and_never_inside_start(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = ANSWER});
	OO_AUTO(request_done) struct request request;
	request_init(&request, peer_port(peer));
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	CU_ASSERT_FALSE(request.done);
	CU_ASSERT(await(event, &request.done));
	CU_ASSERT_EQUAL(request.code, CURLE_OK);
	CU_ASSERT_STRING_EQUAL(request.body.data, "true");
	settle(event);
	CU_ASSERT_EQUAL(request.times, 1);
	peer_free(peer);
}

static void test_a_refused_connection_is_one_answer_too(void)
{
	int port;
	OO_AUTO(oo_close) int refusing = peer_refusing(&port);
	CU_ASSERT_FATAL(refusing >= 0);
	OO_AUTO(request_done) struct request request;
	request_init(&request, port);
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	CU_ASSERT_FALSE(request.done);
	CU_ASSERT(await(event, &request.done));
	CU_ASSERT_EQUAL(request.code, CURLE_COULDNT_CONNECT);
}

static void test_the_timeout_of_a_transfer_is_kept(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	OO_AUTO(request_done) struct request request;
	request_init(&request, peer_port(peer));
	curl_easy_setopt(request.easy, CURLOPT_TIMEOUT_MS, 50L);
	int64_t started_at = oo_clock_now();
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	CU_ASSERT(await(event, &request.done));
	CU_ASSERT_EQUAL(request.code, CURLE_OPERATION_TIMEDOUT);
	CU_ASSERT(oo_clock_now() - started_at >= 49);
	CU_ASSERT(oo_clock_now() - started_at < 1500);
	peer_free(peer);
}

static void test_a_handle_may_be_started_again_in_its_own_answer(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = ANSWER});
	OO_AUTO(request_done) struct request request;
	request_init(&request, peer_port(peer));
	request.again = 3;
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	CU_ASSERT(await(event, &request.done));
	CU_ASSERT_EQUAL(request.times, 4);
	CU_ASSERT_STRING_EQUAL(request.body.data, "truetruetruetrue");
	peer_free(peer);
}

static void await_open(const struct peer *peer, int n)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (peer_open(peer) != n && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(peer_open(peer), n);
}

static void test_a_cancelled_transfer_has_no_answer_and_its_connection_is_closed(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	OO_AUTO(request_done) struct request request;
	request_init(&request, peer_port(peer));
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	await_open(peer, 1);
	oo_transfers_cancel(transfers, request.easy);
	await_open(peer, 0);
	CU_ASSERT_EQUAL(request.times, 0);
	/* the handle is as good as new */
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	oo_transfers_cancel(transfers, request.easy);
	settle(event);
	CU_ASSERT_EQUAL(request.times, 0);
	peer_free(peer);
}

/* Both fail in the same turn: when the first answers, the other's answer is waiting already. */
static void test_an_answer_that_waits_is_taken_back_by_cancel(void)
{
	int port;
	OO_AUTO(oo_close) int refusing = peer_refusing(&port);
	CU_ASSERT_FATAL(refusing >= 0);
	OO_AUTO(request_done) struct request one, other;
	request_init(&one, port);
	request_init(&other, port);
	one.victim = &other;
	other.victim = &one;
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, one.easy, on_done, &one), 0);
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, other.easy, on_done, &other), 0);
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (!one.done && !other.done && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	settle(event);
	CU_ASSERT_EQUAL(one.times + other.times, 1);
}

/* Connections to a port of this machine are there at once: the kernel makes them. */
static void test_answers_that_are_there_together_come_in_one_turn(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct request requests[8];
	int n = 0;
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		request_init(&requests[i], peer_port(peer));
		curl_easy_setopt(requests[i].easy, CURLOPT_CONNECT_ONLY, 1L);
		CU_ASSERT_EQUAL(
			oo_transfers_connect(transfers, requests[i].easy, on_done, &requests[i]),
			0);
	}
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (n == 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
		for (size_t i = 0; i < OO_LENGTH(requests); i++) {
			n += requests[i].times;
		}
	}
	CU_ASSERT_EQUAL(n, (int)OO_LENGTH(requests));
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		oo_transfers_cancel(transfers, requests[i].easy);
		request_done(&requests[i]);
	}
	peer_free(peer);
}

static void test_a_running_handle_cannot_be_started_and_still_ends(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = ANSWER});
	OO_AUTO(request_done) struct request request;
	request_init(&request, peer_port(peer));
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), 0);
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, request.easy, on_done, &request), -EINVAL);
	CU_ASSERT(await(event, &request.done));
	CU_ASSERT_EQUAL(request.times, 1);
	peer_free(peer);
}

static void test_what_runs_is_cancelled_when_the_pool_is_freed(void)
{
	int before = count_fds();
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct request requests[3];
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		request_init(&requests[i], peer_port(peer));
		CU_ASSERT_EQUAL(
			oo_transfers_start(transfers, requests[i].easy, on_done, &requests[i]), 0);
	}
	await_open(peer, 3);
	oo_transfers_free(transfers);
	transfers = NULL;
	await_open(peer, 0);
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		CU_ASSERT_EQUAL(requests[i].times, 0);
		request_done(&requests[i]);
	}
	peer_free(peer);
	CU_ASSERT(count_fds() <= before);
}

/* libcurl asks for a timer for those that are left whenever one is taken out. */
static void test_the_pool_may_be_freed_when_the_loop_is_over(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	OO_AUTO(request_done) struct request one, other;
	request_init(&one, peer_port(peer));
	request_init(&other, peer_port(peer));
	curl_easy_setopt(one.easy, CURLOPT_TIMEOUT_MS, 5000L);
	curl_easy_setopt(other.easy, CURLOPT_TIMEOUT_MS, 6000L);
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, one.easy, on_done, &one), 0);
	CU_ASSERT_EQUAL(oo_transfers_start(transfers, other.easy, on_done, &other), 0);
	await_open(peer, 2);
	CU_ASSERT(sd_event_exit(event, 0) >= 0);
	CU_ASSERT_EQUAL(sd_event_loop(event), 0);
	oo_transfers_cancel(transfers, one.easy);
	oo_transfers_free(transfers);
	transfers = NULL;
	CU_ASSERT_EQUAL(one.times + other.times, 0);
	peer_free(peer);
}

static void test_a_kept_connection_is_open_until_it_is_cancelled(void)
{
	struct peer *peer =
		peer_new(event, (struct peer_script){.answer = "hello", .end = PEER_END_KEEP});
	OO_AUTO(request_done) struct request request;
	char data[16];
	size_t n = 0;
	request_init(&request, peer_port(peer));
	curl_easy_setopt(request.easy, CURLOPT_CONNECT_ONLY, 1L);
	CU_ASSERT_EQUAL(oo_transfers_connect(transfers, request.easy, on_done, &request), 0);
	CU_ASSERT(await(event, &request.done));
	CU_ASSERT_EQUAL(request.code, CURLE_OK);
	CU_ASSERT_EQUAL(curl_easy_recv(request.easy, data, sizeof(data), &n), CURLE_AGAIN);
	CU_ASSERT_EQUAL(curl_easy_send(request.easy, "hi\r\n\r\n", 6, &n), CURLE_OK);
	int64_t until = oo_clock_now() + AWAIT_MS;
	CURLcode code;
	while ((code = curl_easy_recv(request.easy, data, sizeof(data), &n)) == CURLE_AGAIN &&
	       oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(code, CURLE_OK);
	CU_ASSERT(n == 5 && memcmp(data, "hello", 5) == 0);
	CU_ASSERT_EQUAL(peer_open(peer), 1);
	oo_transfers_cancel(transfers, request.easy);
	while (peer_open(peer) > 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(peer_open(peer), 0);
	CU_ASSERT_EQUAL(request.times, 1);
	peer_free(peer);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(an_answer_arrives_and_never_inside_start),
		TEST(a_refused_connection_is_one_answer_too),
		TEST(the_timeout_of_a_transfer_is_kept),
		TEST(a_handle_may_be_started_again_in_its_own_answer),
		TEST(a_cancelled_transfer_has_no_answer_and_its_connection_is_closed),
		TEST(an_answer_that_waits_is_taken_back_by_cancel),
		TEST(answers_that_are_there_together_come_in_one_turn),
		TEST(a_running_handle_cannot_be_started_and_still_ends),
		TEST(what_runs_is_cancelled_when_the_pool_is_freed),
		TEST(the_pool_may_be_freed_when_the_loop_is_over),
		TEST(a_kept_connection_is_open_until_it_is_cancelled),
	};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	return run_tests_in("transfer", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
