#ifndef OO_AGENT_H
#define OO_AGENT_H
/*
 * The agent: the only place that knows both the core and the drivers. News comes in through
 * agent_tell, the core answers with what should be so, and each part below applies its share of it:
 *
 *	store     core's requests and reads -> etcd; the watch -> news     (store.c)
 *	pace      how long etcd takes, against what the lease leaves (pace.c, try.c)
 *	presence  our member key and its lease                             (presence.c)
 *	profile   what it says of our configuration, to be compared   (profile.c, digest.c)
 *	tenure    what the next agent on this machine may adopt             (tenure.c)
 *	vips      addresses, their lifetimes, announcements  (vips.c, part.c, link.c, removal.c)
 *	neighbours  who sends a VIP's packets elsewhere         (neighbours.c, doubts.c)
 *	rival     other hosts that have our VIPs                   (rival.c, dispute.c)
 *	guard     the kernel keeps a hold's deadline by itself               (guard.c)
 *	checks    health checks -> news                                    (checks.c)
 *	diagnosis why they fail, asked of a process of its own   (diagnosis.c, amend.c)
 *	repair    restarts what it blames, if that is configured   (repair.c, repair_policy.c)
 *	story     log lines, reasons, history of transitions               (story.c)
 *	damping   that a group has moved too often                        (damping.c)
 *	events    the last of what was logged, for people                   (events.c)
 *	past      the cluster's history, as etcd has it                       (past.c)
 *	hooks     what programs run at an event, and what they are told    (hooks.c)
 *	gates     the addresses wait for the blocking hooks                  (gate.c)
 *	notices   what people are to be told of                          (notices.c)
 *	reload    another configuration while it runs (reload.c, compare.c, reconfigure.c)
 *	switchovers, changes  what operators ask for  (control.c, switchover.c, order.c, change.c)
 *	ending    stopped or restarted: hands over or keeps                (ending.c)
 *	journal   ids and fields of what is said                      (journal.c)
 *	status    the JSON that people and load balancers ask for (status.c, routes.c, asked.c,
 *		  balancer.c)
 *	metrics   numbers for Prometheus; counted where there is news (metrics.c, counts.h)
 */
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/config.h"
#include "core/core.h"
#include "counts.h"
#include "event/timer.h"
#include "event/transfer.h"

struct agent;
struct agent_store;
struct agent_presence;
struct agent_profile;
struct agent_neighbours;
struct agent_tenure;
struct agent_guard;
struct agent_vips;
struct agent_checks;
struct agent_diagnosis;
struct agent_repair;
struct agent_story;
struct agent_events;
struct agent_past;
struct agent_hooks;
struct agent_gates;
struct agent_notices;
struct agent_switchovers;
struct agent_changes;
struct agent_ending;
struct agent_reload;
struct oo_api;
struct oo_net;
struct oo_address;

/* The process's answers to its starter (sysexits(3)). */
#define OO_EXIT_USAGE 64       /* unknown option */
#define OO_EXIT_UNAVAILABLE 69 /* an interface, an address or a directory is missing: may come */
#define OO_EXIT_SOFTWARE 70    /* out of memory, the kernel refuses what it should not */
#define OO_EXIT_BUSY 73 /* the socket's place or the port is taken, by another agent mostly */
#define OO_EXIT_NO_PERMISSION 77 /* a capability is missing */
#define OO_EXIT_CONFIG 78        /* the configuration is wrong */

struct agent {
	sd_event *event;
	const char *config_path;
	struct oo_config *config;
	struct oo_config *successor; /* the process starts anew with it; NULL: it ends */
	const char *group_names[OO_CORE_GROUPS_MAX];
	struct oo_core_config core_config;
	struct oo_core *core;
	struct oo_transfers *transfers; /* of the checks; etcd has its own */
	struct oo_net *net;
	struct agent_store *store;
	struct agent_presence *presence;
	struct agent_profile *profile;
	struct agent_neighbours *neighbours;
	struct agent_tenure *tenure;
	struct agent_guard *guard;
	struct agent_vips *vips[OO_CORE_GROUPS_MAX];
	struct agent_checks *checks;
	struct agent_diagnosis *diagnosis;
	struct agent_repair *repair;
	struct agent_story *story;
	struct agent_events *events;
	struct agent_past *past;
	struct agent_hooks *hooks;
	struct agent_gates *gates;
	struct agent_notices *notices;
	struct agent_switchovers *switchovers;
	struct agent_changes *changes;
	struct agent_ending *ending;
	struct agent_reload *reload;
	struct oo_api *api;
	struct oo_timer wake;
	struct oo_timer trim; /* what only the start needed */
	int64_t started_at;
	struct agent_counts counts;
	bool told_up[OO_CORE_GROUPS_MAX]; /* what the core was last told of the addresses */
	bool damped[OO_CORE_GROUPS_MAX];  /* people were told that it is */
	bool telling;                     /* a step is being applied */
	bool looked;                      /* for VIPs that an earlier agent left */
	bool leaving; /* the core has stopped; the last hooks and the presence key go */
	char notified[256];
};

/* Makes everything and starts it. Returns 0, or -errno with err; *ret_exit says how to exit then. */
int agent_start(struct agent *agent, int *ret_exit, struct oo_err *err);
/* Ends everything; half-made is fine. */
void agent_done(struct agent *agent);

/* News for the core; its answer is applied before this returns. Never from inside an apply. */
void agent_tell(struct agent *agent, const struct oo_event *event);

/* Makes the API anew, as the configuration has it now. Returns what oo_api_new does; there is none then. */
int agent_make_api(struct agent *agent, struct oo_err *err);
/* All VIPs of the configuration, in *ret_list, to be freed. Returns 0 or -ENOMEM. */
int agent_gather_vips(const struct agent *agent, struct oo_address **ret_list, size_t *ret_n,
		      struct oo_err *err);

/* What the core has to know of a configuration. */
void agent_core_config(const struct oo_config *config, struct oo_core_config *ret_config);

/* Something that the loop has to wait for before the process may end has ended. */
void agent_check_leaving(struct agent *agent);

#endif
