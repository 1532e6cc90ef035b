/*
 * Mode provider: a program moves the VIP at whoever has it (docs/providers.md), one run at a time for each
 * VIP. What runs, and when, is lib/provider's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "journal.h"
#include "notices.h"
#include "part.h"
#include "provider/provider.h"
#include "vips.h"
#include "way.h"

/* Of one VIP; its number in part may change with a reload. */
struct mover {
	struct agent_part *part;
	size_t k;
	struct oo_provider *provider; /* owned */
};

static struct mover **movers_of(const struct agent_part *part)
{
	return part->way_state;
}

static void on_log(void *user, enum oo_log_level level, const char *line)
{
	const struct mover *mover = user;
	const struct agent_part *part = mover->part;
	char text[OO_ERR_LENGTH];

	snprintf(text, sizeof(text), "%s: provider: %s", agent_part_text(part, mover->k), line);
	agent_say(level,
		  &(struct agent_said){.message = AGENT_MESSAGE_PROVIDER,
				       .group = part->config->name},
		  "%s: %s", part->config->name, text);
	if (level <= OO_LOG_ERROR) {
		agent_notices_say(part->agent, &(struct agent_notice){.grade = "P0",
								      .name = "provider_failed",
								      .group = part->group,
								      .text = text});
	}
}

static void on_changed(void *user)
{
	const struct mover *mover = user;
	agent_vips_retry(mover->part->agent->vips[mover->part->group]);
}

static void free_mover(struct mover **mover)
{
	if (*mover != NULL) {
		oo_provider_free((*mover)->provider);
		free(*mover);
		*mover = NULL;
	}
}

/* Makes what moves VIP number k. Returns 0, -ENOMEM or sd-event's error. */
static int new_mover(struct agent_part *part, size_t k, struct oo_err *err)
{
	const struct oo_config *config = part->agent->config;
	const struct oo_config_vip *vip = &part->config->vips[part->index[k]];
	const struct oo_address *address = &part->list[k];
	char text[INET6_ADDRSTRLEN] = "";
	struct mover *mover = calloc(1, sizeof(*mover));

	if (mover == NULL) {
		return oo_fail(err, ENOMEM, "provider of %s", vip->address);
	}
	(void)inet_ntop(address->family, address->bytes, text, sizeof(text));
	*mover = (struct mover){.part = part, .k = k};
	const struct oo_provider_vip of = {
		.run = vip->provider.run,
		.cluster = config->cluster,
		.group = part->config->name,
		.node = config->node.name,
		.zone = config->node.zone,
		.address = text,
		.family = address->family == AF_INET ? "ipv4" : "ipv6",
		.interface = vip->interface,
		.settings = vip->provider.settings.json,
		.prefix = address->prefix,
	};
	const struct oo_provider_options options = {.timeout_ms = vip->provider.timeout_ms,
						    .again = OO_PROVIDER_AGAIN,
						    .ask = OO_PROVIDER_ASK,
						    .log = on_log,
						    .changed = on_changed,
						    .user = mover};
	int r = oo_provider_new(part->agent->event, &of, &options, &mover->provider, err);
	if (r < 0) {
		free(mover);
		return r;
	}
	movers_of(part)[k] = mover;
	return 0;
}

/* Those that a reload has not brought along. */
static int make_movers(struct agent_part *part, struct oo_err *err)
{
	int r = 0;
	for (size_t k = 0; r == 0 && k < part->n; k++) {
		r = movers_of(part)[k] == NULL ? new_mover(part, k, err) : 0;
	}
	return r;
}

static int open_movers(struct agent_part *part, struct oo_err *err)
{
	part->way_state = calloc(part->config->n_vips, sizeof(struct mover *));
	return part->way_state == NULL ? oo_fail(err, ENOMEM, "providers") : 0;
}

static void close_movers(struct agent_part *part)
{
	for (size_t k = 0; part->way_state != NULL && k < part->n; k++) {
		free_mover(&movers_of(part)[k]);
	}
	free(part->way_state);
	part->way_state = NULL;
}

/* What fails is tried again by itself, and is in read: here it is under way. */
static int up(struct agent_part *part, size_t n, int64_t hold_until, struct oo_err *err)
{
	/* of our own claim: the highest that was seen may be our successor's */
	const struct oo_claim *mine = oo_core_view(part->agent->core, part->group).mine;
	const uint64_t epoch = mine == NULL ? 0 : mine->epoch;
	bool told = true;
	int r = make_movers(part, err);
	(void)n; /* those that are here: nobody is on its link to withhold any */

	for (size_t k = 0; r == 0 && k < part->n; k++) {
		struct oo_provider *provider = movers_of(part)[k]->provider;
		if (!part->present[k]) {
			oo_provider_stop(provider);
			continue;
		}
		oo_provider_up(provider, epoch, hold_until);
		told = told && oo_provider_view(provider).state == OO_PROVIDER_CONFIRMED;
	}
	return r < 0 ? r : told ? 0 : -EINPROGRESS;
}

static int confirm(struct agent_part *part, int64_t hold_until, struct oo_err *err)
{
	return up(part, part->n, hold_until, err);
}

/* What a provider could not be told in time is for the next holder to tell it. */
static int down(struct agent_part *part, int64_t until, struct oo_err *err)
{
	int r = 0;
	(void)err;
	for (size_t k = 0; k < part->n; k++) {
		if (movers_of(part)[k] != NULL &&
		    oo_provider_down(movers_of(part)[k]->provider, until) == -EINPROGRESS) {
			r = -EINPROGRESS;
		}
	}
	return r;
}

static void hush(struct agent_part *part)
{
	for (size_t k = 0; k < part->n; k++) {
		if (movers_of(part)[k] != NULL) {
			oo_provider_stop(movers_of(part)[k]->provider);
		}
	}
}

static void repeat(const struct agent_part *part)
{
	for (size_t k = 0; k < part->n; k++) {
		if (movers_of(part)[k] != NULL) {
			oo_provider_ask(movers_of(part)[k]->provider);
		}
	}
}

/* It stays where it is, as when an agent dies: there is no time to ask, and nobody to give it to. */
static void drop(struct agent_part *part, size_t k)
{
	free_mover(&movers_of(part)[k]);
}

static void inherit(struct agent_part *part, struct agent_part *before)
{
	for (size_t old = 0; old < before->n; old++) {
		const size_t k = agent_part_find_same(part, before, old);
		struct mover *mover = movers_of(before)[old];
		if (k < part->n && mover != NULL) {
			movers_of(before)[old] = NULL;
			mover->part = part;
			mover->k = k;
			movers_of(part)[k] = mover;
		}
	}
}

/* Of a past tenure there is nothing to take back: its successor's call has, or will. */
static int find(struct agent_part *part, bool adopt, struct oo_err *err)
{
	int r = adopt ? make_movers(part, err) : 0;
	for (size_t k = 0; adopt && r == 0 && k < part->n; k++) {
		oo_provider_adopt(movers_of(part)[k]->provider);
	}
	return r;
}

static void read_state(const struct agent_part *part, size_t k, struct agent_way_state *ret_state)
{
	const struct mover *mover = movers_of(part)[k];
	if (mover == NULL) {
		ret_state->provider = oo_provider_state_name(OO_PROVIDER_IDLE);
		return;
	}
	const struct oo_provider_view view = oo_provider_view(mover->provider);
	ret_state->told = view.state == OO_PROVIDER_CONFIRMED;
	ret_state->told_at = view.confirmed_at;
	ret_state->times = view.moves;
	ret_state->provider = oo_provider_state_name(view.state);
	ret_state->runs = view.runs;
	ret_state->failures = view.failures;
	ret_state->repairs = view.repairs;
	oo_text_clip(ret_state->error, sizeof(ret_state->error), view.error);
}

const struct agent_way agent_way_provider = {
	.takes_time = true,
	.open = open_movers,
	.close = close_movers,
	.up = up,
	.confirm = confirm,
	.down = down,
	.hush = hush,
	.repeat = repeat,
	.drop = drop,
	.inherit = inherit,
	.find = find,
	.read = read_state,
};
