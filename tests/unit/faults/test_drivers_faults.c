/* The drivers, with everything refused that can be: an error that says why, nothing left, and again. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../etcd/run.h"
#include "../support/faults.h"
#include "api/api.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "check/check.h"
#include "etcd/decode.h"
#include "etcd/encode.h"
#include "etcd/etcd.h"
#include "etcd/message.h"
#include "event/child.h"
#include "event/timer.h"
#include "event/transfer.h"
#include "hook/hook.h"
#include "net/address.h"
#include "net/announce.h"

#define ALL (FAULT_MEMORY | FAULT_LIBRARIES | FAULT_CALLS)

static sd_event *event; /* one loop, which has what loops make for themselves on the first use */
static char directory[] = "/tmp/ooha-faults-XXXXXX";

static void on_expired(struct oo_timer *timer)
{
	(void)timer;
}

static bool begin(void)
{
	struct oo_timer first;
	if (sd_event_new(&event) < 0 || oo_timer_init(&first, event, on_expired) < 0) {
		return false;
	}
	oo_timer_done(&first);
	return true;
}

static int try_timer(void *user, struct oo_err *err)
{
	(void)user;
	(void)err;
	struct oo_timer timer;
	fault_go();
	int r = oo_timer_init(&timer, event, on_expired);
	fault_stop();
	if (r == 0) {
		oo_timer_set(&timer, oo_clock_now() + 1000);
	}
	oo_timer_done(&timer);
	return r;
}

static void test_a_timer_is_made_or_not(void)
{
	CU_ASSERT(fault_sweep_silent(ALL, try_timer, NULL).failed >= 1);
}

static int try_timers(void *user, struct oo_err *err)
{
	(void)user;
	struct oo_timers *timers = NULL;
	fault_go();
	int r = oo_timers_new(event, &timers, err);
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, timers != NULL);
	oo_timers_free(timers);
	return r;
}

static void test_timers_are_made_or_not(void)
{
	CU_ASSERT(fault_sweep(FAULT_MEMORY | FAULT_CALLS, try_timers, NULL).failed >= 1);
}

static int try_transfers(void *user, struct oo_err *err)
{
	(void)user;
	struct oo_transfers *transfers = NULL;
	fault_go();
	int r = oo_transfers_new(event, &transfers, err);
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, transfers != NULL);
	oo_transfers_free(transfers);
	return r;
}

static void test_transfers_are_made_or_not(void)
{
	CU_ASSERT(fault_sweep(FAULT_MEMORY | FAULT_CALLS, try_transfers, NULL).failed >= 1);
}

static void on_line(void *user, const char *line)
{
	(void)user;
	(void)line;
}

static void on_child(void *user, const struct oo_child_result *result)
{
	(void)user;
	(void)result;
}

static int try_child(void *user, struct oo_err *err)
{
	static const char *const argv[] = {"/bin/sleep", "60", NULL};
	static const char *const environment[] = {NULL};
	const struct oo_child_spec spec = {.path = argv[0],
					   .argv = argv,
					   .environment = environment,
					   .timeout_ms = 60000,
					   .line = on_line,
					   .done = on_child};
	(void)user;
	const int before = fault_open_fds();
	const int64_t until = oo_clock_now() + 5000;
	struct oo_child *child = NULL;
	fault_go();
	int r = oo_child_start(event, &spec, &child, err);
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, child != NULL);
	oo_child_cancel(child);
	while (fault_open_fds() != before && oo_clock_now() < until) {
		CU_ASSERT_FATAL(sd_event_run(event, 10000) >= 0); /* it is killed, and waited for */
	}
	return r;
}

static void test_a_child_is_started_or_not(void)
{
	CU_ASSERT(fault_sweep(ALL, try_child, NULL).failed >= 5);
}

static void answer_route(void *user, const struct oo_api_request *request,
			 struct oo_api_answer *answer)
{
	(void)request;
	(void)user;
	(void)oo_buffer_add_format(&answer->body, "{}\n"); /* without memory it is a 500 */
}

static const struct oo_api_route routes[] = {
	{.method = "GET", .path = "/leader", .tcp = true, .answer = answer_route}};

/* A port that was free a moment ago. */
static void find_port(char *text, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, length), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	snprintf(text, size, "127.0.0.1:%d", ntohs(address.sin_port));
}

static int try_api(void *user, struct oo_err *err)
{
	char path[sizeof(directory) + 16];
	struct oo_api *api = NULL;
	snprintf(path, sizeof(path), "%s/socket", directory);
	const struct oo_api_options options = {
		.socket_path = path, .listen = user, .routes = routes, .n_routes = 1};
	fault_go();
	int r = oo_api_new(event, &options, &api, err);
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, api != NULL);
	oo_api_free(api);
	CU_ASSERT_EQUAL(access(path, F_OK), -1); /* or the next start would find it */
	return r;
}

static void test_the_api_listens_or_leaves_no_socket_behind(void)
{
	char listen_on[32];
	find_port(listen_on, sizeof(listen_on));
	CU_ASSERT(fault_sweep(FAULT_MEMORY | FAULT_CALLS, try_api, listen_on).failed >= 10);
}

static void on_check(void *user, const struct oo_check *check, const struct oo_check_result *result)
{
	(void)user;
	(void)check;
	(void)result;
}

static int try_check(void *user, struct oo_err *err)
{
	const struct oo_check_setup setup = {.event = event, .transfers = user, .done = on_check};
	const struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_HTTP,
		.name = "proxy",
		.http = {.url = "http://127.0.0.1:1/healthcheck",
			 .expect = {.statuses = {{200, 200}}, .n_statuses = 1, .body = "true"}},
		.interval_ms = 1000,
		.timeout_ms = 500};
	struct oo_check *check = NULL;
	fault_go();
	int r = oo_check_new(&setup, &spec, &check, err);
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, check != NULL);
	oo_check_free(check);
	return r;
}

static void test_a_check_is_made_or_not(void)
{
	struct oo_transfers *transfers = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
	CU_ASSERT(fault_sweep(FAULT_MEMORY | FAULT_CALLS, try_check, transfers).failed >= 2);
	oo_transfers_free(transfers);
}

static void on_hook_line(void *user, enum oo_log_level level, const char *hook, const char *line)
{
	(void)user;
	(void)level;
	(void)hook;
	(void)line;
}

static int try_hooks(void *user, struct oo_err *err)
{
	static const char *const paths[] = {"/bin/true", "/etc/ooha-faults/hooks.d/"};
	const struct oo_hooks_options options = {.timeout_ms = 1000, .log = on_hook_line};
	const struct oo_hooks_event what = {
		.paths = paths, .n_paths = 2, .environment = {.event = "promoted", .epoch = 7}};
	struct oo_hooks *hooks = NULL;
	(void)user;
	fault_go();
	int r = oo_hooks_new(event, &options, &hooks, err);
	int queued = r == 0 ? oo_hooks_run(hooks, &what) : 0;
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, hooks != NULL);
	if (r == 0) {
		CU_ASSERT_EQUAL(oo_hooks_pending(hooks), queued == 0 ? 1 : 0);
	}
	oo_hooks_free(hooks);
	if (queued < 0) {
		(void)oo_fail(err, -queued, "hooks"); /* has no text of its own */
		r = queued;
	}
	return r;
}

static void test_an_event_is_queued_for_its_hooks_or_not(void)
{
	CU_ASSERT(fault_sweep(FAULT_MEMORY | FAULT_CALLS, try_hooks, NULL).failed >= 3);
}

static int try_net(void *user, struct oo_err *err)
{
	const struct oo_address address = {.family = AF_INET, .bytes = {10, 0, 0, 1}, .prefix = 32};
	const struct oo_address_set set = {0, &address, 1};
	const struct oo_net_callbacks callbacks = {0};
	struct oo_net *net = NULL;
	struct oo_link link = {.index = -7};
	bool present = true;
	(void)user;
	fault_go();
	int r = oo_net_new(event, &callbacks, NULL, &net, err);
	r = r < 0 ? r : oo_net_link(net, "lo", &link, err);
	r = r < 0 ? r : oo_net_addresses_present(net, &set, &present, err);
	fault_stop();
	CU_ASSERT(r < 0 || (link.index > 0 && !present));
	oo_net_free(net);
	return r;
}

static void test_the_kernel_is_asked_for_addresses_or_an_error_is_told(void)
{
	CU_ASSERT(fault_sweep(FAULT_MEMORY | FAULT_CALLS, try_net, NULL).failed >= 8);
}

static const char range_answer[] =
	"{\"header\":{\"cluster_id\":\"1\",\"member_id\":\"2\",\"revision\":\"4\"},\"kvs\":[{"
	"\"key\":\"dy8x\",\"mod_revision\":\"5\",\"value\":\"dg==\"}],\"count\":\"1\"}";
static const char watch_message[] =
	"{\"result\":{\"header\":{\"revision\":\"9\"},\"events\":[{\"kv\":{\"key\":\"dy8x\","
	"\"mod_revision\":\"5\",\"value\":\"dg==\"}}]}}";

static int try_decode(void *user, struct oo_err *err)
{
	(void)user;
	OO_AUTO(oo_etcd_decoded_done) struct oo_etcd_decoded decoded = {0};
	OO_AUTO(oo_etcd_message_done) struct oo_etcd_message message = {0};
	struct oo_etcd_failure failure = {.text = ""};
	fault_go();
	int r = oo_etcd_decode(OO_ETCD_KIND_RANGE, 200, range_answer, strlen(range_answer),
			       &decoded, &failure);
	r = r < 0 ? r
		  : oo_etcd_message_decode(watch_message, strlen(watch_message), &message,
					   &failure);
	fault_stop();
	CU_ASSERT(r < 0 || (decoded.answer.results[0].n_kvs == 1 && message.n_events == 1));
	CU_ASSERT(r == 0 || r == -ENOMEM);
	return r < 0 ? oo_fail_text(err, -r, "%s", failure.text) : 0;
}

static void test_an_answer_is_read_whole_or_not_at_all(void)
{
	CU_ASSERT(fault_sweep(FAULT_MEMORY, try_decode, NULL).failed >= 2);
}

static unsigned answers;

static void on_answer(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	(void)user;
	CU_ASSERT(r < 0 && answer == NULL && err != NULL && err->text[0] != '\0');
	answers++;
}

/* Nobody listens there; it is the making and the one answer that count. */
static int try_etcd(void *user, struct oo_err *err)
{
	static const char *const endpoints[] = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
	const struct oo_etcd_options options = {
		.endpoints = endpoints, .n_endpoints = OO_LENGTH(endpoints), .name = "node-a"};
	const struct oo_etcd_op op = {
		.type = OO_ETCD_OP_PUT, .key = "k", .value = "v", .value_length = 1};
	const struct oo_etcd_txn txn = {.success = &op, .n_success = 1};
	struct oo_etcd *etcd = NULL;
	(void)user;
	answers = 0;
	const struct oo_etcd_call call = {
		.deadline = oo_clock_now() + 5000, .hedge = true, .done = on_answer};
	fault_go();
	int r = oo_etcd_new(event, &options, &etcd, err);
	if (r == 0) {
		r = oo_etcd_txn(etcd, &txn, &call, NULL);
		fault_stop();
		if (r < 0) {
			(void)oo_fail(err, -r, "txn"); /* has no text of its own */
		}
		fault_go();
	}
	int64_t until = oo_clock_now() + 5000;
	while (r == 0 && answers == 0 && oo_clock_now() < until) {
		CU_ASSERT_FATAL(sd_event_run(event, 100000) >= 0);
	}
	fault_stop();
	CU_ASSERT_EQUAL(answers, r == 0 ? 1 : 0);
	oo_etcd_free(etcd);
	return r;
}

static void test_a_call_that_was_taken_has_its_one_answer(void)
{
	CU_ASSERT(fault_sweep(FAULT_MEMORY, try_etcd, NULL).refused >= 8);
}

static void on_events(void *user, int64_t revision, const struct oo_etcd_event *events, size_t n)
{
	(void)user;
	(void)revision;
	(void)events;
	(void)n;
}

static void on_end(void *user, int r, int64_t compact_revision, const struct oo_err *err)
{
	(void)user;
	(void)compact_revision;
	CU_ASSERT(r < 0 && err != NULL && err->text[0] != '\0');
	answers++;
}

/* Nobody listens there: a watch that was opened ends, once. */
static int try_watch(void *user, struct oo_err *err)
{
	static const char *const endpoints[] = {"http://127.0.0.1:1"};
	const struct oo_etcd_options options = {
		.endpoints = endpoints, .n_endpoints = OO_LENGTH(endpoints), .name = "node-a"};
	const struct oo_etcd_watch_options watched = {
		.key = "k", .prefix = true, .on_events = on_events, .on_end = on_end};
	struct oo_etcd *etcd = NULL;
	struct oo_etcd_watch *watch = NULL;
	(void)user;
	(void)err;
	answers = 0;
	CU_ASSERT_EQUAL_FATAL(oo_etcd_new(event, &options, &etcd, NULL), 0);
	fault_go();
	int r = oo_etcd_watch_open(etcd, &watched, &watch);
	const int64_t until = oo_clock_now() + 5000;
	while (r == 0 && answers == 0 && oo_clock_now() < until) {
		CU_ASSERT_FATAL(sd_event_run(event, 100000) >= 0);
	}
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, watch != NULL);
	CU_ASSERT_EQUAL(answers, r == 0 ? 1 : 0);
	oo_etcd_free(etcd);
	return r;
}

static void test_a_watch_that_was_opened_ends_once(void)
{
	CU_ASSERT(fault_sweep_silent(FAULT_MEMORY, try_watch, NULL).failed >= 2);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_a_timer_is_made_or_not),
		OO_TEST(test_timers_are_made_or_not),
		OO_TEST(test_transfers_are_made_or_not),
		OO_TEST(test_a_child_is_started_or_not),
		OO_TEST(test_the_api_listens_or_leaves_no_socket_behind),
		OO_TEST(test_a_check_is_made_or_not),
		OO_TEST(test_an_event_is_queued_for_its_hooks_or_not),
		OO_TEST(test_the_kernel_is_asked_for_addresses_or_an_error_is_told),
		OO_TEST(test_an_answer_is_read_whole_or_not_at_all),
		OO_TEST(test_a_call_that_was_taken_has_its_one_answer),
		OO_TEST(test_a_watch_that_was_opened_ends_once),
	};
	if (mkdtemp(directory) == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    !begin()) {
		return 1;
	}
	int bad = run_tests("drivers faults", tests, OO_LENGTH(tests));
	sd_event_unref(event);
	curl_global_cleanup();
	(void)rmdir(directory); /* litter is no failure */
	return bad;
}
