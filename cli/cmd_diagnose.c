#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/collect.h"
#include "command.h"
#include "config/config.h"
#include "diagnose/diagnose.h"
#include "diagnose/render.h"
#include "printable.h"

#define OUTPUT_BYTES_MAX (4 << 20)
#define LINE_LENGTH 2048

struct options {
	bool json;
	const char *config_path;
	const char *url; /* NULL: none */
};

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

static void release_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
	curl_free(text);
	return has;
}

/* Says what is wrong with it, without showing it: a password may be in it. */
static bool is_url(const char *text)
{
	OO_AUTO(release_url) CURLU *url = curl_url();
	if ((strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) ||
	    url == NULL || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
		fprintf(stderr, "ooha diagnose: the URL must be as http://host/path or "
				"https://host/path\n");
		return false;
	}
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
		fprintf(stderr, "ooha diagnose: the URL must not have a user or password in it\n");
		return false;
	}
	return true;
}

/* A node can be looked at without: then VIPs are the agent's word, and places the package's. */
static struct oo_config *load_config(const char *path)
{
	struct oo_config *config = NULL;
	struct oo_err err;
	char text[sizeof(err.text)];
	if (oo_config_load(path, &config, &err) < 0) {
		fprintf(stderr, "ooha: going on without the configuration: %s\n",
			printable_copy(text, sizeof(text), err.text));
		return NULL;
	}
	return config;
}

static int render(const struct oo_evidence *evidence, const struct oo_verdict *verdict, bool json,
		  struct oo_buffer *text)
{
	return json ? oo_render_json(evidence, verdict, text)
		    : oo_render_text(evidence, verdict, text);
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
	oo_buffer_init(&text, OUTPUT_BYTES_MAX);
	int r = printable_add_json(&text, json);
	if (r == 0) {
		fwrite(text.data, 1, text.length, stdout);
	}
	return r;
}

static enum outcome show(const struct oo_evidence *evidence, const struct oo_verdict *verdict,
			 bool json)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, OUTPUT_BYTES_MAX);
	int r = render(evidence, verdict, json, &text);
	if (r == 0 && text.length > 0 && json) {
		r = print_json(text.data);
	} else if (r == 0 && text.length > 0) {
		print_text(text.data);
	}
	if (r < 0) {
		fprintf(stderr, "ooha: show the diagnosis: %s\n", strerror(-r));
		return OUTCOME_UNKNOWN;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ooha: standard output");
		return OUTCOME_OUTPUT;
	}
	return verdict->n_findings == 0                ? OUTCOME_FINE
	       : verdict->first_broken == OO_LAYER_END ? OUTCOME_DEGRADED
						       : OUTCOME_CRITICAL;
}

static enum outcome diagnose(const struct settings *settings, const struct options *options)
{
	OO_AUTO(free_config) struct oo_config *config = load_config(options->config_path);
	OO_AUTO(oo_free) struct oo_evidence *evidence = NULL;
	OO_AUTO(oo_free) struct oo_verdict *verdict = calloc(1, sizeof(*verdict));
	/* the one that the configuration names, unless another was asked for */
	bool is_default = oo_text_equal(settings->socket_path, DEFAULT_SOCKET);
	const struct oo_collect_subject subject = {
		.config = config,
		.socket = is_default && config != NULL ? NULL : settings->socket_path,
		.url = options->url};
	struct oo_err err;
	int r = verdict != NULL ? oo_collect(&subject, &evidence, &err)
				: oo_fail(&err, ENOMEM, "verdict");
	if (r < 0) {
		fprintf(stderr, "ooha: collect evidence: %s\n", err.text);
		return OUTCOME_UNKNOWN;
	}
	oo_diagnose(evidence, verdict);
	return show(evidence, verdict, options->json);
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {.config_path = DEFAULT_CONFIG};
	enum outcome outcome = command_parse(&command_diagnose, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	options.url = optind < argc ? argv[optind] : NULL;
	if (options.url != NULL && !is_url(options.url)) {
		command_usage(&command_diagnose);
		return OUTCOME_USAGE;
	}
	return diagnose(settings, &options);
}

static const struct command_option diagnose_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "the verdict with its evidence"},
	{TEXT_INTO(options, config_path), .name = "config", .argument = "FILE",
	 .help = "in place of " DEFAULT_CONFIG},
	{0},
};

const struct command command_diagnose = {
	.name = "diagnose",
	.operands = "[URL]",
	.operands_max = 1,
	.run = run,
	.help = "say what is broken on this node, and why",
	.more = "Looks at the Document Server, its proxy and what they need, from the client down\n"
		"to the disk, and says which layer broke and what to do; with URL also at that\n"
		"document or address. Exit code: 0 nothing wrong found; 1 something that users do\n"
		"not feel yet; 2 broken: the first finding says what; 3 no evidence could be had.",
	.options = diagnose_options,
	.example = "  ooha diagnose                            this node\n"
		   "  ooha diagnose https://docs.example.com/  as the users reach it\n",
};
