#include "collect/collect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
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

static int collect(const struct oo_collect_subject *subject, struct oo_evidence *evidence,
		   struct oo_err *err)
{
	OO_AUTO(done)
	struct gathering gathering = {.gather = {.subject = subject, .evidence = evidence}};
	int r = prepare(&gathering, err);
	return r < 0 ? r : run(&gathering, err);
}

/* Shared with the process that collects. */
struct room {
	int r;
	struct oo_err err;
	struct oo_evidence evidence;
};

static void unmap(struct room **room)
{
	if (*room != NULL) {
		(void)munmap(*room, sizeof(**room)); /* fails only for what is not mapped */
	}
}

static void collect_and_exit(const struct oo_collect_subject *subject, struct room *room)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody wants to know any more */
	room->r = collect(subject, &room->evidence, &room->err);
	_exit(0);
}

/* A process in the hands of a file system that does not answer is not even killed: it is left. */
static bool await_end(pid_t pid, int64_t deadline)
{
	OO_AUTO(oo_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int64_t left_ms = deadline - oo_clock_now();
	while (pidfd >= 0 && left_ms > 0 && poll(&end, 1, (int)left_ms) < 0 && errno == EINTR) {
		left_ms = deadline - oo_clock_now();
	}
	if ((end.revents & POLLIN) == 0) {
		(void)kill(pid, SIGKILL); /* it is ours, and not waited for yet */
	}
	(void)waitpid(pid, NULL, WNOHANG); /* who did not end is init's in a moment */
	return (end.revents & POLLIN) != 0;
}

int oo_collect(const struct oo_collect_subject *subject, struct oo_evidence **ret_evidence,
	       struct oo_err *err)
{
	const int64_t began_at = oo_clock_now();
	OO_AUTO(oo_free) struct oo_evidence *evidence = malloc(sizeof(*evidence));
	OO_AUTO(unmap)
	struct room *room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	room = room == MAP_FAILED ? NULL : room;
	if (evidence == NULL || room == NULL) {
		return oo_fail(err, ENOMEM, "evidence");
	}
	pid_t pid = fork();
	if (pid < 0) {
		return oo_fail(err, errno, "process that collects");
	}
	if (pid == 0) {
		collect_and_exit(subject, room);
	}
	/* late, it has told of what came before */
	if (await_end(pid, began_at + OO_COLLECT_MS + GRACE_MS) && room->r < 0) {
		return oo_fail_text(err, -room->r, "%s", room->err.text);
	}
	memcpy(evidence, &room->evidence, sizeof(*evidence));
	evidence->took_ms = oo_clock_now() - began_at;
	*ret_evidence = oo_take_ptr(evidence);
	return 0;
}
