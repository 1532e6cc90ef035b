#include "collect/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
#include "event/apart.h"
#include "event/timer.h"

#define PROXY_CONFIG "/etc/nginx/nginx.conf"
#define GRACE_MS 100 /* for all to stop */

/*
 * In this order: what a later one needs, an earlier one has left in struct oo_gather. Processes
 * come first, then what reads configurations, then places, then all that asks there.
 */
static const struct oo_collector *const collectors[] = {
	&oo_collect_processes,     /* leaves proxy_config, started_at_s */
	&oo_collect_configuration, /* proxy, settings */
	&oo_collect_places,        /* docservice, proxy */
	&oo_collect_sockets,       /* before the requests, which would wait in them */
	&oo_collect_host,          /* before them, too: it counts connections */
	&oo_collect_lookups,       /* before there are threads: it forks */
	&oo_collect_dependencies,  /* what takes longest is begun first, from here on */
	&oo_collect_exchanges,     /* exchanges */
	&oo_collect_units,         /* after dependencies: which of them are here */
	&oo_collect_disks,         /* disks */
	&oo_collect_journal,       /* lines */
	&oo_collect_proxy_test,    /* proxy_test */
	&oo_collect_vips,          /* vips */
	&oo_collect_agent,         /* adds to them */
	&oo_collect_certificates,  /* certificates */
	&oo_collect_logs,          /* lines */
};

struct gathering {
	struct oo_gather gather;
	struct oo_timer timer;
	void *states[OO_LENGTH(collectors)];
};

static void on_deadline(struct oo_timer *timer)
{
	struct gathering *gathering = oo_container_of(timer, struct gathering, timer);
	(void)sd_event_exit(gathering->gather.event, 0); /* fails only on a loop that is over */
}

/* gather's evidence and subject are set. */
static int prepare(struct gathering *gathering, struct oo_err *err)
{
	struct oo_gather *gather = &gathering->gather;
	const struct oo_collect_subject *subject = gather->subject;
	gather->began_at = oo_clock_now();
	gather->deadline = gather->began_at + OO_COLLECT_MS;
	gather->evidence->is_docker =
		subject->config != NULL && subject->config->documentserver.container != NULL;
	const char *proxy_config =
		subject->config != NULL ? subject->config->documentserver.proxy_config : NULL;
	OO_GATHER_SAY(gather->proxy_config, proxy_config != NULL ? proxy_config : PROXY_CONFIG);
	int r = sd_event_new(&gather->event);
	if (r < 0) {
		return oo_fail(err, -r, "event loop");
	}
	r = oo_timer_init(&gathering->timer, gather->event, on_deadline);
	if (r < 0) {
		return oo_fail(err, -r, "timer");
	}
	oo_timer_set(&gathering->timer, gather->deadline);
	return oo_transfers_new(gather->event, &gather->transfers, err);
}

static int run(struct gathering *gathering, struct oo_err *err)
{
	struct oo_gather *gather = &gathering->gather;
	oo_gather_hold(gather);
	for (size_t i = 0; i < OO_LENGTH(collectors); i++) {
		gathering->states[i] = collectors[i]->start(gather);
	}
	oo_gather_release(gather);
	int r = sd_event_loop(gather->event);
	oo_gather_end_checks(gather); /* they use what the collectors hold */
	for (size_t i = 0; i < OO_LENGTH(collectors); i++) {
		if (gathering->states[i] != NULL) {
			collectors[i]->stop(gather, gathering->states[i]);
		}
	}
	return r < 0 ? oo_fail(err, -r, "event loop") : 0;
}

static void done(struct gathering *gathering)
{
	struct oo_gather *gather = &gathering->gather;
	oo_transfers_free(gather->transfers);
	oo_timer_done(&gathering->timer);
	gather->event = sd_event_unref(gather->event);
	explicit_bzero(&gather->settings, sizeof(gather->settings));
}

static int collect(const void *subject, void *evidence, struct oo_err *err)
{
	OO_AUTO(done)
	struct gathering gathering = {.gather = {.subject = subject, .evidence = evidence}};
	int r = prepare(&gathering, err);
	return r < 0 ? r : run(&gathering, err);
}

int oo_collect(const struct oo_collect_subject *subject, struct oo_evidence **ret_evidence,
	       struct oo_err *err)
{
	const int64_t began_at = oo_clock_now();
	OO_AUTO(oo_free) struct oo_evidence *evidence = calloc(1, sizeof(*evidence));
	if (evidence == NULL) {
		return oo_fail(err, ENOMEM, "evidence");
	}
	int r = oo_apart_run(&(struct oo_apart_task){.work = collect,
						     .subject = subject,
						     .room = evidence,
						     .size = sizeof(*evidence),
						     .timeout_ms = OO_COLLECT_MS + GRACE_MS},
			     err);
	if (r < 0) {
		return r;
	}
	evidence->took_ms = oo_clock_now() - began_at;
	*ret_evidence = oo_take_ptr(evidence);
	return 0;
}
