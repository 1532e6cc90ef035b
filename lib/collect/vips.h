#ifndef OO_COLLECT_VIPS_H
#define OO_COLLECT_VIPS_H
/* What is seen of the VIPs. Private to the module. */
#include <json-c/json.h>

#include "collect/gather.h"

/*
 * Takes what the agent says of its VIPs (docs/api.md, GET /v1/status) into the evidence; those that
 * the configuration did not name are added, and looked at. status may be anything, NULL too.
 */
void oo_collect_vips_hear(struct oo_gather *gather, json_object *status);

/*
 * Whether something listens on one of the ports for an address: on it, or on any. listeners: n of
 * them.
 */
bool oo_collect_is_listened_on(const struct oo_listener *listeners, size_t n, const char *address,
			       const uint16_t ports[2]);

#endif
