/* What differs between the nodes. */
#include "node.h"

ILL(test_single_node_is_told, NODE_SINGLE, WARNING)
{
	facts->n_nodes = 1;
}

WELL(test_cluster_without_agents_has_not_started_yet)
{
	facts->n_nodes = 0;
}

WELL(test_nodes_that_could_not_be_asked_are_not_counted)
{
	facts->nodes_look = OO_LOOK_LATE;
	facts->n_nodes = 1;
}

ILL(test_ttl_of_another_length_is_told, TTL_DIFFERS, WARNING)
{
	facts->nodes[2].ttl_ms = 5000;
}

ILL(test_other_groups_are_told, GROUPS_DIFFER, WARNING)
{
	SET(facts->nodes[1].groups, "3333333333333333");
}

ILL(test_other_checks_are_told, CHECKS_DIFFER, WARNING)
{
	SET(facts->nodes[2].checks, "3333333333333333");
}

ILL(test_other_agent_is_a_note, AGENT_VERSIONS_DIFFER, NOTE)
{
	SET(facts->nodes[1].agent_version, "0.0.9");
}

ILL(test_other_mtu_is_told, MTU_DIFFERS, WARNING)
{
	facts->nodes[1].mtu = 9000;
}

ILL(test_other_document_server_is_told, DOCUMENTSERVER_VERSIONS_DIFFER, WARNING)
{
	SET(facts->nodes[1].documentserver, "8.2.2.1");
}

ILL(test_other_secret_is_critical, JWT_SECRETS_DIFFER, CRITICAL)
{
	SET(facts->nodes[1].secret, "a1b3");
}

WELL(test_secret_that_an_agent_may_not_read_is_not_another)
{
	facts->nodes[1].secret[0] = '\0';
}

/* An agent of a version before there were digests. */
WELL(test_record_without_a_digest_differs_in_nothing)
{
	struct oo_node_facts *node = &facts->nodes[1];
	struct oo_node_facts old = {0};
	SET(old.name, node->name);
	SET(old.zone, node->zone);
	SET(old.agent_version, node->agent_version);
	*node = old;
}

static void test_difference_names_the_two_that_differ(void)
{
	struct oo_facts *facts = node_well();
	facts->nodes[0].secret[0] = '\0';
	SET(facts->nodes[2].secret, "ffff");
	const struct oo_ill *ill = node_only(facts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_STRING_EQUAL(ill->what,
			       "the Document Servers of node-b and node-c have different "
			       "JWT secrets");
}

CU_TestInfo tests_of_cluster[] = {
	TOLD(test_single_node_is_told),
	TOLD(test_cluster_without_agents_has_not_started_yet),
	TOLD(test_nodes_that_could_not_be_asked_are_not_counted),
	TOLD(test_ttl_of_another_length_is_told),
	TOLD(test_other_groups_are_told),
	TOLD(test_other_checks_are_told),
	TOLD(test_other_agent_is_a_note),
	TOLD(test_other_mtu_is_told),
	TOLD(test_other_document_server_is_told),
	TOLD(test_other_secret_is_critical),
	TOLD(test_secret_that_an_agent_may_not_read_is_not_another),
	TOLD(test_record_without_a_digest_differs_in_nothing),
	TOLD(test_difference_names_the_two_that_differ),
	CU_TEST_INFO_NULL,
};
