/* The addresses that users come to, and the agent that moves them. */
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

/* For each VIP: a rule says its finding about it, if it has one. */
static void each(struct oo_rules *rules,
		 void (*look_at)(struct oo_rules *rules, const struct oo_vip_evidence *vip))
{
	for (size_t i = 0; i < rules->seen->n_vips; i++) {
		look_at(rules, &rules->seen->vips[i]);
	}
}

static bool is_agent_gone(const struct oo_rules *rules)
{
	enum oo_look look = rules->seen->agent.look;
	return look == OO_LOOK_ABSENT || look == OO_LOOK_FAILED || look == OO_LOOK_LATE;
}

static void ground(const struct oo_rules *rules, const struct oo_vip_evidence *vip,
		   struct oo_finding *finding)
{
	const struct oo_agent_evidence *agent = &rules->seen->agent;
	oo_rule_ground(finding, "%s is %s on %s, which is %s", vip->address,
		       vip->is_here ? "here" : "not here", vip->interface,
		       vip->interface_up ? "up" : "down");
	if (vip->answer_look == OO_LOOK_SEEN) {
		oo_rule_ground(finding, "asked for it on the network, %s answers", vip->answer_mac);
	} else if (vip->answer_look == OO_LOOK_ABSENT) {
		oo_rule_ground(finding, "asked for it on the network, nobody answers");
	}
	if (agent->look == OO_LOOK_SEEN) {
		oo_rule_ground(finding, "agent: %s, holder %s%s%s", agent->role,
			       vip->holder[0] != '\0' ? vip->holder : "nobody",
			       agent->reason[0] != '\0' ? ": " : "", agent->reason);
	} else if (is_agent_gone(rules)) {
		oo_rule_ground(finding, "the agent does not answer: %s", agent->error);
	}
}

static void interface_down(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	if (vip->interface_up || vip->interface[0] == '\0') {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_VIP_INTERFACE_DOWN, OO_CONFIDENCE_CERTAIN,
			    "VIP's interface down: %s, for %s", vip->interface, vip->address);
	ground(rules, vip, finding);
	oo_rule_remedy(finding, "ip link show %s; ip link set %s up; look at its cable",
		       vip->interface, vip->interface);
	oo_rule_explain(rules, OO_EXCHANGE_BIT(VIP) | OO_EXCHANGE_BIT(USER));
}

static void fenced(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	if (!vip->is_fenced) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_VIP_FENCED, OO_CONFIDENCE_CERTAIN,
		"VIP fenced: %s is here, and this node drops its packets", vip->address);
	if (vip->answered_by_other) {
		finding->weight = OO_WEIGHT_WARNING; /* as it should be: another node has it */
	}
	ground(rules, vip, finding);
	oo_rule_remedy(finding, "%s; nft list ruleset shows the fence",
		       is_agent_gone(rules) ? "systemctl start ooha: it puts it right"
					    : "ooha status: it has lost its lease; look at etcd");
	oo_rule_explain(rules, OO_EXCHANGE_BIT(VIP) | OO_EXCHANGE_BIT(USER));
}

static void duplicate(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	if (!vip->is_here || vip->is_fenced || vip->answer_look != OO_LOOK_SEEN ||
	    !vip->answered_by_other) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_VIP_DUPLICATE, OO_CONFIDENCE_CERTAIN,
			    "VIP on two hosts: %s is here, and %s answers for it too", vip->address,
			    vip->answer_mac);
	ground(rules, vip, finding);
	oo_rule_remedy(finding, "arping -D -I %s %s; take it off the host with %s: ip addr del",
		       vip->interface, vip->address, vip->answer_mac);
	oo_rule_explain(rules, OO_EXCHANGE_BIT(USER));
}

/* Here, though the agent did not put it here, or is gone: nobody has told the network. */
static void not_announced(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	const struct oo_agent_evidence *agent = &rules->seen->agent;
	/* the role is the first group's; in between, an address may be here for good reasons */
	bool is_not_its = agent->look == OO_LOOK_SEEN && oo_text_equal(agent->role, "standby") &&
			  oo_text_equal(vip->group, rules->seen->vips[0].group);
	if (!vip->is_here || vip->answered_by_other || vip->is_fenced || !vip->interface_up ||
	    vip->is_silenced || !is_not_its) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_VIP_NOT_ANNOUNCED, OO_CONFIDENCE_LIKELY,
		"VIP not announced: %s is here, and the agent, being %s, does not announce it",
		vip->address, agent->role);
	ground(rules, vip, finding);
	oo_rule_remedy(finding,
		       "who put it here? ip addr del %s dev %s; the agent brings it where "
		       "it belongs",
		       vip->address, vip->interface);
}

/* Asked for by its neighbours, this node is told not to answer. */
static void silenced(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	if (!vip->is_here || !vip->is_silenced) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_VIP_NOT_ANNOUNCED, OO_CONFIDENCE_CERTAIN,
			    "VIP not announced: %s is here, and %s answers no ARP for it",
			    vip->address, vip->interface);
	oo_rule_ground(finding, "arp_ignore of %s is 3 or more, or it is set to noarp",
		       vip->interface);
	ground(rules, vip, finding);
	oo_rule_remedy(finding,
		       "ip link set %s arp on; sysctl -w net.ipv4.conf.all.arp_ignore=0 "
		       "net.ipv4.conf.%s.arp_ignore=0",
		       vip->interface, vip->interface);
	oo_rule_explain(rules, OO_EXCHANGE_BIT(USER));
}

static void nowhere(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	bool is_silent = vip->answer_look == OO_LOOK_ABSENT;
	bool is_unheld = rules->seen->agent.look == OO_LOOK_SEEN && vip->holder[0] == '\0';
	/* where nobody could serve it, it is nowhere by that */
	bool is_consequence = oo_rule_has_outage(rules, OO_LAYER_PROXY, OO_LAYER_HOST) ||
			      oo_rule_has(rules, OO_FAULT_VIP_INTERFACE_DOWN) ||
			      oo_rule_has(rules, OO_FAULT_AGENT_DOWN) ||
			      oo_rule_has(rules, OO_FAULT_ETCD_UNREACHABLE);
	if (vip->is_here || is_consequence || (!is_silent && !is_unheld) ||
	    (is_unheld && vip->answer_look == OO_LOOK_SEEN)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_VIP_NOWHERE,
			    is_silent ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    "VIP on no node: %s", vip->address);
	ground(rules, vip, finding);
	oo_rule_remedy(finding, "ooha status on each node: it says why none takes it%s",
		       is_agent_gone(rules) ? "; here: systemctl start ooha" : "");
	oo_rule_explain(rules, OO_EXCHANGE_BIT(VIP) | OO_EXCHANGE_BIT(USER));
}

static void not_listened_on(struct oo_rules *rules, const struct oo_vip_evidence *vip)
{
	const struct oo_evidence *seen = rules->seen;
	uint16_t port = seen->exchanges[OO_EXCHANGE_VIP].peer.port;
	port = port != 0 ? port : oo_seen_proxy_at(seen).port;
	const struct oo_listener *listener = oo_seen_listener_on(seen, port);
	if (vip->is_listened_on || seen->listeners_look != OO_LOOK_SEEN || listener == NULL) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_VIP_NOT_LISTENED_ON, OO_CONFIDENCE_CERTAIN,
			    "VIP not listened on: %s port %u; %s listens on %s only", vip->address,
			    (unsigned)port, listener->process, listener->at.host);
	if (!vip->is_here) {
		finding->weight = OO_WEIGHT_WARNING; /* until it comes */
	}
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u", listener->process,
		       listener->pid, listener->at.host, (unsigned)listener->at.port);
	oo_rule_ground(finding, "net.ipv4.ip_nonlocal_bind is %d", seen->host.nonlocal_bind);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_VIP);
	ground(rules, vip, finding);
	oo_rule_remedy(finding,
		       "listen on all addresses (listen %u; listen [::]:%u;) or, with "
		       "net.ipv4.ip_nonlocal_bind=1, on the VIP; then: nginx -s reload",
		       (unsigned)port, (unsigned)port);
	if (vip->is_here) {
		oo_rule_explain(rules, OO_EXCHANGE_BIT(VIP) | OO_EXCHANGE_BIT(USER));
	}
}

static void vips(struct oo_rules *rules)
{
	each(rules, interface_down);
	each(rules, fenced);
	each(rules, duplicate);
	each(rules, silenced);
	each(rules, not_announced);
	each(rules, nowhere);
	each(rules, not_listened_on);
}

/* Nobody has a VIP, as far as the network tells: what keeps us from taking it is an outage. */
static void weigh(const struct oo_rules *rules, struct oo_finding *finding)
{
	for (size_t i = 0; i < rules->seen->n_vips; i++) {
		const struct oo_vip_evidence *vip = &rules->seen->vips[i];
		bool is_unheld = vip->holder[0] == '\0' && vip->answer_look != OO_LOOK_SEEN;
		if (!vip->is_here && (vip->answer_look == OO_LOOK_ABSENT || is_unheld)) {
			finding->weight = OO_WEIGHT_OUTAGE;
			oo_rule_ground(finding, "%s is on no node", vip->address);
		}
	}
}

static void agent_down(struct oo_rules *rules)
{
	const struct oo_agent_evidence *agent = &rules->seen->agent;
	if (rules->seen->n_vips == 0 || !is_agent_gone(rules)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_AGENT_DOWN,
		agent->look == OO_LOOK_LATE ? OO_CONFIDENCE_LIKELY : OO_CONFIDENCE_CERTAIN,
		"agent down: nobody moves the VIPs to or from this node");
	oo_rule_ground(finding, "agent: %s",
		       agent->error[0] != '\0' ? agent->error : "no answer on its socket");
	weigh(rules, finding);
	oo_rule_remedy(finding, "systemctl start ooha; journalctl -n 50 -u ooha");
}

static void etcd_unreachable(struct oo_rules *rules)
{
	const struct oo_agent_evidence *agent = &rules->seen->agent;
	if (agent->look != OO_LOOK_SEEN || agent->etcd_reachable) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_ETCD_UNREACHABLE, OO_CONFIDENCE_CERTAIN,
			    "etcd unreachable: this node can neither keep nor take the VIPs");
	oo_rule_ground(finding, "agent: %s, %s: %s", agent->role, agent->state, agent->reason);
	weigh(rules, finding);
	oo_rule_remedy(finding, "etcdctl --endpoints=... endpoint health; nft list ruleset");
}

static const struct oo_rule table[] = {
	{0, etcd_unreachable},
	{0, agent_down},
	{0, vips},
};
const struct oo_rule_table oo_rules_vip = OO_RULE_TABLE(table);
