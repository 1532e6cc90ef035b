#include "store_internal.h"

#include <string.h>

#include "journal.h"
#include "presence.h"

/* Reads in a row; the first after a restart still shows what the agent before had written. */
#define OTHERS_TOLD 3

const char *agent_store_after(const struct agent_store *store, const char *key, const char *rest)
{
	size_t root = strlen(store->root), length = strlen(rest);
	if (strncmp(key, store->root, root) != 0 || strncmp(key + root, rest, length) != 0) {
		return NULL;
	}
	return key + root + length;
}

static struct agent_known_member *find(struct agent_store *store, const char *node)
{
	for (size_t i = 0; i < store->n_members; i++) {
		if (oo_text_equal(store->members[i].member.node, node)) {
			return &store->members[i];
		}
	}
	return NULL;
}

/* A record that cannot be read is nobody: said when it is first seen, though every read shows it. */
static bool parse(struct agent_store *store, const char *node, const struct oo_etcd_kv *kv,
		  struct agent_known_member *ret_known)
{
	struct oo_err err;

	if (oo_record_read_member(node, kv->value, store->agent->group_names,
				  store->agent->core_config.n_groups, &ret_known->member,
				  &err) < 0) {
		if (kv->mod_revision > store->members_revision) {
			oo_log(OO_LOG_WARNING, "%s%s", store->root, err.text);
		}
		return false;
	}
	ret_known->member.mod_revision = kv->mod_revision;
	ret_known->seen_at = oo_clock_now();
	return true;
}

static bool is_our_name(const struct agent_store *store, const char *node)
{
	return oo_text_equal(node, store->agent->config->node.name);
}

void agent_store_doubt(const struct agent_store *store, struct oo_claim *claim)
{
	if (claim->kind == OO_CLAIM_OFFERED && is_our_name(store, claim->node) && !store->is_us) {
		memset(claim->node, 0, sizeof(claim->node));
	}
}

static void see_ours(struct agent_store *store, const struct oo_etcd_kv *kv, bool deleted)
{
	store->our_revision = deleted ? 0 : kv->mod_revision;
	store->our_lease = deleted ? 0 : kv->lease;
}

/* Also before anything is known of the claim that the same read or message brings: see agent_store_doubt. */
static void note_whether_us(struct agent_store *store)
{
	int64_t lease = agent_presence_lease(store->agent->presence);
	store->is_us = lease != 0 && store->our_lease == lease;
}

/* A record of another agent of this name stays: two that write over each other help nobody. */
static void note_us(struct agent_store *store)
{
	const struct agent_presence *presence = store->agent->presence;
	note_whether_us(store);
	store->shows_us =
		store->our_revision != 0 &&
		(!store->is_us || store->our_revision == agent_presence_revision(presence));
	if (store->our_revision == 0) {
		return;
	}
	bool other = !store->is_us && agent_presence_lease(presence) != 0;
	store->n_others = other ? store->n_others + 1 : 0;
	if (store->n_others == OTHERS_TOLD) {
		agent_say(
			OO_LOG_ERROR,
			&(struct agent_said){.message = AGENT_MESSAGE_NAME_TAKEN,
					     .peer = store->agent->config->node.name},
			"%smembers/%s: another agent has this name: node.name must be different on "
			"each node; nothing is handed over to this one",
			store->root, store->agent->config->node.name);
	}
}

static bool set_all(struct agent_store *store, const struct oo_etcd_result *result)
{
	struct agent_known_member members[OO_CORE_MEMBERS_MAX];
	size_t n = 0;
	bool changed = false;

	see_ours(store, NULL, true);
	for (size_t i = 0; i < result->n_kvs && n < OO_CORE_MEMBERS_MAX; i++) {
		const struct oo_etcd_kv *kv = &result->kvs[i];
		const char *node = agent_store_after(store, kv->key, "members/");
		struct agent_known_member *old = node == NULL ? NULL : find(store, node);
		if (node == NULL) {
			continue;
		}
		if (is_our_name(store, node)) {
			see_ours(store, kv, false);
		}
		if (old != NULL && old->member.mod_revision == kv->mod_revision) {
			members[n] = *old;
			members[n++].seen_at = oo_clock_now();
		} else if (parse(store, node, kv, &members[n])) {
			n++;
			changed = true;
		}
	}
	changed = changed || n != store->n_members;
	memcpy(store->members, members, n * sizeof(members[0]));
	store->n_members = n;
	return changed;
}

static bool set_one(struct agent_store *store, const struct oo_etcd_kv *kv, bool deleted)
{
	const char *node = agent_store_after(store, kv->key, "members/");
	struct agent_known_member *known = find(store, node);
	struct agent_known_member parsed;

	if (is_our_name(store, node)) {
		see_ours(store, kv, deleted);
	}
	if (!deleted && parse(store, node, kv, &parsed)) {
		if (known == NULL && store->n_members < OO_CORE_MEMBERS_MAX) {
			known = &store->members[store->n_members++];
		}
		if (known != NULL) {
			*known = parsed;
		}
		return known != NULL;
	}
	if (known == NULL) {
		return false;
	}
	*known = store->members[--store->n_members];
	return true;
}

/* *ret_known: whether each is a member now; one that is not, but counts, would pass for one that is gone. */
static bool set_changed(struct agent_store *store, const struct oo_etcd_result *result,
			bool *ret_known)
{
	bool changed = false;

	*ret_known = true;
	for (size_t i = 0; i < result->n_kvs; i++) {
		const struct oo_etcd_kv *kv = &result->kvs[i];
		const char *node = agent_store_after(store, kv->key, "members/");
		if (node != NULL) {
			changed = set_one(store, kv, false) || changed;
			*ret_known = *ret_known && find(store, node) != NULL;
		}
	}
	return changed;
}

/* Another store than the one that we know the members of: restored, or put in its place. */
static bool is_foreign(const struct agent_store *store, const struct oo_etcd_answer *answer)
{
	return answer->revision < store->members_since || answer->cluster_id != store->cluster_id;
}

bool agent_store_members_read(struct agent_store *store, const struct oo_etcd_answer *answer,
			      const struct oo_etcd_result *result)
{
	bool all = store->members_since == 0;
	bool changed = false, known = true;

	if (!all && (store->members_whole == 0 || is_foreign(store, answer))) {
		store->members_whole = 0;
		return false;
	}
	if (all) {
		changed = set_all(store, result);
		store->members_revision = answer->revision; /* a restored etcd has lower ones */
	} else if (answer->revision >= store->members_revision) {
		changed = set_changed(store, result, &known);
		store->members_revision = answer->revision;
	} /* else the watch was faster, and the next read brings what this one would have */
	if (answer->revision == store->members_revision) {
		/* who was known and not told of is there still if nobody is missing */
		bool whole = known && (uint64_t)result->count == store->n_members;
		store->members_whole = whole ? answer->revision : 0;
		for (size_t i = 0; whole && i < store->n_members; i++) {
			store->members[i].seen_at = oo_clock_now();
		}
	}
	note_us(store);
	return changed;
}

bool agent_store_members_change(struct agent_store *store, const struct oo_etcd_event *event)
{
	if (event->kv.mod_revision <= store->members_whole) {
		return false; /* a read was faster */
	}
	bool changed = set_one(store, &event->kv, event->deleted);
	if (event->kv.mod_revision > store->members_revision) {
		store->members_revision = event->kv.mod_revision;
	}
	note_whether_us(store);
	return changed;
}

/* Its shared checks are ours by their names. */
static void fill_fails(const struct agent *agent, const struct oo_member *member,
		       struct oo_core_member *ret_member)
{
	for (size_t i = 0; i < agent->config->n_checks; i++) {
		const struct oo_config_check *check = &agent->config->checks[i];
		for (size_t j = 0; check->shared && j < member->n_fails; j++) {
			ret_member->fails[i] = ret_member->fails[i] ||
					       oo_text_equal(member->fails[j], check->spec.name);
		}
	}
}

/* The groups that prefer the nodes of that zone. */
static uint32_t preferred_by(const struct oo_config *config, const char *zone)
{
	uint32_t groups = 0;
	for (size_t g = 0; g < config->n_groups; g++) {
		groups |= oo_config_prefers(&config->groups[g], zone) ? 1u << g : 0;
	}
	return groups;
}

void agent_store_members_tell(struct agent_store *store)
{
	struct oo_core_member members[OO_CORE_MEMBERS_MAX];

	memset(members, 0, store->n_members * sizeof(members[0]));
	for (size_t i = 0; i < store->n_members; i++) {
		const struct oo_member *member = &store->members[i].member;
		memcpy(members[i].node, member->node, sizeof(members[i].node));
		memcpy(members[i].zone, member->zone, sizeof(members[i].zone));
		memcpy(members[i].priority, member->group_priority, sizeof(members[i].priority));
		members[i].preferred = preferred_by(store->agent->config, member->zone);
		members[i].eligible = member->groups;
		members[i].stranded = member->stranded;
		fill_fails(store->agent, member, &members[i]);
		memcpy(members[i].ailing, member->ailing, sizeof(members[i].ailing));
	}
	agent_tell(store->agent, &(struct oo_event){.type = OO_EVENT_MEMBERS,
						    .members = members,
						    .n_members = store->n_members});
}
