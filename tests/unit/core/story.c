#include "story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 32
#define TRACE_LENGTH 8192

struct story story;
bool story_steps_every_ms;

static struct {
	char text[TRACE_LENGTH];
	size_t length;
	uint64_t names[NAMES_MAX];
	char texts[NAMES_MAX][8];
	unsigned n_names;
	bool address[STORY_GROUPS];
	uint64_t seq[STORY_GROUPS];
	uint64_t mark; /* the nonce of the last */
} trace;

static void say(unsigned group, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(unsigned group, const char *format, ...)
{
	char line[256];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	trace.length += (size_t)snprintf(trace.text + trace.length, TRACE_LENGTH - trace.length,
					 "[%5lld] %s%s\n", (long long)story.now,
					 group > 0 ? "second group: " : "", line);
	if (trace.length >= TRACE_LENGTH) {
		(void)fprintf(stderr, "the trace is full:\n%s\n", trace.text);
		abort();
	}
}

/* n1, n2, ... by first mention; "nothing" for 0, "mark" for our own mark. */
static const char *name(uint64_t nonce)
{
	unsigned i = 0;

	if (nonce == 0) {
		return "nothing";
	}
	if (nonce == trace.mark) {
		return "mark";
	}
	while (i < trace.n_names && trace.names[i] != nonce) {
		i++;
	}
	if (i == NAMES_MAX) {
		return "n?";
	}
	if (i == trace.n_names) {
		trace.names[trace.n_names++] = nonce;
		(void)snprintf(trace.texts[i], sizeof(trace.texts[i]), "n%u", i + 1);
	}
	return trace.texts[i];
}

static void say_transitions(void)
{
	size_t n;
	const struct oo_transition *transitions = oo_core_transitions(story.core, &n);
	for (size_t i = 0; i < n; i++) {
		const struct oo_transition *one = &transitions[i];
		char check[24] = "";
		if (one->check >= 0) {
			(void)snprintf(check, sizeof(check), ", check %d", one->check);
		}
		say(one->group, "%s -> %s: %s%s%s%s", oo_role_name(one->from),
		    oo_role_name(one->to), oo_cause_name(one->cause),
		    one->peer[0] != '\0' ? " " : "", one->peer, check);
	}
}

static void say_request(unsigned group, const struct oo_request *request)
{
	if (request->op == OO_REQUEST_MARK) {
		trace.mark = request->nonce;
	}
	const char *nonce = name(request->nonce);
	const char *ends = request->op == OO_REQUEST_RENEW ? "" : name(request->ends);
	unsigned long long epoch = request->epoch;

	switch (request->op) {
	case OO_REQUEST_CLAIM:
		say(group, "ask claim %s ends %s epoch %llu", nonce, ends, epoch);
		return;
	case OO_REQUEST_RENEW:
		say(group, "ask renew %s beat %llu", nonce, (unsigned long long)request->beat);
		return;
	case OO_REQUEST_YIELD:
		if (request->kind == OO_CLAIM_OFFERED) {
			say(group, "ask offer %s to %s ends %s epoch %llu", nonce, request->node,
			    ends, epoch);
		} else {
			say(group, "ask release %s ends %s epoch %llu", nonce, ends, epoch);
		}
		return;
	case OO_REQUEST_RECLAIM:
		say(group, "ask reclaim %s ends %s epoch %llu", nonce, ends, epoch);
		return;
	case OO_REQUEST_MARK: /* answered at once, and not told, unless a story wants it to be */
		if (story.marks_hang) {
			say(group, "ask mark epoch %llu", epoch);
		}
		return;
	case OO_REQUEST_NONE:
		return;
	}
}

static void say_want(unsigned group)
{
	const struct oo_want *want = oo_core_want(story.core, group);
	if (want->request.seq != trace.seq[group]) {
		trace.seq[group] = want->request.seq;
		say_request(group, &want->request);
		story.sent[group] = (struct story_copy){
			.request = want->request, .expect = *want->request.expect, .group = group};
	}
	if (want->address != trace.address[group]) {
		trace.address[group] = want->address;
		if (want->address) {
			say(group, "address up until %lld", (long long)want->hold_until);
		} else {
			say(group, "address down%s", want->graceful ? ", gracefully" : "");
		}
	}
}

static uint64_t seq_of(const struct oo_event *event)
{
	if (event->seq != 0) {
		return event->seq;
	}
	return event->type == OO_EVENT_READ ? oo_core_read_seq(story.core)
					    : oo_core_want(story.core, event->group)->request.seq;
}

void story_step(int64_t at, const struct oo_event *event)
{
	struct oo_event news = *event;
	news.seq = seq_of(event);
	if (news.orders == NULL) {
		news.orders = story.etcd.orders;
	}
	story.now = at;
	oo_core_step(story.core, at, &news);
	say_transitions();
	for (unsigned g = 0; g < story.config.n_groups; g++) {
		say_want(g);
	}
	CU_ASSERT(oo_core_wake_at(story.core) > at);
}

static void answer_read(uint64_t seq)
{
	if (story.reads_are_lost) {
		STEP(story.now, .type = OO_EVENT_READ, .seq = seq, .outcome = OO_OUTCOME_UNKNOWN);
	} else if (!story.reads_hang) {
		STEP(story.now, .type = OO_EVENT_READ, .seq = seq, .outcome = OO_OUTCOME_DONE,
		     .revision = story.etcd.revision, .pairs = story.etcd.pairs,
		     .orders = story.etcd.orders, .paused = story.etcd.paused,
		     .drained = story.etcd.drained);
	}
}

static void answer_marks(void)
{
	for (unsigned g = 0; g < story.config.n_groups; g++) {
		uint64_t seq = oo_core_want(story.core, g)->request.seq;
		if (story.sent[g].request.op == OO_REQUEST_MARK && !story.marks_hang &&
		    story.marked[g] != seq) {
			story.marked[g] = seq;
			ANSWER_GROUP(story.now, g);
		}
	}
}

void story_until(int64_t at)
{
	uint64_t seen = 0;
	for (; story.now <= at; story.now++) {
		if (story_steps_every_ms || story.now >= oo_core_wake_at(story.core)) {
			STEP(story.now, .type = OO_EVENT_TIME);
		}
		if (oo_core_read_seq(story.core) != seen) {
			seen = oo_core_read_seq(story.core);
			answer_read(seen);
		}
		answer_marks();
	}
	story.now = at;
}

void story_compare(const char *expected, const char *file, int line)
{
	bool same = strcmp(expected, trace.text) == 0;
	if (!same) {
		(void)printf("\n%s:%d: expected\n%sgot\n%s", file, line, expected, trace.text);
	}
	CU_assertImplementation(same, (unsigned)line, "the trace", file, "", CU_FALSE);
	story_forget_trace();
}

void story_forget_trace(void)
{
	trace.length = 0;
	trace.text[0] = '\0';
}

struct oo_core_config story_config(void)
{
	return (struct oo_core_config){
		.node = "node-b",
		.priority = 100,
		.ttl_ms = 3000,
		.renew_ms = 500,
		.margin_ms = 150,
		.retry_ms = 100,
		.n_groups = 1,
		.n_checks = 1,
		.groups = {{.checks = {true}}, {.checks = {true}}},
		.checks = {{.rise = 1, .fall = 1, .inherits = -1}},
	};
}

void begin_without_news(const struct oo_core_config *config)
{
	story_end();
	memset(&story, 0, sizeof(story));
	memset(&trace, 0, sizeof(trace));
	story.config = *config;
	story.core = oo_core_init(malloc(oo_core_size()), config, 42);
	story.etcd.revision = 10;
}

void raise_curtain(void)
{
	for (unsigned g = 0; g < story.config.n_groups; g++) {
		STEP(0, .type = OO_EVENT_LINK, .group = g, .up = true);
	}
	check_result(0, OO_HEALTH_UP);
}

void begin_with(const struct oo_core_config *config)
{
	begin_without_news(config);
	raise_curtain();
}

void begin_after_a_crash(const char *holder)
{
	struct oo_core_config config = story_config();
	begin_without_news(&config);
	other_takes("node-b", 7);
	struct oo_claim last = story.etcd.pairs[0].claim;
	if (strcmp(holder, "node-b") != 0) {
		other_takes(holder, 8);
	}
	oo_core_adopt(story.core, 0, 7, &last);
	raise_curtain();
}

void begin(void)
{
	struct oo_core_config config = story_config();
	begin_with(&config);
}

void story_end(void)
{
	free(story.core);
	story.core = NULL;
}
