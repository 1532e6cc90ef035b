/* The VIPs, their interfaces, and who else answers. */
#include "node.h"

#define STRANGER "02:00:00:00:00:99"

ILL(test_interface_that_is_not_there_is_critical, INTERFACE_MISSING, CRITICAL)
{
	struct oo_vip_facts *vip = &facts->vips[0];
	vip->has_interface = vip->is_up = vip->has_carrier = vip->has_subnet = vip->is_in_subnet =
		false;
	vip->mtu = 0;
	vip->answer_look = OO_LOOK_NONE;
}

ILL(test_interface_that_is_set_down_is_critical, INTERFACE_DOWN, CRITICAL)
{
	facts->vips[0].is_up = facts->vips[0].has_carrier = false;
}

ILL(test_interface_without_carrier_is_critical, INTERFACE_DOWN, CRITICAL)
{
	facts->vips[0].has_carrier = false;
}

static void test_interface_of_several_vips_is_told_once(void)
{
	struct oo_facts *facts = node_well();
	facts->vips[0].has_carrier = false;
	facts->vips[1] = facts->vips[0];
	SET(facts->vips[1].address, "10.0.0.101");
	facts->n_vips = 2;
	node_is_ill(facts, OO_AILMENT_INTERFACE_DOWN, OO_SEVERITY_CRITICAL);
}

/* On lo, or on none: nothing of a link matters to it. */
WELL(test_vip_that_is_told_of_elsewhere_needs_no_subnet)
{
	struct oo_vip_facts *vip = &facts->vips[0];
	vip->is_elsewhere = true;
	vip->has_subnet = true;
	vip->is_in_subnet = vip->has_carrier = false;
	vip->arp_ignore = 8;
	vip->network_manager_manages = true;
	vip->mtu = 68;
}

ILL(test_interface_of_a_vip_that_is_told_of_elsewhere_is_needed, INTERFACE_MISSING, CRITICAL)
{
	facts->vips[0].is_elsewhere = true;
	facts->vips[0].has_interface = false;
}

ILL(test_networkd_that_keeps_nothing_is_told, NETWORKD_IN_CHARGE, WARNING)
{
	facts->vips[0].networkd_manages = true;
}

WELL(test_networkd_that_keeps_what_is_there_is_fine)
{
	facts->vips[0].networkd_manages = facts->vips[0].networkd_keeps = true;
}

static void test_networkds_file_is_named(void)
{
	struct oo_facts *facts = node_well();
	facts->vips[0].networkd_manages = true;
	SET(facts->vips[0].network_file, "/etc/systemd/network/lan.network");
	const struct oo_ill *ill = node_only(facts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_PTR_NOT_NULL(strstr(ill->fix, "section of /etc/systemd/network/lan.network"));
}

ILL(test_network_manager_is_told, NETWORK_MANAGER_IN_CHARGE, WARNING)
{
	facts->vips[0].network_manager_manages = true;
}

ILL(test_vip_outside_of_the_subnets_is_told, VIP_OUTSIDE_SUBNET, WARNING)
{
	facts->vips[0].is_in_subnet = false;
}

WELL(test_interface_without_addresses_has_no_subnet_to_be_in)
{
	facts->vips[0].has_subnet = facts->vips[0].is_in_subnet = false;
}

WELL(test_vip_on_loopback_is_routed_and_needs_no_subnet)
{
	facts->vips[0].is_loopback = true;
	facts->vips[0].is_in_subnet = false;
	facts->vips[0].arp_ignore = 8;
	facts->vips[0].mtu = 65536;
	SET(facts->vips[0].interface, "lo");
	facts->vips[0].rp_filter = 1;
}

ILL(test_kernel_that_answers_no_arp_is_critical, ARP_SILENCED, CRITICAL)
{
	facts->vips[0].arp_ignore = 8;
}

WELL(test_arp_ignore_1_answers_for_the_vip)
{
	facts->vips[0].arp_ignore = 1;
	SET(facts->vips[0].other_interface, "eth1");
}

WELL(test_arp_ignore_is_nothing_to_ipv6)
{
	facts->vips[0].arp_ignore = 8;
	facts->vips[0].is_six = true;
	SET(facts->vips[0].address, "2001:db8::100");
}

ILL(test_second_interface_of_the_subnet_is_told, ARP_FLUX, WARNING)
{
	SET(facts->vips[0].other_interface, "eth1");
}

ILL(test_strict_filter_off_the_default_route_is_told, REVERSE_PATH, WARNING)
{
	facts->vips[0].rp_filter = 1;
	SET(facts->vips[0].default_interface, "eth1");
}

WELL(test_strict_filter_on_the_default_route_is_fine)
{
	facts->vips[0].rp_filter = 1;
}

WELL(test_loose_filter_is_fine)
{
	facts->vips[0].rp_filter = 2;
	SET(facts->vips[0].default_interface, "eth1");
}

WELL(test_strict_filter_without_a_default_route_is_fine)
{
	facts->vips[0].rp_filter = 1;
	facts->vips[0].default_interface[0] = '\0';
}

ILL(test_small_mtu_is_a_note, MTU_SMALL, NOTE)
{
	facts->vips[0].mtu = 1200;
}

static void answers(struct oo_facts *facts, const char *mac)
{
	facts->vips[0].answer_look = OO_LOOK_SEEN;
	SET(facts->vips[0].answer_mac, mac);
}

ILL(test_answer_for_a_vip_that_nobody_holds_is_a_duplicate, VIP_DUPLICATE, CRITICAL)
{
	answers(facts, STRANGER);
}

ILL(test_answer_of_another_than_the_holder_is_a_duplicate, VIP_DUPLICATE, CRITICAL)
{
	SET(facts->vips[0].holder, "node-b");
	answers(facts, STRANGER);
}

ILL(test_answer_of_a_node_that_does_not_hold_is_a_duplicate, VIP_DUPLICATE, CRITICAL)
{
	SET(facts->vips[0].holder, "node-b");
	answers(facts, "02:00:00:00:00:03");
}

WELL(test_answer_of_the_holder_is_as_it_should_be)
{
	SET(facts->vips[0].holder, "node-b");
	answers(facts, "02:00:00:00:00:02");
}

WELL(test_answer_is_not_held_against_a_holder_whose_macs_nobody_knows)
{
	SET(facts->vips[0].holder, "node-b");
	facts->nodes[1].n_macs = 0;
	facts->nodes[1].has_digest = false;
	answers(facts, STRANGER);
}

WELL(test_answer_is_not_judged_while_nobody_knows_who_holds)
{
	facts->vips[0].holder_look = OO_LOOK_NONE;
	answers(facts, STRANGER);
}

ILL(test_another_answers_for_what_is_here, VIP_DUPLICATE, CRITICAL)
{
	facts->vips[0].is_here = true;
	SET(facts->vips[0].holder, "node-a");
	answers(facts, STRANGER);
}

WELL(test_own_answer_for_what_is_here_is_no_stranger)
{
	facts->vips[0].is_here = true;
	SET(facts->vips[0].holder, "node-a");
	answers(facts, "02:00:00:00:00:01");
}

ILL(test_nginx_on_the_vip_itself_is_told, NONLOCAL_BIND, WARNING)
{
	facts->vips[0].is_bound_by_proxy = true;
}

WELL(test_nginx_on_the_vip_itself_is_fine_with_nonlocal_bind)
{
	facts->vips[0].is_bound_by_proxy = true;
	facts->host.allows_nonlocal = true;
}

ILL(test_nonlocal_bind_of_ipv4_is_not_that_of_ipv6, NONLOCAL_BIND, WARNING)
{
	facts->vips[0].is_six = facts->vips[0].is_bound_by_proxy = true;
	facts->host.allows_nonlocal = true;
}

CU_TestInfo tests_of_network[] = {
	TOLD(test_interface_that_is_not_there_is_critical),
	TOLD(test_interface_that_is_set_down_is_critical),
	TOLD(test_interface_without_carrier_is_critical),
	TOLD(test_interface_of_several_vips_is_told_once),
	TOLD(test_vip_that_is_told_of_elsewhere_needs_no_subnet),
	TOLD(test_interface_of_a_vip_that_is_told_of_elsewhere_is_needed),
	TOLD(test_networkd_that_keeps_nothing_is_told),
	TOLD(test_networkd_that_keeps_what_is_there_is_fine),
	TOLD(test_networkds_file_is_named),
	TOLD(test_network_manager_is_told),
	TOLD(test_vip_outside_of_the_subnets_is_told),
	TOLD(test_interface_without_addresses_has_no_subnet_to_be_in),
	TOLD(test_vip_on_loopback_is_routed_and_needs_no_subnet),
	TOLD(test_kernel_that_answers_no_arp_is_critical),
	TOLD(test_arp_ignore_1_answers_for_the_vip),
	TOLD(test_arp_ignore_is_nothing_to_ipv6),
	TOLD(test_second_interface_of_the_subnet_is_told),
	TOLD(test_strict_filter_off_the_default_route_is_told),
	TOLD(test_strict_filter_on_the_default_route_is_fine),
	TOLD(test_loose_filter_is_fine),
	TOLD(test_strict_filter_without_a_default_route_is_fine),
	TOLD(test_small_mtu_is_a_note),
	TOLD(test_answer_for_a_vip_that_nobody_holds_is_a_duplicate),
	TOLD(test_answer_of_another_than_the_holder_is_a_duplicate),
	TOLD(test_answer_of_a_node_that_does_not_hold_is_a_duplicate),
	TOLD(test_answer_of_the_holder_is_as_it_should_be),
	TOLD(test_answer_is_not_held_against_a_holder_whose_macs_nobody_knows),
	TOLD(test_answer_is_not_judged_while_nobody_knows_who_holds),
	TOLD(test_another_answers_for_what_is_here),
	TOLD(test_own_answer_for_what_is_here_is_no_stranger),
	TOLD(test_nginx_on_the_vip_itself_is_told),
	TOLD(test_nginx_on_the_vip_itself_is_fine_with_nonlocal_bind),
	TOLD(test_nonlocal_bind_of_ipv4_is_not_that_of_ipv6),
	CU_TEST_INFO_NULL,
};
