#ifndef OO_CONFIG_H
#define OO_CONFIG_H
/*
 * The configuration: one YAML file (docs/configuration.md) becomes one validated structure, or
 * a line that says where it is wrong and what would be right:
 *
 *	FILE:LINE: KEY.PATH: 'VALUE': what is wrong; what would be right
 *
 * Who has a struct oo_config needs to check nothing again: names are safe for etcd keys and file
 * names, addresses and URLs are well-formed, numbers in range, timings possible together.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "check/spec.h"

#define OO_CONFIG_NAME_LENGTH 63 /* most of a cluster's, node's, zone's, group's, check's name */
#define OO_CONFIG_ENDPOINTS 16
#define OO_CONFIG_GROUPS 16
#define OO_CONFIG_VIPS 4096 /* in one group */
#define OO_CONFIG_CHECKS 256
#define OO_CONFIG_HOOKS 16 /* paths in one list */
#define OO_CONFIG_ATTEMPTS 20
#define OO_CONFIG_MOVES 32
#define OO_CONFIG_PROBLEMS 20
#define OO_CONFIG_SETTINGS 16384 /* bytes of a provider's settings as JSON */
#define OO_CONFIG_TABLE_MAIN 254 /* rtnetlink(7) */

struct oo_config_texts {
	const char *const *items;
	size_t n;
};

/* "10.0.0.1:80", "[2001:db8::1]:80": host without brackets; NULL where the key is not given. */
struct oo_config_address {
	const char *host;
	uint16_t port;
};

struct oo_config_node {
	const char *name; /* default: gethostname(2), whole */
	const char *zone; /* "" when not given */
	int priority;     /* 0..1000 */
};

/* Paths are absolute and were readable when loaded; NULL where the key is not given. */
struct oo_config_etcd {
	struct oo_config_texts endpoints; /* "http://10.0.1.11:2379": no path, no credentials */
	const char *username;             /* with password_file, or both NULL */
	const char *password_file;
	const char *ca_file;
	const char *cert_file; /* with key_file, or both NULL */
	const char *key_file;
};

/*
 * With L = ttl - margin (docs/design.md, section 4) it always holds that
 *
 * 1. renew + request timeout < L: the answer to one renewal comes before the hold of the one
 *    before it ends.
 *
 * On a kernel without nf_tables the address lifetime is the only guard; oo_config_check_unfenced:
 *
 * 2. L - request timeout - 1 s >= 1 s: it is armed with N = floor(ttl - elapsed - 1 s) whole
 *    seconds, as the kernel removes the address up to 1 s late. With the slowest answer
 *    (elapsed = request timeout) N must still be at least 1.
 * 3. renew + request timeout < L - 1 s: re-armed by a timer for as long as N is 1, the lifetime
 *    ends at ttl - 1 s at the earliest; the next renewal's slowest answer must come before it.
 *
 * With the defaults 1 holds for every ttl, 2 and 3 for a ttl of 2450 ms or more.
 */
struct oo_config_lease {
	int64_t ttl_ms;
	int64_t renew_ms;
	int64_t margin_ms;
	int64_t request_timeout_ms; /* not a key: 4/5 of renew */
};

/* How the network is told who has a VIP. */
enum oo_mode {
	OO_MODE_ARP,      /* announced on its subnet: ARP, neighbour discovery */
	OO_MODE_ROUTE,    /* a route of ours that a routing daemon exports */
	OO_MODE_PROVIDER, /* a program moves it: an API, a DNS record */
};

/* A free mapping as JSON; shown: the same with "***" for what has a secret's name. */
struct oo_config_settings {
	const char *json, *shown;
};

/* Of mode provider. */
struct oo_config_provider {
	const char *run; /* absolute, not looked at here */
	int64_t timeout_ms;
	struct oo_config_settings settings;
};

struct oo_config_vip {
	const char *address; /* canonical, with prefix: "10.0.0.100/24", "2001:db8::1/128" */
	enum oo_mode mode;
	const char *interface;              /* "": on none (of mode provider only) */
	int table, protocol, metric;        /* of mode route; its address has all bits as prefix */
	struct oo_config_provider provider; /* of mode provider */
};

/* When what is held goes back to a node that ranks better. */
struct oo_config_failback {
	const char *mode;  /* "never" or "auto" */
	int64_t delay_ms;  /* the tenure is at least so old */
	int64_t stable_ms; /* the other has ranked better, and been eligible, for so long */
};

/* From so many moves within the window on the next one waits for a target that is stable; 0: never. */
struct oo_config_flap {
	int moves;
	int64_t window_ms;
};

struct oo_config_group {
	const char *name;
	struct oo_config_vip *vips;
	size_t n_vips;
	bool checks[OO_CONFIG_CHECKS]; /* the configuration's that count for this group */
	int priority;            /* this node's for this group, 0..1000; default: the node's */
	const char *prefer_zone; /* whose nodes come before others; "" when not given */
	const char *zones;       /* who follows a holder first: "any", "stay", "spread" */
	struct oo_config_failback failback; /* what is not given here: the configuration's */
};

struct oo_config_check {
	struct oo_check_spec spec;
	int rise;
	int fall;
	bool shared;   /* of something that all nodes use */
	bool optional; /* `required: no`: down, it lowers the node's rank and no more */
};

/* Absolute paths of files or directories, not looked at here. */
struct oo_config_hooks {
	struct oo_config_texts pre_promote, promoted, pre_demote, demoted;
	struct oo_config_texts eligible, ineligible, degraded, notify;
	int64_t timeout_ms;          /* of each hook */
	int64_t blocking_timeout_ms; /* of all pre_promote, or all pre_demote hooks together */
};

struct oo_config_api {
	const char *socket; /* absolute, fits sun_path */
	struct oo_config_address listen;
	struct {
		const char *cert_file, *key_file; /* both or none; NULL: plain HTTP */
	} tls;                                    /* of listen */
};

/* Where the Document Server of this node and its proxy are; NULL where the key is not given. */
struct oo_config_documentserver {
	const char *url;              /* "http://127.0.0.1:8000" */
	const char *proxy_url;        /* "http://127.0.0.1": how it is reached on this node */
	const char *config_directory; /* "/etc/onlyoffice/documentserver" */
	const char *log_directory;    /* "/var/log/onlyoffice/documentserver" */
	const char *proxy_config;     /* "/etc/nginx/nginx.conf" */
	const char *container;        /* name or id, where it runs in one */
	const char *container_socket; /* of the API */
};

/* What may be restarted: a unit or a container; both NULL: it may not be touched. */
struct oo_config_service {
	const char *unit; /* "nginx.service" */
	const char *container;
};

/* `repair:`. Without it no service is named, and nothing is ever restarted. */
struct oo_config_repair {
	struct oo_config_service documentserver, converter, proxy;
	const char *container_socket; /* of the API of Docker or Podman */
	int attempts;                 /* most within window_ms; 1..OO_CONFIG_ATTEMPTS */
	int64_t window_ms;
	int64_t backoff_ms; /* from the end of one to the next, doubled each time */
};

struct oo_config_memory;

/* Pure data. Everything that it points to is its own and lives until oo_config_free. */
struct oo_config {
	const char *cluster;
	struct oo_config_node node;
	struct oo_config_etcd etcd;
	struct oo_config_lease lease;
	struct oo_config_failback failback;
	struct oo_config_flap flap;
	struct oo_config_group *groups; /* at least one */
	size_t n_groups;
	struct oo_config_check *checks;
	size_t n_checks;
	struct oo_config_documentserver documentserver;
	struct oo_config_repair repair;
	struct oo_config_hooks hooks;
	struct oo_config_api api;
	const char *runtime_directory;
	struct oo_config_memory *memory; /* owned; what all of the above lives in */
};

/* One problem: one line, without newline. Runs inside oo_config_check. */
typedef void oo_config_problem_fn(const char *text, void *user);

/*
 * Reads, parses and validates. Reads the file at path, looks at the modes of files that it names, and,
 * where it has a preset, reads the configuration of nginx and of the Document Server; nothing else is
 * opened, nothing is written, printed or logged.
 * err  the first problem.
 * Returns 0, -EINVAL (wrong content), -EFBIG (over 1 MiB), -ENOMEM or -errno of reading path.
 */
int oo_config_load(const char *path, struct oo_config **ret_config, struct oo_err *err);
/*
 * As oo_config_load, but hands every problem to problem, first OO_CONFIG_PROBLEMS, and keeps no
 * configuration: for ooha-agent --check. Returns 0 only if there was none.
 */
int oo_config_check(const char *path, oo_config_problem_fn *problem, void *user);
/*
 * Rules 2 and 3: whether the address lifetime alone can guard. Who reads the file cannot know that
 * it has to.
 * Returns 0 or -EINVAL with "KEY.PATH: 'VALUE': what is wrong; what would be right".
 */
int oo_config_check_unfenced(const struct oo_config_lease *lease, struct oo_err *err);
/*
 * Writes the checks that the presets of the file stand for on this machine as YAML, each value with where
 * it came from. Secrets are named by the file that has them. Errors as of oo_config_load.
 */
int oo_config_explain(const char *path, struct oo_buffer *buffer, struct oo_err *err);
/*
 * Writes the configuration as it is in force, as JSON, which is YAML, too: defaults filled in, presets as
 * the checks that they stand for. Values that may be secrets are "***" (headers: after their names).
 * Returns 0, -ENOMEM or -EMSGSIZE.
 */
int oo_config_write(const struct oo_config *config, struct oo_buffer *out);
/*
 * Whether the key at path, as "groups[office].vips" (whatever is in the brackets), takes a restart of the
 * agent to change; else a reload does.
 */
bool oo_config_is_fixed(const char *path);
/* "arp", "route", "provider" */
const char *oo_config_mode_name(enum oo_mode mode);
/* Whether group prefers nodes of that zone. */
bool oo_config_prefers(const struct oo_config_group *group, const char *zone);
/*
 * How much later than this node another one with the same check may turn, at most, with an interval
 * more for saying so: its first run with the same news ends an interval and a timeout later, and each
 * further one may take a timeout, where ours took no time (refused here, silent there).
 */
int64_t oo_config_check_notice_ms(const struct oo_config_check *check);
/* NULL is accepted. */
void oo_config_free(struct oo_config *config);

#endif
