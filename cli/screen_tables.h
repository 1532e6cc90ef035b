#ifndef OO_SCREEN_TABLES_H
#define OO_SCREEN_TABLES_H
/*
 * The parts of the screen that are tables, each from the whole answer of GET /v1/status; a part
 * that has nothing to show adds nothing; of what is well, and there are many of, the rest is counted. All return 0, -ENOMEM or -EMSGSIZE.
 */
#include <json-c/json.h>
#include <stdbool.h>

#include "base/text.h"
#include "table.h"

int print_groups(json_object *status, const struct page *page, struct oo_buffer *out);
int print_vips(json_object *status, const struct page *page, struct oo_buffer *out);
int print_members(json_object *status, const struct page *page, struct oo_buffer *out);
/* The same with the agents' versions, of the answer of GET /v1/members. */
int print_members_in_full(json_object *answer, const struct page *page, struct oo_buffer *out);
int print_checks(json_object *status, const struct page *page, struct oo_buffer *out);
/* All of them, of the answer of GET /v1/checks. */
int print_checks_in_full(json_object *answer, const struct page *page, struct oo_buffer *out);
/* The agent that was asked, and its etcd. */
int print_agent(json_object *status, const struct page *page, struct oo_buffer *out);

/* The holder has been silent for longer than its ttl, as seen here. */
bool group_is_silent(json_object *group);
/* This node has offered the group to the holder, who has not answered yet. */
bool group_is_offered(json_object *group);

#endif
