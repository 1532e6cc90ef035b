/* The units of the programs, by systemd, or the container that they all run in. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/units.h"

#define TIMEOUT_MS 1500
#define SOCKET "/run/docker.sock"
#define CLUSTERS "/etc/postgresql/*/*"

static const char *const units[OO_PROGRAM_END] = {
	[OO_PROGRAM_PROXY] = "nginx.service",
	[OO_PROGRAM_DOCSERVICE] = "ds-docservice.service",
	[OO_PROGRAM_CONVERTER] = "ds-converter.service",
	[OO_PROGRAM_DATABASE] = "postgresql.service",
	[OO_PROGRAM_BROKER] = "rabbitmq-server.service",
};

struct units {
	struct oo_check_result results[OO_PROGRAM_END];
	struct oo_check_result container;
};

void oo_unit_read(const struct oo_check_result *result, struct oo_process *process)
{
	const char *comma = strrchr(result->seen, ',');
	char active[32] = "", sub[32] = "";
	process->out_of_memory =
		process->out_of_memory || result->reason == OO_CHECK_REASON_OUT_OF_MEMORY;
	if (sscanf(result->seen, "%31[a-z-] (%31[a-z-]), %u restarts", active, sub,
		   &process->unit_restarts) < 2) {
		OO_GATHER_SAY(process->unit_state, result->seen);
		return;
	}
	(void)snprintf(process->unit_state, sizeof(process->unit_state), "%s/%s", active, sub);
	/* how it ended, if it has, is the last word: ", killed by SIGKILL, oom-kill" */
	bool has_ended = comma != NULL && strstr(comma, "restarts") == NULL &&
			 strchr(comma + 2, ' ') == NULL;
	OO_GATHER_SAY(process->unit_result, has_ended ? comma + 2 : "success");
}

/* Of a container, in systemd's words: whoever reads them need not know two kinds. */
void oo_unit_read_container(const struct oo_check_result *result, struct oo_process *process)
{
	static const struct {
		enum oo_check_reason reason;
		const char *state, *result;
	} words[] = {
		{OO_CHECK_REASON_OK, "active/running", "success"},
		{OO_CHECK_REASON_UNHEALTHY, "active/running", "success"},
		{OO_CHECK_REASON_STARTING, "activating/start", "success"},
		{OO_CHECK_REASON_RESTARTING, "activating/auto-restart", "exit-code"},
		{OO_CHECK_REASON_CRASHED, "failed/failed", "exit-code"},
		{OO_CHECK_REASON_OUT_OF_MEMORY, "failed/failed", "oom-kill"},
		{OO_CHECK_REASON_STOPPED, "inactive/dead", "success"},
	};
	const char *restarts = strrchr(result->seen, ',');
	process->out_of_memory = result->reason == OO_CHECK_REASON_OUT_OF_MEMORY;
	OO_GATHER_SAY(process->unit_state, result->seen);
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		if (words[i].reason == result->reason) {
			OO_GATHER_SAY(process->unit_state, words[i].state);
			OO_GATHER_SAY(process->unit_result, words[i].result);
		}
	}
	if (restarts != NULL) {
		(void)sscanf(restarts, ", %u restarts", &process->unit_restarts);
	}
}

/* Most reasons are about the unit: it was seen then. */
enum oo_look oo_unit_look(enum oo_check_reason reason)
{
	static const struct {
		enum oo_check_reason reason;
		enum oo_look look;
	} others[] = {
		{OO_CHECK_REASON_NONE, OO_LOOK_LATE},
		{OO_CHECK_REASON_SILENT, OO_LOOK_LATE},
		{OO_CHECK_REASON_SLOW, OO_LOOK_LATE},
		{OO_CHECK_REASON_CONNECT_TIMEOUT, OO_LOOK_LATE},
		{OO_CHECK_REASON_DENIED, OO_LOOK_DENIED},
		{OO_CHECK_REASON_MISSING, OO_LOOK_ABSENT}, /* no such unit */
		{OO_CHECK_REASON_REFUSED, OO_LOOK_ABSENT},
		{OO_CHECK_REASON_LOCAL, OO_LOOK_ABSENT}, /* no bus, or no systemd on it */
	};
	for (size_t i = 0; i < OO_LENGTH(others); i++) {
		if (others[i].reason == reason) {
			return others[i].look;
		}
	}
	return OO_LOOK_SEEN;
}

/* Debian's postgresql.service only stands for its clusters: "postgresql@15-main.service". */
static void find_cluster(char *unit, size_t size)
{
	glob_t found = {0};
	char version[8], name[32];
	if (glob(CLUSTERS, 0, NULL, &found) == 0) {
		const char *path = found.gl_pathv[found.gl_pathc - 1];
		if (sscanf(path, "/etc/postgresql/%7[^/]/%31[^/]", version, name) == 2) {
			(void)snprintf(unit, size, "postgresql@%s-%s.service", version, name);
		}
		globfree(&found);
	}
}

static bool is_elsewhere(const struct oo_gather *gather, int program)
{
	const struct oo_dependency *dependencies = gather->evidence->dependencies;
	const struct oo_dependency *it =
		program == OO_PROGRAM_DATABASE ? &dependencies[OO_DEPENDENCY_DATABASE]
		: program == OO_PROGRAM_BROKER ? &dependencies[OO_DEPENDENCY_BROKER]
					       : NULL;
	return it != NULL && it->look == OO_LOOK_SEEN && !it->is_local;
}

static void ask_units(struct oo_gather *gather, struct units *state)
{
	for (int i = 0; i < OO_PROGRAM_END; i++) {
		struct oo_process *process = &gather->evidence->processes[i];
		if (is_elsewhere(gather, i)) {
			continue;
		}
		OO_GATHER_SAY(process->unit, units[i]);
		if (i == OO_PROGRAM_DATABASE) {
			find_cluster(process->unit, sizeof(process->unit));
		}
		const struct oo_check_spec spec = {.type = OO_CHECK_TYPE_UNIT,
						   .timeout_ms = TIMEOUT_MS,
						   .unit = {.unit = process->unit}};
		process->unit_look = OO_LOOK_LATE;
		(void)oo_gather_check(gather, &spec, &state->results[i], NULL);
	}
}

static void ask_container(struct oo_gather *gather, struct units *state)
{
	const struct oo_config_documentserver *server = &gather->subject->config->documentserver;
	const struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_CONTAINER,
		.timeout_ms = TIMEOUT_MS,
		.container = {.container = server->container,
			      .socket = server->container_socket != NULL ? server->container_socket
									 : SOCKET}};
	(void)oo_gather_check(gather, &spec, &state->container, NULL);
}

static void *start(struct oo_gather *gather)
{
	struct units *state = calloc(1, sizeof(*state));
	if (state == NULL) {
		return NULL;
	}
	if (gather->evidence->is_docker) {
		ask_container(gather, state);
	} else {
		ask_units(gather, state);
	}
	return state;
}

static void tell_container(struct oo_gather *gather, const struct units *state)
{
	for (int i = 0; i <= OO_PROGRAM_CONVERTER; i++) {
		struct oo_process *process = &gather->evidence->processes[i];
		OO_GATHER_SAY(process->unit, gather->subject->config->documentserver.container);
		process->unit_look = oo_unit_look(state->container.reason);
		oo_unit_read_container(&state->container, process);
	}
}

static void stop(struct oo_gather *gather, void *user)
{
	struct units *state = user;
	if (gather->evidence->is_docker) {
		tell_container(gather, state);
	}
	for (int i = 0; i < OO_PROGRAM_END && !gather->evidence->is_docker; i++) {
		struct oo_process *process = &gather->evidence->processes[i];
		if (process->unit[0] == '\0') {
			continue;
		}
		process->unit_look = oo_unit_look(state->results[i].reason);
		if (process->unit_look == OO_LOOK_SEEN) {
			oo_unit_read(&state->results[i], process);
		}
	}
	free(state);
}

const struct oo_collector oo_collect_units = {.start = start, .stop = stop};
