#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "config/config.h"
#include "doctor/doctor.h"
#include "doctor/render.h"
#include "examine/examine.h"
#include "printable.h"

#define OUTPUT_BYTES_MAX (1 << 20)
#define LINE_LENGTH 2048

struct options {
	bool json;
	struct oo_examine_subject subject;
};

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

/* Line by line, so that only the line breaks are ours. */
static void print_text(char *text)
{
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char shown[LINE_LENGTH];
		if (rest != NULL || line[0] != '\0') {
			printf("%s\n", printable_copy(shown, sizeof(shown), line));
		}
	}
}

static int print_json(const char *json)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, 2 * OUTPUT_BYTES_MAX);
	int r = printable_add_json(&text, json);
	if (r == 0) {
		fwrite(text.data, 1, text.length, stdout);
	}
	return r;
}

static enum outcome outcome_of(const struct oo_health_report *report)
{
	enum oo_severity worst = report->n > 0 ? report->items[0].severity : OO_SEVERITY_NOTE;
	return worst == OO_SEVERITY_CRITICAL  ? OUTCOME_CRITICAL
	       : worst == OO_SEVERITY_WARNING ? OUTCOME_DEGRADED
					      : OUTCOME_FINE;
}

static enum outcome show(const struct oo_facts *facts, const struct oo_health_report *report,
			 bool json)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, OUTPUT_BYTES_MAX);
	int r = json ? oo_doctor_render_json(facts, report, &text)
		     : oo_doctor_render_text(facts, report, &text);
	if (r == 0 && json) {
		r = print_json(text.data);
	} else if (r == 0) {
		print_text(text.data);
	}
	if (r < 0) {
		fprintf(stderr, "ooha: show what the doctor found: %s\n", strerror(-r));
		return OUTCOME_UNKNOWN;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ooha: standard output");
		return OUTCOME_OUTPUT;
	}
	return outcome_of(report);
}

static enum outcome examine(struct options *options)
{
	struct oo_examine_subject *subject = &options->subject;
	OO_AUTO(free_config) struct oo_config *config = NULL;
	OO_AUTO(oo_free) struct oo_facts *facts = NULL;
	OO_AUTO(oo_free) struct oo_health_report *report = calloc(1, sizeof(*report));
	struct oo_err err;
	char text[sizeof(err.text)];
	int r = report == NULL ? oo_fail(&err, ENOMEM, "report")
			       : oo_config_load(subject->config_path, &config, &err);
	subject->config = config;
	/* what is wrong in it is a finding; what this user may not read says nothing of the node */
	bool is_denied = r < 0 && geteuid() != 0 && strstr(err.text, strerror(EACCES)) != NULL;
	if (is_denied) {
		fprintf(stderr, "ooha: as another user than root:\n");
	} else if (r == 0 || r == -EINVAL) {
		r = oo_examine(subject, &facts, &err);
	}
	if (r < 0) {
		fprintf(stderr, "ooha: %s\n", printable_copy(text, sizeof(text), err.text));
		return OUTCOME_UNKNOWN;
	}
	oo_doctor_judge(facts, report);
	return show(facts, report, options->json);
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {.subject.config_path = DEFAULT_CONFIG};
	enum outcome outcome = command_parse(&command_doctor, settings, &options, argc, argv);
	return outcome == OUTCOME_GO_ON ? examine(&options) : outcome;
}

static const struct command_option doctor_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "the findings, and what was looked at"},
	{TEXT_INTO(options, subject.config_path), .name = "config", .argument = "FILE",
	 .help = "in place of " DEFAULT_CONFIG},
	{FLAG_INTO(options, subject.is_local), .name = "local",
	 .help = "ask neither etcd nor other nodes"},
	{0},
};

const struct command command_doctor = {
	.name = "doctor",
	.run = run,
	.help = "say what is, or will be, in the way of a failover, and the fix",
	.more = "Looks at this node, at etcd and at what the other nodes say of themselves: before "
		"the\n"
		"agent first starts, and at any time after. As root it sees most. Changes "
		"nothing.\n"
		"Exit code: 0 nothing wrong, or notes; 1 warnings; 2 critical; 3 it could not "
		"look.",
	.options = doctor_options,
	.example = "  ooha doctor                         this node and its cluster\n"
		   "  ooha doctor --local --config FILE   this node alone, with a file to be\n",
};
