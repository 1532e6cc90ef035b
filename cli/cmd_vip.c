#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "fields.h"
#include "output.h"
#include "printable.h"

#define PATH "/v1/announce"
#define BODY_BYTES_MAX 1024
#define NAME_LENGTH 256

struct options {
	bool json;
};

static enum outcome show(const struct options *options, json_object *answer)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	json_object *groups = field_array(answer, "announced");
	int r = 0;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	if (options->json) {
		r = output_add_json(&text, answer);
	}
	for (size_t i = 0; i < field_length(groups) && r == 0 && !options->json; i++) {
		json_object *group = json_object_array_get_idx(groups, i);
		char name[NAME_LENGTH];
		int64_t n = field_number(group, "vips");
		printable_copy(name, sizeof(name), field_text(group, "group", "?"));
		r = oo_buffer_add_format(&text, "%s: announced %" PRId64 " address%s again\n", name,
					 n, n == 1 ? "" : "es");
	}
	return output_end(&text, r, OUTCOME_FINE);
}

static int write_body(const char *group, struct oo_buffer *body)
{
	int r = oo_buffer_add_format(body, "{\"group\":%s", group == NULL ? "null" : "");
	r = r < 0 || group == NULL ? r : oo_buffer_add_json(body, group, strlen(group));
	return r < 0 ? r : oo_buffer_add(body, "}", 1);
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	OO_AUTO(output_put_json) json_object *answer = NULL;
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	oo_buffer_init(&body, BODY_BYTES_MAX);
	enum outcome outcome = command_parse(&command_vip_announce, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	if (write_body(optind < argc ? argv[optind] : NULL, &body) < 0) {
		fprintf(stderr, "ooha vip announce: the group's name is too long\n");
		return OUTCOME_USAGE;
	}
	outcome = ask_change(
		settings,
		&(struct agent_question){.method = "POST", .path = PATH, .body = body.data},
		&answer);
	return outcome == OUTCOME_FINE ? show(&options, answer) : outcome;
}

static const struct command_option announce_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "the agent's own answer (docs/api.md)"},
	{0},
};

const struct command command_vip_announce = {
	.name = "vip announce",
	.operands = "[GROUP]",
	.operands_max = 1,
	.run = run,
	.help = "tell the network again where the addresses are",
	.more = "Sends the announcements of a promotion once more (gratuitous ARP, unsolicited\n"
		"neighbour advertisements), for the group or for all that this node holds. "
		"Nothing\n"
		"moves. Helps where a switch or a neighbour has missed them. Only on the node "
		"that\n"
		"holds, for root and the group ooha-admin. Exit code: 0 done, 1 refused, 3 the\n"
		"agent cannot be reached.",
	.options = announce_options,
	.example = "  ooha vip announce         all that this node holds\n"
		   "  ooha vip announce office  one group\n",
};
