#include <getopt.h>
#include <stdio.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "complete.h"
#include "output.h"

#define WORDS_MAX 64

/* Both ask for "words", which only they know of. */
static const char bash[] =
	"# bash completion for ooha, as `ooha completion bash` prints it\n"
	"_ooha()\n"
	"{\n"
	"\tlocal line typed=${COMP_WORDS[COMP_CWORD]}\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tif [[ $line == " COMPLETE_FILES " ]]; then\n"
	"\t\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t\twhile IFS= read -r line; do\n"
	"\t\t\t\tCOMPREPLY+=(\"$line\")\n"
	"\t\t\tdone < <(compgen -f -- \"$typed\")\n"
	"\t\telse\n"
	"\t\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	"\t\tfi\n"
	"\tdone < <(\"${COMP_WORDS[0]}\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
	"2>/dev/null)\n"
	"}\n"
	"complete -F _ooha ooha\n";

static const char zsh[] =
	"#compdef ooha\n"
	"# zsh completion for ooha, as `ooha completion zsh` prints it\n"
	"_ooha()\n"
	"{\n"
	"\tlocal line\n"
	"\tlocal -a lines offered\n"
	"\tlines=(${(f)\"$(${(Q)words[1]} completion words -- \"${(@Q)words[2,CURRENT]}\" "
	"2>/dev/null)\"})\n"
	"\tfor line in $lines; do\n"
	"\t\tif [[ $line == " COMPLETE_FILES " ]]; then\n"
	"\t\t\t_files\n"
	"\t\telse\n"
	"\t\t\toffered+=(\"${line/$'\\t'/:}\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t(( $#offered )) && _describe -V ooha offered\n"
	"}\n"
	"if [[ $funcstack[1] == _ooha ]]; then\n"
	"\t_ooha \"$@\"\n"
	"else\n"
	"\tcompdef _ooha ooha\n"
	"fi\n";

static enum outcome offer_words(struct settings *settings, int n, char **words)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	int r = complete(settings, n, words, &text);
	return output_end(&text, r, OUTCOME_FINE);
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	enum outcome outcome = command_parse(&command_completion, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	const char *what = argv[optind];
	if (oo_text_equal(what, "words")) {
		return offer_words(settings, argc - optind - 1, argv + optind + 1);
	}
	if (argc - optind > 1 || (!oo_text_equal(what, "bash") && !oo_text_equal(what, "zsh"))) {
		fprintf(stderr, "ooha completion: which shell? there are: bash zsh\n");
		command_usage(&command_completion);
		return OUTCOME_USAGE;
	}
	fputs(oo_text_equal(what, "bash") ? bash : zsh, stdout);
	return output_flush(OUTCOME_FINE);
}

const struct command command_completion = {
	.name = "completion",
	.operands = "bash|zsh",
	.operands_min = 1,
	.operands_max = WORDS_MAX,
	.run = run,
	.help = "print what makes Tab complete commands, options and names",
	.more = "Prints a script for bash or zsh. It asks ooha itself for what fits, so it stays\n"
		"true when commands come; names of nodes, groups and checks are asked of the "
		"agent.\n"
		"Packages install it already.",
	.example = "  ooha completion bash >/etc/bash_completion.d/ooha\n"
		   "  ooha completion zsh >/usr/local/share/zsh/site-functions/_ooha\n"
		   "  . <(ooha completion bash)   for this shell alone\n",
};
