/* Whether etcd can be reached, and lets the agent work. */
#include "node.h"

static void endpoint_fails(struct oo_facts *facts, size_t i, enum oo_reach reach)
{
	struct oo_etcd_endpoint_facts *endpoint = &facts->etcd.endpoints[i];
	endpoint->reach = reach;
	SET(endpoint->error, "in somebody's words");
	endpoint->look = OO_LOOK_FAILED;
	endpoint->metrics_look = endpoint->options_look = OO_LOOK_FAILED;
	endpoint->commit_us = 0;
}

ILL(test_refused_member_is_told, ETCD_REFUSED, WARNING)
{
	endpoint_fails(facts, 1, OO_REACH_REFUSED);
}

ILL(test_rejected_member_is_told, ETCD_REFUSED, WARNING)
{
	endpoint_fails(facts, 1, OO_REACH_REJECTED);
}

ILL(test_silent_member_is_told_from_one_that_refuses, ETCD_DROPPED, WARNING)
{
	endpoint_fails(facts, 1, OO_REACH_SILENT);
}

ILL(test_handshake_that_fails_is_told, ETCD_FAILED, WARNING)
{
	endpoint_fails(facts, 2, OO_REACH_TLS);
}

ILL(test_name_that_is_none_is_told, ETCD_FAILED, WARNING)
{
	endpoint_fails(facts, 2, OO_REACH_UNRESOLVED);
}

ILL(test_what_answers_and_is_no_etcd_is_told, ETCD_FAILED, WARNING)
{
	facts->etcd.endpoints[2].look = OO_LOOK_FAILED;
	SET(facts->etcd.endpoints[2].trouble, "http://10.0.3.11:2379: no v3 gateway");
}

static void test_last_member_that_is_away_is_critical(void)
{
	struct oo_facts *facts = node_well();
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		endpoint_fails(facts, i, OO_REACH_SILENT);
	}
	const struct oo_health_report *report = node_report(facts);
	CU_ASSERT_EQUAL(report->n, 3);
	for (size_t i = 0; i < report->n; i++) {
		CU_ASSERT_EQUAL(report->items[i].ailment, OO_AILMENT_ETCD_DROPPED);
		CU_ASSERT_EQUAL(report->items[i].severity, OO_SEVERITY_CRITICAL);
	}
}

WELL(test_nothing_is_said_of_an_etcd_that_nobody_asked)
{
	memset(&facts->etcd, 0, sizeof(facts->etcd));
	facts->is_local = true;
	facts->etcd.compact_revision = -1;
}

WELL(test_member_that_was_late_with_its_status_is_not_called_leaderless)
{
	facts->etcd.endpoints[1].look = OO_LOOK_LATE;
	facts->etcd.endpoints[1].has_leader = false;
}

ILL(test_member_without_a_leader_is_critical, ETCD_NO_LEADER, CRITICAL)
{
	facts->etcd.endpoints[1].has_leader = false;
}

ILL(test_user_that_may_not_read_is_told, ETCD_RIGHTS, CRITICAL)
{
	SET(facts->etcd.username, "ooha");
	facts->etcd.read_look = OO_LOOK_DENIED;
	SET(facts->etcd.access_error, "etcdserver: permission denied");
}

static void test_rights_come_with_the_lines_that_give_them(void)
{
	struct oo_facts *facts = node_well();
	SET(facts->etcd.username, "agent7");
	facts->etcd.write_look = OO_LOOK_DENIED;
	SET(facts->etcd.access_error, "etcdserver: permission denied");
	const struct oo_ill *ill = node_only(facts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_PTR_NOT_NULL(strstr(ill->what, "may not write"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ill->fix,
				      "etcdctl role grant-permission ooha readwrite /ooha/office/ "
				      "--prefix\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ill->fix, "etcdctl user grant-role agent7 ooha"));
}

ILL(test_wrong_password_is_no_missing_right, ETCD_LOGIN, CRITICAL)
{
	SET(facts->etcd.username, "ooha");
	facts->etcd.read_look = facts->etcd.write_look = OO_LOOK_DENIED;
	SET(facts->etcd.access_error, "etcdserver: authentication failed");
}

static void test_etcd_that_wants_a_user_says_which_keys_to_set(void)
{
	struct oo_facts *facts = node_well();
	facts->etcd.read_look = OO_LOOK_DENIED;
	SET(facts->etcd.access_error, "etcdserver: user name is empty");
	const struct oo_ill *ill = node_only(facts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_STRING_EQUAL(ill->what, "etcd wants a user: etcdserver: user name is empty");
	CU_ASSERT_PTR_NOT_NULL(strstr(ill->fix, "etcd.username and etcd.password_file"));
}

WELL(test_read_that_came_late_is_no_missing_right)
{
	facts->etcd.read_look = facts->etcd.write_look = OO_LOOK_LATE;
	facts->nodes_look = OO_LOOK_LATE;
	facts->n_nodes = 0;
}

CU_TestInfo tests_of_etcd_access[] = {
	TOLD(test_refused_member_is_told),
	TOLD(test_rejected_member_is_told),
	TOLD(test_silent_member_is_told_from_one_that_refuses),
	TOLD(test_handshake_that_fails_is_told),
	TOLD(test_name_that_is_none_is_told),
	TOLD(test_what_answers_and_is_no_etcd_is_told),
	TOLD(test_last_member_that_is_away_is_critical),
	TOLD(test_nothing_is_said_of_an_etcd_that_nobody_asked),
	TOLD(test_member_that_was_late_with_its_status_is_not_called_leaderless),
	TOLD(test_member_without_a_leader_is_critical),
	TOLD(test_user_that_may_not_read_is_told),
	TOLD(test_rights_come_with_the_lines_that_give_them),
	TOLD(test_wrong_password_is_no_missing_right),
	TOLD(test_etcd_that_wants_a_user_says_which_keys_to_set),
	TOLD(test_read_that_came_late_is_no_missing_right),
	CU_TEST_INFO_NULL,
};
