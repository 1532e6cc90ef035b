#include "complete.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/cleanup.h"
#include "fields.h"
#include "output.h"

#define WORD_LENGTH 128

/* What is being completed. */
struct place {
	struct settings *settings;
	struct oo_buffer *out;
	const char *typed; /* of the last word */
	int r;             /* the first error */
};

static void offer(struct place *place, const char *word, size_t length, const char *help)
{
	if (place->r == 0 && strncmp(word, place->typed, strlen(place->typed)) == 0 &&
	    length >= strlen(place->typed)) {
		place->r = oo_buffer_add_format(place->out, "%.*s\t%s\n", (int)length, word, help);
	}
}

static const struct command_option main_options[] = {
	{.kind = OPTION_TEXT, .name = "socket", .argument = "PATH", .help = "ask the agent there"},
	{.kind = OPTION_FLAG, .name = "help", .help = "show how it is used"},
	{.kind = OPTION_FLAG, .name = "version", .help = "show the version"},
	{0},
};

static void offer_options(struct place *place, const struct command_option *options)
{
	char word[WORD_LENGTH];
	for (; options != NULL && options->kind != OPTION_END; options++) {
		int length = snprintf(word, sizeof(word), "--%s", options->name);
		offer(place, word, (size_t)length, options->help);
	}
}

/* Names are for a shell's eyes: one that it might take for more than a word is left out. */
static void offer_name(struct place *place, const char *name, const char *help)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "._-";
	if (name[0] != '\0' && name[0] != '-' && strspn(name, safe) == strlen(name)) {
		offer(place, name, strlen(name), help);
	}
}

/* The names in a list of the agent's answer; none when it does not answer. */
static void offer_names(struct place *place, const char *list, const char *field, const char *help)
{
	struct oo_err err;
	OO_AUTO(output_put_json) json_object *answer = ask(place->settings, "/v1/status", &err);
	json_object *items = field_array(answer, list);
	for (size_t i = 0; i < field_length(items); i++) {
		offer_name(place, field_text(json_object_array_get_idx(items, i), field, ""), help);
	}
}

static bool has_word(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

/* By what help calls it: "FILE", "[GROUP]", "bash|zsh". */
static void offer_value(struct place *place, const char *what)
{
	if (has_word(what, "FILE") || has_word(what, "PATH")) {
		place->r = place->r < 0 ? place->r
					: oo_buffer_add_format(place->out, COMPLETE_FILES "\n");
	} else if (has_word(what, "NODE")) {
		offer_names(place, "members", "node", "node");
	} else if (has_word(what, "GROUP")) {
		offer_names(place, "groups", "name", "group");
	} else if (has_word(what, "NAME")) {
		offer_names(place, "checks", "name", "check");
	} else if (has_word(what, "|")) {
		for (size_t length; *what != '\0';
		     what += length + (what[length] != '\0' ? 1 : 0)) {
			length = strcspn(what, "|");
			offer(place, what, length, "");
		}
	}
}

/* The option that word is, "--to" or "-n"; NULL: none of these. */
static const struct command_option *find_option(const struct command_option *options,
						const char *word)
{
	for (; options != NULL && options->kind != OPTION_END; options++) {
		bool is_long =
			word[0] == '-' && word[1] == '-' && oo_text_equal(word + 2, options->name);
		bool is_short = word[0] == '-' && word[1] != '\0' && word[1] == options->letter &&
				word[2] == '\0';
		if (is_long || is_short) {
			return options;
		}
	}
	return NULL;
}

/* Of "vip announce", what follows "vip"; NULL: of another word. */
static const char *behind(const char *name, const char *first)
{
	size_t length = strlen(first);
	return strncmp(name, first, length) == 0 && name[length] == ' ' ? name + length + 1 : NULL;
}

/* The first words, or those that follow first. */
static void offer_commands(struct place *place, const char *first)
{
	const char *last = "";
	size_t last_length = 0;
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *word =
			first != NULL ? behind(commands[i]->name, first) : commands[i]->name;
		size_t length = word != NULL ? strcspn(word, " ") : 0;
		bool again = length == last_length && strncmp(word, last, length) == 0;
		if (length > 0 && !again) {
			offer(place, word, length, commands[i]->help);
		}
		last = length > 0 ? word : last;
		last_length = length > 0 ? length : last_length;
	}
}

/* The command of these words; NULL: not yet one. */
static const struct command *find_command(const char *first, const char *second)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *rest = behind(commands[i]->name, first);
		if (oo_text_equal(commands[i]->name, first) ||
		    (rest != NULL && second != NULL && oo_text_equal(rest, second))) {
			return commands[i];
		}
	}
	return NULL;
}

static const struct command_option *options_of(const struct command *command)
{
	return command != NULL ? command->options : main_options;
}

static const struct command_option *find_any(const struct command *command, const char *word)
{
	const struct command_option *option = find_option(options_of(command), word);
	return option != NULL ? option : find_option(main_options, word);
}

int complete(struct settings *settings, int n, char **words, struct oo_buffer *out)
{
	struct place place = {.settings = settings, .out = out, .typed = n > 0 ? words[n - 1] : ""};
	const struct command *command = NULL;
	const char *first = NULL;
	const struct command_option *option = NULL; /* that the next word is the value of */
	int operands = 0;
	for (int i = 0; i + 1 < n; i++) {
		bool is_value = option != NULL;
		if (is_value && oo_text_equal(option->name, "socket")) {
			settings->socket_path = words[i];
		}
		option = is_value ? NULL : find_any(command, words[i]);
		option = option != NULL && option->argument != NULL ? option : NULL;
		if (is_value || words[i][0] == '-') {
			continue;
		}
		if (command != NULL) {
			operands++;
		} else {
			command = find_command(first != NULL ? first : words[i], words[i]);
			first = first != NULL ? first : words[i];
		}
	}
	if (option != NULL) {
		offer_value(&place, option->argument);
	} else if (place.typed[0] == '-') {
		offer_options(&place, options_of(command));
		offer_options(&place, command != NULL ? main_options : NULL);
	} else if (command == NULL) {
		offer_commands(&place, first);
	} else if (command->operands != NULL && operands < command->operands_max) {
		offer_value(&place, command->operands);
	}
	return place.r;
}
