#ifndef OO_FACTS_H
#define OO_FACTS_H
/*
 * What was seen of a node and its cluster before it goes live, or while it runs: pure data, without
 * pointers, so that a test can write it down and a rule can be held against it. lib/examine fills
 * it, the rules read it (doctor.h).
 *
 * Whatever could be absent, forbidden or late says so by an enum oo_look: nothing is wrong only
 * because nobody looked. Texts are cut to the space there is, always terminated, and as they came
 * otherwise: whoever shows them makes them fit for a terminal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "documentserver/proxy.h"

#define OO_FACTS_TEXT OO_TEXT_LENGTH
#define OO_FACTS_NAME OO_NAME_LENGTH
#define OO_FACTS_ENDPOINTS 16
#define OO_FACTS_NODES 64
#define OO_FACTS_VIPS 64
#define OO_FACTS_PROBLEMS 20
#define OO_FACTS_MAC 18
#define OO_FACTS_MACS 4
#define OO_FACTS_DIGEST 17

/* ---- etcd ------------------------------------------------------------------------------------ */

/* How far one got with an endpoint. */
enum oo_reach {
	OO_REACH_UNKNOWN = 0, /* nobody tried */
	OO_REACH_ANSWERED,
	OO_REACH_REFUSED,    /* by its host: nobody listens, or a firewall resets */
	OO_REACH_REJECTED,   /* no route, or a firewall says so by ICMP */
	OO_REACH_SILENT,     /* no answer to the connection attempt: dropped, or the host is down */
	OO_REACH_UNRESOLVED, /* no such name */
	OO_REACH_TLS,        /* the handshake failed */
	OO_REACH_UNANSWERED, /* connected, and nothing came */
	OO_REACH_FAILED,     /* anything else */
};

struct oo_etcd_endpoint_facts {
	char url[OO_FACTS_TEXT]; /* as configured */
	char host[OO_FACTS_NAME];
	enum oo_reach reach;
	char error[OO_FACTS_TEXT]; /* libcurl's or the kernel's words */
	enum oo_look look;         /* of its own word on itself; FAILED: see trouble */
	char trouble[OO_FACTS_TEXT];
	uint64_t member_id;
	char version[OO_FACTS_NAME];
	bool has_leader;
	int64_t database_bytes;
	int64_t commit_us; /* of a write through it, the median of a few; 0: none came back */
	enum oo_look metrics_look; /* of /metrics */
	int64_t quota_bytes;       /* 0: not known */
	int64_t fsync_count;
	int64_t fsync_us; /* 99 of 100 took no longer, by the edges of its histogram; 0: not known */
	/* Of its command line: SEEN only where that says it all (no file, no empty one). */
	enum oo_look options_look;
	bool has_pre_vote;
	bool compacts;
	int64_t heartbeat_ms, election_ms;
	int64_t peer_us; /* a round trip to its farthest peer, as it has measured; 0: not known */
};

struct oo_etcd_member_facts {
	uint64_t id;
	char name[OO_FACTS_NAME];
	bool is_learner;
};

struct oo_etcd_facts {
	struct oo_etcd_endpoint_facts endpoints[OO_FACTS_ENDPOINTS];
	size_t n_endpoints;
	enum oo_look members_look;
	struct oo_etcd_member_facts members[OO_FACTS_ENDPOINTS];
	size_t n_members;
	enum oo_look alarms_look;
	bool is_full, is_corrupt;
	char username[OO_FACTS_NAME]; /* "": none is configured */
	char prefix[OO_FACTS_TEXT];   /* of all our keys: "/ooha/office/" */
	enum oo_look read_look;       /* DENIED: etcd says so; FAILED: another error */
	enum oo_look write_look;      /* of a txn that would write, and does not */
	char access_error[OO_FACTS_TEXT];
	int64_t revision;         /* of the store; 0: not known */
	int64_t compact_revision; /* 0: nothing was ever compacted; -1: not known */
	int64_t least_lease_s;    /* the shortest lease that it grants; 0: not known */
};

/* ---- The nodes, by their member records ------------------------------------------------------ */

struct oo_node_facts {
	char name[OO_FACTS_NAME];
	char zone[OO_FACTS_NAME];
	char agent_version[OO_FACTS_NAME];
	/* What agents of this version on say of their configuration; older ones say nothing. */
	bool has_digest;
	int64_t ttl_ms;
	char groups[OO_FACTS_DIGEST]; /* of names and VIPs */
	char checks[OO_FACTS_DIGEST];
	uint32_t mtu; /* the least of the VIPs' interfaces; 0: not known */
	char macs[OO_FACTS_MACS][OO_FACTS_MAC];
	size_t n_macs;
	char etcd[OO_FACTS_NAME]; /* host of the endpoint on that node; "": none, or by name */
	char documentserver[OO_FACTS_NAME]; /* its version; "": not known */
	char secret[OO_FACTS_DIGEST];       /* "": not known */
};

/* ---- VIPs and their interfaces --------------------------------------------------------------- */

struct oo_vip_facts {
	char address[OO_FACTS_NAME]; /* without prefix */
	char group[OO_FACTS_NAME];
	char interface[16];
	bool is_six;
	bool is_elsewhere; /* mode route or provider: nobody on a link is told of it */
	bool has_interface, is_up, has_carrier, is_loopback;
	uint32_t mtu;
	char mac[OO_FACTS_MAC];
	bool is_here;
	bool has_subnet;          /* the interface has an address of that family */
	bool is_in_subnet;        /* of one of those */
	char other_interface[16]; /* that is up and in the VIP's subnet, too; "": none */
	unsigned arp_ignore;      /* in force there */
	unsigned rp_filter;
	char default_interface[16]; /* of the default route; "": none */
	bool networkd_manages, networkd_keeps;
	char network_file[OO_FACTS_TEXT]; /* networkd's */
	bool network_manager_manages;
	enum oo_look
		answer_look; /* of ARP or neighbour solicitation; ABSENT: nobody else answers */
	char answer_mac[OO_FACTS_MAC];
	enum oo_look holder_look;   /* of the claim */
	char holder[OO_FACTS_NAME]; /* "": nobody */
	bool is_bound_by_proxy;     /* nginx is told to listen on that very address */
};

/* ---- The host -------------------------------------------------------------------------------- */

struct oo_file_facts {
	char path[OO_FACTS_TEXT];
	char error[OO_FACTS_TEXT]; /* what is wrong with it */
};

struct oo_file_list {
	struct oo_file_facts items[OO_FACTS_PROBLEMS];
	size_t n;
};

struct oo_host_facts {
	enum oo_look clock_look;
	bool is_synchronised;
	int64_t rate_ppm; /* how much faster than its oscillator the clock is made to run */
	/* These three: SEEN: it works; DENIED: not for this user; ABSENT: not in this kernel. */
	enum oo_look addresses_look; /* adding and removing them: CAP_NET_ADMIN */
	enum oo_look packets_look;   /* packet sockets: CAP_NET_RAW */
	enum oo_look nf_tables_look;
	enum oo_look destroy_look; /* SOCK_DESTROY of a connection of our own */
	enum oo_look nonlocal_look;
	bool allows_nonlocal; /* net.ipv4.ip_nonlocal_bind */
	bool allows_nonlocal_six;
	enum oo_look unit_look;            /* of the agent's unit, as systemd has it */
	char unit_state[OO_FACTS_NAME];    /* "enabled" */
	char unit_preserve[OO_FACTS_NAME]; /* RuntimeDirectoryPreserve: "restart" */
	struct oo_file_list hooks;         /* that would be refused */
	struct oo_file_list secrets;       /* that others may read */
	size_t n_hooks, n_secrets;         /* that were looked at */
};

/* ---- The Document Server --------------------------------------------------------------------- */

struct oo_documentserver_facts {
	enum oo_look look;        /* of its configuration: is there one on this node? */
	enum oo_look secret_look; /* of its JWT secret */
	uint16_t port;
	enum oo_look listeners_look;
	char listens_at[OO_FACTS_NAME]; /* "0.0.0.0", "::"; "" when only loopback can reach it */
	enum oo_look proxy_look;        /* of nginx's configuration */
};

/* ---- All of it ------------------------------------------------------------------------------- */

struct oo_facts {
	int64_t took_ms;
	bool is_root;
	bool is_local; /* etcd and the other nodes were not to be asked */
	char config_path[OO_FACTS_TEXT];
	struct oo_file_list config; /* problems; then hardly anything else is here */
	char cluster[OO_FACTS_NAME], node[OO_FACTS_NAME];
	int64_t ttl_ms, renew_ms, margin_ms, request_timeout_ms;
	size_t n_checks;
	char unchecked[OO_FACTS_TEXT]; /* groups that no required check counts for; "": none */
	bool checks_proxy;             /* by a required check that speaks HTTP */
	struct oo_etcd_facts etcd;
	enum oo_look nodes_look;
	struct oo_node_facts nodes[OO_FACTS_NODES];
	size_t n_nodes;
	struct oo_vip_facts vips[OO_FACTS_VIPS];
	size_t n_vips;
	struct oo_host_facts host;
	struct oo_documentserver_facts documentserver;
};

#endif
