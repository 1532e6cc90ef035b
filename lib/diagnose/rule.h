#ifndef OO_RULE_H
#define OO_RULE_H
/*
 * What the rules are made of. Private to the module.
 *
 * A rule is a function that looks at the evidence and says nothing, or one finding. The tables run
 * from what lies deepest (the host) to the request, so that a root cause is found before what
 * follows from it. Two means keep the consequences away, both in the open:
 * - a rule's finding explains exchanges (oo_rule_explain): they went wrong because of it. A rule
 *   whose `reads` are all explained already is not asked;
 * - a rule may ask what has been found before it (oo_rule_has, oo_rule_has_outage).
 * Findings are ordered by what they do to users and how sure they are; between equals the deeper
 * one, found earlier, comes first.
 */
#include "base/cleanup.h"
#include "diagnose/diagnose.h"
#include "diagnose/seen.h"

#define OO_RULE_COMMAND 160

#define OO_EXCHANGE_BIT(name) (1u << OO_EXCHANGE_##name)
/* What goes through the proxy to the Document Server, and what goes to it directly. */
#define OO_EXCHANGES_PROXIED                                                                       \
	(OO_EXCHANGE_BIT(PROXY_HEALTH) | OO_EXCHANGE_BIT(PROXY_EDITOR) |                           \
	 OO_EXCHANGE_BIT(PROXY_COMMAND) | OO_EXCHANGE_BIT(PROXY_TLS) | OO_EXCHANGE_BIT(VIP) |      \
	 OO_EXCHANGE_BIT(USER))
#define OO_EXCHANGES_DIRECT                                                                        \
	(OO_EXCHANGE_BIT(DIRECT_HEALTH) | OO_EXCHANGE_BIT(DIRECT_INDEX) |                          \
	 OO_EXCHANGE_BIT(DIRECT_INFO) | OO_EXCHANGE_BIT(DIRECT_INACTIVE) |                         \
	 OO_EXCHANGE_BIT(DIRECT_EDITOR) | OO_EXCHANGE_BIT(DIRECT_TLS))

struct oo_rules {
	const struct oo_evidence *seen;
	struct oo_verdict *verdict;
	unsigned explained;      /* OO_EXCHANGE_BITs */
	struct oo_finding spare; /* is written to where a finding has no place; nobody reads it */
};

struct oo_rule {
	unsigned reads; /* OO_EXCHANGE_BITs of the symptoms it is about; 0: it is always asked */
	void (*apply)(struct oo_rules *rules);
};

struct oo_rule_table {
	const struct oo_rule *rules;
	size_t n;
};

#define OO_RULE_TABLE(array)                                                                       \
	{                                                                                          \
		.rules = (array), .n = OO_LENGTH(array)                                            \
	}

/* In the order in which they are asked. */
extern const struct oo_rule_table oo_rules_host, oo_rules_storage, oo_rules_dependency,
	oo_rules_answers, oo_rules_remote, oo_rules_start, oo_rules_documentserver,
	oo_rules_converter, oo_rules_upstream, oo_rules_upstream_log, oo_rules_passing,
	oo_rules_proxy, oo_rules_certificate, oo_rules_vip, oo_rules_request, oo_rules_left;

/*
 * Says that cause is found; layer and weight are the cause's own (oo_fault_layer). Of one cause the
 * surest finding stays.
 * Returns the finding, to be given grounds and a remedy; valid until the next oo_rule_say.
 */
struct oo_finding *oo_rule_say(struct oo_rules *rules, enum oo_fault cause,
			       enum oo_confidence confidence, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* What was seen, one fact a call. What does not fit (OO_DIAGNOSE_GROUNDS) is left out. */
void oo_rule_ground(struct oo_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "/healthcheck through the proxy: 502"; nothing if it was not tried. */
void oo_rule_ground_exchange(struct oo_finding *finding, const struct oo_rules *rules,
			     enum oo_exchange_name name);
/* The newest line of that meaning, with its file; nothing if there is none. */
void oo_rule_ground_line(struct oo_finding *finding, const struct oo_rules *rules,
			 enum oo_log_meaning meaning);
void oo_rule_remedy(struct oo_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* These exchanges went wrong because of what was found. */
void oo_rule_explain(struct oo_rules *rules, unsigned exchanges);
/* As that, for all that reached the proxy and failed behind it (5xx, false, silence). */
void oo_rule_explain_behind_proxy(struct oo_rules *rules);

bool oo_rule_has(const struct oo_rules *rules, enum oo_fault cause);
/* Whether one of that layer, or below, keeps users from working for sure, or nearly so. */
bool oo_rule_has_outage(const struct oo_rules *rules, enum oo_layer from, enum oo_layer to);

/* The order of findings; stable. */
void oo_rule_rank(struct oo_verdict *verdict);

/* "systemctl restart ds-docservice", or what it is in a container. Returns command. */
const char *oo_rule_command(const struct oo_evidence *seen, enum oo_program program,
			    const char *verb, char command[static OO_RULE_COMMAND]);
/* "journalctl -u ds-docservice -n 50", or what it is in a container. Returns command. */
const char *oo_rule_log_command(const struct oo_evidence *seen, enum oo_program program,
				char command[static OO_RULE_COMMAND]);

enum oo_layer oo_fault_layer(enum oo_fault cause);
enum oo_weight oo_fault_weight(enum oo_fault cause);

#endif
