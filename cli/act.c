#include "act.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fields.h"
#include "output.h"
#include "printable.h"

#define POLL_MS 20
#define PATIENCE_MS 10000 /* the agent has an answer of etcd's, or none, long before that */
#define PATH_LENGTH 80
#define QUESTION_LENGTH 400

bool act_confirm(bool yes, const char *format, ...)
{
	char text[QUESTION_LENGTH], shown[QUESTION_LENGTH], line[16] = "";
	va_list arguments;

	if (yes || isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
		return true;
	}
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	printf("%s [y/N] ", printable_copy(shown, sizeof(shown), text));
	fflush(stdout);
	bool agreed =
		fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
	if (!agreed) {
		fprintf(stderr, "ooha: nothing done\n");
	}
	return agreed;
}

void act_add_text(json_object *body, const char *name, const char *text)
{
	json_object_object_add(body, name, text == NULL ? NULL : json_object_new_string(text));
}

enum outcome act_ask(const struct settings *settings, const char *path, json_object *body,
		     json_object **ret_answer)
{
	return ask_change(settings,
			  &(struct agent_question){
				  .method = body == NULL ? "DELETE" : "POST",
				  .path = path,
				  .body = body == NULL ? NULL : json_object_to_json_string(body)},
			  ret_answer);
}

bool act_sleep(const sigset_t *signals, int64_t ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	return sigtimedwait(signals, NULL, &time) > 0;
}

/* Of a change that etcd has been asked for. */
static enum outcome wait_for(const struct settings *settings, const char *id)
{
	const int64_t until = oo_clock_now() + PATIENCE_MS;
	char path[PATH_LENGTH];
	struct oo_err err = {0};
	sigset_t none;
	sigemptyset(&none);
	snprintf(path, sizeof(path), "/v1/change?id=%.20s", id);
	while (oo_clock_now() < until) {
		OO_AUTO(output_put_json) json_object *answer = ask(settings, path, &err);
		if (answer == NULL) {
			output_error(stderr, &err, "\n");
			return OUTCOME_UNKNOWN;
		}
		const char *state = field_text(answer, "state", "?");
		if (oo_text_equal(state, "done")) {
			return OUTCOME_FINE;
		}
		if (!oo_text_equal(state, "waiting")) {
			oo_fail_text(&err, EPROTO, "not done: %s",
				     field_text(answer, "error", "ooha-agent gave no reason"));
			output_error(stderr, &err, "\n");
			return OUTCOME_DEGRADED;
		}
		(void)act_sleep(&none, POLL_MS);
	}
	fprintf(stderr, "ooha: no word of etcd within %d s: see ooha status\n", PATIENCE_MS / 1000);
	return OUTCOME_UNKNOWN;
}

enum outcome act_and_wait(const struct settings *settings, const char *path, json_object *body,
			  json_object **ret_answer)
{
	enum outcome outcome = act_ask(settings, path, body, ret_answer);
	return outcome == OUTCOME_FINE ? wait_for(settings, field_text(*ret_answer, "id", ""))
				       : outcome;
}
