#include "part.h"
#include "rival.h"
#include "vips_internal.h"

static void copy_state(struct agent_vips *vips, const struct agent_vips *before)
{
	vips->wanted = before->wanted;
	vips->graceful = before->graceful;
	vips->kept = before->kept;
	vips->lapsed = before->lapsed;
	vips->hold_until = before->hold_until;
	vips->guard_until = before->guard_until;
	vips->repaired_at = before->repaired_at;
}

void agent_vips_replace(struct agent_vips *vips, struct agent_vips *before)
{
	const bool held = before->wanted || before->kept;

	copy_state(vips, before);
	for (size_t i = 0; i < before->n_parts; i++) {
		struct agent_part *part = &before->parts[i];
		agent_part_drop(part, agent_vips_find_part(vips, part->mode, part->interface));
	}
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct agent_part *part = &vips->parts[i];
		struct agent_part *other =
			agent_vips_find_part(before, part->mode, part->interface);
		if (part->rival != NULL) {
			agent_rival_inherit(part->rival, other == NULL ? NULL : other->rival, held);
		}
		if (other != NULL) {
			agent_part_inherit(part, other);
		}
	}
	vips->said_link = before->said_link;
	oo_timer_set(&vips->gone_timer, 0); /* what was reported of before is looked at by these */
	oo_timer_set(&vips->link_timer, 0);
	if (held || agent_vips_is_up(vips)) {
		agent_vips_retry(vips);
	}
}
