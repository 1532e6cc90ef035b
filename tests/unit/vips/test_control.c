/* What operators ask for over the API: what is refused, with what would be right, and what is begun. */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "change.h"
#include "control.h"
#include "status.h"
#include "store.h"
#include "switchover.h"

static struct oo_config config = {.node = {.name = "node-a"}, .lease = {.ttl_ms = 3000}};
static struct agent agent = {
	.config = &config, .group_names = {"office", "forms"}, .core_config = {.n_groups = 1}};

/* What the agent knows. */
static struct {
	const char *trouble, *holder;
	struct agent_known_member members[3];
	size_t n_members;
	const char *drained; /* this node */
	bool paused, ordered;
} stage;

/* What was begun. */
static struct oo_order begun;
static char key[AGENT_KEY_LENGTH];
static struct oo_decree decree;
static bool deletes;
static int result;

/* -- the rest of the agent */

const char *agent_store_trouble(const struct agent_store *store)
{
	(void)store;
	return stage.trouble;
}

static const struct oo_decree somebodys = {
	.by = "ann@node-b", .at = "2026-01-31T12:00:00.123Z", .reason = "new kernel"};

const struct oo_decree *agent_store_pause(const struct agent_store *store)
{
	(void)store;
	return stage.paused ? &somebodys : NULL;
}

const struct oo_decree *agent_store_drain(const struct agent_store *store, const char *node)
{
	(void)store;
	return stage.drained != NULL && oo_text_equal(node, stage.drained) ? &somebodys : NULL;
}

const struct oo_order_text *agent_store_order(const struct agent_store *store, unsigned group,
					      struct oo_order *ret_order)
{
	static const struct oo_order_text text = {.by = "ann@node-b", .at = "noon"};
	(void)store;
	(void)group;
	*ret_order = (struct oo_order){.id = 1, .from = "node-a", .target = "node-c"};
	return stage.ordered ? &text : NULL;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	(void)store;
	*ret_n = stage.n_members;
	return stage.members;
}

void agent_store_key(const struct agent_store *store, char text[static AGENT_KEY_LENGTH],
		     const char *format, ...)
{
	va_list arguments;
	(void)store;
	va_start(arguments, format);
	(void)vsnprintf(text, AGENT_KEY_LENGTH, format, arguments);
	va_end(arguments);
}

const char *agent_status_holder(const struct agent *of, unsigned group)
{
	(void)of;
	return group == 0 ? stage.holder : "";
}

int agent_switchover_begin(struct agent_switchovers *switchovers, unsigned group,
			   const struct oo_order *order, const char *by, uint64_t *ret_id)
{
	(void)switchovers;
	(void)group;
	begun = *order;
	*ret_id = 0xab;
	CU_ASSERT_STRING_EQUAL(by, "root@node-a");
	return result;
}

int agent_switchover_withdraw(struct agent_switchovers *switchovers, uint64_t id, const char *by)
{
	(void)switchovers;
	(void)by;
	return id == 0xab ? 0 : -ENOENT;
}

struct json_object *agent_switchover_new_answer(const struct agent_switchovers *switchovers,
						uint64_t id)
{
	(void)switchovers;
	return id == 0xab ? json_object_new_object() : NULL;
}

int agent_change_begin(struct agent_changes *changes, const char *to, const struct oo_decree *what,
		       uint64_t *ret_id)
{
	(void)changes;
	oo_text_clip(key, sizeof(key), to);
	deletes = what == NULL;
	decree = what == NULL ? (struct oo_decree){.by = ""} : *what;
	*ret_id = 7;
	return result;
}

struct json_object *agent_change_new_answer(const struct agent_changes *changes, uint64_t id)
{
	(void)changes;
	return id == 7 ? json_object_new_object() : NULL;
}

/* -- the stage */

static struct agent_known_member member(const char *node, bool eligible, const char *reason)
{
	struct agent_known_member known = {.member = {.groups = eligible},
					   .seen_at = oo_clock_now()};
	oo_text_clip(known.member.node, sizeof(known.member.node), node);
	oo_text_clip(known.member.reason, sizeof(known.member.reason), reason);
	return known;
}

/* node-a holds; node-b could, node-c could not. */
static void begin(void)
{
	memset(&stage, 0, sizeof(stage));
	stage.trouble = "";
	stage.holder = "node-a";
	stage.members[0] = member("node-a", true, "");
	stage.members[1] = member("node-b", true, "");
	stage.members[2] = member("node-c", false, "check proxy down");
	stage.n_members = 3;
	agent.core_config.n_groups = 1;
	memset(&begun, 0, sizeof(begun));
	key[0] = '\0';
	result = 0;
}

static struct oo_api_answer answer;

/* The answer's status; its text is in answer.body. */
static unsigned ask(agent_answer_fn *route, const char *body, const char *parameter)
{
	static const struct oo_api_route with_id = {.parameters = {"id"}},
					 with_node = {.parameters = {"node"}};
	const struct oo_api_request request = {.route = route == agent_control_undrain ? &with_node
										       : &with_id,
					       .values = {parameter},
					       .body = body,
					       .body_length = strlen(body),
					       .peer = {.known = true, .user = "root"}};
	oo_buffer_done(&answer.body);
	answer = (struct oo_api_answer){.status = 200};
	oo_buffer_init(&answer.body, 1 << 16);
	route(&agent, &request, &answer);
	return answer.status;
}

struct refusal {
	agent_answer_fn *route;
	const char *body, *parameter;
	unsigned status;
	const char *says;
};

static void expect_refused(const struct refusal *row)
{
	unsigned status = ask(row->route, row->body, row->parameter);
	const char *text = answer.body.data == NULL ? "" : answer.body.data;
	bool as_wanted = status == row->status && strstr(text, row->says) != NULL;
	CU_ASSERT(as_wanted);
	if (!as_wanted) {
		printf("\n    %s: %u %s", row->body, status, text);
	}
	CU_ASSERT_EQUAL(begun.valid_ms, 0);
	CU_ASSERT_STRING_EQUAL(key, "");
}

static void expect_all_refused(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		expect_refused(&rows[i]);
	}
}

/* -- what is refused */

static void test_a_body_that_is_wrong_says_where(void)
{
	static const struct refusal rows[] = {
		{agent_control_switch_over, "{\"too\":\"node-b\"}", NULL, 400,
		 "the body must not have 'too'"},
		{agent_control_switch_over, "{\"to\":7}", NULL, 400, "to must be a text"},
		{agent_control_switch_over, "{\"deadline_ms\":\"7\"}", NULL, 400,
		 "deadline_ms must be a whole number"},
		{agent_control_switch_over, "{\"deadline_ms\":999}", NULL, 400,
		 "deadline_ms must be 1000 to 300000"},
		{agent_control_switch_over, "{\"deadline_ms\":300001}", NULL, 400,
		 "deadline_ms must be 1000 to 300000"},
		{agent_control_switch_over, "{\"dry_run\":1}", NULL, 400,
		 "dry_run must be true or false"},
		{agent_control_switch_over, "{\"group\":\"offices\"}", NULL, 400,
		 "no group 'offices'; there is office"},
		{agent_control_pause, "{\"reason\":[]}", NULL, 400, "reason must be a text"},
		{agent_control_drain, "{\"force\":\"yes\"}", NULL, 400,
		 "force must be true or false"},
		{agent_control_drain, "{\"node\":\"../pause\"}", NULL, 400,
		 "'../pause' is no name that a node can have"},
	};
	begin();
	expect_all_refused(rows, OO_LENGTH(rows));
	agent.core_config.n_groups = 2;
	expect_refused(&(struct refusal){agent_control_switch_over, "{}", NULL, 400,
					 "say which group: office, forms"});
}

static void test_a_reason_has_a_length(void)
{
	char body[400] = "{\"reason\":\"";
	begin();
	memset(body + strlen(body), 'x', OO_REASON_LENGTH - 1);
	strcat(body, "\"}");
	CU_ASSERT_EQUAL(ask(agent_control_pause, body, NULL), 202);
	body[strlen(body) - 2] = '\0';
	strcat(body, "y\"}");
	key[0] = '\0';
	expect_refused(&(struct refusal){agent_control_pause, body, NULL, 400,
					 "reason must be shorter than 160 bytes"});
}

static void test_a_target_that_cannot_be_says_who_could(void)
{
	static const struct refusal rows[] = {
		{agent_control_switch_over, "{\"to\":\"node-a\"}", NULL, 409,
		 "node-a holds office already; eligible are: node-b\""},
		{agent_control_switch_over, "{\"to\":\"node-x\"}", NULL, 409,
		 "no node 'node-x' is present; present are: node-a, node-b, node-c"},
		{agent_control_switch_over, "{\"to\":\"node-c\"}", NULL, 409,
		 "node-c is not eligible for office: check proxy down; eligible are: node-b"},
	};
	begin();
	expect_all_refused(rows, OO_LENGTH(rows));
	stage.drained = "node-b";
	expect_refused(
		&(struct refusal){agent_control_switch_over, "{\"to\":\"node-b\"}", NULL, 409,
				  "node-b is drained by ann@node-b: new kernel (ooha undrain "
				  "node-b); no other is eligible: "});
	begin();
	stage.members[1].seen_at -= 7200;
	expect_refused(&(struct refusal){agent_control_switch_over, "{\"to\":\"node-b\"}", NULL,
					 409, "node-b was last seen 7.2 s ago"});
}

static void test_what_cannot_be_moved_says_why(void)
{
	static const struct refusal row = {agent_control_switch_over, "", NULL, 409,
					   "nobody holds office"};
	begin();
	stage.holder = "";
	expect_refused(&row);
	begin();
	stage.ordered = true;
	expect_refused(&(struct refusal){
		agent_control_switch_over, "", NULL, 409,
		"ann@node-b has asked for a switchover of office to node-c at noon"});
	begin();
	stage.members[1].member.groups = 0;
	expect_refused(
		&(struct refusal){agent_control_switch_over, "", NULL, 409,
				  "office stays on node-a: no other is eligible: node-b: for "
				  "no reason that it gives; node-c: check proxy down"});
}

static void test_without_etcd_nothing_is_begun(void)
{
	static const struct refusal rows[] = {
		{agent_control_switch_over, "", NULL, 503, "etcd: no leader"},
		{agent_control_pause, "", NULL, 503, "etcd: no leader"},
		{agent_control_resume, "", NULL, 503, "etcd: no leader"},
		{agent_control_drain, "", NULL, 503, "etcd: no leader"},
		{agent_control_undrain, "", NULL, 503, "etcd: no leader"},
	};
	begin();
	stage.trouble = "no leader";
	expect_all_refused(rows, OO_LENGTH(rows));
}

static void test_what_is_so_already_says_by_whom(void)
{
	begin();
	expect_refused(&(struct refusal){agent_control_resume, "", NULL, 409, "nothing is paused"});
	expect_refused(&(struct refusal){agent_control_undrain, "", "node-b", 409,
					 "node-b is not drained"});
	stage.paused = true;
	stage.drained = "node-a";
	expect_refused(
		&(struct refusal){agent_control_pause, "", NULL, 409,
				  "paused already, by ann@node-b at 2026-01-31T12:00:00.123Z: "
				  "new kernel"});
	expect_refused(&(struct refusal){agent_control_drain, "", NULL, 409,
					 "node-a is drained already, by ann@node-b at "});
}

static void test_a_drain_that_nobody_could_relieve_needs_force(void)
{
	begin();
	stage.members[1].member.groups = 0;
	expect_refused(
		&(struct refusal){agent_control_drain, "", NULL, 409,
				  "node-a holds office, and could give it to nobody: no other "
				  "is eligible: node-b: "});
	CU_ASSERT_EQUAL(ask(agent_control_drain, "{\"force\":true}", NULL), 202);
	CU_ASSERT_STRING_EQUAL(key, "drain/node-a");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.body.data, "office stays on node-a, degraded, until"));
	begin();
	expect_refused(&(struct refusal){agent_control_drain, "{\"node\":\"node-x\"}", NULL, 409,
					 "no node 'node-x' is present"});
	CU_ASSERT_EQUAL(ask(agent_control_drain, "{\"node\":\"node-x\",\"force\":true}", NULL),
			202);
	CU_ASSERT_STRING_EQUAL(key, "drain/node-x");
}

static void test_an_id_that_is_none_of_ours_is_not_found(void)
{
	static const char *const bad[] = {"", "0", "ac", "-ab", "00000000000000ab0", "AB", "0xab"};
	begin();
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		CU_ASSERT_EQUAL(ask(agent_control_look, "", bad[i]), 404);
		CU_ASSERT_EQUAL(ask(agent_control_withdraw, "", bad[i]), 404);
	}
	CU_ASSERT_EQUAL(ask(agent_control_look, "", NULL), 404);
	CU_ASSERT_EQUAL(ask(agent_control_look, "", "00000000000000ab"), 200);
	CU_ASSERT_EQUAL(ask(agent_control_withdraw, "", "ab"), 200);
	CU_ASSERT_EQUAL(ask(agent_control_change, "", "7"), 200);
	CU_ASSERT_EQUAL(ask(agent_control_change, "", "8"), 404);
}

static void test_what_could_not_be_begun_is_no_success(void)
{
	begin();
	result = -EBUSY;
	CU_ASSERT_EQUAL(ask(agent_control_switch_over, "", NULL), 503);
	CU_ASSERT_EQUAL(ask(agent_control_pause, "", NULL), 503);
	result = -ENOMEM;
	CU_ASSERT_EQUAL(ask(agent_control_switch_over, "", NULL), 500);
	CU_ASSERT_EQUAL(ask(agent_control_drain, "", NULL), 500);
}

/* -- what is begun */

static void test_a_switchover_is_asked_of_whoever_holds(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(agent_control_switch_over,
			    "{\"group\":\"office\",\"to\":\"node-b\",\"deadline_ms\":2000}", NULL),
			202);
	CU_ASSERT_STRING_EQUAL(begun.from, "node-a");
	CU_ASSERT_STRING_EQUAL(begun.target, "node-b");
	CU_ASSERT_EQUAL(begun.valid_ms, 2000);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.body.data, "\"00000000000000ab\""));
	CU_ASSERT_EQUAL(ask(agent_control_switch_over, "{\"to\":null}", NULL), 202);
	CU_ASSERT_STRING_EQUAL(begun.target, "");
	CU_ASSERT_EQUAL(begun.valid_ms, AGENT_SWITCHOVER_DEFAULT_MS);
}

static void test_a_dry_run_begins_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(agent_control_switch_over, "{\"dry_run\":true}", NULL), 200);
	CU_ASSERT_EQUAL(begun.valid_ms, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.body.data, "node-a"));
}

static void test_decrees_say_who_and_what_for(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(agent_control_pause, "{\"reason\":\"works\"}", NULL), 202);
	CU_ASSERT_STRING_EQUAL(key, "pause");
	CU_ASSERT_STRING_EQUAL(decree.by, "root@node-a");
	CU_ASSERT_STRING_EQUAL(decree.reason, "works");
	CU_ASSERT_EQUAL(ask(agent_control_drain, "{\"node\":\"node-c\"}", NULL), 202);
	CU_ASSERT_STRING_EQUAL(key, "drain/node-c");
	CU_ASSERT_FALSE(deletes);
	stage.paused = true;
	stage.drained = "node-c";
	CU_ASSERT_EQUAL(ask(agent_control_resume, "", NULL), 202);
	CU_ASSERT_STRING_EQUAL(key, "pause");
	CU_ASSERT(deletes);
	CU_ASSERT_EQUAL(ask(agent_control_undrain, "", "node-c"), 202);
	CU_ASSERT_STRING_EQUAL(key, "drain/node-c");
	CU_ASSERT_EQUAL(ask(agent_control_drain, "", NULL), 202);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.body.data, "paused: office stays on node-a"));
}

/* etcd has been read. */
static void make_core(void)
{
	static struct oo_core_config core = {.node = "node-a",
					     .ttl_ms = 3000,
					     .renew_ms = 500,
					     .margin_ms = 150,
					     .retry_ms = 100,
					     .n_groups = 1};
	const struct oo_pair pair = {.claim = {.revision = 1}};
	const struct oo_order none = {0};
	agent.core = oo_core_init(malloc(oo_core_size()), &core, 1);
	oo_core_step(agent.core, 1, &(struct oo_event){.type = OO_EVENT_TIME});
	oo_core_step(agent.core, 2,
		     &(struct oo_event){.type = OO_EVENT_READ,
					.seq = oo_core_read_seq(agent.core),
					.outcome = OO_OUTCOME_DONE,
					.revision = 1,
					.pairs = &pair,
					.orders = &none});
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_body_that_is_wrong_says_where),
		TEST(a_reason_has_a_length),
		TEST(a_target_that_cannot_be_says_who_could),
		TEST(what_cannot_be_moved_says_why),
		TEST(without_etcd_nothing_is_begun),
		TEST(what_is_so_already_says_by_whom),
		TEST(a_drain_that_nobody_could_relieve_needs_force),
		TEST(an_id_that_is_none_of_ours_is_not_found),
		TEST(what_could_not_be_begun_is_no_success),
		TEST(a_switchover_is_asked_of_whoever_holds),
		TEST(a_dry_run_begins_nothing),
		TEST(decrees_say_who_and_what_for),
	};
	make_core();
	int r = run_tests("control", tests, OO_LENGTH(tests));
	oo_buffer_done(&answer.body);
	free(agent.core);
	return r;
}
