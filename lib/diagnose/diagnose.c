#include "diagnose/diagnose.h"

#include <string.h>

#include "diagnose/rule.h"

static const struct oo_rule_table *const tables[] = {
	&oo_rules_host,           &oo_rules_storage,   &oo_rules_dependency,
	&oo_rules_answers,        &oo_rules_remote,    &oo_rules_start,
	&oo_rules_documentserver, &oo_rules_converter, &oo_rules_upstream,
	&oo_rules_upstream_log,   &oo_rules_passing,   &oo_rules_proxy,
	&oo_rules_certificate,    &oo_rules_vip,       &oo_rules_request,
	&oo_rules_left,
};

static void ask(struct oo_rules *rules, const struct oo_rule *rule)
{
	unsigned left = rule->reads & ~rules->explained;
	for (unsigned i = 0; i < OO_EXCHANGE_END; i++) {
		left &= oo_seen_tried(&rules->seen->exchanges[i]) ? ~0u : ~(1u << i);
	}
	/* what nobody asked is no symptom, unless nothing was asked at all */
	bool is_explained = (rule->reads & rules->explained) != 0 && left == 0;
	if (!is_explained) {
		rule->apply(rules);
	}
}

static bool was_fine(const struct oo_check_result *result)
{
	return result->reason == OO_CHECK_REASON_OK;
}

static bool dependency_was_fine(const struct oo_evidence *seen, enum oo_dependency_name name)
{
	const struct oo_dependency *dependency = &seen->dependencies[name];
	/* the health check asks database and broker, and the cache where it is used */
	return was_fine(&dependency->works) || oo_seen_healthy(seen) ||
	       (was_fine(&dependency->connect) && name == OO_DEPENDENCY_CACHE);
}

static bool storage_was_fine(const struct oo_evidence *seen)
{
	for (size_t i = 0; i < seen->n_disks; i++) {
		if (strcmp(seen->disks[i].what, "storage") == 0) {
			return was_fine(&seen->disks[i].result);
		}
	}
	return false;
}

static bool vip_was_fine(const struct oo_evidence *seen)
{
	for (size_t i = 0; i < seen->n_vips; i++) {
		if (!seen->vips[i].is_here && seen->vips[i].answer_look != OO_LOOK_SEEN) {
			return false;
		}
	}
	return seen->n_vips > 0;
}

/* Whether something that was seen says that the layer works. Findings have their say before. */
static bool was_seen_to_work(const struct oo_evidence *seen, enum oo_layer layer)
{
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	const struct oo_exchange *user = &seen->exchanges[OO_EXCHANGE_USER];
	switch (layer) {
	case OO_LAYER_CLIENT:
		return oo_seen_answered(user) && user->status < 400;
	case OO_LAYER_VIP:
		return vip_was_fine(seen);
	case OO_LAYER_PROXY:
		return oo_seen_answered(proxied) ||
		       oo_seen_answered(&seen->exchanges[OO_EXCHANGE_PROXY_STATIC]);
	case OO_LAYER_DOCUMENT_SERVER:
		return oo_seen_docservice_answers(seen) || oo_seen_true(proxied) ||
		       oo_seen_false(proxied);
	case OO_LAYER_CONVERTER:
		return was_fine(&seen->dependencies[OO_DEPENDENCY_BROKER].consumers) ||
		       oo_seen_is_running(&seen->processes[OO_PROGRAM_CONVERTER]);
	case OO_LAYER_DATABASE:
		return dependency_was_fine(seen, OO_DEPENDENCY_DATABASE);
	case OO_LAYER_BROKER:
		return dependency_was_fine(seen, OO_DEPENDENCY_BROKER);
	case OO_LAYER_CACHE:
		return dependency_was_fine(seen, OO_DEPENDENCY_CACHE);
	case OO_LAYER_STORAGE:
		return storage_was_fine(seen);
	case OO_LAYER_HOST:
		return seen->host.look == OO_LOOK_SEEN;
	case OO_LAYER_END:
		break;
	}
	return false;
}

static bool is_broken(const struct oo_verdict *verdict, enum oo_layer layer)
{
	for (size_t i = 0; i < verdict->n_findings; i++) {
		if (verdict->findings[i].layer == layer &&
		    verdict->findings[i].weight > OO_WEIGHT_WARNING) {
			return true;
		}
	}
	return false;
}

static void draw_chain(const struct oo_evidence *seen, struct oo_verdict *verdict)
{
	verdict->first_broken = OO_LAYER_END;
	for (enum oo_layer layer = 0; layer < OO_LAYER_END; layer++) {
		enum oo_layer_state *state = &verdict->chain[layer];
		bool is_behind = verdict->first_broken != OO_LAYER_END;
		if (is_broken(verdict, layer)) {
			*state = OO_LAYER_STATE_BROKEN;
			verdict->first_broken = is_behind ? verdict->first_broken : layer;
		} else if (was_seen_to_work(seen, layer)) {
			*state = OO_LAYER_STATE_FINE;
		} else {
			*state = is_behind ? OO_LAYER_STATE_BEHIND : OO_LAYER_STATE_UNKNOWN;
		}
	}
}

void oo_diagnose(const struct oo_evidence *evidence, struct oo_verdict *ret_verdict)
{
	struct oo_rules rules = {.seen = evidence, .verdict = ret_verdict};
	memset(ret_verdict, 0, sizeof(*ret_verdict));
	for (size_t i = 0; i < OO_LENGTH(tables); i++) {
		for (size_t j = 0; j < tables[i]->n; j++) {
			ask(&rules, &tables[i]->rules[j]);
		}
	}
	oo_rule_rank(ret_verdict);
	draw_chain(evidence, ret_verdict);
}
