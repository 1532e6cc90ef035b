#include <curl/curl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "printable.h"

#define SHOWN_LENGTH 80

/* One a line: they come from many hands. */
/* clang-format off */
const struct command *const commands[] = {
	&command_status,
	&command_top,
	&command_members,
	&command_checks,
	&command_history,
	&command_events,
	&command_diagnose,
	&command_doctor,
	&command_switchover,
	&command_pause,
	&command_resume,
	&command_drain,
	&command_undrain,
	&command_config_show,
	&command_config_check,
	&command_config_diff,
	&command_vip_announce,
	&command_completion,
	&command_version,
	&command_help,
	NULL,
};
/* clang-format on */

/* Words of the name that argv begins with; 0: it is another command. */
static int count_words(const char *name, int argc, char **argv)
{
	int n = 0;
	while (n < argc) {
		size_t length = strcspn(name, " ");
		if (strlen(argv[n]) != length || strncmp(argv[n], name, length) != 0) {
			return 0;
		}
		n++;
		if (name[length] == '\0') {
			return n;
		}
		name += length + 1;
	}
	return 0;
}

/* Of "config show" and "config check", what follows "config"; NULL: name is no such command. */
static const char *second_word(const char *name, const char *first)
{
	size_t length = strlen(first);
	return strncmp(name, first, length) == 0 && name[length] == ' ' ? name + length + 1 : NULL;
}

static enum outcome refuse_command(int argc, char **argv)
{
	char shown[SHOWN_LENGTH];
	bool is_first = false; /* the first word is right, and the second is missing or wrong */
	for (size_t i = 0; commands[i] != NULL; i++) {
		is_first = is_first || second_word(commands[i]->name, argv[0]) != NULL;
	}
	printable_copy(shown, sizeof(shown), is_first && argc > 1 ? argv[1] : argv[0]);
	if (is_first && argc > 1) {
		fprintf(stderr, "ooha %s: no command '%s'; there are:", argv[0], shown);
	} else if (is_first) {
		fprintf(stderr, "ooha %s: its second word is missing; there are:", argv[0]);
	} else {
		fprintf(stderr, "ooha: no command '%s'; there are:", shown);
	}
	const char *last = "";
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *word =
			is_first ? second_word(commands[i]->name, argv[0]) : commands[i]->name;
		size_t length = word != NULL ? strcspn(word, " ") : 0;
		if (length > 0 && (strlen(last) < length || strncmp(word, last, length) != 0)) {
			fprintf(stderr, " %.*s", (int)length, word);
			last = word;
		}
	}
	fprintf(stderr, "\n");
	return OUTCOME_USAGE;
}

static enum outcome run_command(struct settings *settings, int argc, char **argv)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		int n = count_words(commands[i]->name, argc, argv);
		if (n > 0) {
			return commands[i]->run(settings, argc - n + 1, argv + n - 1);
		}
	}
	return refuse_command(argc, argv);
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
			return help_print();
		case 'v':
			printf("ooha %s\n", OO_VERSION);
			return output_flush(OUTCOME_FINE);
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
