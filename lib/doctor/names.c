#include "doctor/doctor.h"

#include <assert.h>

/* What is always the same about an ailment. */
struct kind {
	enum oo_severity severity;
	const char *name;
	const char *why;
};

#define NOTE(name, why)                                                                            \
	{                                                                                          \
		OO_SEVERITY_NOTE, name, why                                                        \
	}
#define WARNING(name, why)                                                                         \
	{                                                                                          \
		OO_SEVERITY_WARNING, name, why                                                     \
	}
#define CRITICAL(name, why)                                                                        \
	{                                                                                          \
		OO_SEVERITY_CRITICAL, name, why                                                    \
	}

static const struct kind kinds[OO_AILMENT_END] = {
	[OO_AILMENT_CONFIGURATION_WRONG] =
		CRITICAL("configuration-wrong", "the agent does not start with it"),
	[OO_AILMENT_ETCD_REFUSED] =
		WARNING("etcd-refused", "its host answers, and nobody listens there, or a firewall "
					"rejects: without a majority of etcd the VIPs go down"),
	[OO_AILMENT_ETCD_DROPPED] = WARNING(
		"etcd-dropped", "packets vanish: a firewall drops them, or the host is down; "
				"without a majority of etcd the VIPs go down"),
	[OO_AILMENT_ETCD_FAILED] =
		WARNING("etcd-failed", "this agent cannot use it; when the others fail it holds "
				       "nothing"),
	[OO_AILMENT_ETCD_NO_LEADER] =
		CRITICAL("etcd-no-leader", "no write succeeds, so nobody can hold a VIP"),
	[OO_AILMENT_ETCD_LOGIN] = CRITICAL("etcd-login", "etcd lets the agent do nothing"),
	[OO_AILMENT_ETCD_RIGHTS] = CRITICAL(
		"etcd-rights", "the agent reads and writes all keys of its prefix; without "
			       "that it can hold nothing"),
	[OO_AILMENT_ETCD_FULL] =
		CRITICAL("etcd-full", "etcd refuses every write, renewals among them: the VIPs are "
				      "down until the alarm is disarmed"),
	[OO_AILMENT_ETCD_CORRUPT] =
		CRITICAL("etcd-corrupt", "a member's data differs from the others': etcd refuses "
					 "writes, and what it says cannot be relied on"),
	[OO_AILMENT_ETCD_FILLING] = WARNING(
		"etcd-filling", "at its quota etcd refuses every write, and the VIPs go down"),
	[OO_AILMENT_ETCD_NOT_COMPACTED] =
		WARNING("etcd-not-compacted",
			"each group writes about two keys a second, and etcd keeps every old value "
			"until it is compacted: some 170,000 a day, up to its quota"),
	[OO_AILMENT_ETCD_VERSION_OLD] =
		NOTE("etcd-version-old",
		     "before 3.4.31 and 3.5.13 a paused etcd leader revokes leases that are alive; "
		     "ooha's claims do not rest on them, but its member records do"),
	[OO_AILMENT_ETCD_VERSIONS_DIFFER] =
		WARNING("etcd-versions-differ", "a mixture is meant to last for an upgrade only: "
						"until then etcd acts as its oldest member"),
	[OO_AILMENT_ETCD_SINGLE] = WARNING(
		"etcd-single", "when this one member is away, all VIPs go down within a ttl"),
	[OO_AILMENT_ETCD_EVEN] =
		WARNING("etcd-even", "an even number survives no more failures than one less, and "
				     "halves that cannot see each other both stop"),
	[OO_AILMENT_ETCD_ENDPOINTS_FEW] =
		WARNING("etcd-endpoints-few", "when the members that are named are away, this node "
					      "cannot renew although etcd works"),
	[OO_AILMENT_ETCD_ZONES] =
		WARNING("etcd-zones", "when that zone is lost no majority is left, and the VIPs go "
				      "down in the other zones as well"),
	[OO_AILMENT_ETCD_FSYNC_SLOW] = WARNING(
		"etcd-fsync-slow", "each write waits for it; stalls near the election timeout "
				   "cost etcd its leader, and then renewals wait for an "
				   "election"),
	[OO_AILMENT_ETCD_SLOW] =
		WARNING("etcd-slow", "a renewal that takes longer than its time is lost; some in a "
				     "row, and the VIPs go down"),
	[OO_AILMENT_ETCD_ELECTION_LONG] = WARNING(
		"etcd-election-long", "when etcd's leader fails, no renewal succeeds for up to "
				      "twice that: the VIPs may go down for an election"),
	[OO_AILMENT_ETCD_TIMINGS_SHORT] =
		WARNING("etcd-timings-short",
			"a heartbeat that is a little late counts as a dead leader: etcd elects "
			"another, and meanwhile no renewal succeeds"),
	[OO_AILMENT_ETCD_PRE_VOTE_OFF] = WARNING(
		"etcd-pre-vote-off", "a member that comes back from a cut deposes the leader, "
				     "and all writes wait for an election"),
	[OO_AILMENT_CLOCK_RATE] =
		CRITICAL("clock-rate", "that never two nodes hold rests on clocks that run within "
				       "1 % of each other"),
	[OO_AILMENT_CLOCK_UNSYNCHRONISED] =
		NOTE("clock-unsynchronised", "safety needs clocks that run alike, not clocks that "
					     "agree; but logs of several nodes, certificates and "
					     "tokens need the time"),
	[OO_AILMENT_NO_NET_ADMIN] =
		CRITICAL("no-net-admin", "the agent cannot add or remove a VIP"),
	[OO_AILMENT_NO_NET_RAW] =
		CRITICAL("no-net-raw", "the agent cannot announce a VIP, nor see who else has it"),
	[OO_AILMENT_NO_NF_TABLES] = WARNING(
		"no-nf-tables", "without the fence the lifetime of the addresses is all that "
				"ends a dead agent's hold, up to 1 s less exactly"),
	[OO_AILMENT_NO_SOCKET_DESTROY] =
		WARNING("no-socket-destroy", "connections to a VIP that leaves hang in browsers "
					     "instead of ending at once"),
	[OO_AILMENT_UNIT_NOT_ENABLED] =
		WARNING("unit-not-enabled", "after a reboot nobody starts the agent here"),
	[OO_AILMENT_RUNTIME_DIRECTORY_LOST] = WARNING(
		"runtime-directory-lost", "the next agent finds no tenure to adopt: a restart "
					  "costs the clients a failover"),
	[OO_AILMENT_HOOK_UNTRUSTED] = WARNING(
		"hook-untrusted", "the agent refuses to run it, since others than root could "
				  "have changed it, or it is not there"),
	[OO_AILMENT_SECRET_READABLE] =
		WARNING("secret-readable", "every user of this host can read it"),
	[OO_AILMENT_INTERFACE_MISSING] =
		CRITICAL("interface-missing", "this node cannot take the VIP"),
	[OO_AILMENT_INTERFACE_DOWN] =
		CRITICAL("interface-down", "this node is not eligible for the VIP"),
	[OO_AILMENT_NETWORKD_IN_CHARGE] =
		WARNING("networkd-in-charge", "it removes addresses that it does not know when it "
					      "starts or reconfigures the interface: the VIP is "
					      "put back, after a gap"),
	[OO_AILMENT_NETWORK_MANAGER_IN_CHARGE] =
		WARNING("network-manager-in-charge", "it may remove the VIP when it brings the "
						     "interface up again"),
	[OO_AILMENT_VIP_OUTSIDE_SUBNET] = WARNING(
		"vip-outside-subnet", "hosts of that subnet do not ask for it by ARP unless "
				      "they are routed there: nobody may reach it"),
	[OO_AILMENT_VIP_DUPLICATE] = CRITICAL(
		"vip-duplicate", "the VIP is not taken while another host answers for it, or "
				 "clients reach either of the two"),
	[OO_AILMENT_ARP_SILENCED] =
		CRITICAL("arp-silenced", "the kernel answers nobody who asks for the VIP"),
	[OO_AILMENT_ARP_FLUX] = WARNING(
		"arp-flux", "both interfaces answer for the VIP, with two MACs: clients follow "
			    "either"),
	[OO_AILMENT_REVERSE_PATH] = WARNING(
		"reverse-path", "packets of clients in other networks come in where the VIP "
				"is, would be answered elsewhere, and are dropped therefore"),
	[OO_AILMENT_MTU_SMALL] =
		NOTE("mtu-small", "where ICMP is filtered on the way, large answers get lost"),
	[OO_AILMENT_NONLOCAL_BIND] =
		WARNING("nonlocal-bind", "nginx does not start, or reload, on a node that does not "
					 "hold the VIP"),
	[OO_AILMENT_NODE_SINGLE] = WARNING("node-single", "nobody can take over"),
	[OO_AILMENT_TTL_DIFFERS] =
		WARNING("ttl-differs", "how long a takeover takes depends on who held; and a whole "
				       "etcd must not be wiped while ttls differ"),
	[OO_AILMENT_GROUPS_DIFFER] = WARNING(
		"groups-differ", "whoever takes a group takes the VIPs of its own file: some "
				 "are lost with the move"),
	[OO_AILMENT_CHECKS_DIFFER] = WARNING(
		"checks-differ", "the nodes do not mean the same by healthy: a move may end "
				 "where it does not work"),
	[OO_AILMENT_AGENT_VERSIONS_DIFFER] = NOTE(
		"agent-versions-differ", "neighbouring versions work together; it is meant for "
					 "the time of an upgrade"),
	[OO_AILMENT_MTU_DIFFERS] =
		WARNING("mtu-differs", "what works through one node may hang through another"),
	[OO_AILMENT_DOCUMENTSERVER_VERSIONS_DIFFER] = WARNING(
		"documentserver-versions-differ",
		"browsers have the scripts of one version and talk to another after a move: "
		"editors fail until they are loaded again, and caches are not shared"),
	[OO_AILMENT_JWT_SECRETS_DIFFER] =
		CRITICAL("jwt-secrets-differ", "after a move every request is refused: the portal "
					       "signs with the other secret"),
	[OO_AILMENT_DOCUMENTSERVER_PORT_OPEN] =
		NOTE("documentserver-port-open", "whoever reaches it goes past the proxy: past its "
						 "TLS, its access rules and its logs"),
	[OO_AILMENT_CHECKS_MISSING] = WARNING(
		"checks-missing", "a node whose Document Server is down stays eligible, and "
				  "keeps the VIP"),
};

static const struct kind *find(enum oo_ailment ailment)
{
	assert(ailment < OO_AILMENT_END);
	return &kinds[ailment];
}

const char *oo_ailment_name(enum oo_ailment ailment)
{
	return find(ailment)->name;
}

const char *oo_ailment_why(enum oo_ailment ailment)
{
	return find(ailment)->why;
}

enum oo_severity oo_ailment_severity(enum oo_ailment ailment)
{
	return find(ailment)->severity;
}

const char *oo_severity_name(enum oo_severity severity)
{
	switch (severity) {
	case OO_SEVERITY_NOTE:
		return "note";
	case OO_SEVERITY_WARNING:
		return "warning";
	case OO_SEVERITY_CRITICAL:
		return "critical";
	}
	return "?";
}
