/*
 * What differs between the nodes, by their member records. A node whose agent is older than such
 * records says nothing of itself, and nothing is said of it.
 */
#include <string.h>

#include "doctor/rule.h"

/* A text that each node says of itself; "" is not known. */
typedef const char *node_text(const struct oo_node_facts *node);

static const char *version_of(const struct oo_node_facts *node)
{
	return node->agent_version;
}

static const char *groups_of(const struct oo_node_facts *node)
{
	return node->groups;
}

static const char *checks_of(const struct oo_node_facts *node)
{
	return node->checks;
}

static const char *documentserver_of(const struct oo_node_facts *node)
{
	return node->documentserver;
}

static const char *secret_of(const struct oo_node_facts *node)
{
	return node->secret;
}

struct pair {
	const struct oo_node_facts *one, *other; /* NULL: none differ */
};

static struct pair find_difference(const struct oo_facts *facts, node_text *text)
{
	struct pair pair = {0};
	for (size_t i = 0; i < facts->n_nodes && pair.other == NULL; i++) {
		const struct oo_node_facts *node = &facts->nodes[i];
		if (text(node)[0] == '\0') {
			continue;
		}
		if (pair.one == NULL) {
			pair.one = node;
		} else if (strcmp(text(pair.one), text(node)) != 0) {
			pair.other = node;
		}
	}
	return pair;
}

static void judge_number_of_nodes(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	/* none at all: before the first start */
	if (facts->nodes_look == OO_LOOK_SEEN && facts->n_nodes == 1) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_NODE_SINGLE,
					    "%s is the only node of cluster %s",
					    facts->nodes[0].name, facts->cluster),
			      "on another node, with the same cluster, etcd and groups: systemctl "
			      "enable --now ooha");
	}
}

static void judge_ttl(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	const struct oo_node_facts *first = NULL;
	for (size_t i = 0; i < facts->n_nodes; i++) {
		const struct oo_node_facts *node = &facts->nodes[i];
		first = first == NULL && node->ttl_ms > 0 ? node : first;
		if (first != NULL && node->ttl_ms > 0 && node->ttl_ms != first->ttl_ms) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_TTL_DIFFERS,
					      "lease.ttl is %lld ms on %s and %lld ms on %s",
					      (long long)first->ttl_ms, first->name,
					      (long long)node->ttl_ms, node->name),
				"one lease.ttl for all, then on each node: systemctl reload ooha");
			return;
		}
	}
}

static void judge_mtu(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	const struct oo_node_facts *first = NULL;
	for (size_t i = 0; i < facts->n_nodes; i++) {
		const struct oo_node_facts *node = &facts->nodes[i];
		first = first == NULL && node->mtu > 0 ? node : first;
		if (first != NULL && node->mtu > 0 && node->mtu != first->mtu) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_MTU_DIFFERS,
					      "the VIP's interface has an MTU of %u on %s and "
					      "%u on %s",
					      first->mtu, first->name, node->mtu, node->name),
				"ip link set IFACE mtu %u, and so in its configuration",
				first->mtu > node->mtu ? first->mtu : node->mtu);
			return;
		}
	}
}

static void judge_configuration(struct oo_doctor *doctor)
{
	struct pair pair = find_difference(doctor->facts, groups_of);
	if (pair.other != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_GROUPS_DIFFER,
					    "%s and %s have different groups or VIPs",
					    pair.one->name, pair.other->name),
			      "compare groups in their files: addresses and names have to be the "
			      "same, interfaces need not");
	}
	pair = find_difference(doctor->facts, checks_of);
	if (pair.other != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_CHECKS_DIFFER,
					    "%s and %s have different checks", pair.one->name,
					    pair.other->name),
			      "compare checks in their files, and what presets stand for: ooha "
			      "checks --explain");
	}
	pair = find_difference(doctor->facts, version_of);
	if (pair.other != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_AGENT_VERSIONS_DIFFER,
					    "ooha %s on %s, %s on %s", pair.one->agent_version,
					    pair.one->name, pair.other->agent_version,
					    pair.other->name),
			      "finish the upgrade");
	}
}

static void judge_document_servers(struct oo_doctor *doctor)
{
	struct pair pair = find_difference(doctor->facts, documentserver_of);
	if (pair.other != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_DOCUMENTSERVER_VERSIONS_DIFFER,
					    "Document Server %s on %s, %s on %s",
					    pair.one->documentserver, pair.one->name,
					    pair.other->documentserver, pair.other->name),
			      "install the same version on all nodes");
	}
	pair = find_difference(doctor->facts, secret_of);
	if (pair.other != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_JWT_SECRETS_DIFFER,
					    "the Document Servers of %s and %s have different JWT "
					    "secrets",
					    pair.one->name, pair.other->name),
			      "copy services.CoAuthoring.secret of local.json to all nodes, then: "
			      "systemctl restart ds-docservice ds-converter");
	}
}

void oo_doctor_cluster(struct oo_doctor *doctor)
{
	judge_number_of_nodes(doctor);
	judge_ttl(doctor);
	judge_mtu(doctor);
	judge_configuration(doctor);
	judge_document_servers(doctor);
}
