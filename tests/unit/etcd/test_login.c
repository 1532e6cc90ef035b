/* Logging in: when a token is fetched, sent, and fetched again. Against a member by script. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fake.h"
#include "loop.h"
#include "run.h"

static int64_t skew_ms; /* how far the client's clock is off */

/* Linked in place of oo_clock_now. */
int64_t __real_oo_clock_now(void);
int64_t __wrap_oo_clock_now(void);
int64_t __wrap_oo_clock_now(void)
{
	return __real_oo_clock_now() + skew_ms;
}

struct scene {
	struct fake fake;
	char file[32]; /* of the password */
	struct oo_etcd *etcd;
	struct box box;
};

static void write_password(const struct scene *scene, const char *password)
{
	FILE *file = fopen(scene->file, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "%s\n", password);
	fclose(file);
}

static void open_scene(struct scene *scene, fake_fn *reply)
{
	*scene = (struct scene){.file = "/tmp/ooha-pw-XXXXXX"};
	fake_open(&scene->fake, reply);
	int fd = mkstemp(scene->file);
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	write_password(scene, "secret");
	const char *const endpoints[] = {scene->fake.url};
	const struct oo_etcd_options options = {.endpoints = endpoints,
						.n_endpoints = 1,
						.username = "u",
						.password_file = scene->file};
	CU_ASSERT_EQUAL_FATAL(oo_etcd_new(loop_get(), &options, &scene->etcd, NULL), 0);
}

static void close_scene(struct scene *scene)
{
	oo_etcd_free(scene->etcd);
	fake_close(&scene->fake);
	unlink(scene->file);
}

static bool is_login(const struct fake *fake)
{
	return strcmp(fake->path, "/v3/auth/authenticate") == 0;
}

/* Says token-<number of the login>. */
static const char *give_token(struct fake *fake)
{
	char more[64];
	snprintf(more, sizeof(more), ",\"token\":\"token-%u\"", fake->logins);
	return fake_ok(fake, more);
}

static bool carries(const struct fake *fake, const char *token)
{
	char header[64];
	snprintf(header, sizeof(header), "\r\nAuthorization: %s\r\n", token);
	return strstr(fake->head, header) != NULL;
}

/* Takes every token. */
static const char *take_any(struct fake *fake)
{
	if (is_login(fake)) {
		CU_ASSERT_PTR_NULL(strstr(fake->head, "Authorization"));
		return give_token(fake);
	}
	return fake_ok(fake, "");
}

/* Takes only the second token. */
static const char *take_second(struct fake *fake)
{
	if (is_login(fake)) {
		CU_ASSERT_PTR_NULL(
			strstr(fake->head, "Authorization")); /* a stale one is refused */
		return give_token(fake);
	}
	return carries(fake, "token-2")
		       ? fake_ok(fake, "")
		       : fake_refuse(fake, 3, "etcdserver: revision of auth store is old");
}

static const char *take_none(struct fake *fake)
{
	return is_login(fake) ? give_token(fake)
			      : fake_refuse(fake, 16, "etcdserver: invalid auth token");
}

static const char *refuse_password(struct fake *fake)
{
	return fake_refuse(fake, 3,
			   "etcdserver: authentication failed, invalid user ID or password");
}

static const char *need_none(struct fake *fake)
{
	return is_login(fake) ? fake_refuse(fake, 9, "etcdserver: authentication is not enabled")
			      : fake_ok(fake, "");
}

static const char *login_without_answer(struct fake *fake)
{
	return is_login(fake) ? NULL : fake_ok(fake, "");
}

static void test_calls_wait_for_one_login_and_carry_its_token(void)
{
	struct scene scene;
	struct box boxes[3];
	open_scene(&scene, take_any);
	for (size_t i = 0; i < OO_LENGTH(boxes); i++) {
		const struct oo_etcd_call call = box_call(&boxes[i], 3000, false);
		CU_ASSERT_EQUAL(oo_etcd_lease_renew(scene.etcd, 7, &call, NULL), 0);
	}
	for (size_t i = 0; i < OO_LENGTH(boxes); i++) {
		box_wait(&boxes[i]);
		CU_ASSERT_EQUAL(boxes[i].r, 0);
	}
	CU_ASSERT_EQUAL(scene.fake.logins, 1);
	CU_ASSERT_EQUAL(scene.fake.requests, 4);
	CU_ASSERT_TRUE(carries(&scene.fake, "token-1"));
	close_scene(&scene);
}

static void test_a_refused_token_is_renewed_once_and_the_call_goes_through(void)
{
	struct scene scene;
	open_scene(&scene, take_second);
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.fake.logins, 2);
	scene.fake.reply = take_none;
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, -EACCES);
	CU_ASSERT_EQUAL(scene.fake.logins, 3); /* once a call */
	close_scene(&scene);
}

/* Holds back the refusal of the second call until the first one has a new token. */
static const char *refuse_late(struct fake *fake)
{
	if (is_login(fake)) {
		return give_token(fake);
	}
	if (carries(fake, "token-1") && fake->held == NULL && fake->logins == 1) {
		fake->held = fake->last;
		return NULL;
	}
	if (carries(fake, "token-1")) {
		return fake_refuse(fake, 16, "etcdserver: invalid auth token");
	}
	if (fake->held != NULL) {
		fake_send_held(fake, fake_refuse(fake, 16, "etcdserver: invalid auth token"));
	}
	return fake_ok(fake, "");
}

static void test_a_late_refusal_of_the_old_token_does_not_cost_the_new_one(void)
{
	struct scene scene;
	struct box boxes[2];
	open_scene(&scene, refuse_late);
	for (size_t i = 0; i < OO_LENGTH(boxes); i++) {
		const struct oo_etcd_call call = box_call(&boxes[i], 3000, false);
		CU_ASSERT_EQUAL(oo_etcd_lease_renew(scene.etcd, 7, &call, NULL), 0);
	}
	for (size_t i = 0; i < OO_LENGTH(boxes); i++) {
		box_wait(&boxes[i]);
		CU_ASSERT_EQUAL(boxes[i].r, 0);
	}
	CU_ASSERT_EQUAL(scene.fake.logins, 2);
	close_scene(&scene);
}

static void test_an_aging_token_is_renewed_beside_the_calls(void)
{
	struct scene scene;
	open_scene(&scene, take_any);
	skew_ms = -130000; /* the token is two minutes old once the clock is right */
	client_put(scene.etcd, "k", "v", &scene.box);
	skew_ms = 0;
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.fake.logins, 1);
	scene.fake.reply = login_without_answer;
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0); /* did not wait */
	CU_ASSERT_TRUE(loop_until_count(&scene.fake.logins, 2, 5000));
	fake_send(&scene.fake, give_token(&scene.fake));
	loop_turn();
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_TRUE(carries(&scene.fake, "token-2"));
	CU_ASSERT_EQUAL(scene.fake.logins, 2);
	close_scene(&scene);
}

static void test_a_refused_password_is_not_tried_again_and_again(void)
{
	struct scene scene;
	open_scene(&scene, refuse_password);
	for (int i = 0; i < 5; i++) {
		client_put(scene.etcd, "k", "v", &scene.box);
		CU_ASSERT_EQUAL(scene.box.r, -EACCES);
		CU_ASSERT_PTR_NOT_NULL(strstr(scene.box.err.text, "invalid user ID or password"));
		CU_ASSERT_PTR_NULL(strstr(scene.box.err.text, "secret"));
	}
	CU_ASSERT_EQUAL(scene.fake.requests, 1);
	close_scene(&scene);
}

static void test_a_refused_password_is_tried_at_once_after_a_reload(void)
{
	struct scene scene;
	open_scene(&scene, refuse_password);
	client_put(scene.etcd, "k", "v", &scene.box);
	for (int i = 1; i <= 3; i++) {
		CU_ASSERT_EQUAL(scene.fake.requests, (unsigned)i);
		oo_etcd_reload(scene.etcd);
		client_put(scene.etcd, "k", "v", &scene.box);
	}
	close_scene(&scene);
}

static void test_a_login_that_etcd_does_not_need_is_left_out(void)
{
	struct scene scene;
	open_scene(&scene, need_none);
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0);
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.fake.logins, 1);
	CU_ASSERT_PTR_NULL(strstr(scene.fake.head, "Authorization"));
	scene.fake.reply = take_second; /* switched on meanwhile */
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.fake.logins, 2);
	close_scene(&scene);
}

static void test_waiting_for_a_login_ends_at_the_deadline(void)
{
	struct scene scene;
	open_scene(&scene, login_without_answer);
	const struct oo_etcd_call call = box_call(&scene.box, 200, false);
	CU_ASSERT_EQUAL(oo_etcd_lease_renew(scene.etcd, 7, &call, NULL), 0);
	box_wait(&scene.box);
	CU_ASSERT_EQUAL(scene.box.r, -ETIMEDOUT);
	CU_ASSERT_TRUE(scene.box.took_ms >= 200 && scene.box.took_ms < 1000);
	CU_ASSERT_EQUAL(scene.fake.requests, scene.fake.logins);
	close_scene(&scene);
}

static void test_the_password_is_the_first_line_of_its_file_at_every_login(void)
{
	struct scene scene;
	open_scene(&scene, refuse_password);
	write_password(&scene, "new \"password\"\r\nsecond line");
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_STRING_EQUAL(scene.fake.body,
			       "{\"name\":\"u\",\"password\":\"new \\\"password\\\"\"}");
	close_scene(&scene);
}

static void test_an_empty_or_missing_password_file_is_said(void)
{
	struct scene scene;
	open_scene(&scene, take_any);
	write_password(&scene, "");
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(scene.box.err.text, ": the first line is empty"));
	close_scene(&scene);
	open_scene(&scene, take_any);
	unlink(scene.file);
	client_put(scene.etcd, "k", "v", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(scene.box.err.text, ": No such file or directory"));
	CU_ASSERT_EQUAL(scene.fake.requests, 0);
	close_scene(&scene);
}

static void test_a_watch_waits_for_the_login_and_carries_the_token(void)
{
	struct scene scene;
	struct view view;
	open_scene(&scene, take_any);
	view_open(scene.etcd, "w/", 0, &view);
	CU_ASSERT_TRUE(loop_until_count(&scene.fake.watches, 1, 5000));
	CU_ASSERT_EQUAL(scene.fake.logins, 1);
	CU_ASSERT_TRUE(carries(&scene.fake, "token-1"));
	close_scene(&scene);
	open_scene(&scene, refuse_password);
	view_open(scene.etcd, "w/", 0, &view);
	CU_ASSERT_TRUE(loop_until(&view.ended, 5000));
	CU_ASSERT_EQUAL(view.r, -EACCES);
	CU_ASSERT_EQUAL(scene.fake.watches, 0);
	close_scene(&scene);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_calls_wait_for_one_login_and_carry_its_token),
		OO_TEST(test_a_refused_token_is_renewed_once_and_the_call_goes_through),
		OO_TEST(test_a_late_refusal_of_the_old_token_does_not_cost_the_new_one),
		OO_TEST(test_an_aging_token_is_renewed_beside_the_calls),
		OO_TEST(test_a_refused_password_is_not_tried_again_and_again),
		OO_TEST(test_a_refused_password_is_tried_at_once_after_a_reload),
		OO_TEST(test_a_login_that_etcd_does_not_need_is_left_out),
		OO_TEST(test_waiting_for_a_login_ends_at_the_deadline),
		OO_TEST(test_the_password_is_the_first_line_of_its_file_at_every_login),
		OO_TEST(test_an_empty_or_missing_password_file_is_said),
		OO_TEST(test_a_watch_waits_for_the_login_and_carries_the_token),
	};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int r = run_tests("etcd login", tests, OO_LENGTH(tests));
	loop_free();
	curl_global_cleanup();
	return r;
}
