/* etcd as a whole: members, alarms, rights, what our keys say, revisions, the shortest lease. */
#include "etcd/etcd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"
#include "examine/access.h"
#include "examine/nodes.h"

#define LEASE_S 1
/* After a watch stands it is told at once that its revision is compacted. */
#define COMPACTED_MS 300
#define CALL_MS 2500

struct cluster {
	struct oo_work *work;
	struct oo_etcd_facts *facts;
	struct oo_etcd *etcd; /* owned */
	struct oo_etcd_watch *watch;
	bool is_watching; /* holds the work */
	struct oo_timer settled;
	int64_t lease;
};

static struct oo_etcd_call call(struct cluster *cluster, oo_etcd_fn *done)
{
	int64_t left_ms = oo_work_left_ms(cluster->work);
	return (struct oo_etcd_call){.deadline = oo_clock_now() +
						 (left_ms < CALL_MS ? left_ms : CALL_MS),
				     .hedge = true,
				     .done = done,
				     .user = cluster};
}

static enum oo_look look_of(int r)
{
	switch (r) {
	case 0:
	case -ENOSPC: /* it is let in, and the alarm is told elsewhere */
		return OO_LOOK_SEEN;
	case -EACCES:
		return OO_LOOK_DENIED;
	case -ETIMEDOUT:
		return OO_LOOK_LATE;
	default:
		return OO_LOOK_FAILED;
	}
}

static void note_access(struct cluster *cluster, enum oo_look *look, int r,
			const struct oo_err *err)
{
	*look = look_of(r);
	if (*look == OO_LOOK_DENIED && cluster->facts->access_error[0] == '\0') {
		OO_WORK_SAY(cluster->facts->access_error, err->text);
	}
}

static void on_members(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct cluster *cluster = user;
	struct oo_etcd_facts *facts = cluster->facts;
	(void)err;
	facts->members_look = look_of(r);
	for (size_t i = 0; r == 0 && i < answer->n_members && i < OO_FACTS_ENDPOINTS; i++) {
		struct oo_etcd_member_facts *member = &facts->members[facts->n_members++];
		member->id = answer->members[i].id;
		member->is_learner = answer->members[i].is_learner;
		OO_WORK_SAY(member->name, answer->members[i].name);
	}
	oo_work_release(cluster->work);
}

static void on_alarms(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	struct cluster *cluster = user;
	struct oo_etcd_facts *facts = cluster->facts;
	(void)err;
	facts->alarms_look = look_of(r);
	for (size_t i = 0; r == 0 && i < answer->n_alarms; i++) {
		const char *name = answer->alarms[i].name;
		facts->is_full = facts->is_full || oo_text_equal(name, "NOSPACE");
		facts->is_corrupt = facts->is_corrupt || oo_text_equal(name, "CORRUPT");
	}
	oo_work_release(cluster->work);
}

static void on_written(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct cluster *cluster = user;
	(void)answer;
	note_access(cluster, &cluster->facts->write_look, r, err);
	oo_work_release(cluster->work);
}

static void take_member(struct cluster *cluster, const struct oo_etcd_kv *kv, size_t root)
{
	struct oo_facts *facts = cluster->work->facts;
	if (facts->n_nodes < OO_FACTS_NODES &&
	    oo_nodes_read(kv->key + root, kv->value, &facts->nodes[facts->n_nodes])) {
		facts->n_nodes++;
	}
}

/* The VIPs of a group have its holder. */
static void take_claim(struct cluster *cluster, const struct oo_etcd_kv *kv, size_t root)
{
	struct oo_facts *facts = cluster->work->facts;
	const char *rest = strchr(kv->key + root, '/');
	if (rest == NULL || !oo_text_equal(rest, "/leader")) {
		return;
	}
	for (size_t i = 0; i < facts->n_vips; i++) {
		struct oo_vip_facts *vip = &facts->vips[i];
		size_t length = strlen(vip->group);
		if (strncmp(kv->key + root, vip->group, length) == 0 &&
		    kv->key + root + length == rest) {
			oo_nodes_read_holder(kv->value, vip->holder);
		}
	}
}

static void on_read(void *user, int r, const struct oo_etcd_answer *answer,
		    const struct oo_err *err)
{
	struct cluster *cluster = user;
	struct oo_facts *facts = cluster->work->facts;
	char members[OO_TEXT_LENGTH], groups[OO_TEXT_LENGTH];
	oo_work_key(cluster->work, members, "members/");
	oo_work_key(cluster->work, groups, "groups/");
	note_access(cluster, &cluster->facts->read_look, r, err);
	facts->nodes_look = look_of(r);
	if (r == 0 && answer->n_results == 2) {
		cluster->facts->revision = answer->revision;
		for (size_t i = 0; i < facts->n_vips; i++) {
			facts->vips[i].holder_look = OO_LOOK_SEEN;
		}
		for (size_t i = 0; i < answer->results[0].n_kvs; i++) {
			take_member(cluster, &answer->results[0].kvs[i], strlen(members));
		}
		for (size_t i = 0; i < answer->results[1].n_kvs; i++) {
			take_claim(cluster, &answer->results[1].kvs[i], strlen(groups));
		}
	}
	oo_work_release(cluster->work);
}

static void on_revoked(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct cluster *cluster = user;
	(void)r; /* it runs out by itself */
	(void)answer;
	(void)err;
	oo_work_release(cluster->work);
}

static void on_granted(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct cluster *cluster = user;
	struct oo_etcd_call revoke = call(cluster, on_revoked);
	(void)err;
	if (r == 0) {
		cluster->facts->least_lease_s = answer->lease_ttl_s;
		if (oo_etcd_lease_revoke(cluster->etcd, cluster->lease, &revoke, NULL) == 0) {
			oo_work_hold(cluster->work);
		}
	}
	oo_work_release(cluster->work);
}

static void grant(struct cluster *cluster)
{
	struct oo_etcd_call done = call(cluster, on_granted);
	done.hedge = false; /* a second copy would be told what was asked, not what was granted */
	if (getrandom(&cluster->lease, sizeof(cluster->lease), 0) < 0) {
		return;
	}
	cluster->lease = (cluster->lease & INT64_MAX) | 1;
	if (oo_etcd_lease_grant(cluster->etcd, cluster->lease, LEASE_S, &done, NULL) == 0) {
		oo_work_hold(cluster->work);
	}
}

/* ---- up to where etcd is compacted: a watch from its first revision is told ---- */

static void end_watch(struct cluster *cluster)
{
	if (cluster->is_watching) {
		cluster->is_watching = false;
		oo_work_release(cluster->work);
	}
}

static void on_settled(struct oo_timer *timer)
{
	struct cluster *cluster = oo_container_of(timer, struct cluster, settled);
	cluster->facts->compact_revision = 0;
	end_watch(cluster);
}

static void on_events(void *user, int64_t revision, const struct oo_etcd_event *events, size_t n)
{
	struct cluster *cluster = user;
	(void)revision;
	(void)events;
	(void)n; /* it stands */
	oo_timer_set(&cluster->settled, oo_clock_now() + COMPACTED_MS);
}

static void on_end(void *user, int r, int64_t compact_revision, const struct oo_err *err)
{
	struct cluster *cluster = user;
	(void)err;
	cluster->watch = NULL;
	oo_timer_set(&cluster->settled, OO_NEVER);
	if (r == -ERANGE) {
		cluster->facts->compact_revision = compact_revision;
	}
	end_watch(cluster);
}

static void watch(struct cluster *cluster)
{
	char key[OO_TEXT_LENGTH];
	oo_work_key(cluster->work, key, "doctor");
	const struct oo_etcd_watch_options options = {.key = key,
						      .start_revision = 1,
						      .on_events = on_events,
						      .on_end = on_end,
						      .user = cluster};
	if (oo_timer_init(&cluster->settled, cluster->work->event, on_settled) == 0 &&
	    oo_etcd_watch_open(cluster->etcd, &options, &cluster->watch) == 0) {
		cluster->is_watching = true;
		oo_work_hold(cluster->work);
	}
}

/* ---- */

static void look_late(struct oo_facts *facts)
{
	facts->nodes_look = facts->etcd.members_look = facts->etcd.alarms_look = OO_LOOK_LATE;
	facts->etcd.read_look = facts->etcd.write_look = OO_LOOK_LATE;
}

static int read_keys(struct cluster *cluster)
{
	char members[OO_TEXT_LENGTH], groups[OO_TEXT_LENGTH];
	oo_work_key(cluster->work, members, "members/");
	oo_work_key(cluster->work, groups, "groups/");
	const struct oo_etcd_op ops[] = {
		{.type = OO_ETCD_OP_RANGE, .key = members, .prefix = true},
		{.type = OO_ETCD_OP_RANGE, .key = groups, .prefix = true},
	};
	const struct oo_etcd_txn txn = {.success = ops, .n_success = OO_LENGTH(ops)};
	const struct oo_etcd_call done = call(cluster, on_read);
	return oo_etcd_txn(cluster->etcd, &txn, &done, NULL);
}

static void ask(struct cluster *cluster)
{
	const struct oo_etcd_call members = call(cluster, on_members);
	const struct oo_etcd_call alarms = call(cluster, on_alarms);
	const int results[] = {
		read_keys(cluster),
		oo_access_try_write(cluster->work, cluster->etcd, on_written, cluster),
		oo_etcd_member_list(cluster->etcd, &members, NULL),
		oo_etcd_alarm_list(cluster->etcd, &alarms, NULL),
	};
	for (size_t i = 0; i < OO_LENGTH(results); i++) {
		if (results[i] == 0) {
			oo_work_hold(cluster->work);
		}
	}
	grant(cluster);
	watch(cluster);
}

static void *start(struct oo_work *work)
{
	struct oo_etcd_facts *facts = &work->facts->etcd;
	struct oo_err err;
	facts->compact_revision = -1;
	struct cluster *cluster = work->is_local ? NULL : calloc(1, sizeof(*cluster));
	if (cluster == NULL) {
		return NULL;
	}
	*cluster = (struct cluster){.work = work, .facts = facts};
	look_late(work->facts);
	oo_work_key(work, facts->prefix, "");
	if (work->config->etcd.username != NULL) {
		OO_WORK_SAY(facts->username, work->config->etcd.username);
	}
	if (oo_access_open(work, 0, work->config->etcd.endpoints.n, &cluster->etcd, &err) == 0) {
		ask(cluster);
	}
	return cluster;
}

static void stop(void *state)
{
	struct cluster *cluster = state;
	oo_etcd_watch_close(cluster->watch);
	oo_etcd_free(cluster->etcd);
	oo_timer_done(&cluster->settled);
	free(cluster);
}

const struct oo_examiner oo_examine_etcd = {.start = start, .stop = stop};
