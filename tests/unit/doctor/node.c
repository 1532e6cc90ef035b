#include "node.h"

static struct oo_facts facts;
static struct oo_health_report report;

static void make_etcd(struct oo_etcd_facts *etcd)
{
	static const char *const hosts[] = {"10.0.1.11", "10.0.2.11", "10.0.3.11"};
	etcd->members_look = etcd->alarms_look = etcd->read_look = etcd->write_look = OO_LOOK_SEEN;
	SET(etcd->prefix, "/ooha/office/");
	etcd->revision = 900000;
	etcd->compact_revision = 890000;
	etcd->least_lease_s = 2;
	etcd->n_endpoints = etcd->n_members = OO_LENGTH(hosts);
	for (size_t i = 0; i < OO_LENGTH(hosts); i++) {
		struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		snprintf(endpoint->url, sizeof(endpoint->url), "http://%s:2379", hosts[i]);
		SET(endpoint->host, hosts[i]);
		endpoint->reach = OO_REACH_ANSWERED;
		endpoint->look = endpoint->metrics_look = endpoint->options_look = OO_LOOK_SEEN;
		endpoint->member_id = etcd->members[i].id = i + 1;
		SET(endpoint->version, "3.4.45");
		endpoint->has_leader = endpoint->has_pre_vote = endpoint->compacts = true;
		endpoint->database_bytes = 20 << 20;
		endpoint->quota_bytes = INT64_C(2) << 30;
		endpoint->commit_us = 3000;
		endpoint->fsync_count = 10000;
		endpoint->fsync_us = 8000;
		endpoint->heartbeat_ms = 100;
		endpoint->election_ms = 1000;
		endpoint->peer_us = 1500;
	}
}

static void make_nodes(void)
{
	static const char *const names[] = {"node-a", "node-b", "node-c"};
	static const char *const macs[] = {"02:00:00:00:00:01", "02:00:00:00:00:02",
					   "02:00:00:00:00:03"};
	facts.nodes_look = OO_LOOK_SEEN;
	facts.n_nodes = OO_LENGTH(names);
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		struct oo_node_facts *node = &facts.nodes[i];
		SET(node->name, names[i]);
		snprintf(node->zone, sizeof(node->zone), "az-%zu", i + 1);
		SET(node->agent_version, "0.1.0");
		node->has_digest = true;
		node->ttl_ms = 3000;
		SET(node->groups, "1111111111111111");
		SET(node->checks, "2222222222222222");
		node->mtu = 1500;
		SET(node->macs[0], macs[i]);
		node->n_macs = 1;
		SET(node->etcd, facts.etcd.endpoints[i].host);
		SET(node->documentserver, "8.2.1.38");
		SET(node->secret, "a1b2");
	}
}

static void make_vip(void)
{
	struct oo_vip_facts *vip = &facts.vips[facts.n_vips++];
	*vip = (struct oo_vip_facts){.has_interface = true,
				     .is_up = true,
				     .has_carrier = true,
				     .mtu = 1500,
				     .has_subnet = true,
				     .is_in_subnet = true,
				     .answer_look = OO_LOOK_ABSENT,
				     .holder_look = OO_LOOK_SEEN};
	SET(vip->address, "10.0.0.100");
	SET(vip->group, "office");
	SET(vip->interface, "eth0");
	SET(vip->default_interface, "eth0");
	SET(vip->mac, "02:00:00:00:00:01");
}

struct oo_facts *node_well(void)
{
	struct oo_host_facts *host = &facts.host;
	memset(&facts, 0, sizeof(facts));
	facts.is_root = true;
	SET(facts.config_path, "/etc/ooha/ooha.yaml");
	SET(facts.cluster, "office");
	SET(facts.node, "node-a");
	facts.ttl_ms = 3000;
	facts.renew_ms = 500;
	facts.margin_ms = 150;
	facts.request_timeout_ms = 400;
	facts.n_checks = 1;
	facts.checks_proxy = true;
	host->clock_look = host->addresses_look = host->packets_look = OO_LOOK_SEEN;
	host->nf_tables_look = host->destroy_look = host->nonlocal_look = OO_LOOK_SEEN;
	host->unit_look = OO_LOOK_SEEN;
	host->is_synchronised = true;
	SET(host->unit_state, "enabled");
	SET(host->unit_preserve, "restart");
	facts.documentserver = (struct oo_documentserver_facts){.look = OO_LOOK_SEEN,
								.secret_look = OO_LOOK_SEEN,
								.port = 8000,
								.listeners_look = OO_LOOK_SEEN,
								.proxy_look = OO_LOOK_SEEN};
	make_etcd(&facts.etcd);
	make_nodes();
	make_vip();
	return &facts;
}

const struct oo_health_report *node_report(const struct oo_facts *seen)
{
	oo_doctor_judge(seen, &report);
	return &report;
}

const struct oo_ill *node_only(const struct oo_facts *seen)
{
	(void)node_report(seen);
	for (size_t i = 1; i < report.n; i++) {
		printf("\n    also %s: %s", oo_ailment_name(report.items[i].ailment),
		       report.items[i].what);
	}
	return report.n == 1 ? &report.items[0] : NULL;
}

const struct oo_ill *node_find(const struct oo_facts *seen, enum oo_ailment ailment)
{
	(void)node_report(seen);
	for (size_t i = 0; i < report.n; i++) {
		if (report.items[i].ailment == ailment) {
			return &report.items[i];
		}
	}
	return NULL;
}

void node_is_ill(const struct oo_facts *seen, enum oo_ailment ailment, enum oo_severity severity)
{
	const struct oo_ill *ill = node_only(seen);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ill);
	CU_ASSERT_STRING_EQUAL(oo_ailment_name(ill->ailment), oo_ailment_name(ailment));
	CU_ASSERT_EQUAL(ill->severity, severity);
	CU_ASSERT_TRUE(ill->what[0] != '\0' && ill->fix[0] != '\0');
}

void node_is_well(const struct oo_facts *seen)
{
	(void)node_only(seen);
	CU_ASSERT_EQUAL(report.n, 0);
	if (report.n > 0) {
		printf("\n    %s: %s", oo_ailment_name(report.items[0].ailment),
		       report.items[0].what);
	}
}
