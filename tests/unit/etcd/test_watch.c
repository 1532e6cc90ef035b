/* Watches: what of a stream is told, and how it ends. Against members by script. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fake.h"
#include "loop.h"
#include "run.h"

#define WAIT_MS 5000
#define HEADER(revision) "\"header\":{\"cluster_id\":\"1\",\"revision\":\"" #revision "\"}"
#define CREATED(revision) "{\"result\":{" HEADER(revision) ",\"created\":true}}\n"
#define EVENT(revision)                                                                            \
	"{\"kv\":{\"key\":\"dy8x\",\"mod_revision\":\"" #revision "\",\"value\":\"dg==\"}}"
#define EVENTS(store, list) "{\"result\":{" HEADER(store) ",\"events\":[" list "]}}\n"

static const char *stream_or_ok(struct fake *fake)
{
	return strcmp(fake->path, "/v3/watch") == 0 ? fake_stream : fake_ok(fake, "");
}

static const char *stream_or_nothing(struct fake *fake)
{
	return strcmp(fake->path, "/v3/watch") == 0 ? fake_stream : NULL;
}

/* A watch that stands, at a member by script; another member is there too. */
struct scene {
	struct fake one, two;
	struct oo_etcd *etcd;
	struct view view;
	struct oo_etcd_watch *watch;
};

static void open_scene(struct scene *scene, int64_t start_revision, fake_fn *reply)
{
	fake_open(&scene->one, reply);
	fake_open(&scene->two, stream_or_ok);
	scene->etcd = client_new((const char *[]){scene->one.url, scene->two.url, NULL}, 50);
	scene->watch = view_open(scene->etcd, "w/", start_revision, &scene->view);
	CU_ASSERT_TRUE_FATAL(loop_until_count(&scene->one.watches, 1, WAIT_MS));
}

static void close_scene(struct scene *scene)
{
	oo_etcd_free(scene->etcd);
	fake_close(&scene->one);
	fake_close(&scene->two);
}

static void expect_end(struct scene *scene, int r, const char *text)
{
	CU_ASSERT_TRUE(loop_until(&scene->view.ended, WAIT_MS));
	loop_turn();
	CU_ASSERT_EQUAL(scene->view.ends, 1);
	CU_ASSERT_EQUAL(scene->view.r, r);
	CU_ASSERT_PTR_NOT_NULL(strstr(scene->view.err.text, text));
}

static void test_a_watch_asks_for_a_leader_and_has_no_time_limit(void)
{
	struct scene scene;
	open_scene(&scene, 5, stream_or_ok);
	CU_ASSERT_PTR_NOT_NULL(strstr(scene.one.head, "\r\nGrpc-Metadata-hasleader: true\r\n"));
	CU_ASSERT_PTR_NULL(strstr(scene.one.head, "Grpc-Timeout"));
	CU_ASSERT_PTR_NOT_NULL(strstr(scene.one.body, "\"start_revision\":\"5\""));
	close_scene(&scene);
}

static void test_messages_may_come_in_pieces_and_several_at_once(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, "{\"result\":{" HEADER(4) ",\"cre");
	loop_turn();
	CU_ASSERT_EQUAL(scene.view.messages, 0);
	fake_push(&scene.one, "ated\":true}}\n" EVENTS(5, EVENT(5)) EVENTS(6, EVENT(6)) "{\"resu");
	CU_ASSERT_TRUE(loop_until_count(&scene.view.messages, 3, WAIT_MS));
	CU_ASSERT_EQUAL(scene.view.events, 2);
	fake_push(&scene.one, "lt\":{" HEADER(9) "}}\n"); /* progress */
	CU_ASSERT_TRUE(loop_until_count(&scene.view.messages, 4, WAIT_MS));
	CU_ASSERT_EQUAL(scene.view.events, 2);
	CU_ASSERT_EQUAL(scene.view.revision, 6);
	CU_ASSERT_FALSE(scene.view.ended);
	close_scene(&scene);
}

static void test_the_revision_told_is_that_of_the_events_not_of_the_store(void)
{
	struct scene scene;
	open_scene(&scene, 3, stream_or_ok);
	fake_push(&scene.one, CREATED(2000));
	CU_ASSERT_TRUE(loop_until_count(&scene.view.messages, 1, WAIT_MS));
	CU_ASSERT_EQUAL(scene.view.revision, 2); /* nothing from 3 on has been told */
	fake_push(&scene.one, EVENTS(2000, EVENT(3) "," EVENT(4)));
	CU_ASSERT_TRUE(loop_until_count(&scene.view.events, 2, WAIT_MS));
	CU_ASSERT_EQUAL(scene.view.revision, 4);
	close_scene(&scene);
}

static void test_nothing_is_told_twice(void)
{
	struct scene scene;
	open_scene(&scene, 5, stream_or_ok);
	fake_push(&scene.one, CREATED(9) EVENTS(9, EVENT(4) "," EVENT(5)));
	fake_push(&scene.one, EVENTS(9, EVENT(5) "," EVENT(6)));
	CU_ASSERT_TRUE(loop_until_count(&scene.view.messages, 3, WAIT_MS));
	CU_ASSERT_EQUAL(scene.view.events, 2);
	CU_ASSERT_EQUAL(scene.view.revision, 6);
	close_scene(&scene);
}

static void test_an_error_at_the_end_of_the_stream_has_no_line_feed(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, CREATED(4));
	fake_push(&scene.one,
		  "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: "
		  "no leader\",\"http_status\":\"Service Unavailable\"}}");
	fake_finish(&scene.one);
	expect_end(&scene, -EAGAIN, "etcdserver: no leader");
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(scene.etcd), scene.two.url);
	close_scene(&scene);
}

static void test_a_stream_that_just_ends_is_an_end(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, CREATED(4) EVENTS(5, EVENT(5)));
	fake_finish(&scene.one);
	expect_end(&scene, -ECONNRESET, "the member closed the watch");
	CU_ASSERT_EQUAL(scene.view.events, 1);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(scene.etcd), scene.two.url);
	close_scene(&scene);
}

static void test_a_canceled_watch_ends_though_the_stream_stays_open(void)
{
	struct scene scene;
	open_scene(&scene, 2, stream_or_ok);
	fake_push(&scene.one,
		  CREATED(9) "{\"result\":{" HEADER(9) ",\"canceled\":true,"
						       "\"compact_revision\":\"5\"}}\n");
	expect_end(&scene, -ERANGE, "the revisions up to 5 are compacted");
	CU_ASSERT_EQUAL(scene.view.compact_revision, 5);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(scene.etcd),
			       scene.one.url); /* it is not to blame */
	close_scene(&scene);
}

static void test_a_refused_watch_never_stands(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, "{\"result\":{" HEADER(
				      9) ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
					 "\"cancel_reason\":\"rpc error: code = PermissionDenied "
					 "desc = etcdserver: permission denied\"}}\n");
	expect_end(&scene, -EACCES, "permission denied");
	CU_ASSERT_EQUAL(scene.view.messages, 0);
	close_scene(&scene);
}

static void test_a_watch_without_a_login_where_one_is_needed_says_so(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, "{\"result\":{" HEADER(
				      9) ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
					 "\"cancel_reason\":\"rpc error: code = InvalidArgument "
					 "desc = etcdserver: user name is empty\"}}\n");
	expect_end(&scene, -EACCES, "set etcd.username and etcd.password_file");
	close_scene(&scene);
}

static void test_garbage_in_the_stream_ends_it(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, CREATED(4) "hello\n");
	expect_end(&scene, -EPROTO, "not a watch message of etcd's: not JSON");
	close_scene(&scene);
}

static void test_a_message_without_end_is_cut_off(void)
{
	static char part[4001];
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	fake_push(&scene.one, CREATED(4));
	memset(part, 'x', sizeof(part) - 1);
	for (unsigned i = 0; i < OO_ETCD_ANSWER_BYTES_MAX / 4000 + 10 && !scene.view.ended; i++) {
		if (scene.one.stream != NULL) {
			fake_push(&scene.one, part);
		}
		loop_turn();
	}
	expect_end(&scene, -EPROTO, "an answer larger than we take");
	close_scene(&scene);
}

static const char *say_404(struct fake *fake)
{
	return fake_say(fake, 404, "404 page not found\n");
}

static const char *say_no_leader(struct fake *fake)
{
	return fake_refuse(fake, 14, "etcdserver: no leader");
}

static void test_a_watch_that_is_refused_by_http_says_why(void)
{
	struct scene scene;
	open_scene(&scene, 0, say_404);
	expect_end(&scene, -EPROTO, "set enable-grpc-gateway: true");
	close_scene(&scene);
	open_scene(&scene, 0, say_no_leader);
	expect_end(&scene, -EAGAIN, "etcdserver: no leader");
	close_scene(&scene);
}

static void test_a_watch_that_does_not_stand_in_time_ends_and_one_that_stands_stays(void)
{
	struct scene standing, scene;
	open_scene(&standing, 0, stream_or_ok);
	fake_push(&standing.one, CREATED(4));
	CU_ASSERT_TRUE(loop_until_count(&standing.view.messages, 1, WAIT_MS));
	open_scene(&scene, 0, stream_or_ok);
	int64_t before = oo_clock_now();
	expect_end(&scene, -ETIMEDOUT, "the watch did not stand within 3000 ms");
	CU_ASSERT_TRUE(oo_clock_now() - before > 2000);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(scene.etcd), scene.two.url);
	CU_ASSERT_FALSE(standing.view.ended);
	close_scene(&scene);
	close_scene(&standing);
}

/* A read that gets no answer within timeout_ms. */
static void read_in_vain(struct scene *scene, int64_t timeout_ms)
{
	struct box box;
	const struct oo_etcd_call call = box_call(&box, timeout_ms, false);
	const struct oo_etcd_op get = {.key = "k"};
	CU_ASSERT_EQUAL(oo_etcd_run(scene->etcd, &get, &call, NULL), 0);
	box_wait(&box);
	CU_ASSERT_EQUAL(box.r, -ETIMEDOUT);
	loop_turn();
}

static void test_a_watch_ends_when_a_call_times_out_but_not_for_an_impatient_one(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_nothing);
	scene.two.reply = stream_or_nothing;
	fake_push(&scene.one, CREATED(4));
	CU_ASSERT_TRUE(loop_until_count(&scene.view.messages, 1, WAIT_MS));
	read_in_vain(&scene, 20);
	CU_ASSERT_FALSE(scene.view.ended);
	read_in_vain(&scene, 200);
	expect_end(&scene, -EAGAIN, "the member was left: no answer within");
	close_scene(&scene);
}

static void test_a_watch_ends_when_calls_leave_its_member(void)
{
	struct scene scene;
	struct box box;
	open_scene(&scene, 0, stream_or_nothing);
	fake_push(&scene.one, CREATED(4));
	CU_ASSERT_TRUE(loop_until_count(&scene.view.messages, 1, WAIT_MS));
	const struct oo_etcd_call call = box_call(&box, 2000, true);
	const struct oo_etcd_op get = {.key = "k"};
	CU_ASSERT_EQUAL(oo_etcd_run(scene.etcd, &get, &call, NULL), 0);
	box_wait(&box);
	CU_ASSERT_EQUAL(box.r, 0); /* the other member answered */
	expect_end(&scene, -EAGAIN, "the member was left: silent while another member answered");
	close_scene(&scene);
}

static void close_itself(void *user, int64_t revision, const struct oo_etcd_event *events, size_t n)
{
	struct scene *scene = user;
	view_events(&scene->view, revision, events, n);
	if (n > 0) {
		oo_etcd_watch_close(scene->watch);
	}
}

static void end_never(void *user, int r, int64_t compact_revision, const struct oo_err *err)
{
	struct scene *scene = user;
	view_end(&scene->view, r, compact_revision, err);
}

static void test_a_watch_may_be_closed_in_its_own_callback(void)
{
	struct scene scene;
	open_scene(&scene, 0, stream_or_ok);
	oo_etcd_watch_close(scene.watch);
	const struct oo_etcd_watch_options options = {
		.key = "w/", .on_events = close_itself, .on_end = end_never, .user = &scene};
	CU_ASSERT_EQUAL_FATAL(oo_etcd_watch_open(scene.etcd, &options, &scene.watch), 0);
	CU_ASSERT_TRUE_FATAL(loop_until_count(&scene.one.watches, 2, WAIT_MS));
	fake_push(&scene.one, CREATED(4) EVENTS(5, EVENT(5)) EVENTS(6, EVENT(6)));
	CU_ASSERT_TRUE(loop_until_count(&scene.view.events, 1, WAIT_MS));
	loop_turn();
	CU_ASSERT_EQUAL(scene.view.events, 1); /* not the one behind it */
	CU_ASSERT_FALSE(scene.view.ended);
	close_scene(&scene);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_a_watch_asks_for_a_leader_and_has_no_time_limit),
		OO_TEST(test_messages_may_come_in_pieces_and_several_at_once),
		OO_TEST(test_the_revision_told_is_that_of_the_events_not_of_the_store),
		OO_TEST(test_nothing_is_told_twice),
		OO_TEST(test_an_error_at_the_end_of_the_stream_has_no_line_feed),
		OO_TEST(test_a_stream_that_just_ends_is_an_end),
		OO_TEST(test_a_canceled_watch_ends_though_the_stream_stays_open),
		OO_TEST(test_a_refused_watch_never_stands),
		OO_TEST(test_a_watch_without_a_login_where_one_is_needed_says_so),
		OO_TEST(test_garbage_in_the_stream_ends_it),
		OO_TEST(test_a_message_without_end_is_cut_off),
		OO_TEST(test_a_watch_that_is_refused_by_http_says_why),
		OO_TEST(test_a_watch_that_does_not_stand_in_time_ends_and_one_that_stands_stays),
		OO_TEST(test_a_watch_ends_when_a_call_times_out_but_not_for_an_impatient_one),
		OO_TEST(test_a_watch_ends_when_calls_leave_its_member),
		OO_TEST(test_a_watch_may_be_closed_in_its_own_callback),
	};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int r = run_tests("etcd watch", tests, OO_LENGTH(tests));
	loop_free();
	curl_global_cleanup();
	return r;
}
