#include "examine/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "event/apart.h"
#include "event/timer.h"
#include "examine/work.h"

#define GRACE_MS 100 /* for all to stop */

static const struct oo_examiner *const examiners[] = {
	&oo_examine_vips,      /* first: who reads claims finds the VIPs there */
	&oo_examine_etcd,      /* what takes longest is begun first, from here on */
	&oo_examine_endpoints, /* endpoints */
	&oo_examine_unit,      /* starts systemctl */
	&oo_examine_host,      /* host */
	&oo_examine_files,     /* hooks, secrets, documentserver */
};

struct working {
	struct oo_work work;
	struct oo_timer timer;
	void *states[OO_LENGTH(examiners)];
};

void oo_work_hold(struct oo_work *work)
{
	work->held++;
}

void oo_work_release(struct oo_work *work)
{
	work->held--;
	if (work->held == 0) {
		(void)sd_event_exit(work->event, 0); /* fails only on a loop that is over */
	}
}

int64_t oo_work_left_ms(const struct oo_work *work)
{
	int64_t left = work->deadline - GRACE_MS - oo_clock_now();
	return left > 1 ? left : 1;
}

void oo_work_key(const struct oo_work *work, char key[static OO_TEXT_LENGTH], const char *rest)
{
	snprintf(key, OO_TEXT_LENGTH, "/ooha/%s/%s", work->config->cluster, rest);
}

size_t oo_work_read(const char *path, char *text, size_t size)
{
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

unsigned oo_work_sysctl(const char *format, const char *name)
{
	char path[128], text[16];
	const char *at = strchr(format, '*');
	snprintf(path, sizeof(path), "/proc/sys/net/%.*s%s%s", (int)(at - format), format, name,
		 at + 1);
	(void)oo_work_read(path, text, sizeof(text));
	return (unsigned)strtoul(text, NULL, 10);
}

static void on_deadline(struct oo_timer *timer)
{
	struct working *working = oo_container_of(timer, struct working, timer);
	(void)sd_event_exit(working->work.event, 0); /* fails only on a loop that is over */
}

static void ignore_link(void *user, const struct oo_link *link)
{
	(void)user;
	(void)link;
}

static int prepare(struct working *working, struct oo_err *err)
{
	struct oo_work *work = &working->work;
	int r = sd_event_new(&work->event);
	if (r < 0) {
		return oo_fail(err, -r, "event loop");
	}
	r = oo_timer_init(&working->timer, work->event, on_deadline);
	if (r < 0) {
		return oo_fail(err, -r, "timer");
	}
	work->deadline = oo_clock_now() + OO_EXAMINE_MS;
	oo_timer_set(&working->timer, work->deadline);
	r = oo_transfers_new(work->event, &work->transfers, err);
	const struct oo_net_callbacks callbacks = {.link = ignore_link};
	return r < 0 ? r : oo_net_new(work->event, &callbacks, NULL, &work->net, err);
}

static int run(struct working *working, struct oo_err *err)
{
	struct oo_work *work = &working->work;
	oo_work_hold(work);
	for (size_t i = 0; i < OO_LENGTH(examiners); i++) {
		working->states[i] = examiners[i]->start(work);
	}
	oo_work_release(work);
	int r = sd_event_loop(work->event);
	for (size_t i = 0; i < OO_LENGTH(examiners); i++) {
		if (working->states[i] != NULL) {
			examiners[i]->stop(working->states[i]);
		}
	}
	return r < 0 ? oo_fail(err, -r, "event loop") : 0;
}

static void done(struct working *working)
{
	struct oo_work *work = &working->work;
	oo_net_free(work->net);
	oo_transfers_free(work->transfers);
	oo_timer_done(&working->timer);
	work->event = sd_event_unref(work->event);
}

static int examine(const void *user, void *facts, struct oo_err *err)
{
	const struct oo_examine_subject *subject = user;
	if (subject->config == NULL) {
		return 0; /* what is wrong with it has been described */
	}
	OO_AUTO(done)
	struct working working = {
		.work = {.config = subject->config, .is_local = subject->is_local, .facts = facts}};
	int r = prepare(&working, err);
	return r < 0 ? r : run(&working, err);
}

/* ---- what the file says ---- */

static void add_problem(const char *text, void *user)
{
	struct oo_file_list *list = user;
	if (list->n < OO_FACTS_PROBLEMS) {
		OO_WORK_SAY(list->items[list->n++].error, text);
	}
}

/* Of a group: all checks that can make a node ineligible for it. */
static size_t count_required(const struct oo_config *config, const struct oo_config_group *group)
{
	size_t n = 0;
	for (size_t i = 0; i < config->n_checks; i++) {
		n += group->checks[i] && !config->checks[i].optional;
	}
	return n;
}

static void describe_checks(const struct oo_config *config, struct oo_facts *facts)
{
	facts->n_checks = config->n_checks;
	for (size_t i = 0; i < config->n_checks; i++) {
		const struct oo_config_check *check = &config->checks[i];
		facts->checks_proxy = facts->checks_proxy ||
				      (check->spec.type == OO_CHECK_TYPE_HTTP && !check->optional);
	}
	for (size_t i = 0; i < config->n_groups && facts->unchecked[0] == '\0'; i++) {
		if (count_required(config, &config->groups[i]) == 0) {
			OO_WORK_SAY(facts->unchecked, config->groups[i].name);
		}
	}
}

static void describe(const struct oo_examine_subject *subject, struct oo_facts *facts)
{
	const struct oo_config *config = subject->config;
	facts->is_root = geteuid() == 0;
	facts->is_local = subject->is_local;
	OO_WORK_SAY(facts->config_path, subject->config_path);
	if (config == NULL) {
		(void)oo_config_check(subject->config_path, add_problem, &facts->config);
		return;
	}
	OO_WORK_SAY(facts->cluster, config->cluster);
	OO_WORK_SAY(facts->node, config->node.name);
	facts->ttl_ms = config->lease.ttl_ms;
	facts->renew_ms = config->lease.renew_ms;
	facts->margin_ms = config->lease.margin_ms;
	facts->request_timeout_ms = config->lease.request_timeout_ms;
	describe_checks(config, facts);
}

int oo_examine(const struct oo_examine_subject *subject, struct oo_facts **ret_facts,
	       struct oo_err *err)
{
	const int64_t began_at = oo_clock_now();
	OO_AUTO(oo_free) struct oo_facts *facts = calloc(1, sizeof(*facts));
	if (facts == NULL) {
		return oo_fail(err, ENOMEM, "facts");
	}
	describe(subject, facts);
	int r = oo_apart_run(&(struct oo_apart_task){.work = examine,
						     .subject = subject,
						     .room = facts,
						     .size = sizeof(*facts),
						     .timeout_ms = OO_EXAMINE_MS + GRACE_MS},
			     err);
	if (r < 0) {
		return r;
	}
	facts->took_ms = oo_clock_now() - began_at;
	*ret_facts = oo_take_ptr(facts);
	return 0;
}
