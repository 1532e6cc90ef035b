/* The client against a real etcd: what a fake would only repeat of our own beliefs. */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "loop.h"
#include "run.h"
#include "server.h"

#define HEDGE_MS 150
#define LONG_MS 15000 /* for what must happen; a hundred times what it takes */

static const char *const nobody = "http://127.0.0.1:9"; /* discard: refused */

static void run_txn(struct oo_etcd *etcd, const struct oo_etcd_txn *txn, bool hedge,
		    struct box *box)
{
	const struct oo_etcd_call call = box_call(box, 3000, hedge);
	CU_ASSERT_EQUAL_FATAL(oo_etcd_txn(etcd, txn, &call, NULL), 0);
	box_wait(box);
}

/* Takes key if it is absent; reads it back if not. */
static void claim(struct oo_etcd *etcd, const char *key, const char *value, struct box *box)
{
	const struct oo_etcd_compare compare = {.key = key, .target = OO_ETCD_TARGET_CREATE};
	const struct oo_etcd_op put = {
		.type = OO_ETCD_OP_PUT, .key = key, .value = value, .value_length = strlen(value)};
	const struct oo_etcd_op get = {.key = key};
	run_txn(etcd, &(struct oo_etcd_txn){&compare, 1, &put, 1, &get, 1}, true, box);
}

/* A cluster of one and its client. */
struct scene {
	struct cluster cluster;
	struct oo_etcd *etcd;
	struct box box;
};

static void open_scene(struct scene *scene)
{
	cluster_init(&scene->cluster, 1);
	cluster_start(&scene->cluster);
	scene->etcd = client_new((const char *[]){scene->cluster.members[0].url, NULL}, 0);
}

static void close_scene(struct scene *scene)
{
	oo_etcd_free(scene->etcd);
	cluster_done(&scene->cluster);
}

/* Makes a call, which expression names call, and waits for its answer in scene->box. */
#define ASK(scene, expression)                                                                     \
	do {                                                                                       \
		const struct oo_etcd_call call = box_call(&(scene)->box, 3000, false);             \
		CU_ASSERT_EQUAL_FATAL((expression), 0);                                            \
		box_wait(&(scene)->box);                                                           \
	} while (0)

static void test_an_absent_key_is_claimed_once(void)
{
	struct scene scene;
	open_scene(&scene);
	claim(scene.etcd, "g/leader", "a", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_TRUE(scene.box.succeeded);
	int64_t claimed = scene.box.revision;
	claim(scene.etcd, "g/leader", "b", &scene.box);
	CU_ASSERT_FALSE(scene.box.succeeded);
	CU_ASSERT_STRING_EQUAL(scene.box.kv.value, "a");
	CU_ASSERT_EQUAL(scene.box.kv.mod_revision, claimed);
	close_scene(&scene);
}

static void test_a_lease_is_granted_renewed_and_revoked_with_its_keys(void)
{
	struct scene scene;
	const struct oo_etcd_op leased = {.type = OO_ETCD_OP_PUT, .key = "m/a", .lease = 77};
	open_scene(&scene);
	ASK(&scene, oo_etcd_lease_grant(scene.etcd, 77, 1, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.box.lease_id, 77);
	CU_ASSERT_EQUAL(scene.box.lease_ttl_s, 2); /* the least of a default etcd */
	ASK(&scene, oo_etcd_lease_grant(scene.etcd, 77, 1, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, -EEXIST);
	ASK(&scene, oo_etcd_run(scene.etcd, &leased, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	ASK(&scene, oo_etcd_lease_renew(scene.etcd, 77, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.lease_ttl_s, 2);
	ASK(&scene, oo_etcd_lease_look(scene.etcd, 77, &call, NULL));
	CU_ASSERT_TRUE(scene.box.lease_ttl_s > 0);
	ASK(&scene, oo_etcd_lease_revoke(scene.etcd, 77, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	client_get(scene.etcd, "m/a", &scene.box);
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.box.n_kvs, 0);
	close_scene(&scene);
}

static void test_a_lease_that_is_gone_is_said_in_each_way(void)
{
	struct scene scene;
	const struct oo_etcd_op leased = {.type = OO_ETCD_OP_PUT, .key = "m/a", .lease = 77};
	open_scene(&scene);
	ASK(&scene, oo_etcd_lease_renew(scene.etcd, 77, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.box.lease_ttl_s, 0);
	ASK(&scene, oo_etcd_lease_look(scene.etcd, 77, &call, NULL));
	CU_ASSERT_TRUE(scene.box.lease_ttl_s < 0);
	ASK(&scene, oo_etcd_lease_revoke(scene.etcd, 77, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0); /* is what was wanted */
	ASK(&scene, oo_etcd_run(scene.etcd, &leased, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, -ENOENT);
	close_scene(&scene);
}

static void test_a_range_of_what_changed_lately_counts_all_that_there_is(void)
{
	struct scene scene;
	open_scene(&scene);
	client_put(scene.etcd, "m/a", "1", &scene.box);
	client_put(scene.etcd, "m/b", "1", &scene.box);
	int64_t known = scene.box.revision;
	client_put(scene.etcd, "m/c", "1", &scene.box);
	const struct oo_etcd_op lately = {.key = "m/", .prefix = true, .least_mod = known + 1};
	ASK(&scene, oo_etcd_run(scene.etcd, &lately, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.n_kvs, 1);
	CU_ASSERT_STRING_EQUAL(scene.box.kv.key, "m/c");
	CU_ASSERT_EQUAL(scene.box.count, 3);
	close_scene(&scene);
}

static void test_a_try_changes_nothing(void)
{
	struct scene scene;
	open_scene(&scene);
	client_put(scene.etcd, "m/a", "1", &scene.box);
	const int64_t known = scene.box.revision;
	ASK(&scene, oo_etcd_try(scene.etcd, "m/a", &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_FALSE(scene.box.succeeded);
	CU_ASSERT_STRING_EQUAL(scene.box.kv.value, "1");
	ASK(&scene, oo_etcd_try(scene.etcd, "m/b", &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_EQUAL(scene.box.revision, known);
	client_get(scene.etcd, "m/b", &scene.box);
	CU_ASSERT_EQUAL(scene.box.n_kvs, 0);
	close_scene(&scene);
}

static void test_members_status_and_alarms_can_be_asked(void)
{
	struct scene scene;
	open_scene(&scene);
	ASK(&scene, oo_etcd_member_list(scene.etcd, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.n_members, 1);
	ASK(&scene, oo_etcd_status_get(scene.etcd, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.version[1], '.');
	ASK(&scene, oo_etcd_alarm_list(scene.etcd, &call, NULL));
	CU_ASSERT_EQUAL(scene.box.r, 0);
	CU_ASSERT_STRING_EQUAL(oo_etcd_trouble(scene.etcd), "");
	close_scene(&scene);
}

static void test_a_full_database_is_said_to_be_full(void)
{
	static const char *const quota[] = {"--quota-backend-bytes=65536", NULL};
	static char value[8192];
	struct scene scene;
	cluster_init(&scene.cluster, 1);
	scene.cluster.extra = quota;
	cluster_start(&scene.cluster);
	scene.etcd = client_new((const char *[]){scene.cluster.members[0].url, NULL}, 0);
	memset(value, 'x', sizeof(value) - 1);
	client_put(scene.etcd, "k", value, &scene.box);
	for (int i = 0; i < 100 && scene.box.r == 0; i++) {
		client_put(scene.etcd, "k", value, &scene.box);
	}
	CU_ASSERT_EQUAL(scene.box.r, -ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(scene.box.err.text, "etcdctl alarm disarm"));
	close_scene(&scene);
}

static void test_a_watch_tells_puts_deletes_and_what_was_missed(void)
{
	struct cluster cluster;
	struct box box;
	struct view view, later;
	cluster_init(&cluster, 1);
	cluster_start(&cluster);
	struct oo_etcd *etcd = client_new((const char *[]){cluster.members[0].url, NULL}, 0);
	struct oo_etcd_watch *watch = view_open(etcd, "w/", 0, &view);
	CU_ASSERT_TRUE_FATAL(loop_until_count(&view.messages, 1, LONG_MS));
	CU_ASSERT_EQUAL(view.events, 0);
	int64_t before = view.revision;
	client_put(etcd, "w/1", "one", &box);
	client_put(etcd, "x/1", "elsewhere", &box);
	CU_ASSERT_TRUE(loop_until_count(&view.events, 1, LONG_MS));
	CU_ASSERT_STRING_EQUAL(view.last_key, "w/1");
	CU_ASSERT_STRING_EQUAL(view.last_value, "one");
	const struct oo_etcd_op delete = {.type = OO_ETCD_OP_DELETE, .key = "w/", .prefix = true};
	const struct oo_etcd_call call = box_call(&box, 3000, false);
	CU_ASSERT_EQUAL(oo_etcd_run(etcd, &delete, &call, NULL), 0);
	box_wait(&box);
	CU_ASSERT_EQUAL(box.deleted, 1);
	CU_ASSERT_TRUE(loop_until_count(&view.deletes, 1, LONG_MS));
	CU_ASSERT_EQUAL(view.revision, box.revision);
	client_put(etcd, "x/1", "the store goes on", &box);
	struct oo_etcd_watch *other = view_open(etcd, "w/", before + 1, &later);
	CU_ASSERT_TRUE(loop_until_count(&later.events, 2, LONG_MS));
	CU_ASSERT_EQUAL(later.revision, view.revision); /* of the event, not of the store */
	CU_ASSERT_FALSE(view.ended);
	oo_etcd_watch_close(watch);
	oo_etcd_watch_close(other);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_compacted_watch_says_up_to_where(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 1);
	cluster_start(&cluster);
	struct oo_etcd *etcd = client_new((const char *[]){cluster.members[0].url, NULL}, 0);
	for (int i = 0; i < 4; i++) {
		client_put(etcd, "w/1", "v", &box);
	}
	char command[64];
	snprintf(command, sizeof(command), "etcdctl --endpoints $U compact %d", (int)box.revision);
	CU_ASSERT_EQUAL(cluster_shell(&cluster, command), 0);
	view_open(etcd, "w/", 2, &view);
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
	CU_ASSERT_EQUAL(view.r, -ERANGE);
	CU_ASSERT_EQUAL(view.compact_revision, box.revision);
	CU_ASSERT_EQUAL(view.events, 0);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_dead_first_endpoint_costs_nothing_but_a_refusal(void)
{
	struct cluster cluster;
	struct box box;
	cluster_init(&cluster, 1);
	cluster_start(&cluster);
	struct oo_etcd *etcd =
		client_new((const char *[]){nobody, cluster.members[0].url, NULL}, 0);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), nobody);
	client_put(etcd, "k", "v", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	CU_ASSERT_TRUE(box.took_ms < 1000);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), cluster.members[0].url);
	member_kill(&cluster, 0);
	client_put(etcd, "k", "v", &box);
	CU_ASSERT_EQUAL(box.r, -ECONNREFUSED);
	CU_ASSERT_TRUE(box.took_ms < 1000); /* once round, then the caller's */
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, nobody));
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, cluster.members[0].url));
	CU_ASSERT_STRING_EQUAL(oo_etcd_trouble(etcd), box.err.text);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

/* Leads the cluster away from member i, so that stopping it stops no quorum's leader. */
static void move_leader_from(struct cluster *cluster, int i)
{
	char command[512];
	int to = (i + 1) % cluster->n;
	snprintf(command, sizeof(command),
		 "id=$(etcdctl --endpoints %s endpoint status -w fields | sed -n "
		 "'s/^\"MemberID\" : //p') && for e in %s %s %s; do etcdctl --endpoints $e "
		 "move-leader $(printf %%x $id) && break; done; etcdctl --endpoints %s endpoint "
		 "status -w fields | grep '\"Leader\"' | grep -q $id",
		 cluster->members[to].url, cluster->members[0].url, cluster->members[1].url,
		 cluster->members[2].url, cluster->members[to].url);
	CU_ASSERT_EQUAL(cluster_shell(cluster, command), 0);
}

static void test_a_frozen_member_is_overtaken_and_left_with_its_watch(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 3);
	cluster_start(&cluster);
	struct oo_etcd *etcd = client_new(
		(const char *[]){cluster.members[0].url, cluster.members[1].url, NULL}, HEDGE_MS);
	move_leader_from(&cluster, 0);
	claim(etcd, "k", "v", &box);
	CU_ASSERT_TRUE(box.succeeded);
	view_open(etcd, "w/", 0, &view);
	CU_ASSERT_TRUE_FATAL(loop_until_count(&view.messages, 1, LONG_MS));
	member_signal(&cluster, 0, SIGSTOP);
	claim(etcd, "k", "other", &box);
	CU_ASSERT_EQUAL(box.r, 0);
	CU_ASSERT_STRING_EQUAL(box.kv.value, "v");
	CU_ASSERT_TRUE(box.took_ms >= HEDGE_MS - 1);
	CU_ASSERT_TRUE(box.took_ms < 1500);
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), cluster.members[1].url);
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
	CU_ASSERT_EQUAL(view.r, -EAGAIN);
	claim(etcd, "k", "other", &box);
	CU_ASSERT_TRUE(box.took_ms < HEDGE_MS); /* asked the well one first */
	view_open(etcd, "w/", view.revision + 1, &view);
	client_put(etcd, "w/1", "v", &box);
	CU_ASSERT_TRUE(loop_until_count(&view.events, 1, LONG_MS));
	member_signal(&cluster, 0, SIGCONT);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_member_that_thaws_is_used_again_with_its_watch(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 3);
	cluster_start(&cluster);
	struct oo_etcd *etcd = client_new(
		(const char *[]){cluster.members[0].url, cluster.members[1].url, NULL}, HEDGE_MS);
	move_leader_from(&cluster, 0);
	member_signal(&cluster, 0, SIGSTOP);
	claim(etcd, "k", "v", &box);
	CU_ASSERT_STRING_EQUAL_FATAL(oo_etcd_endpoint(etcd), cluster.members[1].url);
	CU_ASSERT_PTR_NOT_NULL(strstr(oo_etcd_moved(etcd), "silent while another"));
	view_open(etcd, "w/", 0, &view);
	CU_ASSERT_TRUE(loop_until_count(&view.messages, 1, LONG_MS));
	member_signal(&cluster, 0, SIGCONT);
	int64_t deadline = oo_clock_now() + LONG_MS;
	while (!oo_text_equal(oo_etcd_endpoint(etcd), cluster.members[0].url) &&
	       oo_clock_now() < deadline) {
		claim(etcd, "k", "v", &box);
		CU_ASSERT_EQUAL(box.r, 0);
		usleep(50000);
	}
	CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), cluster.members[0].url);
	CU_ASSERT_PTR_NOT_NULL(strstr(oo_etcd_moved(etcd), "comes first"));
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
	CU_ASSERT_EQUAL(view.r, -EAGAIN);
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_watch_ends_when_its_member_dies_and_goes_on_elsewhere(void)
{
	static const int signals[] = {SIGKILL, SIGTERM};
	for (size_t i = 0; i < OO_LENGTH(signals); i++) {
		struct cluster cluster;
		struct box box;
		struct view view;
		cluster_init(&cluster, 3);
		cluster_start(&cluster);
		struct oo_etcd *etcd = client_new(
			(const char *[]){cluster.members[0].url, cluster.members[1].url, NULL},
			HEDGE_MS);
		client_put(etcd, "w/1", "before", &box);
		view_open(etcd, "w/", 0, &view);
		CU_ASSERT_TRUE_FATAL(loop_until_count(&view.messages, 1, LONG_MS));
		int64_t told = view.revision;
		member_signal(&cluster, 0, signals[i]);
		CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS));
		CU_ASSERT_EQUAL(view.ends, 1);
		CU_ASSERT_STRING_EQUAL(oo_etcd_endpoint(etcd), cluster.members[1].url);
		client_put_until(etcd, "w/1", "after", 0,
				 &box); /* the others may have to elect first */
		view_open(etcd, "w/", told + 1, &view);
		CU_ASSERT_TRUE(loop_until_count(&view.events, 1, LONG_MS));
		CU_ASSERT_STRING_EQUAL(view.last_value, "after");
		oo_etcd_free(etcd);
		cluster_done(&cluster);
	}
}

static void test_a_member_without_quorum_refuses_at_once(void)
{
	struct cluster cluster;
	struct box box;
	struct view view;
	cluster_init(&cluster, 3);
	cluster_start(&cluster);
	struct oo_etcd *etcd = client_new((const char *[]){cluster.members[0].url, NULL}, 0);
	view_open(etcd, "w/", 0, &view);
	CU_ASSERT_TRUE_FATAL(loop_until_count(&view.messages, 1, LONG_MS));
	member_kill(&cluster, 1);
	member_kill(&cluster, 2);
	client_put_until(etcd, "k", "v", -EAGAIN, &box); /* until it has noticed */
	CU_ASSERT_TRUE(box.took_ms < 500);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "no leader"));
	CU_ASSERT_TRUE(loop_until(&view.ended, LONG_MS)); /* not silent for ever */
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

static void test_a_gateway_that_is_off_says_what_to_set(void)
{
	struct cluster cluster;
	struct box box;
	cluster_init(&cluster, 1);
	cluster.config_file = true;
	cluster_start(&cluster);
	struct oo_etcd *etcd = client_new((const char *[]){cluster.members[0].url, NULL}, 0);
	client_put(etcd, "k", "v", &box);
	CU_ASSERT_EQUAL(box.r, -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(box.err.text, "set enable-grpc-gateway: true"));
	oo_etcd_free(etcd);
	cluster_done(&cluster);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_an_absent_key_is_claimed_once),
		OO_TEST(test_a_lease_is_granted_renewed_and_revoked_with_its_keys),
		OO_TEST(test_a_lease_that_is_gone_is_said_in_each_way),
		OO_TEST(test_a_range_of_what_changed_lately_counts_all_that_there_is),
		OO_TEST(test_a_try_changes_nothing),
		OO_TEST(test_members_status_and_alarms_can_be_asked),
		OO_TEST(test_a_full_database_is_said_to_be_full),
		OO_TEST(test_a_watch_tells_puts_deletes_and_what_was_missed),
		OO_TEST(test_a_compacted_watch_says_up_to_where),
		OO_TEST(test_a_dead_first_endpoint_costs_nothing_but_a_refusal),
		OO_TEST(test_a_frozen_member_is_overtaken_and_left_with_its_watch),
		OO_TEST(test_a_member_that_thaws_is_used_again_with_its_watch),
		OO_TEST(test_a_watch_ends_when_its_member_dies_and_goes_on_elsewhere),
		OO_TEST(test_a_member_without_quorum_refuses_at_once),
		OO_TEST(test_a_gateway_that_is_off_says_what_to_set),
	};
	if (!server_is_there()) {
		return 77; /* meson: skipped */
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int r = run_tests("etcd live", tests, OO_LENGTH(tests));
	loop_free();
	curl_global_cleanup();
	return r;
}
