#include "provider/provider.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/trust.h"
#include "event/child.h"
#include "event/timer.h"
#include "provider/order.h"

#define TEXT_LENGTH (2 * OO_ERR_LENGTH + 32) /* of a line that note_error() cuts */
#define INPUT_MAX 65536
#define EXIT_FENCED 2

enum want { WANT_NOTHING, WANT_HERE, WANT_AWAY };

struct oo_provider {
	sd_event *event;
	struct oo_provider_vip vip;
	struct oo_provider_options options;
	enum want want;
	enum oo_provider_state state;
	uint64_t epoch;
	struct oo_timer next;  /* starts verb */
	struct oo_timer limit; /* the hold ends */
	struct oo_child *child;
	enum oo_provider_verb verb; /* runs, or is to run next */
	bool adopted;               /* the next up asks first */
	bool touched;               /* may be here, or on its way here */
	bool moved;                 /* up has just ended well: status is to say the same */
	int64_t again_ms, ask_ms;   /* the next waits */
	int64_t confirmed_at;
	uint64_t runs, failures, repairs, moves;
	unsigned in_a_row;                 /* failures */
	char answer[OO_CHILD_LINE_LENGTH]; /* the line of `status`; "" so far */
	char last[OO_CHILD_LINE_LENGTH];   /* the last other line */
	char error[OO_ERR_LENGTH];
};

const char *oo_provider_state_name(enum oo_provider_state state)
{
	switch (state) {
	case OO_PROVIDER_IDLE:
		return "idle";
	case OO_PROVIDER_MOVING:
		return "moving";
	case OO_PROVIDER_CONFIRMED:
		return "confirmed";
	case OO_PROVIDER_FENCED:
		return "fenced";
	case OO_PROVIDER_LEAVING:
		return "leaving";
	}
	return "";
}

static void say(const struct oo_provider *provider, enum oo_log_level level, const char *line)
{
	provider->options.log(provider->options.user, level, line);
}

/* Says it unless it was the last thing said to be wrong; once more when it lasts. */
static void note_error(struct oo_provider *provider, enum oo_log_level level, const char *text)
{
	char error[OO_ERR_LENGTH];

	provider->in_a_row++;
	if (level == OO_LOG_WARNING && provider->in_a_row >= OO_PROVIDER_TROUBLE) {
		level = OO_LOG_ERROR;
	}
	oo_text_clip(error, sizeof(error), text);
	if (!oo_text_equal(provider->error, error) || provider->in_a_row == OO_PROVIDER_TROUBLE) {
		memcpy(provider->error, error, sizeof(error));
		say(provider, level, error);
	}
}

static void run_at(struct oo_provider *provider, enum oo_provider_verb verb, int64_t at)
{
	provider->verb = verb;
	oo_timer_set(&provider->next, at);
}

/* The next wait of a pace; the one after it is twice as long. */
static int64_t wait_of(int64_t *wait_ms, const struct oo_provider_pace *pace)
{
	const int64_t wait = *wait_ms < pace->least_ms ? pace->least_ms : *wait_ms;
	*wait_ms = 2 * wait < pace->most_ms ? 2 * wait : pace->most_ms;
	return wait;
}

static void run_again(struct oo_provider *provider, enum oo_provider_verb verb)
{
	run_at(provider, verb,
	       oo_clock_now() + wait_of(&provider->again_ms, &provider->options.again));
}

static void ask_later(struct oo_provider *provider)
{
	run_at(provider, OO_PROVIDER_STATUS,
	       oo_clock_now() + wait_of(&provider->ask_ms, &provider->options.ask));
}

/* Tells its user last: the provider may be gone then. */
static void enter(struct oo_provider *provider, enum oo_provider_state state)
{
	const bool is_other = provider->state != state;
	provider->state = state;
	if (is_other) {
		provider->options.changed(provider->options.user);
	}
}

static void become_fenced(struct oo_provider *provider, const char *why)
{
	note_error(provider, OO_LOG_ERROR, why);
	ask_later(provider);
	enter(provider, OO_PROVIDER_FENCED);
}

static void become_confirmed(struct oo_provider *provider)
{
	provider->again_ms = 0;
	provider->in_a_row = 0;
	provider->confirmed_at = oo_clock_now();
	provider->error[0] = '\0';
	if (provider->state != OO_PROVIDER_CONFIRMED) {
		provider->ask_ms = 0;
		provider->moves++;
		say(provider, OO_LOG_NOTICE, "confirmed to be here");
	}
	ask_later(provider);
	enter(provider, OO_PROVIDER_CONFIRMED);
}

/* `status` has said that it is not here, and by nobody newer. */
static void move_again(struct oo_provider *provider, const struct oo_provider_answer *answer)
{
	char text[160];

	if (provider->state == OO_PROVIDER_CONFIRMED) {
		provider->repairs++;
		snprintf(text, sizeof(text),
			 "was here, and is %s now (epoch %" PRIu64 " there): moved again",
			 answer->here ? "of another epoch" : answer->holder, answer->epoch);
		say(provider, OO_LOG_WARNING, text);
	}
	if (provider->moved) {
		snprintf(text, sizeof(text), "up has ended well, but status says %s",
			 answer->here ? "another epoch" : answer->holder);
		provider->failures++;
		note_error(provider, OO_LOG_WARNING, text);
		run_again(provider, OO_PROVIDER_UP);
	} else {
		run_at(provider, OO_PROVIDER_UP, 0);
	}
	enter(provider, OO_PROVIDER_MOVING);
}

static void judge(struct oo_provider *provider, const struct oo_provider_answer *answer)
{
	const bool is_newer = answer->epoch > provider->epoch;
	char text[160];

	if (answer->here && (answer->epoch == 0 || answer->epoch >= provider->epoch)) {
		become_confirmed(provider);
	} else if (is_newer) {
		snprintf(text, sizeof(text), "fenced: %s, epoch %" PRIu64 ", and ours is %" PRIu64,
			 answer->holder, answer->epoch, provider->epoch);
		become_fenced(provider, text);
	} else {
		move_again(provider, answer);
	}
	/* nothing here: the provider may be gone */
}

static void fail(struct oo_provider *provider, const char *what)
{
	char text[TEXT_LENGTH];

	provider->failures++;
	snprintf(text, sizeof(text), "%s: %s", oo_provider_verb_name(provider->verb), what);
	note_error(provider, OO_LOG_WARNING, text);
	run_again(provider, provider->verb);
}

static void end_down(struct oo_provider *provider, const char *trouble)
{
	if (trouble != NULL) {
		char text[TEXT_LENGTH];
		provider->failures++;
		snprintf(text, sizeof(text), "down: %s: given up", trouble);
		note_error(provider, OO_LOG_WARNING, text);
	}
	provider->want = WANT_NOTHING;
	provider->touched = false;
	enter(provider, OO_PROVIDER_IDLE);
}

static void on_line(void *user, const char *line)
{
	struct oo_provider *provider = user;
	if (provider->verb == OO_PROVIDER_STATUS && line[0] == '{') {
		oo_text_clip(provider->answer, sizeof(provider->answer), line);
		return;
	}
	oo_text_clip(provider->last, sizeof(provider->last), line);
	/* what is asked every so often is not to fill the log: its failure is said once */
	say(provider, provider->verb == OO_PROVIDER_STATUS ? OO_LOG_DEBUG : OO_LOG_INFO, line);
}

/* What to say of a run that did not end well: its last words, if it ended by itself. */
static const char *reason(const struct oo_provider *provider, const struct oo_child_result *result,
			  char text[static OO_CHILD_RESULT_LENGTH])
{
	const bool has_words = result->end == OO_CHILD_END_EXITED && provider->last[0] != '\0';
	return has_words ? provider->last : oo_child_result_format(result, text);
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct oo_provider *provider = user;
	const bool exited = result->end == OO_CHILD_END_EXITED;
	const bool good = exited && result->code == 0;
	struct oo_provider_answer answer;
	char text[OO_CHILD_RESULT_LENGTH];
	struct oo_err err;

	provider->child = NULL;
	if (provider->verb == OO_PROVIDER_DOWN) {
		end_down(provider, good ? NULL : reason(provider, result, text));
	} else if (exited && result->code == EXIT_FENCED && provider->verb == OO_PROVIDER_UP) {
		become_fenced(provider, reason(provider, result, text));
	} else if (!good) {
		fail(provider, reason(provider, result, text));
	} else if (provider->verb == OO_PROVIDER_UP) {
		provider->moved = true;
		run_at(provider, OO_PROVIDER_STATUS, 0);
	} else if (oo_provider_answer_read(provider->answer, &answer, &err) < 0) {
		fail(provider, err.text);
	} else {
		judge(provider, &answer);
	}
	/* nothing here: the provider may be gone */
}

/* Starts the program. Returns 0, or -errno with err. */
static int start(struct oo_provider *provider, int64_t limit_ms, int64_t grace_ms,
		 struct oo_err *err)
{
	const char *argv[] = {provider->vip.run, oo_provider_verb_name(provider->verb), NULL};
	OO_AUTO(oo_trusted_done) struct oo_trusted_file file = OO_TRUSTED_FILE_NONE;
	OO_AUTO(oo_buffer_done) struct oo_buffer input;
	OO_AUTO(oo_free) const char **environment = oo_provider_environment();

	oo_buffer_init(&input, INPUT_MAX);
	provider->runs++;
	provider->answer[0] = provider->last[0] = '\0';
	provider->moved = provider->moved && provider->verb == OO_PROVIDER_STATUS;
	provider->touched = provider->touched || provider->verb == OO_PROVIDER_UP;
	int r = oo_trusted_open(&file, provider->vip.run, err);
	if (r < 0) {
		oo_err_wrap(err, r == -EPERM ? "refused" : "not run");
		return r;
	}
	r = oo_trusted_can_run(&file, err);
	if (r < 0) {
		return r;
	}
	r = oo_provider_order_write(&provider->vip, provider->verb, provider->epoch, limit_ms,
				    &input);
	if (r < 0 || environment == NULL) {
		return oo_fail(err, ENOMEM, "%s", provider->vip.run);
	}
	return oo_child_start(provider->event,
			      &(struct oo_child_spec){.path = file.resolved,
						      .argv = argv,
						      .environment = environment,
						      .input = input.data,
						      .timeout_ms = limit_ms,
						      .grace_ms = grace_ms,
						      .line = on_line,
						      .done = on_done,
						      .user = provider},
			      &provider->child, err);
}

static void on_next(struct oo_timer *timer)
{
	struct oo_provider *provider = oo_container_of(timer, struct oo_provider, next);
	struct oo_err err;

	assert(provider->child == NULL && provider->want == WANT_HERE);
	if (start(provider, provider->options.timeout_ms, OO_PROVIDER_GRACE_MS, &err) < 0) {
		fail(provider, err.text);
	}
}

/* Whatever runs, or is about to. */
static void cease(struct oo_provider *provider)
{
	oo_child_cancel(provider->child);
	provider->child = NULL;
	provider->moved = false;
	oo_timer_set(&provider->next, OO_NEVER);
	oo_timer_set(&provider->limit, OO_NEVER);
}

void oo_provider_stop(struct oo_provider *provider)
{
	cease(provider);
	provider->want = WANT_NOTHING;
	provider->state = OO_PROVIDER_IDLE;
}

static void on_limit(struct oo_timer *timer)
{
	struct oo_provider *provider = oo_container_of(timer, struct oo_provider, limit);

	if (provider->child != NULL) {
		say(provider, OO_LOG_WARNING, "killed: the hold has ended");
	}
	oo_provider_stop(provider);
	provider->options.changed(provider->options.user);
}

void oo_provider_adopt(struct oo_provider *provider)
{
	provider->adopted = true;
	provider->touched = true;
}

void oo_provider_up(struct oo_provider *provider, uint64_t epoch, int64_t hold_until)
{
	if (oo_clock_now() >= hold_until) {
		oo_provider_stop(provider);
		return;
	}
	if (provider->want != WANT_HERE || provider->epoch != epoch) {
		cease(provider);
		provider->want = WANT_HERE;
		provider->state = OO_PROVIDER_MOVING;
		if (provider->epoch != epoch) { /* what failed in a past tenure was of that one */
			provider->in_a_row = 0;
			provider->error[0] = '\0';
		}
		provider->epoch = epoch;
		provider->confirmed_at = provider->again_ms = provider->ask_ms = 0;
		run_at(provider, provider->adopted ? OO_PROVIDER_STATUS : OO_PROVIDER_UP, 0);
		provider->adopted = false;
	}
	oo_timer_set(&provider->limit, hold_until);
}

int oo_provider_down(struct oo_provider *provider, int64_t until)
{
	const int64_t limit_ms = until - oo_clock_now();
	struct oo_err err;

	if (limit_ms < OO_PROVIDER_LEAST_MS ||
	    (provider->want != WANT_AWAY && !provider->touched)) {
		oo_provider_stop(provider);
		provider->touched = false;
		return 0;
	}
	if (provider->want == WANT_AWAY) {
		return -EINPROGRESS;
	}
	cease(provider);
	provider->want = WANT_AWAY;
	provider->state = OO_PROVIDER_LEAVING;
	provider->verb = OO_PROVIDER_DOWN;
	if (start(provider, limit_ms, 0, &err) < 0) {
		provider->state = OO_PROVIDER_IDLE; /* told by what is returned */
		end_down(provider, err.text);
		return 0;
	}
	return -EINPROGRESS;
}

void oo_provider_ask(struct oo_provider *provider)
{
	if (provider->want == WANT_HERE && provider->child == NULL &&
	    provider->verb == OO_PROVIDER_STATUS) {
		run_at(provider, OO_PROVIDER_STATUS, 0);
	}
}

struct oo_provider_view oo_provider_view(const struct oo_provider *provider)
{
	return (struct oo_provider_view){
		.state = provider->state,
		.running = provider->child != NULL,
		.confirmed_at = provider->confirmed_at,
		.runs = provider->runs,
		.failures = provider->failures,
		.moves = provider->moves,
		.repairs = provider->repairs,
		.error = provider->error,
	};
}

/* Each text becomes one of our own. Returns 0 or -ENOMEM; free_vip frees it, also half-made. */
static int copy_vip(struct oo_provider_vip *vip, const struct oo_provider_vip *from)
{
	const char *const texts[] = {from->run,    from->cluster,   from->group,
				     from->node,   from->zone,      from->address,
				     from->family, from->interface, from->settings};
	const char **const copies[] = {&vip->run,    &vip->cluster,   &vip->group,
				       &vip->node,   &vip->zone,      &vip->address,
				       &vip->family, &vip->interface, &vip->settings};
	int r = 0;

	vip->prefix = from->prefix;
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		*copies[i] = strdup(texts[i]);
		r = *copies[i] == NULL ? -ENOMEM : r;
	}
	return r;
}

static void free_vip(struct oo_provider_vip *vip)
{
	const char *const texts[] = {vip->run,    vip->cluster,   vip->group,
				     vip->node,   vip->zone,      vip->address,
				     vip->family, vip->interface, vip->settings};
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		free((void *)(uintptr_t)texts[i]);
	}
}

int oo_provider_new(sd_event *event, const struct oo_provider_vip *vip,
		    const struct oo_provider_options *options, struct oo_provider **ret_provider,
		    struct oo_err *err)
{
	struct oo_provider *provider = calloc(1, sizeof(*provider));
	if (provider == NULL) {
		return oo_fail(err, ENOMEM, "provider");
	}
	provider->event = sd_event_ref(event);
	provider->options = *options;
	int r = copy_vip(&provider->vip, vip);
	r = r < 0 ? r : oo_timer_init(&provider->next, event, on_next);
	r = r < 0 ? r : oo_timer_init(&provider->limit, event, on_limit);
	/* a hold's deadline comes first, before whatever else is due */
	r = r < 0 ? r
		  : sd_event_source_set_priority(provider->limit.source,
						 SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0) {
		oo_provider_free(provider);
		return oo_fail(err, -r, "provider");
	}
	*ret_provider = provider;
	return 0;
}

void oo_provider_free(struct oo_provider *provider)
{
	if (provider == NULL) {
		return;
	}
	oo_child_cancel(provider->child);
	oo_timer_done(&provider->next);
	oo_timer_done(&provider->limit);
	sd_event_unref(provider->event);
	free_vip(&provider->vip);
	free(provider);
}
