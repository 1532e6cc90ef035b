#include "base/cleanup.h"
#include "base/text.h"
#include "metrics.h"
#include "part.h"
#include "status.h"
#include "store.h"
#include "vips.h"

/* What every group has one number of. */
typedef int64_t group_fn(const struct agent *agent, unsigned group);

static void add_each(struct oo_metrics *metrics, const struct agent *agent, group_fn *value)
{
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		oo_metrics_add(metrics, value(agent, g), "group", agent->group_names[g], NULL);
	}
}

static int64_t is_held(const struct agent *agent, unsigned group)
{
	return agent_status_holder(agent, group)[0] != '\0';
}

static int64_t is_holder(const struct agent *agent, unsigned group)
{
	return oo_text_equal(agent_status_holder(agent, group), agent->config->node.name);
}

static int64_t is_degraded(const struct agent *agent, unsigned group)
{
	return oo_core_view(agent->core, group).degraded;
}

static int64_t is_eligible(const struct agent *agent, unsigned group)
{
	return oo_core_view(agent->core, group).eligible == OO_HEALTH_UP;
}

/* Members that may hold group; standbys: but for who holds it. */
static int64_t count_members(const struct agent *agent, unsigned group, bool standbys)
{
	const char *holder = agent_status_holder(agent, group);
	int64_t count = 0;
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);

	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		count += (member->groups & 1u << group) != 0 &&
			 !(standbys && oo_text_equal(member->node, holder));
	}
	return count;
}

static int64_t count_eligible(const struct agent *agent, unsigned group)
{
	return count_members(agent, group, false);
}

static int64_t count_standbys(const struct agent *agent, unsigned group)
{
	return count_members(agent, group, true);
}

static int64_t count_vips(const struct agent *agent, unsigned group)
{
	return (int64_t)agent_vips_count(agent->vips[group]);
}

static int64_t count_vips_up(const struct agent *agent, unsigned group)
{
	int64_t n = 0;
	for (size_t i = 0; i < agent_vips_count(agent->vips[group]); i++) {
		n += agent_vips_state(agent->vips[group], i).up;
	}
	return n;
}

static int64_t count_vips_taken(const struct agent *agent, unsigned group)
{
	int64_t n = 0;
	for (size_t i = 0; i < agent_vips_count(agent->vips[group]); i++) {
		n += agent_vips_state(agent->vips[group], i).rival.error[0] != '\0';
	}
	return n;
}

static int64_t count_announcements(const struct agent *agent, unsigned group)
{
	int64_t n = 0;
	size_t n_parts;
	const struct agent_part *parts = agent_vips_parts(agent->vips[group], &n_parts);
	for (size_t i = 0; i < n_parts; i++) {
		n += parts[i].way->on_link ? (int64_t)oo_announcer_count(parts[i].announcer) : 0;
	}
	return n;
}

static int64_t count_vips_told(const struct agent *agent, unsigned group)
{
	int64_t n = 0;
	for (size_t i = 0; i < agent_vips_count(agent->vips[group]); i++) {
		n += agent_vips_state(agent->vips[group], i).way.told;
	}
	return n;
}

static int64_t count_provider_runs(const struct agent *agent, unsigned group)
{
	uint64_t n = 0;
	for (size_t i = 0; i < agent_vips_count(agent->vips[group]); i++) {
		n += agent_vips_state(agent->vips[group], i).way.runs;
	}
	return (int64_t)n;
}

static int64_t count_provider_failures(const struct agent *agent, unsigned group)
{
	uint64_t n = 0;
	for (size_t i = 0; i < agent_vips_count(agent->vips[group]); i++) {
		n += agent_vips_state(agent->vips[group], i).way.failures;
	}
	return (int64_t)n;
}

static int64_t count_provider_repairs(const struct agent *agent, unsigned group)
{
	uint64_t n = 0;
	for (size_t i = 0; i < agent_vips_count(agent->vips[group]); i++) {
		n += agent_vips_state(agent->vips[group], i).way.repairs;
	}
	return (int64_t)n;
}

static int64_t count_conflicts(const struct agent *agent, unsigned group)
{
	return (int64_t)agent->counts.groups[group].conflicts;
}

static int64_t count_repairs(const struct agent *agent, unsigned group)
{
	return (int64_t)agent->counts.groups[group].repairs;
}

static const struct {
	const char *name;
	enum oo_metrics_type type;
	group_fn *value;
	const char *help;
} of_groups[] = {
	{"ooha_group_held", OO_METRICS_GAUGE, is_held,
	 "1 while a node holds the group, as far as this node can see."},
	{"ooha_holder", OO_METRICS_GAUGE, is_holder, "1 while this node holds the group."},
	{"ooha_degraded", OO_METRICS_GAUGE, is_degraded,
	 "1 while this node holds although it is not eligible, because nobody else is."},
	{"ooha_eligible", OO_METRICS_GAUGE, is_eligible, "1 while this node may hold the group."},
	{"ooha_members_eligible", OO_METRICS_GAUGE, count_eligible,
	 "Nodes that may hold the group, the holder too."},
	{"ooha_standbys_eligible", OO_METRICS_GAUGE, count_standbys,
	 "Nodes that could take the group over from its holder."},
	{"ooha_vips", OO_METRICS_GAUGE, count_vips, "Virtual addresses of the group."},
	{"ooha_vips_up", OO_METRICS_GAUGE, count_vips_up,
	 "Virtual addresses that are on this node's interfaces."},
	{"ooha_vips_taken", OO_METRICS_GAUGE, count_vips_taken,
	 "Virtual addresses that are not added because another host answers for them."},
	{"ooha_announcements_total", OO_METRICS_COUNTER, count_announcements,
	 "Packets that announced virtual addresses (ARP, neighbour advertisements)."},
	{"ooha_vip_conflicts_total", OO_METRICS_COUNTER, count_conflicts,
	 "Claims of other hosts on virtual addresses that were held here."},
	{"ooha_vip_repairs_total", OO_METRICS_COUNTER, count_repairs,
	 "Virtual addresses put back that somebody else had removed."},
	{"ooha_vips_told", OO_METRICS_GAUGE, count_vips_told,
	 "Virtual addresses that the network is told of: announced, routed, confirmed."},
	{"ooha_provider_runs_total", OO_METRICS_COUNTER, count_provider_runs,
	 "Runs of providers' programs."},
	{"ooha_provider_failures_total", OO_METRICS_COUNTER, count_provider_failures,
	 "Runs of providers' programs that failed, or did not do what they said."},
	{"ooha_provider_repairs_total", OO_METRICS_COUNTER, count_provider_repairs,
	 "Virtual addresses moved here again that had gone elsewhere at their provider."},
};

static void add_roles(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_role", OO_METRICS_GAUGE,
			  "1 for the role that this node has in the group, 0 for the others.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		for (enum oo_role role = 0; role < OO_ROLES; role++) {
			oo_metrics_add(metrics, oo_core_want(agent->core, g)->role == role, "group",
				       agent->group_names[g], "role", oo_role_name(role), NULL);
		}
	}
}

/* None before a holder was seen: the first one is no move. */
static void add_epochs(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_epoch", OO_METRICS_GAUGE,
			  "The fencing token: the highest seen; grows with every new holder.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		uint64_t epoch = oo_core_view(agent->core, g).epoch;
		if (epoch != 0) {
			oo_metrics_add(metrics, (int64_t)epoch, "group", agent->group_names[g],
				       NULL);
		}
	}
}

static void add_holds(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_hold_left_seconds", OO_METRICS_GAUGE,
			  "How long this node may hold without another answer from etcd.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		const struct oo_want *want = oo_core_want(agent->core, g);
		if (want->role == OO_ROLE_ACTIVE && want->address) {
			oo_metrics_add_us(metrics, (want->hold_until - oo_clock_now()) * 1000,
					  "group", agent->group_names[g], NULL);
		}
	}
}

static void add_renewals(struct oo_metrics *metrics, const struct agent *agent)
{
	static const char *const outcomes[] = {"unknown", "done", "refused"};

	oo_metrics_family(metrics, "ooha_renewals_total", OO_METRICS_COUNTER,
			  "Renewals of the hold that were asked of etcd, by what became of them.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		for (size_t i = 0; i < OO_LENGTH(outcomes); i++) {
			oo_metrics_add(metrics, (int64_t)agent->counts.groups[g].renewals[i],
				       "group", agent->group_names[g], "outcome", outcomes[i],
				       NULL);
		}
	}
	oo_metrics_family(metrics, "ooha_renewal_duration_seconds", OO_METRICS_HISTOGRAM,
			  "How long etcd took to answer a renewal.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		oo_metrics_add_histogram(metrics, &agent->counts.groups[g].renewal_time, "group",
					 agent->group_names[g], NULL);
	}
}

static void add_transitions(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_transitions_total", OO_METRICS_COUNTER,
			  "Changes of this node's role, by cause.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		for (enum oo_cause cause = OO_CAUSE_NONE + 1; cause < OO_CAUSES; cause++) {
			oo_metrics_add(metrics, (int64_t)agent->counts.groups[g].transitions[cause],
				       "group", agent->group_names[g], "cause",
				       oo_cause_name(cause), NULL);
		}
	}
}

static void add_promotions(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_promotion_duration_seconds", OO_METRICS_HISTOGRAM,
			  "Moves to this node: from when they were decided on until each stage.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		for (enum agent_stage stage = 0; stage < AGENT_STAGES; stage++) {
			oo_metrics_add_histogram(metrics, &agent->counts.groups[g].stages[stage],
						 "group", agent->group_names[g], "until",
						 agent_stage_name(stage), NULL);
		}
	}
	oo_metrics_family(metrics, "ooha_gap_seconds", OO_METRICS_HISTOGRAM,
			  "Moves to this node: how long nobody answered for the addresses.");
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		oo_metrics_add_histogram(metrics, &agent->counts.groups[g].gap, "group",
					 agent->group_names[g], NULL);
	}
}

void agent_metrics_groups(struct oo_metrics *metrics, const struct agent *agent)
{
	for (size_t i = 0; i < OO_LENGTH(of_groups); i++) {
		oo_metrics_family(metrics, of_groups[i].name, of_groups[i].type, of_groups[i].help);
		add_each(metrics, agent, of_groups[i].value);
	}
	add_roles(metrics, agent);
	add_epochs(metrics, agent);
	add_holds(metrics, agent);
	add_renewals(metrics, agent);
	add_transitions(metrics, agent);
	add_promotions(metrics, agent);
}
