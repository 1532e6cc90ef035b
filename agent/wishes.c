#include "store_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "journal.h"
static const char *named(const char *text)
{
	return text[0] == '\0' ? "somebody" : text;
}

static void set_pause(struct agent_store *store, const struct oo_etcd_kv *kv)
{
	struct agent_wishes *wishes = &store->wishes;
	const bool was = wishes->paused;

	wishes->paused = kv != NULL;
	if (kv != NULL) {
		oo_record_read_decree(kv->value, &wishes->pause);
	}
	if (wishes->paused && !was) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_PAUSE,
					       .by = wishes->pause.by,
					       .cause = "begun"},
			  "paused by %s: nothing moves for health, nobody takes over%s%s",
			  named(wishes->pause.by), wishes->pause.reason[0] == '\0' ? "" : ": ",
			  wishes->pause.reason);
	} else if (was && !wishes->paused) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_PAUSE, .cause = "over"},
			  "resumed");
	}
}

static struct agent_drain *find_drain(struct agent_wishes *wishes, const char *node)
{
	for (size_t i = 0; i < wishes->n_drains; i++) {
		if (oo_text_equal(wishes->drains[i].node, node)) {
			return &wishes->drains[i];
		}
	}
	return NULL;
}

/* More than there may be members are passed over, and so are names that no node can have. */
static void set_drain(struct agent_store *store, const char *node, const struct oo_etcd_kv *kv)
{
	struct agent_wishes *wishes = &store->wishes;
	struct agent_drain *drain = find_drain(wishes, node);

	if (kv == NULL && drain != NULL) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_DRAIN,
					       .peer = drain->node,
					       .cause = "over"},
			  "%s is no longer drained", drain->node);
		*drain = wishes->drains[--wishes->n_drains];
	}
	if (kv == NULL || strlen(node) >= OO_CORE_NAME_LENGTH ||
	    (drain == NULL && wishes->n_drains == OO_LENGTH(wishes->drains))) {
		return;
	}
	const bool is_new = drain == NULL;
	drain = is_new ? &wishes->drains[wishes->n_drains++] : drain;
	oo_text_clip(drain->node, sizeof(drain->node), node);
	oo_record_read_decree(kv->value, &drain->decree);
	if (is_new) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_DRAIN,
					       .peer = node,
					       .by = drain->decree.by,
					       .cause = "begun"},
			  "%s is drained by %s%s%s", node, named(drain->decree.by),
			  drain->decree.reason[0] == '\0' ? "" : ": ", drain->decree.reason);
	}
}

static void set_order(struct agent_store *store, unsigned group, const struct oo_etcd_kv *kv)
{
	struct oo_order *order = &store->wishes.orders[group];
	struct oo_order_text *text = &store->wishes.order_texts[group];
	const uint64_t known = order->id;

	*order = (struct oo_order){0};
	if (kv != NULL) {
		oo_record_read_order(kv->value, kv->lease, order, text);
	}
	if (order->id != 0 && order->id != known) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_SWITCHOVER,
					       .group = store->agent->group_names[group],
					       .peer = order->target,
					       .by = text->by,
					       .cause = "waits"},
			  "%s: %s wants a switchover from %s to %s",
			  store->agent->group_names[group], named(text->by), order->from,
			  order->target[0] == '\0' ? "the best" : order->target);
	}
}

static const char *pause_rest(const struct agent_store *store, const char *key)
{
	const char *rest = agent_store_after(store, key, "pause");
	return rest != NULL && rest[0] == '\0' ? rest : NULL;
}

bool agent_store_wishes_change(struct agent_store *store, const struct oo_etcd_event *event)
{
	const struct oo_etcd_kv *kv = event->deleted ? NULL : &event->kv;
	const char *key = event->kv.key, *node = agent_store_after(store, key, "drain/");
	struct oo_event news = {.revision = event->kv.mod_revision};
	enum agent_group_key which;
	int g = agent_store_group_of(store, key, &which);

	if (g >= 0 && which == AGENT_KEY_ORDER) {
		set_order(store, (unsigned)g, kv);
		news.type = OO_EVENT_ORDER;
		news.group = (unsigned)g;
		news.orders = &store->wishes.orders[g];
	} else if (pause_rest(store, key) != NULL) {
		set_pause(store, kv);
		news.type = OO_EVENT_PAUSE;
		news.paused = kv != NULL;
	} else if (node != NULL) {
		set_drain(store, node, kv);
		news.type = OO_EVENT_DRAIN;
		news.drained = kv != NULL;
		if (!oo_text_equal(node, store->agent->config->node.name)) {
			return true; /* its member key says what follows from that */
		}
	} else {
		return false;
	}
	agent_tell(store->agent, &news);
	return true;
}

static const struct oo_etcd_kv *find_kv(const struct agent_store *store,
					const struct oo_etcd_result *drains, const char *node)
{
	for (size_t i = 0; i < drains->n_kvs; i++) {
		const char *name = agent_store_after(store, drains->kvs[i].key, "drain/");
		if (name != NULL && oo_text_equal(name, node)) {
			return &drains->kvs[i];
		}
	}
	return NULL;
}

static void set_all(struct agent_store *store, const struct agent_wishes_read *read,
		    const struct oo_etcd_kv *const orders[static OO_CORE_GROUPS_MAX])
{
	set_pause(store, read->pause->n_kvs > 0 ? read->pause->kvs : NULL);
	for (size_t i = store->wishes.n_drains; i > 0;
	     i--) { /* the last takes the place of one gone */
		const char *node = store->wishes.drains[i - 1].node;
		if (find_kv(store, read->drains, node) == NULL) {
			set_drain(store, node, NULL);
		}
	}
	for (size_t i = 0; i < read->drains->n_kvs; i++) {
		const struct oo_etcd_kv *kv = &read->drains->kvs[i];
		const char *node = agent_store_after(store, kv->key, "drain/");
		if (node != NULL) {
			set_drain(store, node, kv);
		}
	}
	for (unsigned g = 0; g < store->agent->core_config.n_groups; g++) {
		set_order(store, g, orders[g]);
	}
}

void agent_store_wishes_read(struct agent_store *store, const struct agent_wishes_read *read,
			     struct oo_order ret_orders[static OO_CORE_GROUPS_MAX],
			     struct oo_event *ret_event)
{
	const struct oo_etcd_kv *orders[OO_CORE_GROUPS_MAX] = {0};
	struct oo_order_text text;

	for (size_t i = 0; i < read->groups->n_kvs; i++) {
		const struct oo_etcd_kv *kv = &read->groups->kvs[i];
		enum agent_group_key which;
		int g = agent_store_group_of(store, kv->key, &which);
		if (g >= 0 && which == AGENT_KEY_ORDER) {
			orders[g] = kv;
			oo_record_read_order(kv->value, kv->lease, &ret_orders[g], &text);
		}
	}
	ret_event->orders = ret_orders;
	ret_event->paused = read->pause->n_kvs > 0;
	ret_event->drained = find_kv(store, read->drains, store->agent->config->node.name) != NULL;
	if (!read->stale) {
		set_all(store, read, orders);
	}
}

const struct oo_decree *agent_store_pause(const struct agent_store *store)
{
	return store->wishes.paused ? &store->wishes.pause : NULL;
}

const struct oo_decree *agent_store_drain(const struct agent_store *store, const char *node)
{
	for (size_t i = 0; i < store->wishes.n_drains; i++) {
		if (oo_text_equal(store->wishes.drains[i].node, node)) {
			return &store->wishes.drains[i].decree;
		}
	}
	return NULL;
}

const struct oo_order_text *agent_store_order(const struct agent_store *store, unsigned group,
					      struct oo_order *ret_order)
{
	*ret_order = store->wishes.orders[group];
	return ret_order->id == 0 ? NULL : &store->wishes.order_texts[group];
}

void agent_store_explain_drain(const struct agent_store *store, char text[static OO_REASON_LENGTH])
{
	const struct oo_decree *drain = agent_store_drain(store, store->agent->config->node.name);
	const char *reason = drain == NULL ? "" : drain->reason;

	snprintf(text, OO_REASON_LENGTH, "drained by %.*s%s%.*s", OO_BY_LENGTH / 2,
		 drain == NULL ? "somebody" : named(drain->by), reason[0] == '\0' ? "" : ": ",
		 OO_REASON_LENGTH / 2, reason);
}

void agent_store_explain_order(const struct agent_store *store, unsigned group, const char *peer,
			       char text[static OO_REASON_LENGTH])
{
	snprintf(text, OO_REASON_LENGTH, "switchover to %s, asked for by %.*s", peer,
		 OO_BY_LENGTH / 2 - 8, named(store->wishes.order_texts[group].by));
}
