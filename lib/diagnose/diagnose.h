#ifndef OO_DIAGNOSE_H
#define OO_DIAGNOSE_H
/*
 * From evidence to causes: pure rules (no I/O, no clock, no heap). A rule is written from how a
 * fault shows itself on real servers, and says what it rests on; the strongest cause comes first,
 * and what only follows from it does not appear beside it.
 */
#include <stddef.h>

#include "diagnose/evidence.h"

#define OO_DIAGNOSE_FINDINGS 16
#define OO_DIAGNOSE_GROUNDS 5

/* The chain from the user to the data, in the order in which a request walks it. */
enum oo_layer {
	OO_LAYER_CLIENT = 0, /* the request itself: URL, token, size, scheme */
	OO_LAYER_VIP,        /* the address, its announcement, the network before the node */
	OO_LAYER_PROXY,
	OO_LAYER_DOCUMENT_SERVER,
	OO_LAYER_CONVERTER,
	OO_LAYER_DATABASE,
	OO_LAYER_BROKER,
	OO_LAYER_CACHE,
	OO_LAYER_STORAGE,
	OO_LAYER_HOST, /* memory, descriptors, name service: below all of them */
	OO_LAYER_END,
};

enum oo_layer_state {
	OO_LAYER_STATE_UNKNOWN = 0, /* could not be seen */
	OO_LAYER_STATE_FINE,
	OO_LAYER_STATE_BROKEN, /* a finding is about it */
	OO_LAYER_STATE_BEHIND, /* cannot work, or be judged, as one before it is broken */
};

enum oo_confidence {
	OO_CONFIDENCE_NONE = 0,
	OO_CONFIDENCE_POSSIBLE, /* fits, but so does something else */
	OO_CONFIDENCE_LIKELY,   /* fits; one thing that would prove it could not be seen */
	OO_CONFIDENCE_CERTAIN,  /* seen itself, not only what follows from it */
};

/* One for each thing that a person has to do differently. Names: oo_fault_name. (A cause of core/
 * is why a role changed.) */
enum oo_fault {
	OO_FAULT_NONE = 0,
	/* the request */
	OO_FAULT_URL_UNAUTHORIZED, /* 401 */
	OO_FAULT_URL_FORBIDDEN,    /* 403: IP filter, nginx's deny, secure_link */
	OO_FAULT_URL_NOT_FOUND,    /* 404 */
	OO_FAULT_LINK_EXPIRED,     /* 410: secure_link's time is over */
	OO_FAULT_BODY_TOO_LARGE,   /* 413 */
	OO_FAULT_REDIRECT_LOOP, /* https is taken off before the proxy, X-Forwarded-Proto missing */
	OO_FAULT_TOKEN_MISMATCH, /* the JWT secret is another one */
	OO_FAULT_USER_NAME_NOT_RESOLVED,
	OO_FAULT_NAME_POINTS_ELSEWHERE, /* the user's name leads neither to a VIP nor to this node */
	/* the address */
	OO_FAULT_VIP_NOWHERE,
	OO_FAULT_VIP_NOT_ANNOUNCED, /* here, but another host, or nobody, answers for it */
	OO_FAULT_VIP_NOT_LISTENED_ON,
	OO_FAULT_VIP_FENCED,
	OO_FAULT_VIP_INTERFACE_DOWN,
	OO_FAULT_VIP_DUPLICATE,
	OO_FAULT_AGENT_DOWN,
	OO_FAULT_ETCD_UNREACHABLE,
	/* the proxy */
	OO_FAULT_PROXY_STOPPED,
	OO_FAULT_PROXY_CRASHED,
	OO_FAULT_PROXY_HUNG,
	OO_FAULT_PROXY_CONFIG_BROKEN, /* nginx -t fails: it does not start, or will not again */
	OO_FAULT_PROXY_PORT_TAKEN,
	OO_FAULT_PROXY_LISTENS_ELSEWHERE,
	OO_FAULT_PROXY_FIREWALL_DROP,
	OO_FAULT_PROXY_FIREWALL_REJECT,
	OO_FAULT_PROXY_CONNECTIONS_EXHAUSTED,
	OO_FAULT_PROXY_DESCRIPTORS_EXHAUSTED,
	OO_FAULT_PROXY_BY_ITSELF, /* it answers, or closes, without asking the Document Server */
	OO_FAULT_PROXY_RELOAD_NEEDED, /* the files were changed, the running one has the old */
	OO_FAULT_CERTIFICATE_EXPIRED,
	OO_FAULT_CERTIFICATE_EXPIRES_SOON,
	OO_FAULT_CERTIFICATE_NOT_YET_VALID,
	OO_FAULT_CERTIFICATE_OTHER_NAME,
	OO_FAULT_CERTIFICATE_CHAIN,
	/* between the proxy and the Document Server */
	OO_FAULT_UPSTREAM_WRONG_PORT,
	OO_FAULT_UPSTREAM_NAME_NOT_RESOLVED,
	OO_FAULT_UPSTREAM_NAME_STALE, /* nginx goes on with an address that the name had at its start */
	OO_FAULT_UPSTREAM_SPEAKS_TLS, /* where plain is expected */
	OO_FAULT_UPSTREAM_SPEAKS_PLAIN,
	OO_FAULT_UPSTREAM_HEADER_TOO_BIG,
	OO_FAULT_UPSTREAM_CLOSES_EARLY,
	OO_FAULT_UPSTREAM_NOT_HTTP,
	OO_FAULT_UPSTREAM_READ_TIMEOUT_SHORT,
	OO_FAULT_UPSTREAM_PERMISSION, /* SELinux, AppArmor, a socket's mode */
	OO_FAULT_UPSTREAM_FIREWALL_DROP,
	OO_FAULT_UPSTREAM_FIREWALL_REJECT,
	OO_FAULT_UPSTREAM_NO_ROUTE,
	OO_FAULT_UPSTREAM_PORTS_EXHAUSTED,
	OO_FAULT_WEBSOCKET_NOT_PASSED,
	OO_FAULT_WRONG_HOST, /* the Document Server is told another host than the user's */
	/* the Document Server */
	OO_FAULT_DOCSERVICE_STOPPED,
	OO_FAULT_DOCSERVICE_CRASHING,
	OO_FAULT_DOCSERVICE_OUT_OF_MEMORY,
	OO_FAULT_DOCSERVICE_HUNG, /* stopped, blocked, its event loop busy: see the grounds */
	OO_FAULT_DOCSERVICE_BUSY, /* its backlog overflows, or one core is all it has */
	OO_FAULT_DOCSERVICE_NEVER_LISTENING, /* started without its database: only a restart cures it */
	OO_FAULT_DOCSERVICE_WAITS_FOR_BROKER,
	OO_FAULT_DOCSERVICE_STARTING,
	OO_FAULT_DOCSERVICE_PORT_TAKEN,
	OO_FAULT_DOCSERVICE_CONFIG_BROKEN,
	OO_FAULT_DOCSERVICE_DRAINED,
	OO_FAULT_DOCSERVICE_DESCRIPTORS_EXHAUSTED,
	OO_FAULT_DOCSERVICE_FAILING, /* it answers, and with an error */
	OO_FAULT_DOCSERVICE_IP_FILTER,
	OO_FAULT_FONTS_OR_FILES_MISSING, /* the proxy's static files: api.js is not there */
	OO_FAULT_CONVERTER_STOPPED,
	OO_FAULT_CONVERTER_NOT_CONSUMING,
	OO_FAULT_CONVERTER_FAILING,
	/* what it depends on; DATABASE, BROKER and CACHE alike */
	OO_FAULT_DATABASE_NAME_NOT_RESOLVED,
	OO_FAULT_DATABASE_STOPPED,
	OO_FAULT_DATABASE_UNREACHABLE,
	OO_FAULT_DATABASE_HUNG,
	OO_FAULT_DATABASE_LOGIN,
	OO_FAULT_DATABASE_CONNECTIONS_EXHAUSTED,
	OO_FAULT_DATABASE_READ_ONLY,
	OO_FAULT_DATABASE_SCHEMA,
	OO_FAULT_DATABASE_STARTING,
	OO_FAULT_DATABASE_FAILING, /* it answers, and with an error of its own */
	OO_FAULT_BROKER_NAME_NOT_RESOLVED,
	OO_FAULT_BROKER_STOPPED,
	OO_FAULT_BROKER_UNREACHABLE,
	OO_FAULT_BROKER_HUNG,
	OO_FAULT_BROKER_LOGIN,
	OO_FAULT_BROKER_ALARM, /* memory or disk: publishers are blocked */
	OO_FAULT_BROKER_FRAME_MAX,
	OO_FAULT_CACHE_STOPPED,
	OO_FAULT_CACHE_HUNG,
	OO_FAULT_STORAGE_MISSING,
	OO_FAULT_STORAGE_DENIED,
	OO_FAULT_STORAGE_READ_ONLY,
	OO_FAULT_STORAGE_FULL,
	OO_FAULT_STORAGE_HUNG,
	/* the host */
	OO_FAULT_DISK_FULL, /* not the storage: logs, temporary files */
	OO_FAULT_MEMORY_EXHAUSTED,
	OO_FAULT_NAME_SERVICE_DOWN,
	OO_FAULT_LOOPBACK_DOWN, /* the interface lo */
	OO_FAULT_END,
};

/* What it does to users. */
enum oo_weight {
	OO_WEIGHT_WARNING = 0, /* nothing yet: the chain is not broken by it */
	OO_WEIGHT_PART,        /* some of what they do fails */
	OO_WEIGHT_OUTAGE,      /* they cannot work */
};

struct oo_finding {
	enum oo_fault cause;
	enum oo_layer layer;
	enum oo_confidence confidence;
	enum oo_weight weight;
	char summary
		[OO_EVIDENCE_TEXT]; /* one sentence: "Document Server hung: index.html silent, ..." */
	char grounds[OO_DIAGNOSE_GROUNDS][OO_EVIDENCE_TEXT]; /* what was seen, one fact each */
	size_t n_grounds;
	char remedy[OO_EVIDENCE_TEXT]; /* what to do, the command in it */
};

struct oo_verdict {
	struct oo_finding
		findings[OO_DIAGNOSE_FINDINGS]; /* strongest first; none: nothing wrong found */
	size_t n_findings;
	enum oo_layer_state chain[OO_LAYER_END];
	enum oo_layer first_broken; /* OO_LAYER_END: none */
};

/* The same evidence gives the same verdict. evidence is some 200 KB: on the heap, please. */
void oo_diagnose(const struct oo_evidence *evidence, struct oo_verdict *ret_verdict);

/* "document server hung": for people and scripts; stable. */
const char *oo_fault_name(enum oo_fault cause);
const char *oo_layer_name(enum oo_layer layer);                /* "proxy" */
const char *oo_confidence_name(enum oo_confidence confidence); /* "certain" */
const char *oo_layer_state_name(enum oo_layer_state state);    /* "fine" */
const char *oo_weight_name(enum oo_weight weight);             /* "outage" */

#endif
