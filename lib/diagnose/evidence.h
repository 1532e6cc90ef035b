#ifndef OO_EVIDENCE_H
#define OO_EVIDENCE_H
/*
 * What was seen of one node: pure data, without pointers, so that a test can write it down and a
 * rule can be held against it. The collectors fill it (collect.h), the rules read it (diagnose.h).
 *
 * Whatever could be absent, forbidden or late says so by an enum oo_look: nothing is "not there"
 * only because nobody looked. Texts are cut to the space there is, always terminated, and as they
 * came otherwise: whoever shows them makes them fit for a terminal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/check.h"
#include "documentserver/proxy.h"

#define OO_EVIDENCE_TEXT OO_TEXT_LENGTH
#define OO_EVIDENCE_NAME OO_NAME_LENGTH
#define OO_EVIDENCE_LISTENERS 256
#define OO_EVIDENCE_NAMES 16
#define OO_EVIDENCE_PEERS OO_PROXY_PEERS /* addresses of one name */
#define OO_EVIDENCE_LINES 64
#define OO_EVIDENCE_VIPS 64
#define OO_EVIDENCE_DISKS 8
#define OO_EVIDENCE_CERTIFICATES 8
#define OO_EVIDENCE_HOLDERS 8
#define OO_EVIDENCE_ADDRESSES 64

/* ---- Requests of our own ---------------------------------------------------------------- */

enum oo_exchange_name {
	OO_EXCHANGE_PROXY_HEALTH = 0, /* GET /healthcheck of the local proxy */
	OO_EXCHANGE_PROXY_STATIC,     /* a file that the proxy serves by itself (api.js) */
	OO_EXCHANGE_PROXY_EDITOR,     /* WebSocket handshake through the proxy, /doc/.../c/ */
	OO_EXCHANGE_PROXY_COMMAND, /* POST /coauthoring/CommandService.ashx {"c":"version"}, signed
					 with local.json's inbox secret where it could be read */
	OO_EXCHANGE_PROXY_TLS, /* GET /healthcheck of the local proxy's TLS listener, if it has one */
	OO_EXCHANGE_DIRECT_HEALTH,   /* GET /healthcheck of the Document Server */
	OO_EXCHANGE_DIRECT_INDEX,    /* GET /index.html of it */
	OO_EXCHANGE_DIRECT_INFO,     /* GET /info/info.json of it */
	OO_EXCHANGE_DIRECT_INACTIVE, /* GET /internal/cluster/inactive of it */
	OO_EXCHANGE_DIRECT_EDITOR,   /* WebSocket handshake with it */
	OO_EXCHANGE_DIRECT_TLS, /* GET /healthcheck of it over TLS: whether it speaks that instead */
	OO_EXCHANGE_UPSTREAM, /* GET /healthcheck of what the proxy passes to, as it does (plain or
				   TLS), where that is another place than DIRECT_... asks */
	OO_EXCHANGE_VIP,      /* GET /healthcheck of the first VIP */
	OO_EXCHANGE_USER,     /* GET of the URL that was given */
	OO_EXCHANGE_END,
};

/* What the verification of a certificate said. */
enum oo_trust {
	OO_TRUST_UNKNOWN = 0,
	OO_TRUST_GOOD,
	OO_TRUST_EXPIRED,
	OO_TRUST_NOT_YET,
	OO_TRUST_OTHER_NAME,
	OO_TRUST_SELF_SIGNED,
	OO_TRUST_CHAIN, /* an intermediate is missing, or the issuer is not known */
	OO_TRUST_OTHER,
};

/* One HTTP request, and what came of it: verified by nobody, so that the answer is seen anyway. */
struct oo_exchange {
	enum oo_look look;
	char url[OO_EVIDENCE_TEXT];
	struct oo_endpoint_text peer; /* that was connected to, or tried last */
	enum oo_check_reason reason;  /* OK: a whole answer came, whatever it says; else why not */
	char error[OO_EVIDENCE_TEXT]; /* libcurl's or the kernel's words */
	int status;                   /* 0: no answer */
	unsigned redirects;           /* that were followed (OO_EXCHANGE_USER only) */
	bool loops;                   /* a redirect led to a URL that was asked before */
	char location[OO_EVIDENCE_TEXT]; /* header; "" */
	char server[OO_EVIDENCE_NAME];
	char content_type[OO_EVIDENCE_NAME];
	char body[OO_EVIDENCE_TEXT]; /* its beginning */
	uint64_t body_bytes;
	struct oo_check_times times;
	unsigned retransmits; /* TCP_INFO at the end */
	int64_t rtt_us;
	enum oo_trust trust; /* TLS only */
	int64_t certificate_days_left;
	char certificate[OO_EVIDENCE_TEXT]; /* subject, names, issuer */
};

/* ---- Sockets ---------------------------------------------------------------------------- */

struct oo_listener {
	struct oo_endpoint_text at; /* "0.0.0.0" and "::" are any */
	bool v6only;
	int pid; /* 0: not known (not ours, or not for this user) */
	char process[OO_EVIDENCE_NAME];
	uint32_t queued;     /* connections that nobody has accepted yet */
	uint32_t backlog;    /* how many may wait */
	uint32_t close_wait; /* connections of that port that the peer closed and we did not */
};

/* ---- Processes and units ---------------------------------------------------------------- */

enum oo_program {
	OO_PROGRAM_PROXY = 0, /* nginx: the master; workers are counted in it */
	OO_PROGRAM_DOCSERVICE,
	OO_PROGRAM_CONVERTER,
	OO_PROGRAM_DATABASE, /* only where it is on this host */
	OO_PROGRAM_BROKER,   /* only where it is on this host */
	OO_PROGRAM_END,
};

struct oo_process {
	enum oo_look look; /* of the process, in this network namespace */
	int pid;
	unsigned n;           /* processes of it; nginx: workers */
	unsigned n_stopped;   /* of these, in state T (SIGSTOP, a debugger) */
	unsigned n_blocked;   /* of these, in state D (waits for a disk or a network file system) */
	unsigned n_frozen;    /* of these, in a cgroup that was frozen (docker pause) */
	unsigned n_leaving;   /* nginx: workers that shut down */
	int64_t age_ms;       /* of the oldest; -1: not known */
	unsigned cpu_percent; /* of the busiest, over some 200 ms; 100 is one core */
	uint32_t descriptors; /* open, of the one that has most; 0: not known */
	uint32_t descriptors_max;
	enum oo_look
		unit_look; /* systemd's view, or supervisord's or the container's in its place */
	char unit[OO_EVIDENCE_NAME];
	char unit_state
		[OO_EVIDENCE_NAME]; /* "active/running", "failed/failed", "activating/auto-restart" */
	char unit_result[OO_EVIDENCE_NAME]; /* "success", "exit-code", "signal", "oom-kill" */
	unsigned unit_restarts;
	bool out_of_memory; /* systemd's result, or the container's OOMKilled */
};

/* ---- The proxy's own word on its configuration --------------------------------------------- */

struct oo_proxy_test {
	enum oo_look look; /* of nginx -t; LATE where a name of it does not resolve */
	bool passed;
	char error[OO_EVIDENCE_TEXT]; /* its first [emerg] line */
	bool changed_since_start;     /* a file is newer than the master process */
};

/* ---- Names, certificates, disks, the host -------------------------------------------------- */

struct oo_evidence_lookup {
	char name[OO_EVIDENCE_NAME];
	char asked_by[OO_EVIDENCE_NAME]; /* "nginx upstream docservice", "local.json sql.dbHost" */
	enum oo_look look;               /* ABSENT: no such name; LATE: no name server answers */
	char error[OO_EVIDENCE_TEXT];
	char addresses[OO_EVIDENCE_PEERS][OO_EVIDENCE_NAME];
	size_t n_addresses;
	int64_t took_us;
};

struct oo_certificate {
	char path[OO_EVIDENCE_TEXT]; /* that the proxy is told to show */
	enum oo_look look;
	int64_t days_left;   /* negative: expired */
	bool is_key_its_own; /* the private key belongs to it; true where that could not be read */
};

struct oo_disk {
	char path[OO_EVIDENCE_TEXT];
	char what[OO_EVIDENCE_NAME];   /* "storage", "logs", "temporary files" */
	struct oo_check_result result; /* of a disk check: written as the user "ds" where we may */
	int free_percent;              /* -1: not known */
	int free_inodes_percent;       /* -1: not known */
};

struct oo_host {
	enum oo_look look;
	uint64_t memory_total_bytes;
	uint64_t memory_available_bytes;
	uint64_t swap_used_bytes;
	unsigned memory_pressure_percent;  /* PSI some avg10; 0 where it is not known */
	unsigned io_pressure_percent;      /* PSI full avg10 */
	unsigned oom_kills;                /* since the boot */
	uint64_t listen_overflows;         /* since the boot, of the network namespace */
	uint64_t listen_overflows_now;     /* while we looked */
	uint32_t local_ports_used_percent; /* of ip_local_port_range */
	uint32_t files_used_percent;       /* of fs.file-max */
	uint32_t conntrack_used_percent;   /* of nf_conntrack_max */
	bool nonlocal_bind;                /* net.ipv4.ip_nonlocal_bind */
	bool loopback_down;                /* nothing on this node reaches itself */
	char addresses[OO_EVIDENCE_ADDRESSES][OO_EVIDENCE_NAME]; /* of its interfaces */
	size_t n_addresses;
};

/* ---- What the Document Server depends on ---------------------------------------------------- */

enum oo_dependency_name {
	OO_DEPENDENCY_DATABASE = 0,
	OO_DEPENDENCY_BROKER,
	OO_DEPENDENCY_CACHE, /* Redis: not used by the community edition */
	OO_DEPENDENCY_END,
};

struct oo_dependency {
	enum oo_look look;               /* of its place in the configuration */
	char asked_by[OO_EVIDENCE_NAME]; /* "local.json services.CoAuthoring.sql" */
	struct oo_endpoint_text at;
	bool is_local;
	struct oo_check_result connect; /* a tcp check */
	struct oo_check_result
		works; /* a postgres check (login, writable, tables), an amqp check */
	struct oo_check_result table;     /* postgres: the tables are there */
	struct oo_check_result writable;  /* postgres: not read only */
	struct oo_check_result consumers; /* amqp: the converter's queue has a consumer */
};

struct oo_document_server {
	enum oo_look config_look; /* local.json and default.json */
	char config_path[OO_EVIDENCE_TEXT];
	char config_error[OO_EVIDENCE_TEXT]; /* "local.json:12: unexpected character"; "" */
	uint16_t port;                       /* that it should listen on */
	bool jwt_in;                         /* tokens are demanded of requests */
	enum oo_look secret_look;
	char version[OO_EVIDENCE_NAME]; /* from index.html or info.json */
	bool ip_filter;                 /* ipfilter.useforrequest */
};

/* ---- Logs ---------------------------------------------------------------------------------- */

enum oo_log_source {
	OO_LOG_SOURCE_PROXY = 0, /* nginx's error logs */
	OO_LOG_SOURCE_DOCSERVICE,
	OO_LOG_SOURCE_CONVERTER,
	OO_LOG_SOURCE_JOURNAL, /* of the units, and the kernel's */
	OO_LOG_SOURCE_END,
};

/* Lines alike (but for time, numbers and client) are one, the newest kept: what it means is the
 * rules' to say (oo_log_meaning). Only lines of the last OO_EVIDENCE_LOG_MS are here, errors and
 * warnings, and the last line of each log. */
struct oo_log_line {
	enum oo_log_source source;
	char file[OO_EVIDENCE_NAME]; /* or unit */
	char text[OO_EVIDENCE_TEXT];
	int64_t age_ms; /* of the newest; -1: no time in it */
	unsigned n;
	bool since_start; /* of the newest process of that program; true where that is not known */
};

#define OO_EVIDENCE_LOG_MS 600000

/* ---- Addresses ------------------------------------------------------------------------------ */

struct oo_vip_evidence {
	char address[OO_EVIDENCE_NAME]; /* without prefix */
	char interface[16];
	char group[OO_EVIDENCE_NAME];
	bool interface_up; /* exists, up, with a carrier */
	bool is_here;      /* the address is on this node */
	bool is_fenced;    /* here, and our nftables table drops its packets */
	bool is_silenced;  /* here, and the kernel is told to answer no ARP there (arp_ignore 3 and
				up, or the interface is set to noarp) */
	bool is_listened_on; /* something listens on the proxy's port for this address */
	enum oo_look
		answer_look; /* of ARP or neighbour solicitation for it; ABSENT: nobody answers, or,
				while it is here, nobody else: no host hears its own question */
	bool answered_by_other; /* another host's MAC, while it is here */
	char answer_mac[18];
	char holder[OO_EVIDENCE_NAME]; /* as the agent says; "": nobody */
};

struct oo_agent_evidence {
	enum oo_look look;
	char error[OO_EVIDENCE_TEXT];
	char role[OO_EVIDENCE_NAME];
	char state[OO_EVIDENCE_NAME];
	char reason[OO_EVIDENCE_TEXT];
	bool etcd_reachable;
};

/* ---- All of it ------------------------------------------------------------------------------- */

struct oo_evidence {
	int64_t took_ms;
	bool is_root;   /* or has what it takes to see other users' processes */
	bool is_docker; /* the Document Server runs in a container */
	struct oo_exchange exchanges[OO_EXCHANGE_END];
	enum oo_look listeners_look;
	struct oo_listener listeners[OO_EVIDENCE_LISTENERS];
	size_t n_listeners;
	struct oo_process processes[OO_PROGRAM_END];
	struct oo_proxy_config proxy;
	struct oo_proxy_test proxy_test;
	struct oo_document_server documentserver;
	struct oo_dependency dependencies[OO_DEPENDENCY_END];
	struct oo_evidence_lookup lookups[OO_EVIDENCE_NAMES];
	size_t n_lookups;
	struct oo_certificate certificates[OO_EVIDENCE_CERTIFICATES];
	size_t n_certificates;
	struct oo_disk disks[OO_EVIDENCE_DISKS];
	size_t n_disks;
	struct oo_host host;
	enum oo_look logs_look[OO_LOG_SOURCE_END];
	struct oo_log_line lines[OO_EVIDENCE_LINES];
	size_t n_lines;
	struct oo_agent_evidence agent;
	struct oo_vip_evidence vips[OO_EVIDENCE_VIPS];
	size_t n_vips;
};

#endif
