#include <curl/curl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"
#include "printable.h"

#define SHOWN_LENGTH 80
#define WORD_LENGTH 32 /* of the longest command's word */

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

/* How many letters to change, add or drop (Levenshtein); what follows is free. */
static size_t distance(const char *typed, const char *meant, size_t m)
{
	size_t row[WORD_LENGTH + 1], n = strlen(typed);
	if (m > WORD_LENGTH) {
		return SIZE_MAX;
	}
	if (n >= 2 && n <= m && strncmp(typed, meant, n) == 0) {
		return 0; /* begun right */
	}
	for (size_t j = 0; j <= m; j++) {
		row[j] = j;
	}
	for (size_t i = 1; typed[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t least = diagonal + (typed[i - 1] == meant[j - 1] ? 0 : 1);
			diagonal = row[j];
			least = row[j] + 1 < least ? row[j] + 1 : least;
			row[j] = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
		}
	}
	return row[m];
}

/* The words that may stand there, first ones or those behind first; or only the one that is meant. */
static void print_words(const char *first, const char *typed, bool only_nearest)
{
	const char *last = "", *best = NULL;
	size_t least = typed != NULL ? strlen(typed) / 3 + 2 : 0; /* from here on it is another */
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *word =
			first != NULL ? second_word(commands[i]->name, first) : commands[i]->name;
		size_t length = word != NULL ? strcspn(word, " ") : 0;
		if (length == 0 || (strncmp(word, last, length) == 0 && last[length] <= ' ')) {
			continue;
		}
		last = word;
		if (!only_nearest) {
			fprintf(stderr, " %.*s", (int)length, word);
		} else if (distance(typed, word, length) < least) {
			least = distance(typed, word, length);
			best = word;
		}
	}
	if (best != NULL) {
		fprintf(stderr, " did you mean '%.*s'? there are:", (int)strcspn(best, " "), best);
	} else if (only_nearest) {
		fprintf(stderr, " there are:");
	}
}

static enum outcome refuse_command(int argc, char **argv)
{
	char shown[SHOWN_LENGTH];
	bool is_first = false; /* the first word is right, and the second is missing or wrong */
	for (size_t i = 0; commands[i] != NULL; i++) {
		is_first = is_first || second_word(commands[i]->name, argv[0]) != NULL;
	}
	const char *first = is_first ? argv[0] : NULL;
	const char *typed = !is_first ? argv[0] : argc > 1 ? argv[1] : "";
	printable_copy(shown, sizeof(shown), typed);
	if (is_first && argc > 1 &&
	    (oo_text_equal(argv[1], "--help") || oo_text_equal(argv[1], "-h"))) {
		return help_print_of(first);
	}
	if (is_first && argc == 1) {
		fprintf(stderr, "ooha %s: its second word is missing; there are:", first);
	} else {
		fprintf(stderr, "ooha%s%s: no command '%s';", is_first ? " " : "",
			is_first ? first : "", shown);
		print_words(first, typed, true);
	}
	print_words(first, NULL, false);
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
