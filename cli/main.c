#include <curl/curl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"

const struct command commands[] = {
	{"status", "[--json] [--watch]", cmd_status, "show holder, addresses, members and checks"},
	{"diagnose", "[--json] [URL]", cmd_diagnose, "say what is broken on this node, and why"},
	{"doctor", "[--json] [--config FILE] [--local]", cmd_doctor,
	 "say what is, or will be, in the way of a failover, and the fix"},
	{"checks", "--explain [--config FILE]", cmd_checks,
	 "show what the presets stand for on this node, and why"},
	{"version", "", cmd_version, "show the version"},
	{"help", "", cmd_help, "show this"},
};
const size_t n_commands = OO_LENGTH(commands);

static enum outcome run_command(struct settings *settings, int argc, char **argv)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (oo_text_equal(commands[i].name, argv[0])) {
			return commands[i].run(settings, argc, argv);
		}
	}
	fprintf(stderr, "ooha: no command '%s'; there are:", argv[0]);
	for (size_t i = 0; i < n_commands; i++) {
		fprintf(stderr, " %s", commands[i].name);
	}
	fprintf(stderr, "\n");
	return OUTCOME_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	struct settings settings = {.socket_path = DEFAULT_SOCKET};
	int option;
	(void)setlocale(LC_CTYPE, ""); /* without one, only ASCII is shown as it is */
	/* "+": what follows the command is the command's */
	while ((option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			settings.socket_path = optarg;
			break;
		case 'h':
			return cmd_help(&settings, argc, argv);
		case 'v':
			return cmd_version(&settings, argc, argv);
		default:
			fprintf(stderr, "see: ooha --help\n");
			return OUTCOME_USAGE;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "usage: ooha [--socket PATH] COMMAND; see: ooha --help\n");
		return OUTCOME_USAGE;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fprintf(stderr, "ooha: curl: out of memory\n");
		return OUTCOME_UNKNOWN;
	}
	enum outcome outcome = run_command(&settings, argc - optind, argv + optind);
	curl_global_cleanup();
	return outcome;
}
