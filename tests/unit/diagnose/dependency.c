/* Database, broker, cache, storage, host. */
#include <string.h>

#include "base/text.h"
#include "node.h"

#define DATABASE(seen) (&(seen)->dependencies[OO_DEPENDENCY_DATABASE])
#define BROKER(seen) (&(seen)->dependencies[OO_DEPENDENCY_BROKER])
#define CACHE(seen) (&(seen)->dependencies[OO_DEPENDENCY_CACHE])

static void refuse(struct oo_dependency *dependency)
{
	node_result(&dependency->connect, OO_CHECK_REASON_REFUSED, "Connection refused");
	node_result(&dependency->works, OO_CHECK_REASON_NONE, "");
}

static void test_stopped_database_is_one_finding_not_two(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	refuse(DATABASE(seen));
	node_gone(seen, OO_PROGRAM_DATABASE, "inactive/dead");
	node_unlisten(seen, 5432);
	node_first(seen, OO_FAULT_DATABASE_STOPPED, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->n_findings, 1);
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_DATABASE);
	CU_ASSERT_EQUAL(node_verdict(seen)->chain[OO_LAYER_DOCUMENT_SERVER], OO_LAYER_STATE_FINE);
}

STORY(test_refused_while_it_listens_is_a_firewall, DATABASE_UNREACHABLE, CERTAIN)
{
	node_false(seen);
	refuse(DATABASE(seen));
}

STORY(test_refused_by_another_host_may_be_stopped, DATABASE_STOPPED, LIKELY)
{
	node_false(seen);
	refuse(DATABASE(seen));
	DATABASE(seen)->is_local = false;
	oo_text_clip(DATABASE(seen)->at.host, OO_NAME_LENGTH, "198.51.100.7");
	seen->processes[OO_PROGRAM_DATABASE] = (struct oo_process){.look = OO_LOOK_NONE};
}

STORY(test_dropped_connections_are_unreachable, DATABASE_UNREACHABLE, CERTAIN)
{
	node_health_silent(seen);
	node_result(&DATABASE(seen)->connect, OO_CHECK_REASON_CONNECT_TIMEOUT, "timeout");
}

STORY(test_full_queue_of_the_database_is_hung, DATABASE_HUNG, CERTAIN)
{
	node_health_silent(seen);
	node_result(&DATABASE(seen)->connect, OO_CHECK_REASON_CONNECT_TIMEOUT, "timeout");
	node_listener(seen, 5432)->queued = 511;
}

STORY(test_host_that_is_off_is_unreachable, DATABASE_UNREACHABLE, CERTAIN)
{
	node_false(seen);
	DATABASE(seen)->is_local = false;
	node_result(&DATABASE(seen)->connect, OO_CHECK_REASON_UNREACHABLE, "No route to host");
}

STORY(test_database_that_accepts_and_is_silent_is_hung, DATABASE_HUNG, CERTAIN)
{
	node_health_silent(seen);
	node_result(&DATABASE(seen)->works, OO_CHECK_REASON_SILENT, "");
}

STORY(test_wrong_password_is_a_login, DATABASE_LOGIN, CERTAIN)
{
	node_false(seen);
	node_result(&DATABASE(seen)->works, OO_CHECK_REASON_DENIED,
		    "password authentication failed for user \"onlyoffice\" (28P01)");
}

STORY(test_used_up_connections_are_told, DATABASE_CONNECTIONS_EXHAUSTED, CERTAIN)
{
	node_false(seen);
	node_result(&DATABASE(seen)->works, OO_CHECK_REASON_FULL,
		    "too many connections for role \"onlyoffice\" (53300)");
}

STORY(test_read_only_database_is_seen_through_true, DATABASE_READ_ONLY, CERTAIN)
{
	node_result(&DATABASE(seen)->works, OO_CHECK_REASON_READ_ONLY, "in recovery: a standby");
}

STORY(test_missing_table_is_seen_through_true, DATABASE_SCHEMA, CERTAIN)
{
	node_result(&DATABASE(seen)->table, OO_CHECK_REASON_MISSING, "no table task_result");
}

STORY(test_starting_database_is_waited_for, DATABASE_STARTING, CERTAIN)
{
	node_false(seen);
	node_result(&DATABASE(seen)->works, OO_CHECK_REASON_STARTING,
		    "the database system is starting up (57P03)");
}

STORY(test_unknown_name_of_the_database, DATABASE_NAME_NOT_RESOLVED, CERTAIN)
{
	node_false(seen);
	node_result(&DATABASE(seen)->connect, OO_CHECK_REASON_NAME_NOT_RESOLVED, "no such name");
}

STORY(test_login_that_we_cannot_try_is_told_by_the_log, DATABASE_LOGIN, LIKELY)
{
	node_false(seen);
	node_result(&DATABASE(seen)->works, OO_CHECK_REASON_LOCAL, "not readable");
	(void)node_logs(seen, OO_LOG_SOURCE_DOCSERVICE,
			"healthCheck error error: password authentication failed for user \"x\"");
}

STORY(test_old_line_of_a_login_that_works_is_nothing, NONE, NONE)
{
	(void)node_logs(seen, OO_LOG_SOURCE_DOCSERVICE,
			"healthCheck error error: password authentication failed for user \"x\"");
}

STORY(test_false_that_nobody_explains_is_possible_only, BROKER_UNREACHABLE, POSSIBLE)
{
	node_false(seen);
}

STORY(test_false_that_the_log_explains, BROKER_UNREACHABLE, LIKELY)
{
	node_false(seen);
	(void)node_logs(seen, OO_LOG_SOURCE_DOCSERVICE,
			"[ERROR] nodeJS - healthCheck error Error: pubsub");
}

STORY(test_stopped_broker, BROKER_STOPPED, CERTAIN)
{
	node_false(seen);
	refuse(BROKER(seen));
	node_gone(seen, OO_PROGRAM_BROKER, "inactive/dead");
	node_unlisten(seen, 5672);
}

STORY(test_broker_application_stopped_in_its_beam, BROKER_STOPPED, LIKELY)
{
	node_false(seen);
	refuse(BROKER(seen));
	node_listener(seen, 5672)->at.port = 25672;
}

STORY(test_unknown_name_of_the_broker, BROKER_NAME_NOT_RESOLVED, CERTAIN)
{
	node_false(seen);
	node_result(&BROKER(seen)->connect, OO_CHECK_REASON_NAME_NOT_RESOLVED, "no such name");
}

STORY(test_cache_that_takes_no_connections_is_hung, CACHE_HUNG, CERTAIN)
{
	node_health_silent(seen);
	CACHE(seen)->look = OO_LOOK_SEEN;
	CACHE(seen)->is_local = true;
	CACHE(seen)->at.port = 6379;
	node_listener(seen, 5432)->at.port = 6379;
	node_listener(seen, 6379)->queued = 511;
	node_result(&CACHE(seen)->connect, OO_CHECK_REASON_CONNECT_TIMEOUT, "timeout");
}

STORY(test_silent_broker_is_hung, BROKER_HUNG, CERTAIN)
{
	node_health_silent(seen);
	node_result(&BROKER(seen)->works, OO_CHECK_REASON_SILENT, "");
}

STORY(test_broker_refuses_the_login, BROKER_LOGIN, CERTAIN)
{
	node_false(seen);
	node_result(&BROKER(seen)->works, OO_CHECK_REASON_DENIED, "403 ACCESS_REFUSED");
}

STORY(test_alarm_is_seen_through_true, BROKER_ALARM, CERTAIN)
{
	node_result(&BROKER(seen)->works, OO_CHECK_REASON_UNHEALTHY, "blocked: low on memory");
}

STORY(test_cache_that_nobody_asks_is_nothing, NONE, NONE)
{
	CACHE(seen)->look = OO_LOOK_SEEN;
	CACHE(seen)->is_local = true;
	refuse(CACHE(seen));
}

STORY(test_cache_is_to_blame_where_nothing_else_is, CACHE_STOPPED, CERTAIN)
{
	node_false(seen);
	CACHE(seen)->look = OO_LOOK_SEEN;
	CACHE(seen)->is_local = true;
	CACHE(seen)->at.port = 6379;
	refuse(CACHE(seen));
}

static void disk(struct oo_evidence *seen, enum oo_check_reason reason, const char *text)
{
	node_result(&seen->disks[0].result, reason, text);
}

STORY(test_storage_that_is_not_there, STORAGE_MISSING, CERTAIN)
{
	disk(seen, OO_CHECK_REASON_MISSING, "No such file or directory");
}

STORY(test_storage_that_is_not_its_own, STORAGE_DENIED, CERTAIN)
{
	disk(seen, OO_CHECK_REASON_DENIED, "create a test file: Permission denied");
}

STORY(test_denied_to_a_plain_user_proves_nothing, NONE, NONE)
{
	disk(seen, OO_CHECK_REASON_DENIED, "create a test file: Permission denied");
	seen->is_root = false;
}

STORY(test_storage_mounted_read_only, STORAGE_READ_ONLY, CERTAIN)
{
	disk(seen, OO_CHECK_REASON_READ_ONLY, "create a test file: Read-only file system");
}

STORY(test_full_storage, STORAGE_FULL, CERTAIN)
{
	disk(seen, OO_CHECK_REASON_FULL, "0 MiB free (0 %)");
	seen->disks[0].free_percent = 0;
}

static void test_almost_full_storage_breaks_nothing_yet(void)
{
	struct oo_evidence *seen = node_healthy();
	disk(seen, OO_CHECK_REASON_FULL, "400 MiB free (4 %)");
	seen->disks[0].free_percent = 4;
	CU_ASSERT_PTR_NOT_NULL(node_find(seen, OO_FAULT_STORAGE_FULL));
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_END);
}

STORY(test_hung_storage_comes_before_what_hangs_on_it, STORAGE_HUNG, CERTAIN)
{
	disk(seen, OO_CHECK_REASON_HUNG, "");
	node_direct_fails(seen, OO_CHECK_REASON_SILENT);
	node_proxied_fails(seen, OO_CHECK_REASON_SILENT);
}

STORY(test_full_disk_of_the_logs_is_not_the_storage, DISK_FULL, CERTAIN)
{
	seen->disks[1] = seen->disks[0];
	seen->n_disks = 2;
	oo_text_clip(seen->disks[1].what, OO_EVIDENCE_NAME, "logs");
	seen->disks[1].free_percent = 0;
	node_result(&seen->disks[1].result, OO_CHECK_REASON_FULL, "0 MiB free (0 %)");
}

STORY(test_logs_on_a_disk_gone_read_only, STORAGE_READ_ONLY, CERTAIN)
{
	seen->disks[1] = seen->disks[0];
	seen->n_disks = 2;
	oo_text_clip(seen->disks[1].what, OO_EVIDENCE_NAME, "logs");
	node_result(&seen->disks[1].result, OO_CHECK_REASON_READ_ONLY, "Read-only file system");
}

STORY(test_storage_that_only_the_log_tells_of, STORAGE_DENIED, LIKELY)
{
	disk(seen, OO_CHECK_REASON_NONE, "");
	(void)node_logs(seen, OO_LOG_SOURCE_DOCSERVICE,
			"[WARN] nodeJS - healthCheck storage(undefined) error Error: EACCES");
}

STORY(test_memory_that_is_used_up, MEMORY_EXHAUSTED, CERTAIN)
{
	seen->host.memory_available_bytes = 40 << 20;
	seen->host.memory_pressure_percent = 80;
}

static void lookup(struct oo_evidence *seen, const char *name, const char *by, enum oo_look look)
{
	struct oo_evidence_lookup *one = &seen->lookups[seen->n_lookups++];
	one->look = look;
	oo_text_clip(one->name, sizeof(one->name), name);
	oo_text_clip(one->asked_by, sizeof(one->asked_by), by);
}

/* One check has an open connection to the database, the next one has to look its name up. */
STORY(test_no_name_server_comes_before_one_check_that_hangs, NAME_SERVICE_DOWN, LIKELY)
{
	lookup(seen, "db.example", "local.json sql.dbHost", OO_LOOK_LATE);
	node_fails(seen, OO_EXCHANGE_PROXY_HEALTH, OO_CHECK_REASON_SILENT);
}

STORY(test_no_name_server_answers, NAME_SERVICE_DOWN, LIKELY)
{
	node_false(seen);
	lookup(seen, "db.example", "local.json sql.dbHost", OO_LOOK_LATE);
	node_result(&DATABASE(seen)->connect, OO_CHECK_REASON_NAME_NOT_RESOLVED, "timeout");
}

STORY(test_one_name_without_answer_is_its_own_fault, DATABASE_NAME_NOT_RESOLVED, CERTAIN)
{
	node_false(seen);
	lookup(seen, "db.example", "local.json sql.dbHost", OO_LOOK_LATE);
	lookup(seen, "mq.example", "local.json rabbitmq.url", OO_LOOK_SEEN);
	node_result(&DATABASE(seen)->connect, OO_CHECK_REASON_NAME_NOT_RESOLVED, "timeout");
}

CU_TestInfo tests_of_dependency[] = {
	TOLD(test_stopped_database_is_one_finding_not_two),
	TOLD(test_refused_while_it_listens_is_a_firewall),
	TOLD(test_refused_by_another_host_may_be_stopped),
	TOLD(test_dropped_connections_are_unreachable),
	TOLD(test_full_queue_of_the_database_is_hung),
	TOLD(test_host_that_is_off_is_unreachable),
	TOLD(test_database_that_accepts_and_is_silent_is_hung),
	TOLD(test_wrong_password_is_a_login),
	TOLD(test_used_up_connections_are_told),
	TOLD(test_read_only_database_is_seen_through_true),
	TOLD(test_missing_table_is_seen_through_true),
	TOLD(test_starting_database_is_waited_for),
	TOLD(test_unknown_name_of_the_database),
	TOLD(test_login_that_we_cannot_try_is_told_by_the_log),
	TOLD(test_old_line_of_a_login_that_works_is_nothing),
	TOLD(test_false_that_nobody_explains_is_possible_only),
	TOLD(test_false_that_the_log_explains),
	TOLD(test_stopped_broker),
	TOLD(test_broker_application_stopped_in_its_beam),
	TOLD(test_unknown_name_of_the_broker),
	TOLD(test_cache_that_takes_no_connections_is_hung),
	TOLD(test_silent_broker_is_hung),
	TOLD(test_broker_refuses_the_login),
	TOLD(test_alarm_is_seen_through_true),
	TOLD(test_cache_that_nobody_asks_is_nothing),
	TOLD(test_cache_is_to_blame_where_nothing_else_is),
	TOLD(test_storage_that_is_not_there),
	TOLD(test_storage_that_is_not_its_own),
	TOLD(test_denied_to_a_plain_user_proves_nothing),
	TOLD(test_storage_mounted_read_only),
	TOLD(test_full_storage),
	TOLD(test_almost_full_storage_breaks_nothing_yet),
	TOLD(test_hung_storage_comes_before_what_hangs_on_it),
	TOLD(test_full_disk_of_the_logs_is_not_the_storage),
	TOLD(test_logs_on_a_disk_gone_read_only),
	TOLD(test_storage_that_only_the_log_tells_of),
	TOLD(test_memory_that_is_used_up),
	TOLD(test_no_name_server_comes_before_one_check_that_hangs),
	TOLD(test_no_name_server_answers),
	TOLD(test_one_name_without_answer_is_its_own_fault),
	CU_TEST_INFO_NULL,
};
