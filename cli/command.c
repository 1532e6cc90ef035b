#include "command.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "printable.h"

#define OPTIONS_MAX 16
#define NAME_LENGTH 64
#define PARAGRAPH_LENGTH 4096
#define WIDTH 80
#define HELP_COLUMN 20
/* Beyond any letter. */
#define VALUE_FIRST 256

/* What all commands have. */
static const struct command_option common[] = {
	{.kind = OPTION_TEXT,
	 .name = "socket",
	 .argument = "PATH",
	 .help = "ask the agent there, not on " DEFAULT_SOCKET},
	{.kind = OPTION_FLAG, .name = "help", .letter = 'h', .help = "show this"},
};

static size_t count_options(const struct command *command)
{
	size_t n = 0;
	while (command->options != NULL && command->options[n].kind != OPTION_END) {
		n++;
	}
	assert(n + OO_LENGTH(common) < OPTIONS_MAX);
	return n;
}

/* The i-th of its own and then of the common ones. */
static const struct command_option *option_at(const struct command *command, size_t i)
{
	size_t own = count_options(command);
	return i < own                       ? &command->options[i]
	       : i - own < OO_LENGTH(common) ? &common[i - own]
					     : NULL;
}

void command_usage(const struct command *command)
{
	const struct command_option *option;
	fprintf(stderr, "usage: ooha %s", command->name);
	for (size_t i = 0; (option = option_at(command, i)) != &common[1]; i++) {
		if (option->letter != 0) {
			fprintf(stderr, " [-%c%s%s]", option->letter,
				option->argument != NULL ? " " : "",
				option->argument != NULL ? option->argument : "");
		} else {
			fprintf(stderr, " [--%s%s%s]", option->name,
				option->argument != NULL ? " " : "",
				option->argument != NULL ? option->argument : "");
		}
	}
	fprintf(stderr, "%s%s\n", command->operands != NULL ? " " : "",
		command->operands != NULL ? command->operands : "");
}

static void print_option(const struct command_option *option)
{
	char name[NAME_LENGTH];
	int length = snprintf(name, sizeof(name), "%c%c%s--%s%s%s", option->letter ? '-' : ' ',
			      option->letter ? option->letter : ' ', option->letter ? ", " : "  ",
			      option->name, option->argument != NULL ? " " : "",
			      option->argument != NULL ? option->argument : "");
	printf("  %-*s  %s\n", length > HELP_COLUMN ? length : HELP_COLUMN, name, option->help);
}

/* Wherever it was broken in the source, its lines are as long as they may be. */
static void print_paragraph(const char *text)
{
	char line[PARAGRAPH_LENGTH];
	const char *rest = printable_copy(line, sizeof(line), text);
	while (*rest != '\0') {
		size_t length = printable_fit_words(rest, WIDTH);
		printf("%.*s\n", (int)length, rest);
		rest += length + strspn(rest + length, " ");
	}
}

static void print_help(const struct command *command)
{
	const struct command_option *option;
	printf("usage: ooha %s [OPTION...]%s%s\n\n", command->name,
	       command->operands != NULL ? " " : "",
	       command->operands != NULL ? command->operands : "");
	print_paragraph(command->more != NULL ? command->more : command->help);
	printf("\noptions:\n");
	for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
		print_option(option);
	}
	if (command->example != NULL) {
		printf("\nexamples:\n%s", command->example);
	}
}

static bool set_number(const struct command *command, const struct command_option *option,
		       const char *text, int64_t *ret_number)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < option->least ||
	    number > option->most) {
		fprintf(stderr,
			"ooha %s: --%s: '%s' is not a number from %" PRId64 " to %" PRId64 "\n",
			command->name, option->name, text, option->least, option->most);
		return false;
	}
	*ret_number = number;
	return true;
}

static bool set_option(const struct command *command, const struct command_option *option,
		       void *target)
{
	void *place = (char *)target + option->offset;
	switch (option->kind) {
	case OPTION_END:
		break;
	case OPTION_FLAG:
		*(bool *)place = true;
		break;
	case OPTION_TEXT:
		*(const char **)place = optarg;
		break;
	case OPTION_NUMBER:
		return set_number(command, option, optarg, place);
	}
	return true;
}

/* getopt's own form of the options: each by its place in them. */
static void fill_getopt(const struct command *command, struct option *longs, char *shorts)
{
	const struct command_option *option;
	*shorts = '\0';
	for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
		longs[i] = (struct option){
			.name = option->name,
			.has_arg = option->argument != NULL ? required_argument : no_argument,
			.val = VALUE_FIRST + (int)i,
		};
		if (option->letter != 0) {
			*shorts++ = option->letter;
			*shorts = option->argument != NULL ? ':' : '\0';
			shorts += option->argument != NULL ? 1 : 0;
			*shorts = '\0';
		}
	}
}

static const struct command_option *find_option(const struct command *command, int value)
{
	const struct command_option *option = NULL;
	if (value >= VALUE_FIRST) {
		return option_at(command, (size_t)(value - VALUE_FIRST));
	}
	for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
		if (option->letter == value) {
			break;
		}
	}
	return option; /* NULL: getopt has said what is wrong */
}

static enum outcome check_operands(const struct command *command, int argc, char **argv)
{
	int n = argc - optind;
	if (n > command->operands_max) {
		fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0],
			argv[optind + command->operands_max]);
	} else if (n < command->operands_min) {
		fprintf(stderr, "%s: %s is missing\n", argv[0], command->operands);
	} else {
		return OUTCOME_GO_ON;
	}
	command_usage(command);
	return OUTCOME_USAGE;
}

static enum outcome parse(const struct command *command, struct settings *settings, void *target,
			  int argc, char **argv)
{
	struct option longs[OPTIONS_MAX] = {{0}};
	char shorts[2 * OPTIONS_MAX + 1];
	int value;

	fill_getopt(command, longs, shorts);
	optind = 0; /* main has used it */
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct command_option *option = find_option(command, value);
		if (option == &common[1]) {
			print_help(command);
			return OUTCOME_FINE;
		}
		if (option == &common[0]) {
			settings->socket_path = optarg;
		} else if (option == NULL || !set_option(command, option, target)) {
			command_usage(command);
			return OUTCOME_USAGE;
		}
	}
	return check_operands(command, argc, argv);
}

enum outcome command_parse(const struct command *command, struct settings *settings, void *target,
			   int argc, char **argv)
{
	char name[NAME_LENGTH]; /* how getopt's own messages begin */
	char *given = argv[0];

	snprintf(name, sizeof(name), "ooha %s", command->name);
	argv[0] = name;
	enum outcome outcome = parse(command, settings, target, argc, argv);
	argv[0] = given;
	return outcome;
}
