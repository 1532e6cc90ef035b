#ifndef OO_ACT_H
#define OO_ACT_H
/* What the commands that change something have in common: asking the person, and the agent, and waiting. */
#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>

#include "ask.h"

/*
 * Asks the person, if there is one (standard input and output are a terminal) and yes is not given.
 * Returns whether to go on; says so if not.
 */
bool act_confirm(bool yes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a text, or null for NULL. */
void act_add_text(json_object *body, const char *name, const char *text);

/* A POST, or a DELETE when body is NULL, as ask_change. */
enum outcome act_ask(const struct settings *settings, const char *path, json_object *body,
		     json_object **ret_answer);

/*
 * The same, and waits until etcd has it (GET /v1/change). ret_answer is the first answer.
 * Returns OUTCOME_FINE when it is done; says why if not.
 */
enum outcome act_and_wait(const struct settings *settings, const char *path, json_object *body,
			  json_object **ret_answer);

/* Waits for so long, or until one of the signals, which are blocked, comes: then true. */
bool act_sleep(const sigset_t *signals, int64_t ms);

#endif
