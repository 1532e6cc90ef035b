/* Whether etcd can be reached, and lets the agent do its work. */
#include <string.h>

#include "doctor/rule.h"

static bool is_reached(const struct oo_etcd_endpoint_facts *endpoint)
{
	return endpoint->look == OO_LOOK_SEEN;
}

static bool is_any_reached(const struct oo_etcd_facts *etcd)
{
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		if (is_reached(&etcd->endpoints[i])) {
			return true;
		}
	}
	return false;
}

static void say_refused(struct oo_doctor *doctor, const struct oo_etcd_endpoint_facts *endpoint)
{
	bool is_rejected = endpoint->reach == OO_REACH_REJECTED;
	struct oo_ill *ill = oo_doctor_say(doctor, OO_AILMENT_ETCD_REFUSED,
					   is_rejected ? "%s: rejected on the way, or no route: %s"
						       : "%s: refused: %s",
					   endpoint->url, endpoint->error);
	oo_doctor_fix(ill,
		      is_rejected ? "ip route get %s; nft list ruleset (a rule with reject, here "
				    "or there)"
				  : "on %s: systemctl status etcd; ss -tln (does it listen on that "
				    "address?); nft list ruleset",
		      endpoint->host);
}

static void say_dropped(struct oo_doctor *doctor, const struct oo_etcd_endpoint_facts *endpoint)
{
	struct oo_ill *ill =
		oo_doctor_say(doctor, OO_AILMENT_ETCD_DROPPED,
			      "%s: no answer to the connection attempt within 1 s", endpoint->url);
	oo_doctor_fix(ill,
		      "let this node's packets to it pass on both hosts and on what is between; on "
		      "%s: nft list ruleset",
		      endpoint->host);
}

static const char *failure_fix(enum oo_reach reach)
{
	switch (reach) {
	case OO_REACH_UNRESOLVED:
		return "correct the name in etcd.endpoints, or use the address";
	case OO_REACH_TLS:
		return "look at etcd.ca_file, cert_file and key_file, and whether the certificate "
		       "names this host (its subjectAltName)";
	case OO_REACH_UNANSWERED:
		return "it hangs: systemctl status etcd, there";
	case OO_REACH_UNKNOWN:
	case OO_REACH_ANSWERED:
	case OO_REACH_REFUSED:
	case OO_REACH_REJECTED:
	case OO_REACH_SILENT:
	case OO_REACH_FAILED:
		break;
	}
	return "is that etcd's client port, and http or https as etcd speaks it?";
}

static void judge_endpoint(struct oo_doctor *doctor, const struct oo_etcd_endpoint_facts *endpoint)
{
	switch (endpoint->reach) {
	case OO_REACH_UNKNOWN:
		return;
	case OO_REACH_REFUSED:
	case OO_REACH_REJECTED:
		say_refused(doctor, endpoint);
		return;
	case OO_REACH_SILENT:
		say_dropped(doctor, endpoint);
		return;
	case OO_REACH_UNRESOLVED:
	case OO_REACH_TLS:
	case OO_REACH_UNANSWERED:
	case OO_REACH_FAILED:
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_ETCD_FAILED, "%s: %s", endpoint->url,
					    endpoint->error),
			      "%s", failure_fix(endpoint->reach));
		return;
	case OO_REACH_ANSWERED:
		break;
	}
	if (endpoint->look == OO_LOOK_FAILED) {
		/* which names the endpoint */
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_ETCD_FAILED, "%s", endpoint->trouble),
			"%s", failure_fix(endpoint->reach));
	}
}

static void judge_endpoints(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	size_t first = doctor->report->n;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		judge_endpoint(doctor, &etcd->endpoints[i]);
	}
	/* one of several is away: the others do */
	for (size_t i = first; i < doctor->report->n && !is_any_reached(etcd); i++) {
		doctor->report->items[i].severity = OO_SEVERITY_CRITICAL;
	}
}

static void judge_leader(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		if (is_reached(endpoint) && !endpoint->has_leader) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_ETCD_NO_LEADER,
					      "%s: this etcd member knows of no leader",
					      endpoint->url),
				"start the members that are down; etcdctl --endpoints=%s endpoint "
				"status --cluster -w table",
				endpoint->url);
			return;
		}
	}
}

static void say_login(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	bool is_given = etcd->username[0] != '\0';
	struct oo_ill *ill = oo_doctor_say(doctor, OO_AILMENT_ETCD_LOGIN,
					   is_given ? "etcd does not let user %s in: %s"
						    : "etcd wants a user%.0s: %s",
					   etcd->username, etcd->access_error);
	if (is_given) {
		oo_doctor_fix(ill,
			      "correct the password in etcd.password_file, or: etcdctl user passwd "
			      "%s",
			      etcd->username);
	} else {
		oo_doctor_fix(ill, "set etcd.username and etcd.password_file; docs/doctor.md, "
				   "etcd-rights, has the lines that make a user");
	}
}

static void say_rights(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	bool reads = etcd->read_look == OO_LOOK_SEEN;
	struct oo_ill *ill = oo_doctor_say(doctor, OO_AILMENT_ETCD_RIGHTS,
					   "etcd user %s may not %s the keys under %s",
					   etcd->username, reads ? "write" : "read", etcd->prefix);
	oo_doctor_fix(ill,
		      "as etcd's root:\n"
		      "etcdctl role add ooha\n"
		      "etcdctl role grant-permission ooha readwrite %s --prefix\n"
		      "etcdctl user grant-role %s ooha",
		      etcd->prefix, etcd->username);
}

static void judge_access(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	if (etcd->read_look != OO_LOOK_DENIED && etcd->write_look != OO_LOOK_DENIED) {
		return;
	}
	if (strstr(etcd->access_error, "permission denied") != NULL) {
		say_rights(doctor);
	} else {
		say_login(doctor);
	}
}

void oo_doctor_etcd_access(struct oo_doctor *doctor)
{
	judge_endpoints(doctor);
	judge_leader(doctor);
	judge_access(doctor);
}
