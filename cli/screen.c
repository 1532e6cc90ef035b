#include "screen.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields.h"
#include "moment.h"
#include "screen_tables.h"

#define PROBLEM_BYTES SENTENCE_BYTES /* of one sentence; longer ones are cut */
#define HOLDERS_BYTES 1024           /* of the list of groups and holders; likewise */

struct screen {
	json_object *status;
	const struct page *page;
	struct oo_buffer *out;
	int r; /* the first error */
};

static void add(struct screen *screen, enum paint paint, const char *text, size_t length)
{
	if (screen->r == 0 && length > 0) {
		screen->r = paint_add(screen->out, screen->page, paint, text, length);
	}
}

static void add_text(struct screen *screen, enum paint paint, const char *text)
{
	add(screen, paint, text, strlen(text));
}

static void add_spaces(struct screen *screen, int n)
{
	if (screen->r == 0) {
		screen->r = oo_buffer_add_format(screen->out, "%*s", n, "");
	}
}

static void add_sentence(struct screen *screen, enum paint paint, int indent, const char *raw)
{
	if (screen->r == 0) {
		screen->r = paint_sentence(screen->out, screen->page, paint, indent, raw);
	}
}

/* "office: node-a holds, files: nobody holds" */
static void describe_holders(json_object *status, char *text, size_t size)
{
	json_object *groups = field_array(status, "groups");
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < field_length(groups) && used < size; i++) {
		json_object *group = json_object_array_get_idx(groups, i);
		const char *holder = field_text(group, "holder", "nobody");
		used += (size_t)snprintf(text + used, size - used, "%s%s: %s%s%s",
					 i > 0 ? ", " : "", field_text(group, "name", "?"),
					 group_is_offered(group) ? "offered to " : "", holder,
					 group_is_offered(group)  ? ""
					 : group_is_silent(group) ? " is silent"
								  : " holds");
	}
}

static void add_fine(struct screen *screen)
{
	char holders[HOLDERS_BYTES];
	char line[PROBLEM_BYTES];
	describe_holders(screen->status, holders, sizeof(holders));
	snprintf(line, sizeof(line), "%s%sfine", holders, holders[0] != '\0' ? ", " : "");
	add_sentence(screen, PAINT_GOOD, 0, line);
}

static void add_problems(struct screen *screen, enum paint paint, const char *word)
{
	char holders[HOLDERS_BYTES];
	json_object *problems = field_array(screen->status, "problems");
	int indent = (int)strlen(word) + 2;
	add_text(screen, paint, word);
	add_text(screen, PAINT_PLAIN, ": ");
	if (field_length(problems) == 0) {
		describe_holders(screen->status, holders, sizeof(holders));
		add_sentence(screen, PAINT_PLAIN, indent,
			     holders[0] != '\0' ? holders : "no groups");
	}
	for (size_t i = 0; i < field_length(problems); i++) {
		const char *problem =
			json_object_get_string(json_object_array_get_idx(problems, i));
		add_spaces(screen, i > 0 ? indent : 0);
		add_sentence(screen, PAINT_PLAIN, indent, problem != NULL ? problem : "?");
	}
}

enum outcome screen_outcome(json_object *status)
{
	static const struct {
		const char *state;
		enum outcome outcome;
	} states[] = {
		{"fine", OUTCOME_FINE},
		{"degraded", OUTCOME_DEGRADED},
		{"critical", OUTCOME_CRITICAL},
	};
	const char *state = field_text(status, "state", "");
	for (size_t i = 0; i < OO_LENGTH(states); i++) {
		if (strcmp(state, states[i].state) == 0) {
			return states[i].outcome;
		}
	}
	return OUTCOME_UNKNOWN;
}

static void add_state(struct screen *screen)
{
	switch (screen_outcome(screen->status)) {
	case OUTCOME_FINE:
		add_fine(screen);
		break;
	case OUTCOME_DEGRADED:
		add_problems(screen, PAINT_WARNING, "DEGRADED");
		break;
	case OUTCOME_CRITICAL:
		add_problems(screen, PAINT_BAD, "CRITICAL");
		break;
	case OUTCOME_UNKNOWN:
	case OUTCOME_GO_ON:
	case OUTCOME_USAGE:
	case OUTCOME_OUTPUT:
	case OUTCOME_CONFIG:
		add_problems(screen, PAINT_BAD, "UNKNOWN STATE");
		break;
	}
}

static void add_pause(struct screen *screen)
{
	json_object *pause = field_object(screen->status, "paused");
	if (pause != NULL) {
		char when[TIME_LENGTH];
		char line[PROBLEM_BYTES];
		snprintf(line, sizeof(line), "by %s since %s: %s", field_text(pause, "by", "?"),
			 format_time(field_text(pause, "at", "?"), when),
			 field_text(pause, "reason", "no reason given"));
		add_text(screen, PAINT_WARNING, "PAUSED ");
		add_sentence(screen, PAINT_PLAIN, (int)strlen("PAUSED "), line);
	}
}

/* Why checks fail here, and what to do about it. */
static void add_diagnosis(struct screen *screen)
{
	json_object *diagnosis = field_object(screen->status, "diagnosis");
	if (diagnosis != NULL) {
		char line[PROBLEM_BYTES];
		snprintf(line, sizeof(line), "%s (%s); %s", field_text(diagnosis, "summary", "?"),
			 field_text(diagnosis, "confidence", "?"),
			 field_text(diagnosis, "remedy", "see: ooha diagnose"));
		add_text(screen, PAINT_WARNING, "DIAGNOSIS ");
		add_sentence(screen, PAINT_PLAIN, (int)strlen("DIAGNOSIS "), line);
	}
}

/* What the agent does about it by itself, while there is something to be done about. */
static void add_repair(struct screen *screen)
{
	json_object *repair = field_object(screen->status, "repair");
	json_object *last = field_object(repair, "last");
	bool is_running = field_is_true(repair, "running");
	char line[PROBLEM_BYTES], tried[PROBLEM_BYTES] = "";
	if (repair == NULL || (!is_running && field_object(screen->status, "diagnosis") == NULL)) {
		return;
	}
	if (last != NULL) {
		const char *error = field_text(last, "error", "");
		snprintf(tried, sizeof(tried), "%s%s%s%s",
			 is_running ? "" : "; last: ", field_text(last, "commands", "?"),
			 error[0] == '\0' ? "" : ", failed: ", error);
	}
	snprintf(line, sizeof(line), "%s%s",
		 is_running ? "" : field_text(repair, "waits_for", "nothing is under way"), tried);
	add_text(screen, PAINT_WARNING, "REPAIR ");
	add_sentence(screen, PAINT_PLAIN, (int)strlen("REPAIR "), line);
}

int screen_render(json_object *status, const struct page *page, struct oo_buffer *out)
{
	/* most important first */
	static int (*const parts[])(json_object *, const struct page *, struct oo_buffer *) = {
		print_groups, print_vips, print_members, print_checks, print_agent,
	};
	struct screen screen = {.status = status, .page = page, .out = out};
	add_state(&screen);
	add_diagnosis(&screen);
	add_repair(&screen);
	add_pause(&screen);
	for (size_t i = 0; i < OO_LENGTH(parts) && screen.r == 0; i++) {
		screen.r = parts[i](status, page, out);
	}
	return screen.r;
}
