#include "examine/nodes.h"

#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/text.h"

static void put_json(json_object **object)
{
	json_object_put(*object);
}

static json_object *get(json_object *object, const char *name, enum json_type type)
{
	json_object *value = NULL;
	return json_object_object_get_ex(object, name, &value) && json_object_is_type(value, type)
		       ? value
		       : NULL;
}

static void take(json_object *object, const char *name, char *target, size_t size)
{
	json_object *value = get(object, name, json_type_string);
	oo_text_clip(target, size, value != NULL ? json_object_get_string(value) : "");
}

#define TAKE(object, name, target) take((object), (name), (target), sizeof(target))

static int64_t number(json_object *object, const char *name)
{
	json_object *value = get(object, name, json_type_int);
	int64_t n = value != NULL ? json_object_get_int64(value) : 0;
	return n > 0 ? n : 0;
}

static void read_digest(json_object *digest, struct oo_node_facts *node)
{
	json_object *macs = get(digest, "macs", json_type_array);
	int64_t mtu = number(digest, "mtu");
	node->has_digest = true;
	node->ttl_ms = number(digest, "ttl_ms");
	node->mtu = mtu <= UINT32_MAX ? (uint32_t)mtu : 0;
	TAKE(digest, "groups", node->groups);
	TAKE(digest, "checks", node->checks);
	TAKE(digest, "etcd", node->etcd);
	TAKE(digest, "documentserver", node->documentserver);
	TAKE(digest, "secret", node->secret);
	for (size_t i = 0;
	     macs != NULL && i < json_object_array_length(macs) && node->n_macs < OO_FACTS_MACS;
	     i++) {
		const char *mac = json_object_get_string(json_object_array_get_idx(macs, i));
		oo_text_clip(node->macs[node->n_macs++], OO_FACTS_MAC, mac != NULL ? mac : "");
	}
}

bool oo_nodes_read(const char *name, const char *value, struct oo_node_facts *ret_node)
{
	OO_AUTO(put_json) json_object *object = json_tokener_parse(value);
	struct oo_node_facts node = {0};
	if (!json_object_is_type(object, json_type_object)) {
		return false;
	}
	oo_text_clip(node.name, sizeof(node.name), name);
	TAKE(object, "zone", node.zone);
	TAKE(object, "agent_version", node.agent_version);
	json_object *digest = get(object, "config", json_type_object);
	if (digest != NULL) {
		read_digest(digest, &node);
	}
	*ret_node = node;
	return true;
}

void oo_nodes_read_holder(const char *value, char holder[static OO_FACTS_NAME])
{
	OO_AUTO(put_json) json_object *object = json_tokener_parse(value);
	char kind[OO_FACTS_NAME];
	TAKE(object, "kind", kind);
	take(object, "node", holder, OO_FACTS_NAME);
	if (oo_text_equal(kind, "released")) {
		holder[0] = '\0';
	}
}
