/* The VIPs, their interfaces, and who else is on the network. */
#include <string.h>

#include "doctor/rule.h"

#define MTU_LEAST 1280 /* of IPv6, RFC 8200 */
/* 1 and 2 answer for what is on the interface; 3 not for every scope, 8 for nothing. */
#define ARP_IGNORE_SOME 3
#define RP_FILTER_STRICT 1

/* Several VIPs of an interface are one matter, as far as the interface is. */
static bool is_first_of_interface(const struct oo_facts *facts, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (!facts->vips[i].is_elsewhere &&
		    strcmp(facts->vips[i].interface, facts->vips[index].interface) == 0) {
			return false;
		}
	}
	return true;
}

static void say_missing(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_INTERFACE_MISSING,
				    "there is no interface %s", vip->interface),
		      "correct groups.vips.interface; those of this host: ip -br link");
}

static void judge_interface(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	if (!vip->has_interface) {
		say_missing(doctor, vip);
	} else if (!vip->is_up || !vip->has_carrier) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_INTERFACE_DOWN, "%s %s",
					    vip->interface,
					    vip->is_up ? "has no carrier" : "is set down"),
			      vip->is_up ? "look at the cable, or the port: ip -br link show %s"
					 : "ip link set %s up",
			      vip->interface);
	}
	if (vip->has_interface && !vip->is_loopback && vip->mtu < MTU_LEAST) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_MTU_SMALL, "%s has an MTU of %u",
					    vip->interface, vip->mtu),
			      "ip link set %s mtu 1500, and so in its configuration, unless a "
			      "tunnel takes the rest",
			      vip->interface);
	}
}

static void judge_managers(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	if (vip->networkd_manages && !vip->networkd_keeps) {
		bool has_file = vip->network_file[0] != '\0';
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_NETWORKD_IN_CHARGE,
					    "systemd-networkd manages %s, and does not keep "
					    "addresses of others",
					    vip->interface),
			      "set KeepConfiguration=static in the [Network] section of %s, then: "
			      "networkctl reload",
			      has_file ? vip->network_file : "its .network file");
	}
	if (vip->network_manager_manages) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_NETWORK_MANAGER_IN_CHARGE,
				      "NetworkManager manages %s", vip->interface),
			"leave it alone with unmanaged-devices=interface-name:%s in [keyfile] of "
			"NetworkManager.conf (and give it its address elsewhere), or a profile "
			"with "
			"ipv4.method manual",
			vip->interface);
	}
}

static void judge_kernel_settings(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	if (vip->is_six || vip->is_loopback || !vip->has_interface) {
		return;
	}
	if (vip->arp_ignore >= ARP_IGNORE_SOME) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_ARP_SILENCED, "arp_ignore is %u on %s",
				      vip->arp_ignore, vip->interface),
			"sysctl -w net.ipv4.conf.%s.arp_ignore=1 net.ipv4.conf.all.arp_ignore="
			"1, and so in /etc/sysctl.d (it is meant for real servers behind LVS)",
			vip->interface);
	}
	if (vip->other_interface[0] != '\0' && vip->arp_ignore == 0) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_ARP_FLUX,
				      "%s and %s are both in the subnet of %s, and arp_ignore "
				      "is 0",
				      vip->interface, vip->other_interface, vip->address),
			"sysctl -w net.ipv4.conf.all.arp_ignore=1 "
			"net.ipv4.conf.all.arp_announce=2, and so in /etc/sysctl.d");
	}
	if (vip->rp_filter == RP_FILTER_STRICT && vip->default_interface[0] != '\0' &&
	    strcmp(vip->default_interface, vip->interface) != 0) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_REVERSE_PATH,
				      "rp_filter is strict on %s, and the default route is by "
				      "%s",
				      vip->interface, vip->default_interface),
			"sysctl -w net.ipv4.conf.%s.rp_filter=2, and so in /etc/sysctl.d; or "
			"route what comes from the VIP back by %s (ip rule)",
			vip->interface, vip->interface);
	}
}

static void judge_subnet(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	if (vip->has_interface && !vip->is_loopback && vip->has_subnet && !vip->is_in_subnet) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_VIP_OUTSIDE_SUBNET,
					    "%s is in none of %s's subnets", vip->address,
					    vip->interface),
			      "correct groups.vips.address or interface: ip -br addr show %s",
			      vip->interface);
	}
}

static const struct oo_node_facts *find_node(const struct oo_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n_nodes; i++) {
		if (strcmp(facts->nodes[i].name, name) == 0) {
			return &facts->nodes[i];
		}
	}
	return NULL;
}

static bool has_mac(const struct oo_node_facts *node, const char *mac)
{
	for (size_t i = 0; i < node->n_macs; i++) {
		if (strcmp(node->macs[i], mac) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether who answers is another than who should. Nothing is said of a holder whose MACs nobody knows. */
static bool is_duplicate(const struct oo_facts *facts, const struct oo_vip_facts *vip)
{
	const struct oo_node_facts *holder = find_node(facts, vip->holder);
	if (vip->answer_look != OO_LOOK_SEEN) {
		return false;
	}
	if (vip->is_here) {
		return strcmp(vip->answer_mac, vip->mac) != 0;
	}
	if (vip->holder_look != OO_LOOK_SEEN) {
		return false;
	}
	return vip->holder[0] == '\0' ||
	       (holder != NULL && holder->n_macs > 0 && !has_mac(holder, vip->answer_mac));
}

static void judge_duplicate(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	if (!is_duplicate(doctor->facts, vip)) {
		return;
	}
	const char *holder = vip->is_here ? doctor->facts->node : vip->holder;
	struct oo_ill *ill = oo_doctor_say(
		doctor, OO_AILMENT_VIP_DUPLICATE,
		holder[0] != '\0'
			? "%s answers for %s on %s, and %s holds it, which has another MAC"
			: "%s answers for %s on %s, and no node holds it%.0s",
		vip->answer_mac, vip->address, vip->interface, holder);
	oo_doctor_fix(ill, "find that host (ip neigh; the switch's table of MACs) and take the "
			   "address off it, or use another as the VIP");
}

static void judge_bind(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	const struct oo_host_facts *host = &doctor->facts->host;
	bool allows = vip->is_six ? host->allows_nonlocal_six : host->allows_nonlocal;
	if (vip->is_bound_by_proxy && host->nonlocal_look == OO_LOOK_SEEN && !allows) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_NONLOCAL_BIND,
					    "nginx listens on %s itself, and ip_nonlocal_bind is 0",
					    vip->address),
			      "listen on the port alone (listen 80;), or: sysctl -w "
			      "net.%s.ip_nonlocal_bind=1, and so in /etc/sysctl.d",
			      vip->is_six ? "ipv6" : "ipv4");
	}
}

/* Told of by a route or a provider: what matters of its interface, if it has one, is that it is there. */
static void judge_elsewhere(struct oo_doctor *doctor, const struct oo_vip_facts *vip)
{
	if (vip->interface[0] != '\0' && !vip->has_interface) {
		say_missing(doctor, vip);
	}
	judge_bind(doctor, vip);
}

void oo_doctor_network(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	for (size_t i = 0; i < facts->n_vips; i++) {
		const struct oo_vip_facts *vip = &facts->vips[i];
		if (vip->is_elsewhere) {
			judge_elsewhere(doctor, vip);
			continue;
		}
		if (is_first_of_interface(facts, i)) {
			judge_interface(doctor, vip);
			judge_managers(doctor, vip);
			judge_kernel_settings(doctor, vip);
		}
		judge_subnet(doctor, vip);
		judge_duplicate(doctor, vip);
		judge_bind(doctor, vip);
	}
}
