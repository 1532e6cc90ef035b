/* What was looked at, and what could not be, and why. */
#include "doctor/doctor.h"

#include <string.h>

static const char *reason(enum oo_look look, bool is_root)
{
	switch (look) {
	case OO_LOOK_NONE:
		return "not looked at";
	case OO_LOOK_DENIED:
		return is_root ? "not permitted" : "takes root";
	case OO_LOOK_LATE:
		return "no answer in time";
	case OO_LOOK_FAILED:
		return "could not be read";
	case OO_LOOK_ABSENT:
		return "not here";
	case OO_LOOK_SEEN:
		break;
	}
	return "";
}

static void add(struct oo_doctor_looked *looked, const char *what, const char *why)
{
	if (looked->n < OO_DOCTOR_LOOKED) {
		looked->items[looked->n].what = what;
		looked->items[looked->n++].why = why;
	}
}

static void add_look(const struct oo_facts *facts, struct oo_doctor_looked *looked,
		     const char *what, enum oo_look look)
{
	add(looked, what, reason(look, facts->is_root));
}

/* What is not there has been looked at all the same. */
static enum oo_look or_absent(enum oo_look look)
{
	return look == OO_LOOK_ABSENT ? OO_LOOK_SEEN : look;
}

static void add_etcd(const struct oo_facts *facts, struct oo_doctor_looked *looked)
{
	const struct oo_etcd_facts *etcd = &facts->etcd;
	size_t n_answered = 0, n_options = 0, n_metrics = 0;
	if (facts->is_local) {
		add(looked, "etcd and the other nodes", "--local");
		return;
	}
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		n_answered += etcd->endpoints[i].look == OO_LOOK_SEEN;
		n_options += etcd->endpoints[i].options_look == OO_LOOK_SEEN;
		n_metrics += etcd->endpoints[i].metrics_look == OO_LOOK_SEEN;
	}
	add(looked, "etcd: versions, leader, size", n_answered > 0 ? "" : "no member answers");
	add_look(facts, looked, "etcd: members and alarms", etcd->members_look);
	add_look(facts, looked, "etcd: rights on our keys",
		 etcd->write_look == OO_LOOK_DENIED ? OO_LOOK_SEEN : etcd->write_look);
	add(looked, "etcd: quota and fsync times",
	    n_metrics > 0 ? "" : "no /metrics on its client port");
	add(looked, "etcd: pre-vote, election timeout, auto-compaction",
	    n_options > 0 ? ""
			  : "set by a file, or in another host's environment: deduced from the "
			    "shortest lease and from revisions alone");
	add_look(facts, looked, "the other nodes' records", facts->nodes_look);
}

static void add_zones(const struct oo_facts *facts, struct oo_doctor_looked *looked)
{
	size_t n_known = 0;
	for (size_t i = 0; i < facts->n_nodes; i++) {
		n_known += facts->nodes[i].etcd[0] != '\0' && facts->nodes[i].zone[0] != '\0';
	}
	if (!facts->is_local && facts->etcd.n_members > 1) {
		add(looked, "zones of etcd's members",
		    n_known > facts->etcd.n_members / 2
			    ? ""
			    : "known only of members on the agents' hosts, by their address");
	}
}

static void add_nodes(const struct oo_facts *facts, struct oo_doctor_looked *looked)
{
	size_t n_without = 0, n_secrets = 0;
	for (size_t i = 0; i < facts->n_nodes; i++) {
		n_without += !facts->nodes[i].has_digest;
		n_secrets += facts->nodes[i].secret[0] != '\0';
	}
	if (facts->n_nodes == 0) {
		return;
	}
	add(looked, "ttl, groups, checks and MTU of the nodes",
	    n_without == 0 ? "" : "an agent is too old to tell");
	if (facts->documentserver.look == OO_LOOK_SEEN) {
		add(looked, "JWT secrets of the nodes",
		    n_secrets == facts->n_nodes ? "" : "not every agent may read its own");
	}
}

static enum oo_look answers(const struct oo_facts *facts)
{
	for (size_t i = 0; i < facts->n_vips; i++) {
		if (facts->vips[i].answer_look == OO_LOOK_DENIED) {
			return OO_LOOK_DENIED;
		}
		if (facts->vips[i].answer_look == OO_LOOK_LATE) {
			return OO_LOOK_LATE;
		}
	}
	return OO_LOOK_SEEN;
}

static void add_host(const struct oo_facts *facts, struct oo_doctor_looked *looked)
{
	const struct oo_host_facts *host = &facts->host;
	add(looked, "interfaces, subnets, ARP and reverse path settings, who manages them", "");
	add_look(facts, looked, "who answers for the VIPs", answers(facts));
	add_look(facts, looked, "the clock's rate", host->clock_look);
	/* root is told by a finding */
	add_look(facts, looked, "rights: addresses, packet sockets",
		 facts->is_root ? OO_LOOK_SEEN : OO_LOOK_DENIED);
	add_look(facts, looked, "nf_tables", or_absent(host->nf_tables_look));
	add_look(facts, looked, "SOCK_DESTROY", or_absent(host->destroy_look));
	add(looked, "the agent's unit",
	    host->unit_look == OO_LOOK_SEEN ? ""
	    : host->unit_look == OO_LOOK_ABSENT
		    ? "systemd does not run here, or has no ooha.service"
		    : "systemctl does not answer");
	if (host->n_hooks > 0) {
		add(looked, "hooks", facts->is_root ? "" : "judged as for this user: takes root");
	}
	if (host->n_secrets > 0) {
		add(looked, "modes of files with secrets", "");
	}
}

static void add_document_server(const struct oo_facts *facts, struct oo_doctor_looked *looked)
{
	const struct oo_documentserver_facts *server = &facts->documentserver;
	add_look(facts, looked, "the Document Server's configuration", server->look);
	if (server->look == OO_LOOK_SEEN) {
		add_look(facts, looked, "its port", server->listeners_look);
		add_look(facts, looked, "its JWT secret", or_absent(server->secret_look));
	}
	add_look(facts, looked, "nginx's configuration", server->proxy_look);
}

void oo_doctor_look(const struct oo_facts *facts, struct oo_doctor_looked *ret_looked)
{
	memset(ret_looked, 0, sizeof(*ret_looked));
	if (facts->config.n > 0) {
		add(ret_looked, "the configuration", "");
		add(ret_looked, "all else", "takes a configuration that is right");
		return;
	}
	add(ret_looked, "the configuration", "");
	add_etcd(facts, ret_looked);
	add_zones(facts, ret_looked);
	add_nodes(facts, ret_looked);
	add_host(facts, ret_looked);
	add_document_server(facts, ret_looked);
}
