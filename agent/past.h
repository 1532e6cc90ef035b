#ifndef OO_AGENT_PAST_H
#define OO_AGENT_PAST_H
/*
 * A copy of what the cluster's history in etcd says last (history.h writes it), for GET /v1/history:
 * read when a watch begins, and kept by what the watch tells.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent.h"
#include "etcd/etcd.h"

#define AGENT_PAST_MAX 256 /* records, the newest */
#define AGENT_PAST_RECORD_BYTES_MAX 4096

struct agent_past;

int agent_past_new(struct agent *agent, struct agent_past **ret_past, struct oo_err *err);
/* After the store: an answer may be under way. NULL is accepted. */
void agent_past_free(struct agent_past *past);

/* After each good read of the store. reopened: the watch is a new one, changes may have been missed. */
void agent_past_keep(struct agent_past *past, bool reopened);
/* A key under history/ has changed. */
void agent_past_change(struct agent_past *past, const struct oo_etcd_event *event);

/* The record of the claim of that revision, for the caller to put; NULL: none has been seen. */
struct json_object *agent_past_new_record(const struct agent_past *past, int64_t revision);

/* {"history": [...], "error"}: the last n records, oldest first, as etcd has them; error: null, or why none. */
struct json_object *agent_past_new_answer(const struct agent_past *past, size_t n);

#endif
