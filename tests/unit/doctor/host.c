/* This host; its Document Server. */
#include "node.h"

ILL(test_clock_that_runs_off_is_critical, CLOCK_RATE, CRITICAL)
{
	facts->host.rate_ppm = -6000;
}

WELL(test_clock_that_is_slewed_gently_is_fine)
{
	facts->host.rate_ppm = 500;
}

ILL(test_clock_that_nobody_sets_is_a_note, CLOCK_UNSYNCHRONISED, NOTE)
{
	facts->host.is_synchronised = false;
}

WELL(test_clock_that_could_not_be_read_is_not_judged)
{
	facts->host.clock_look = OO_LOOK_FAILED;
	facts->host.is_synchronised = false;
}

ILL(test_root_without_net_admin_is_told, NO_NET_ADMIN, CRITICAL)
{
	facts->host.addresses_look = OO_LOOK_DENIED;
	facts->host.nf_tables_look = facts->host.destroy_look = OO_LOOK_DENIED;
}

ILL(test_root_without_packet_sockets_is_told, NO_NET_RAW, CRITICAL)
{
	facts->host.packets_look = OO_LOOK_DENIED;
	facts->vips[0].answer_look = OO_LOOK_DENIED;
}

WELL(test_ordinary_user_need_not_have_rights)
{
	facts->is_root = false;
	facts->host.addresses_look = facts->host.packets_look = OO_LOOK_DENIED;
	facts->host.nf_tables_look = facts->host.destroy_look = OO_LOOK_DENIED;
}

ILL(test_kernel_without_nf_tables_is_told, NO_NF_TABLES, WARNING)
{
	facts->host.nf_tables_look = OO_LOOK_ABSENT;
}

static void test_kernel_without_nf_tables_is_critical_where_the_ttl_is_short(void)
{
	struct oo_facts *facts = node_well();
	facts->host.nf_tables_look = OO_LOOK_ABSENT;
	facts->ttl_ms = 2000;
	const struct oo_ill *ill = node_find(facts, OO_AILMENT_NO_NF_TABLES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_EQUAL(ill->severity, OO_SEVERITY_CRITICAL);
}

ILL(test_kernel_that_cannot_reset_connections_is_told, NO_SOCKET_DESTROY, WARNING)
{
	facts->host.destroy_look = OO_LOOK_ABSENT;
}

WELL(test_reset_that_could_not_be_tried_is_no_kernel_without)
{
	facts->host.destroy_look = OO_LOOK_FAILED;
}

ILL(test_disabled_unit_is_told, UNIT_NOT_ENABLED, WARNING)
{
	SET(facts->host.unit_state, "disabled");
}

ILL(test_unit_enabled_until_the_next_boot_is_not_enabled, UNIT_NOT_ENABLED, WARNING)
{
	SET(facts->host.unit_state, "enabled-runtime");
}

WELL(test_no_systemd_is_no_disabled_unit)
{
	facts->host.unit_look = OO_LOOK_ABSENT;
	facts->host.unit_state[0] = facts->host.unit_preserve[0] = '\0';
}

ILL(test_runtime_directory_that_goes_is_told, RUNTIME_DIRECTORY_LOST, WARNING)
{
	SET(facts->host.unit_preserve, "no");
}

WELL(test_runtime_directory_that_always_stays_is_fine)
{
	SET(facts->host.unit_preserve, "yes");
}

ILL(test_hook_that_would_be_refused_is_told, HOOK_UNTRUSTED, WARNING)
{
	facts->host.n_hooks = 2;
	facts->host.hooks.n = 1;
	SET(facts->host.hooks.items[0].path, "/etc/ooha/hooks/x");
	SET(facts->host.hooks.items[0].error, "/etc/ooha/hooks is writable by others");
}

ILL(test_secret_that_others_read_is_told, SECRET_READABLE, WARNING)
{
	facts->host.secrets.n = 1;
	SET(facts->host.secrets.items[0].path, "/etc/onlyoffice/documentserver/local.json");
	SET(facts->host.secrets.items[0].error, "everybody may read it");
}

ILL(test_open_port_is_a_note, DOCUMENTSERVER_PORT_OPEN, NOTE)
{
	SET(facts->documentserver.listens_at, "0.0.0.0");
}

WELL(test_somebody_elses_port_8000_is_not_the_document_servers)
{
	facts->documentserver.look = OO_LOOK_ABSENT;
	SET(facts->documentserver.listens_at, "0.0.0.0");
}

ILL(test_group_without_required_checks_is_told, CHECKS_MISSING, WARNING)
{
	SET(facts->unchecked, "office");
}

ILL(test_document_server_that_no_check_asks_is_told, CHECKS_MISSING, WARNING)
{
	facts->checks_proxy = false;
}

WELL(test_node_without_a_document_server_may_check_something_else)
{
	facts->documentserver.look = OO_LOOK_ABSENT;
	facts->checks_proxy = false;
}

CU_TestInfo tests_of_host[] = {
	TOLD(test_clock_that_runs_off_is_critical),
	TOLD(test_clock_that_is_slewed_gently_is_fine),
	TOLD(test_clock_that_nobody_sets_is_a_note),
	TOLD(test_clock_that_could_not_be_read_is_not_judged),
	TOLD(test_root_without_net_admin_is_told),
	TOLD(test_root_without_packet_sockets_is_told),
	TOLD(test_ordinary_user_need_not_have_rights),
	TOLD(test_kernel_without_nf_tables_is_told),
	TOLD(test_kernel_without_nf_tables_is_critical_where_the_ttl_is_short),
	TOLD(test_kernel_that_cannot_reset_connections_is_told),
	TOLD(test_reset_that_could_not_be_tried_is_no_kernel_without),
	TOLD(test_disabled_unit_is_told),
	TOLD(test_unit_enabled_until_the_next_boot_is_not_enabled),
	TOLD(test_no_systemd_is_no_disabled_unit),
	TOLD(test_runtime_directory_that_goes_is_told),
	TOLD(test_runtime_directory_that_always_stays_is_fine),
	TOLD(test_hook_that_would_be_refused_is_told),
	TOLD(test_secret_that_others_read_is_told),
	TOLD(test_open_port_is_a_note),
	TOLD(test_somebody_elses_port_8000_is_not_the_document_servers),
	TOLD(test_group_without_required_checks_is_told),
	TOLD(test_document_server_that_no_check_asks_is_told),
	TOLD(test_node_without_a_document_server_may_check_something_else),
	CU_TEST_INFO_NULL,
};
