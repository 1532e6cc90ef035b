#ifndef OO_AGENT_STORY_H
#define OO_AGENT_STORY_H
/* What happened and why: a log line a change, the reason in words, hooks, the history in etcd. */
#include "agent.h"
#include "hook/hook.h"
#include "records.h"

struct agent_story;

int agent_story_new(struct agent *agent, struct agent_story **ret_story, struct oo_err *err);
void agent_story_free(struct agent_story *story);
/* Once, at the start. adopted: people and hooks have been told of this tenure by the agent before. */
void agent_story_start(struct agent_story *story, unsigned group, bool adopted);
/* What hooks of event->group are told of its tenure; valid until the next transition. */
struct agent_hook_event;
void agent_story_fill_event(const struct agent_story *story, struct agent_hook_event *event);

/* Tells the transitions of the core's last step. Before they are applied. */
void agent_story_tell(struct agent_story *story);
/*
 * The address of group has come up and was announced: hooks and history if it is the first time of a
 * tenure. armed_at: when the hold was known to be ours.
 */
void agent_story_address_up(struct agent_story *story, unsigned group, int64_t armed_at);
/* Of a claim that gives group away now: how long ago this node decided to, and took its VIPs down. */
struct oo_claim_ages agent_story_ages(const struct agent_story *story, unsigned group);
/* Why group is what it is, in words: "node-b silent for 3031 ms". */
const char *agent_story_reason(const struct agent_story *story, unsigned group);
/* Why this node is not eligible for group, in words; "" if it is. */
void agent_story_explain_health(const struct agent *agent, unsigned group,
				char text[static OO_REASON_LENGTH]);
/* No hook is queued or runs. */
bool agent_story_is_quiet(const struct agent_story *story);

#endif
