#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "config/config.h"
#include "printable.h"

#define DEFAULT_CONFIG "/etc/ooha/ooha.yaml"
#define EXPLAINED_BYTES 1048576

static enum outcome explain(const char *path)
{
	struct oo_err err;
	char text[sizeof(err.text)];
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, EXPLAINED_BYTES);

	if (oo_config_explain(path, &buffer, &err) < 0) {
		fprintf(stderr, "ooha: %s\n", printable_copy(text, sizeof(text), err.text));
		return OUTCOME_UNKNOWN;
	}
	fputs(buffer.data, stdout);
	return fflush(stdout) == 0 ? OUTCOME_FINE : OUTCOME_OUTPUT;
}

static enum outcome usage(void)
{
	fprintf(stderr, "usage: ooha checks --explain [--config FILE]\n");
	return OUTCOME_USAGE;
}

enum outcome cmd_checks(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {
		{"explain", no_argument, NULL, 'e'},
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *path = DEFAULT_CONFIG;
	char name[] = "ooha checks"; /* how getopt's own messages begin */
	bool explains = false;
	int option;

	argv[0] = name;
	optind = 0; /* main has used it */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			explains = true;
			break;
		case 'c':
			path = optarg;
			break;
		case 'h':
			return cmd_help(settings, argc, argv);
		default:
			return usage();
		}
	}
	if (!explains || optind < argc) {
		return usage();
	}
	return explain(path);
}
