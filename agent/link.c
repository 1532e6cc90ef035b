#include "link.h"

#include <string.h>

#include "base/text.h"

/* Not its name, but its index: it was renamed. */
static bool is_renamed(const struct agent_part *part, const struct oo_link *link)
{
	return part->link.exists && part->link.index == link->index &&
	       !oo_text_equal(part->interface, link->name);
}

bool agent_link_concerns(const struct agent_part *part, const struct oo_link *link)
{
	if (is_renamed(part, link)) {
		return true;
	}
	/* that an interface goes whose name another has by now is old news */
	return oo_text_equal(part->interface, link->name) &&
	       (link->exists || link->index == part->link.index);
}

bool agent_link_wants_vips(const struct agent_part *part)
{
	return part->stray || (part->link.exists && !part->whole);
}

const char *agent_link_trouble(const struct agent_part *part)
{
	if (part->carrier.counts) {
		return "";
	}
	if (!part->link.exists) {
		return "is gone";
	}
	if (!part->link.up) {
		return "is down";
	}
	return part->link.carrier ? "has its carrier for a moment only" : "has no carrier";
}

/* The interface of part is not the one that it was. */
static void leave(struct agent_part *part)
{
	struct oo_err err;

	if (agent_part_remove(part, 0, &err) < 0) {
		oo_log(OO_LOG_ERROR, "%s: %s", part->config->name, err.text);
		part->stray = true;
	}
	part->link.exists = false;
	part->link.up = false;
	part->link.carrier = false;
}

static void announce_again(struct agent_part *part, const struct oo_link *before)
{
	const struct oo_link *link = &part->link;
	const bool moved = memcmp(before->mac, link->mac, sizeof(link->mac)) != 0 ||
			   before->index != link->index;
	/* who was not heard for a while may have been forgotten, or replaced */
	const bool back = (link->carrier && !before->carrier) || link->mtu != before->mtu;

	if (part->n_announced == 0) {
		return;
	}
	if (moved) {
		(void)agent_part_announce(part, NULL);
	} else if (back) {
		part->way->repeat(part);
	}
}

void agent_link_take(struct agent_part *part, const struct oo_link *link)
{
	const struct oo_link before = part->link;

	if (is_renamed(part, link)) {
		oo_log(OO_LOG_WARNING,
		       "%s: interface %s was renamed to %s: the configuration names %s",
		       part->config->name, part->interface, link->name, part->interface);
		leave(part);
	} else {
		/* also when it is said to be gone: a rename whose report was lost looks like that */
		if (before.exists && (!link->exists || before.index != link->index)) {
			leave(part);
		}
		part->link = *link;
		announce_again(part, &before);
	}
	agent_carrier_see(&part->carrier, part->link.exists && part->link.up, part->link.carrier,
			  oo_clock_now());
}
