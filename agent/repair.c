#include "repair.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "history.h"
#include "journal.h"
#include "notices.h"
#include "repair_policy.h"
#include "store.h"

#define STEP_TIMEOUT_MS 120000 /* a unit may take as long to stop as it likes; it goes on then */

/* A step with what it is done to: the configuration may be another one when its turn comes. */
struct order {
	enum oo_service_act act;
	bool is_unit;
	char name[OO_SERVICE_NAME_LENGTH];
	char socket[OO_SERVICE_SOCKET_LENGTH];
};

struct attempt {
	bool made; /* there was one */
	int64_t began_at, ended_at;
	unsigned number; /* of those within the window */
	char fault[48], summary[OO_REASON_LENGTH];
	char commands[AGENT_COMMANDS_LENGTH];
	char error[OO_ERR_LENGTH]; /* the first; "": it was carried out */
};

struct agent_repair {
	struct agent *agent;
	struct oo_timer timer;
	struct oo_service_job *job; /* of orders[current]; NULL: none */
	bool running;               /* an attempt is under way */
	struct order orders[AGENT_REPAIR_STEPS_MAX];
	size_t n_orders, current;
	struct attempt attempt; /* the last, or the one under way */
	int64_t ended_at[OO_CONFIG_ATTEMPTS];
	size_t n_ended;
	int64_t looked_for; /* ended_at of the attempt that a new diagnosis was asked for after */
	char why[OO_REASON_LENGTH]; /* why nothing is done */
};

static bool is_configured(const struct agent *agent)
{
	return agent->config->repair.attempts > 0;
}

static bool is_down(const struct agent *agent)
{
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		struct oo_core_view view = oo_core_view(agent->core, g);
		if (view.eligible == OO_HEALTH_DOWN && view.failed_check >= 0) {
			return true;
		}
	}
	return false;
}

/* Another node that may take group; NULL: none. */
static const char *find_successor(const struct agent *agent, unsigned group)
{
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);
	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		if ((member->groups & 1u << group) != 0 &&
		    !oo_text_equal(member->node, agent->config->node.name)) {
			return member->node;
		}
	}
	return NULL;
}

static struct agent_repair_situation look_around(const struct agent_repair *repair)
{
	const struct agent *agent = repair->agent;
	struct agent_repair_situation situation = {
		.config = &agent->config->repair,
		.verdict = agent_diagnosis_verdict(agent->diagnosis),
		.down = is_down(agent),
		.known = true,
		.paused = agent_store_pause(agent->store) != NULL,
		.ended_at = repair->ended_at,
		.n_attempts = repair->n_ended,
		.now = oo_clock_now(),
	};
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		situation.known = situation.known && oo_core_view(agent->core, g).known;
		if (oo_core_want(agent->core, g)->role != OO_ROLE_STANDBY) {
			const char *successor = find_successor(agent, g);
			situation.holds = true;
			situation.successor = successor != NULL ? successor : situation.successor;
		}
	}
	return situation;
}

static struct oo_service_order order_of(const struct order *order)
{
	return (struct oo_service_order){
		.act = order->act,
		.unit = order->is_unit ? order->name : NULL,
		.container = order->is_unit ? NULL : order->name,
		.socket = order->socket,
		.timeout_ms = STEP_TIMEOUT_MS,
	};
}

/* One line an attempt: why, what a person would have typed, and what came of it. */
static void log_end(const struct agent_repair *repair)
{
	const struct attempt *attempt = &repair->attempt;
	const struct oo_config_repair *config = &repair->agent->config->repair;
	char window[OO_DURATION_LENGTH];
	bool failed = attempt->error[0] != '\0';
	agent_say(failed ? OO_LOG_ERROR : OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_REPAIR, .cause = attempt->fault},
		  "repair: %s: %s: %s%s after %" PRId64 " ms (attempt %u of %d within %s)",
		  attempt->summary, attempt->commands, failed ? "failed: " : "done", attempt->error,
		  attempt->ended_at - attempt->began_at, attempt->number, config->attempts,
		  oo_duration_format(config->window_ms, window));
	char text[sizeof(attempt->summary) + sizeof(attempt->commands) + sizeof(attempt->error) +
		  32];
	snprintf(text, sizeof(text), "repair: %s: %s: %s%s", attempt->summary, attempt->commands,
		 failed ? "failed: " : "done", attempt->error);
	agent_notices_say(repair->agent,
			  &(struct agent_notice){.grade = failed ? "P1" : "P2",
						 .name = failed ? "repair_failed" : "repaired",
						 .group = AGENT_NO_GROUP,
						 .text = text});
}

static void end(struct agent_repair *repair)
{
	struct attempt *attempt = &repair->attempt;

	repair->running = false;
	attempt->ended_at = oo_clock_now();
	if (repair->n_ended == OO_LENGTH(repair->ended_at)) {
		memmove(repair->ended_at, repair->ended_at + 1,
			sizeof(repair->ended_at) - sizeof(repair->ended_at[0]));
		repair->n_ended--;
	}
	repair->ended_at[repair->n_ended++] = attempt->ended_at;
	log_end(repair);
	agent_history_write_repair(repair->agent,
				   &(struct agent_history_repair){
					   .fault = attempt->fault,
					   .reason = attempt->summary,
					   .commands = attempt->commands,
					   .error = attempt->error,
					   .took_ms = attempt->ended_at - attempt->began_at,
					   .attempt = attempt->number,
				   });
	oo_timer_set(&repair->timer, 0);
}

/* Whose stop failed is started all the same, and all that was stopped before it. */
static void skip_after_failure(struct agent_repair *repair)
{
	if (repair->orders[repair->current].act == OO_SERVICE_STOP) {
		repair->current = repair->n_orders - 1 - repair->current;
	} else {
		repair->current++;
	}
}

static void note_end(struct agent_repair *repair, int r, const struct oo_err *err)
{
	struct attempt *attempt = &repair->attempt;
	if (r == 0) {
		repair->current++;
		return;
	}
	if (attempt->error[0] == '\0') {
		oo_text_clip(attempt->error, sizeof(attempt->error), err->text);
	}
	skip_after_failure(repair);
}

static void run_next(struct agent_repair *repair);

static void on_order_done(void *user, int r, const struct oo_err *err)
{
	struct agent_repair *repair = user;
	repair->job = NULL;
	note_end(repair, r, err);
	run_next(repair);
	agent_check_leaving(repair->agent);
}

static void run_next(struct agent_repair *repair)
{
	const struct oo_service_setup setup = {.event = repair->agent->event,
					       .transfers = repair->agent->transfers,
					       .done = on_order_done,
					       .user = repair};
	while (repair->current < repair->n_orders) {
		struct oo_service_order order = order_of(&repair->orders[repair->current]);
		struct oo_err err;
		int r = oo_service_run(&setup, &order, &repair->job, &err);
		if (r == 0) {
			return;
		}
		note_end(repair, r, &err);
	}
	end(repair);
}

static void add_order(struct agent_repair *repair, const struct agent_repair_step *step)
{
	const struct oo_config_repair *config = &repair->agent->config->repair;
	const struct oo_config_service *service = agent_repair_service(config, step->service);
	struct order *order = &repair->orders[repair->n_orders++];
	char *commands = repair->attempt.commands;
	size_t length = strlen(commands);
	char command[OO_SERVICE_COMMAND_LENGTH];

	order->act = step->act;
	order->is_unit = service->unit != NULL;
	oo_text_clip(order->name, sizeof(order->name),
		     order->is_unit ? service->unit : service->container);
	oo_text_clip(order->socket, sizeof(order->socket), config->container_socket);
	struct oo_service_order told = order_of(order);
	oo_service_command(&told, command);
	snprintf(commands + length, AGENT_COMMANDS_LENGTH - length, "%s%s",
		 length == 0 ? "" : " && ", command);
}

static void begin(struct agent_repair *repair, const struct agent_repair_situation *situation,
		  const struct agent_repair_plan *plan)
{
	const struct agent_verdict *verdict = situation->verdict;

	repair->running = true;
	repair->n_orders = 0;
	repair->current = 0;
	repair->attempt = (struct attempt){
		.made = true,
		.began_at = situation->now,
		.number = (unsigned)agent_repair_count(situation) + 1,
	};
	oo_text_clip(repair->attempt.fault, sizeof(repair->attempt.fault), verdict->fault);
	oo_text_clip(repair->attempt.summary, sizeof(repair->attempt.summary), verdict->summary);
	for (size_t i = 0; i < plan->n_steps; i++) {
		add_order(repair, &plan->steps[i]);
	}
	run_next(repair);
}

/* Said when it changes, while there is something that a restart might be for. */
static void tell_why(struct agent_repair *repair, const struct agent_repair_situation *situation,
		     const struct agent_repair_plan *plan)
{
	bool is_news = plan->why[0] != '\0' && situation->down && situation->verdict != NULL &&
		       !oo_text_equal(plan->why, repair->why);
	bool is_over = agent_repair_count(situation) >= (size_t)situation->config->attempts;

	if (is_news && !plan->passes) {
		agent_say(is_over ? OO_LOG_ERROR : OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_REPAIR},
			  "repair: not now: %s", plan->why);
	}
	oo_text_clip(repair->why, sizeof(repair->why), plan->why);
}

void agent_repair_apply(struct agent_repair *repair)
{
	struct agent *agent = repair->agent;
	struct agent_repair_plan plan;

	if (!is_configured(agent) || repair->running || agent->leaving) {
		return;
	}
	struct agent_repair_situation situation = look_around(repair);
	agent_repair_plan(&situation, &plan);
	tell_why(repair, &situation, &plan);
	oo_timer_set(&repair->timer, plan.again_at);
	if (plan.look && repair->looked_for != repair->attempt.ended_at &&
	    agent_diagnosis_look(agent->diagnosis, true)) {
		repair->looked_for = repair->attempt.ended_at;
	}
	if (plan.n_steps > 0) {
		begin(repair, &situation, &plan);
	}
}

static void on_timer(struct oo_timer *timer)
{
	agent_repair_apply(oo_container_of(timer, struct agent_repair, timer));
}

bool agent_repair_is_quiet(const struct agent_repair *repair)
{
	return !repair->running || repair->n_orders == 1;
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, text[0] == '\0' ? NULL : json_object_new_string(text));
}

static struct json_object *new_last(const struct attempt *attempt)
{
	char at[32];
	if (!attempt->made) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	oo_record_time(oo_clock_wall() - (oo_clock_now() - attempt->began_at), at);
	add_text(object, "at", at);
	add_text(object, "cause", attempt->fault);
	add_text(object, "summary", attempt->summary);
	add_text(object, "commands", attempt->commands);
	json_object_object_add(object, "took_ms",
			       attempt->ended_at == 0 ? NULL
						      : json_object_new_int64(attempt->ended_at -
									      attempt->began_at));
	add_text(object, "error", attempt->error);
	return object;
}

struct json_object *agent_repair_new_status(const struct agent_repair *repair)
{
	const struct oo_config_repair *config = &repair->agent->config->repair;
	if (!is_configured(repair->agent)) {
		return NULL;
	}
	const struct agent_repair_situation situation = {.config = config,
							 .ended_at = repair->ended_at,
							 .n_attempts = repair->n_ended,
							 .now = oo_clock_now()};
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "running", json_object_new_boolean(repair->running));
	add_text(object, "waits_for", repair->running ? "" : repair->why);
	json_object_object_add(object, "attempts",
			       json_object_new_int64((int64_t)agent_repair_count(&situation)));
	json_object_object_add(object, "attempts_max", json_object_new_int(config->attempts));
	json_object_object_add(object, "window_ms", json_object_new_int64(config->window_ms));
	json_object_object_add(object, "last", new_last(&repair->attempt));
	return object;
}

int agent_repair_new(struct agent *agent, struct agent_repair **ret_repair, struct oo_err *err)
{
	struct agent_repair *repair = calloc(1, sizeof(*repair));
	if (repair == NULL) {
		return oo_fail(err, ENOMEM, "repair");
	}
	repair->agent = agent;
	int r = oo_timer_init(&repair->timer, agent->event, on_timer);
	if (r < 0) {
		free(repair);
		return oo_fail(err, -r, "timer");
	}
	*ret_repair = repair;
	return 0;
}

void agent_repair_free(struct agent_repair *repair)
{
	if (repair == NULL) {
		return;
	}
	oo_service_cancel(repair->job);
	oo_timer_done(&repair->timer);
	free(repair);
}
