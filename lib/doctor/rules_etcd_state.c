/* The state that etcd is in: room, speed, members, how it was set up. */
#include <stdlib.h>
#include <string.h>

#include "doctor/rule.h"

#define FILLING_PERCENT 75
#define COMPACTED_WITHIN 500000 /* revisions: some three days of one group */
#define FSYNC_US 100000
#define FSYNC_SAMPLES 100  /* fewer are a start's */
#define ELECTION_TENTHS 19 /* of the timeout: the default ttl was made for 1.9 s */
/* etcd's tuning guide: a heartbeat of 0.5 to 1.5 round trips, and ten for an election. */
#define HEARTBEAT_MS 50
#define HEARTBEATS 10

/* "3.4.23": returns whether it is one. */
static bool parse_version(const char *text, unsigned parts[static 3])
{
	for (int i = 0; i < 3; i++) {
		char *end;
		if (*text < '0' || *text > '9') {
			return false;
		}
		parts[i] = (unsigned)strtoul(text, &end, 10);
		text = end + (i < 2 && *end == '.');
	}
	return true;
}

static bool is_old(const char *version)
{
	unsigned parts[3];
	return parse_version(version, parts) && parts[0] == 3 &&
	       (parts[1] < 4 || (parts[1] == 4 && parts[2] < 31) ||
		(parts[1] == 5 && parts[2] < 13));
}

static bool is_seen(const struct oo_etcd_endpoint_facts *endpoint)
{
	return endpoint->look == OO_LOOK_SEEN;
}

static void judge_versions(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	const struct oo_etcd_endpoint_facts *first = NULL, *old = NULL, *other = NULL;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		if (!is_seen(endpoint) || endpoint->version[0] == '\0') {
			continue;
		}
		first = first != NULL ? first : endpoint;
		other = strcmp(first->version, endpoint->version) != 0 ? endpoint : other;
		old = old == NULL && is_old(endpoint->version) ? endpoint : old;
	}
	if (old != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_ETCD_VERSION_OLD, "%s: etcd %s",
					    old->url, old->version),
			      "upgrade to 3.5.28 or 3.6.9 or later when it suits; one member after "
			      "the other");
	}
	if (other != NULL) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_ETCD_VERSIONS_DIFFER,
					    "%s: etcd %s; %s: etcd %s", first->url, first->version,
					    other->url, other->version),
			      "finish the upgrade: etcdctl endpoint status --cluster -w table");
	}
}

static void judge_alarms(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	if (etcd->is_full) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_ETCD_FULL, "etcd's alarm NOSPACE is set"),
			"etcdctl compact %lld && etcdctl defrag --cluster && etcdctl alarm disarm; "
			"then set --auto-compaction-retention=1h",
			(long long)etcd->revision);
	}
	if (etcd->is_corrupt) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_ETCD_CORRUPT,
				      "etcd's alarm CORRUPT is set"),
			"etcdctl alarm list; remove that member, delete its data, add it anew");
	}
}

static void judge_size(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	for (size_t i = 0; i < etcd->n_endpoints && !etcd->is_full; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		if (is_seen(endpoint) && endpoint->quota_bytes > 0 &&
		    endpoint->database_bytes > endpoint->quota_bytes / 100 * FILLING_PERCENT) {
			oo_doctor_fix(
				oo_doctor_say(
					doctor, OO_AILMENT_ETCD_FILLING,
					"%s: the database takes %lld %% of its quota of %lld MB",
					endpoint->url,
					(long long)(endpoint->database_bytes * 100 /
						    endpoint->quota_bytes),
					(long long)(endpoint->quota_bytes >> 20)),
				"etcdctl compact %lld && etcdctl defrag --cluster; then set "
				"--auto-compaction-retention=1h",
				(long long)etcd->revision);
			return;
		}
	}
}

/*
 * What was compacted at least once is somebody's business, a timer's with etcdctl perhaps: then what
 * counts is how far behind it is. Else etcd's own options tell, where they are known.
 */
static void judge_compaction(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	const struct oo_etcd_endpoint_facts *told = NULL;
	int64_t behind = etcd->revision - etcd->compact_revision;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		bool is_off = endpoint->options_look == OO_LOOK_SEEN && !endpoint->compacts;
		told = told == NULL && is_off ? endpoint : told;
	}
	struct oo_ill *ill = NULL;
	if (etcd->compact_revision >= 0 && behind > COMPACTED_WITHIN) {
		ill = etcd->compact_revision > 0
			      ? oo_doctor_say(
					doctor, OO_AILMENT_ETCD_NOT_COMPACTED,
					"etcd keeps %lld old revisions: it is at %lld and was "
					"compacted up to %lld",
					(long long)behind, (long long)etcd->revision,
					(long long)etcd->compact_revision)
			      : oo_doctor_say(
					doctor, OO_AILMENT_ETCD_NOT_COMPACTED,
					"etcd keeps all revisions: it is at %lld and was never "
					"compacted",
					(long long)etcd->revision);
	} else if (told != NULL && etcd->compact_revision <= 0) {
		ill = oo_doctor_say(
			doctor, OO_AILMENT_ETCD_NOT_COMPACTED,
			"%s: etcd runs without --auto-compaction-retention, and nothing "
			"was ever compacted",
			told->url);
	}
	if (ill != NULL) {
		oo_doctor_fix(ill, "on each member: --auto-compaction-retention=1h "
				   "(ETCD_AUTO_COMPACTION_RETENTION=1h), and restart it");
	}
}

static void judge_members(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	size_t n = 0;
	for (size_t i = 0; i < etcd->n_members; i++) {
		n += !etcd->members[i].is_learner;
	}
	if (etcd->members_look != OO_LOOK_SEEN || n == 0) {
		return;
	}
	if (n == 1) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_ETCD_SINGLE, "etcd has one member only"),
			"run three, one in each zone: etcdctl member add");
	} else if (n % 2 == 0) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_ETCD_EVEN,
					    "etcd has %zu voting members", n),
			      "etcdctl member add, or remove one: %zu or %zu", n - 1, n + 1);
	}
	if (n > 1 && etcd->n_endpoints <= n / 2) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_ETCD_ENDPOINTS_FEW,
					    "etcd.endpoints names %zu, and etcd has %zu members",
					    etcd->n_endpoints, n),
			      "name them all: etcdctl member list");
	}
}

/*
 * The ttl with which a write takes half of a renewal's time, to the next 100 ms: that is 4/5 of renew, and
 * renew a sixth of ttl.
 */
static int64_t fitting_ttl_ms(int64_t commit_us)
{
	return (2 * commit_us * 6 * 5 / 4 + 99999) / 100000 * 100;
}

static void judge_speed(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &facts->etcd.endpoints[i];
		if (endpoint->fsync_us > FSYNC_US && endpoint->fsync_count >= FSYNC_SAMPLES) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_ETCD_FSYNC_SLOW,
					      "%s: one in a hundred fsyncs of its log takes longer "
					      "than %lld ms",
					      endpoint->url, (long long)endpoint->fsync_us / 2000),
				"give etcd a disk of its own (an SSD), or less company on it");
		}
		if (endpoint->commit_us > facts->request_timeout_ms * 1000 / 2) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_ETCD_SLOW,
					      "%s: a write takes %lld ms; a renewal has %lld ms",
					      endpoint->url, (long long)endpoint->commit_us / 1000,
					      (long long)facts->request_timeout_ms),
				"look at its disk and at the way there; else on all nodes a "
				"lease.ttl of %lld ms or more",
				(long long)fitting_ttl_ms(endpoint->commit_us));
		}
	}
}

/* Of the shortest lease, ceil(1.5 x election timeout) s, follows how short that is at the most. */
static int64_t least_election_ms(const struct oo_etcd_facts *etcd)
{
	int64_t least_ms = etcd->least_lease_s > 2 ? (etcd->least_lease_s - 1) * 2000 / 3 : 0;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		if (endpoint->options_look == OO_LOOK_SEEN && endpoint->election_ms > least_ms) {
			least_ms = endpoint->election_ms;
		}
	}
	return least_ms;
}

/* A round trip between the two members that are farthest apart; 0: not known. */
static int64_t farthest_us(const struct oo_etcd_facts *etcd)
{
	int64_t most_us = 0;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		most_us =
			etcd->endpoints[i].peer_us > most_us ? etcd->endpoints[i].peer_us : most_us;
	}
	return most_us;
}

/* As short as the members' distance allows, to the next 10 ms. */
static int64_t fitting_heartbeat_ms(const struct oo_etcd_facts *etcd)
{
	const int64_t ms = (farthest_us(etcd) + 9999) / 10000 * 10;
	return ms > HEARTBEAT_MS ? ms : HEARTBEAT_MS;
}

/* For how long a hold has to outlast an election, with a fifth to spare. */
static int64_t ttl_for_election_ms(int64_t election_ms)
{
	return 2 * election_ms * 5 / 4 + 200;
}

static void judge_timings(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	const int64_t far_us = farthest_us(etcd), heartbeat_ms = fitting_heartbeat_ms(etcd);
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		if (endpoint->options_look == OO_LOOK_SEEN &&
		    (endpoint->election_ms * 1000 < HEARTBEATS * far_us ||
		     endpoint->heartbeat_ms * 1000 < far_us / 2)) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_ETCD_TIMINGS_SHORT,
					      "%s: heartbeat %lld ms, election timeout %lld ms; "
					      "between two members a round trip takes %lld ms",
					      endpoint->url, (long long)endpoint->heartbeat_ms,
					      (long long)endpoint->election_ms,
					      (long long)far_us / 1000),
				"on each etcd member --heartbeat-interval=%lld "
				"--election-timeout=%lld; with it goes a lease.ttl of %lld ms or "
				"more",
				(long long)heartbeat_ms, (long long)heartbeat_ms * HEARTBEATS,
				(long long)ttl_for_election_ms(heartbeat_ms * HEARTBEATS));
			return;
		}
	}
}

/* An election takes nearly two timeouts; the renewal before it comes on top. */
static void judge_election(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	int64_t election_ms = least_election_ms(&facts->etcd);
	const int64_t heartbeat_ms = fitting_heartbeat_ms(&facts->etcd);
	int64_t room_ms = facts->ttl_ms - facts->margin_ms - facts->renew_ms;
	if (election_ms * ELECTION_TENTHS / 10 <= room_ms) {
		return;
	}
	struct oo_ill *ill =
		oo_doctor_say(doctor, OO_AILMENT_ETCD_ELECTION_LONG,
			      "etcd's election timeout is %lld ms or more; the hold outlasts "
			      "%lld ms without an answer (ttl - margin - renew)",
			      (long long)election_ms, (long long)room_ms);
	if (heartbeat_ms * HEARTBEATS < election_ms) {
		oo_doctor_fix(ill,
			      "on each etcd member --heartbeat-interval=%lld "
			      "--election-timeout=%lld, or on each node a lease.ttl of %lld ms or "
			      "more",
			      (long long)heartbeat_ms, (long long)heartbeat_ms * HEARTBEATS,
			      (long long)ttl_for_election_ms(election_ms));
	} else {
		oo_doctor_fix(ill, "on each node a lease.ttl of %lld ms or more",
			      (long long)ttl_for_election_ms(election_ms));
	}
}

static void judge_pre_vote(struct oo_doctor *doctor)
{
	const struct oo_etcd_facts *etcd = &doctor->facts->etcd;
	for (size_t i = 0; i < etcd->n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &etcd->endpoints[i];
		unsigned parts[3];
		bool is_default =
			parse_version(endpoint->version, parts) && (parts[0] > 3 || parts[1] > 4);
		if (is_seen(endpoint) && endpoint->options_look == OO_LOOK_SEEN &&
		    !endpoint->has_pre_vote && !is_default && etcd->n_members > 1) {
			oo_doctor_fix(
				oo_doctor_say(doctor, OO_AILMENT_ETCD_PRE_VOTE_OFF,
					      "%s: etcd %s runs without --pre-vote", endpoint->url,
					      endpoint->version),
				"on each member: --pre-vote (ETCD_PRE_VOTE=true), and restart "
				"it");
			return;
		}
	}
}

/* Zone of the node that this member runs on; "": not known. */
static const char *zone_of(const struct oo_facts *facts, uint64_t member)
{
	for (size_t i = 0; i < facts->etcd.n_endpoints; i++) {
		const struct oo_etcd_endpoint_facts *endpoint = &facts->etcd.endpoints[i];
		if (!is_seen(endpoint) || endpoint->member_id != member) {
			continue;
		}
		for (size_t k = 0; k < facts->n_nodes; k++) {
			if (strcmp(facts->nodes[k].etcd, endpoint->host) == 0) {
				return facts->nodes[k].zone;
			}
		}
	}
	return "";
}

static bool has_several_zones(const struct oo_facts *facts)
{
	for (size_t i = 1; i < facts->n_nodes; i++) {
		if (strcmp(facts->nodes[i].zone, facts->nodes[0].zone) != 0) {
			return true;
		}
	}
	return false;
}

/* A majority that is known to be in one zone; what is not known may be anywhere. */
static void judge_zones(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	const struct oo_etcd_facts *etcd = &facts->etcd;
	for (size_t i = 0; i < etcd->n_members && has_several_zones(facts); i++) {
		const char *zone = zone_of(facts, etcd->members[i].id);
		size_t n = 0;
		for (size_t k = 0; k < etcd->n_members && zone[0] != '\0'; k++) {
			n += strcmp(zone_of(facts, etcd->members[k].id), zone) == 0;
		}
		if (etcd->n_members > 1 && n > etcd->n_members / 2) {
			oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_ETCD_ZONES,
						    "%zu of %zu etcd members are in zone %s", n,
						    etcd->n_members, zone),
				      "spread the members over three zones, so that each has less "
				      "than half of them");
			return;
		}
	}
}

void oo_doctor_etcd_state(struct oo_doctor *doctor)
{
	judge_alarms(doctor);
	judge_size(doctor);
	judge_compaction(doctor);
	judge_versions(doctor);
	judge_members(doctor);
	judge_zones(doctor);
	judge_speed(doctor);
	judge_election(doctor);
	judge_timings(doctor);
	judge_pre_vote(doctor);
}
