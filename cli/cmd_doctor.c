#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "config/config.h"
#include "doctor/doctor.h"
#include "doctor/render.h"
#include "examine/examine.h"
#include "printable.h"

#define CONFIG "/etc/ooha/ooha.yaml"
#define OUTPUT_BYTES_MAX (1 << 20)
#define LINE_LENGTH 2048

struct options {
	bool json;
	bool help;
	struct oo_examine_subject subject;
};

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

static bool parse_options(struct options *options, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"config", required_argument, NULL, 'c'},
		{"local", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	char name[] = "ooha doctor"; /* how getopt's own messages begin */
	int option;
	argv[0] = name;
	optind = 0; /* main has used it */
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'c':
			options->subject.config_path = optarg;
			break;
		case 'l':
			options->subject.is_local = true;
			break;
		case 'h':
			options->help = true;
			break;
		default:
			return false; /* getopt has said what is wrong */
		}
	}
	return optind == argc;
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
	/* what is wrong in it is a finding, one that cannot be read is not */
	if (r == 0 || r == -EINVAL) {
		r = oo_examine(subject, &facts, &err);
	}
	if (r < 0) {
		fprintf(stderr, "ooha: %s\n", printable_copy(text, sizeof(text), err.text));
		return OUTCOME_UNKNOWN;
	}
	oo_doctor_judge(facts, report);
	return show(facts, report, options->json);
}

enum outcome cmd_doctor(struct settings *settings, int argc, char **argv)
{
	struct options options = {.subject.config_path = CONFIG};
	if (!parse_options(&options, argc, argv)) {
		fprintf(stderr, "usage: ooha doctor [--json] [--config FILE] [--local]\n");
		return OUTCOME_USAGE;
	}
	if (options.help) {
		return cmd_help(settings, argc, argv);
	}
	return examine(&options);
}
