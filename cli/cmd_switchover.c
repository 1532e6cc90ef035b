#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "act.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "command.h"
#include "fields.h"
#include "moment.h"
#include "output.h"
#include "printable.h"

#define PATH "/v1/switchover"
#define PATH_LENGTH 80
#define TEXT_LENGTH 600
#define POLL_MS 20
#define LOOK_MS 1000  /* at the clock, which may be set meanwhile */
#define MORE_MS 30000 /* past the deadline: until the agent knows what came of it */
#define TIMEOUT_S 10
#define TIMEOUT_MAX_S 300

struct options {
	const char *group, *to, *at;
	int64_t timeout_s;
	bool yes, json;
};

static json_object *new_body(const struct options *options, bool dry_run)
{
	json_object *body = json_object_new_object();
	act_add_text(body, "group", options->group);
	act_add_text(body, "to", options->to);
	json_object_object_add(body, "deadline_ms",
			       json_object_new_int64(options->timeout_s * 1000));
	json_object_object_add(body, "dry_run", json_object_new_boolean(dry_run));
	return body;
}

/* "03:00" or "03:00:00", the next one; or with "2026-01-31 " before it. Local time. -1: neither. */
static time_t read_time(const char *text, time_t now)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S",
					    "%H:%M"};
	for (size_t i = 0; i < OO_LENGTH(forms); i++) {
		struct tm parts;
		localtime_r(&now, &parts);
		parts.tm_sec = 0;
		const char *end = strptime(text, forms[i], &parts);
		if (end == NULL || *end != '\0') {
			continue;
		}
		parts.tm_isdst = -1;
		time_t at = mktime(&parts);
		if (i >= 2 && at <= now) {
			parts.tm_mday++;
			parts.tm_isdst = -1;
			at = mktime(&parts);
		}
		return at;
	}
	return -1;
}

/* Returns whether the time has come; false: a signal has. */
static bool wait_until(time_t at, const sigset_t *signals)
{
	struct tm parts;
	char when[40];
	localtime_r(&at, &parts);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %Z", &parts);
	fprintf(stderr, "waiting until %s; Ctrl-C gives it up\n", when);
	while (oo_clock_wall() < (int64_t)at * 1000) {
		int64_t left_ms = (int64_t)at * 1000 - oo_clock_wall();
		if (act_sleep(signals, left_ms < LOOK_MS ? left_ms : LOOK_MS)) {
			fprintf(stderr, "ooha: given up: nothing was asked for\n");
			return false;
		}
	}
	return true;
}

static int add_moved(json_object *answer, struct oo_buffer *text)
{
	static const struct {
		const char *field, *word;
	} parts[] = {{"down_ms", "down"},
		     {"claimed_ms", "claimed"},
		     {"added_ms", "added"},
		     {"announced_ms", "announced"}};
	struct page page = output_page(NULL);
	json_object *timeline = field_object(answer, "timeline");
	int64_t gap_ms = field_number(answer, "gap_ms");
	OO_AUTO(oo_buffer_done) struct oo_buffer line;
	oo_buffer_init(&line, TEXT_LENGTH);
	int r = oo_buffer_add_format(
		&line, "%s moved from %s to %s", field_text(answer, "group", "?"),
		field_text(answer, "from", "?"), field_text(answer, "to", "?"));
	if (gap_ms != FIELD_NONE) {
		r = r < 0 ? r
			  : oo_buffer_add_format(&line, "; gap %" PRId64 " ms (asked 0", gap_ms);
		for (size_t i = 0; r == 0 && i < OO_LENGTH(parts); i++) {
			int64_t ms = field_number(timeline, parts[i].field);
			r = ms == FIELD_NONE ? 0
					     : oo_buffer_add_format(&line, ", %s %" PRId64,
								    parts[i].word, ms);
		}
		r = r < 0 ? r : oo_buffer_add(&line, ")", 1);
	}
	return r < 0 ? r : paint_sentence(text, &page, PAINT_PLAIN, 0, line.data);
}

static enum outcome show(const struct options *options, json_object *answer)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	const char *state = field_text(answer, "state", "?"),
		   *error = field_text(answer, "error", "");
	bool moved = oo_text_equal(state, "moved");
	struct oo_err err;
	int r = 0;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	if (options->json) {
		r = output_add_json(&text, answer);
	} else if (moved) {
		r = add_moved(answer, &text);
	}
	if (error[0] != '\0' || !moved) {
		oo_fail_text(&err, EPROTO, "%s%s%s%s", moved ? "" : state,
			     moved || error[0] == '\0' ? "" : ", nothing moved: ", error,
			     moved && error[0] == '\0' ? "?" : "");
		output_error(stderr, &err, "\n");
	}
	return output_end(&text, r, moved ? OUTCOME_FINE : OUTCOME_DEGRADED);
}

/* What came of that the next look tells. */
static void withdraw(const struct settings *settings, const char *path)
{
	OO_AUTO(output_put_json) json_object *answer = NULL;
	(void)act_ask(settings, path, NULL, &answer);
}

/* A signal withdraws it; what came of that is waited for, too. */
static enum outcome wait_for(const struct settings *settings, const struct options *options,
			     const char *id, const sigset_t *signals)
{
	const int64_t until = oo_clock_now() + options->timeout_s * 1000 + MORE_MS;
	char path[PATH_LENGTH];
	struct oo_err err = {0};
	snprintf(path, sizeof(path), "%s?id=%.20s", PATH, id);
	while (oo_clock_now() < until) {
		OO_AUTO(output_put_json) json_object *answer = ask(settings, path, &err);
		if (act_sleep(signals, 0)) { /* it may have ended the question, too */
			withdraw(settings, path);
			continue;
		}
		if (answer == NULL) {
			output_error(stderr, &err,
				     "; the switchover may still come: see ooha history\n");
			return OUTCOME_UNKNOWN;
		}
		if (!oo_text_equal(field_text(answer, "state", "?"), "waiting")) {
			return show(options, answer);
		}
		if (act_sleep(signals, POLL_MS)) {
			withdraw(settings, path);
		}
	}
	fprintf(stderr, "ooha: the agent still does not know what came of it: see ooha status\n");
	return OUTCOME_UNKNOWN;
}

static enum outcome act(const struct settings *settings, const struct options *options, time_t at)
{
	OO_AUTO(output_put_json) json_object *would = NULL;
	OO_AUTO(output_put_json) json_object *begun = NULL;
	OO_AUTO(output_put_json) json_object *dry_body = new_body(options, true);
	OO_AUTO(output_put_json) json_object *body = new_body(options, false);
	sigset_t signals;

	enum outcome outcome = act_ask(settings, PATH, dry_body, &would);
	if (outcome != OUTCOME_FINE) {
		return outcome;
	}
	if (!act_confirm(options->yes, "Move %s from %s to %s%s%s?",
			 field_text(would, "group", "the group"), field_text(would, "from", "?"),
			 options->to == NULL ? "the best other node" : options->to,
			 at == 0 ? "" : " at ", at == 0 ? "" : options->at)) {
		return OUTCOME_DEGRADED;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* from here on something has to be taken back */
	if (at != 0 && !wait_until(at, &signals)) {
		return OUTCOME_DEGRADED;
	}
	outcome = act_ask(settings, PATH, body, &begun);
	if (outcome == OUTCOME_UNKNOWN) {
		fprintf(stderr, "ooha: it may have been asked for all the same: see ooha status\n");
	}
	return outcome == OUTCOME_FINE
		       ? wait_for(settings, options, field_text(begun, "id", ""), &signals)
		       : outcome;
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {.timeout_s = TIMEOUT_S};
	time_t now = time(NULL), at = 0;
	enum outcome outcome = command_parse(&command_switchover, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	if (options.at != NULL) {
		at = read_time(options.at, now);
		if (at <= now) {
			char shown[TEXT_LENGTH];
			fprintf(stderr,
				"ooha switchover: --at '%s' is not a time to come: 03:00, "
				"03:00:00 or '2026-01-31 03:00', local time\n",
				printable_copy(shown, sizeof(shown), options.at));
			return OUTCOME_USAGE;
		}
	}
	return act(settings, &options, at);
}

static const struct command_option switchover_options[] = {
	{TEXT_INTO(options, group), .name = "group", .letter = 'g', .argument = "GROUP",
	 .help = "of which; needed only where there are several"},
	{TEXT_INTO(options, to), .name = "to", .argument = "NODE",
	 .help = "to this one; else to the best other node"},
	{TEXT_INTO(options, at), .name = "at", .argument = "TIME",
	 .help = "wait until then: 03:00, or '2026-01-31 03:00'"},
	{NUMBER_INTO(options, timeout_s), .name = "timeout", .argument = "S", .least = 1,
	 .most = TIMEOUT_MAX_S, .help = "withdraw it if it has not come to anything by then (10)"},
	{FLAG_INTO(options, yes), .name = "yes", .letter = 'y', .help = "do not ask"},
	{FLAG_INTO(options, json), .name = "json", .help = "the agent's own answer (docs/api.md)"},
	{0},
};

const struct command command_switchover = {
	.name = "switchover",
	.run = run,
	.help = "move the addresses to another node, and measure the gap",
	.more = "May be asked for on any node, also while paused. The target must be eligible and\n"
		"present. What is refused, late or given up with Ctrl-C is withdrawn, and then\n"
		"surely not carried out any more. With --at the command itself waits, checks once\n"
		"before and once when the time has come; end it, and nothing happens. Nothing\n"
		"moves back by itself. For root and the group ooha-admin. Exit code: 0 moved, 1\n"
		"refused or withdrawn, 3 the agent cannot be reached or does not know.",
	.options = switchover_options,
	.example = "  ooha switchover               to the best other node\n"
		   "  ooha switchover --to node-b   to that one\n"
		   "  ooha switchover --at 03:00 --yes\n",
};
