/* Checks of what systemd, Docker and Podman manage, by what these say of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "ran.h"

extern char **environ;

static char directory[] = "/tmp/oo-check-managed-XXXXXX";
static char socket_path[64], bus_path[64];

/* An API on a unix socket that has one answer for everybody. */
struct api {
	int fd;
	const char *answer;
	char request[1024];
	sd_event_source *source;
};

static int on_request(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct api *api = user;
	(void)source;
	(void)events;
	OO_AUTO(oo_close) int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n = read(accepted, api->request, sizeof(api->request) - 1);
	api->request[n > 0 ? n : 0] = '\0';
	if (api->answer != NULL) {
		CU_ASSERT(write(accepted, api->answer, strlen(api->answer)) > 0);
	} else {
		(void)fcntl(accepted, F_DUPFD_CLOEXEC, 0); /* kept open until the test ends */
	}
	return 0;
}

static void api_start(struct api *api)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	snprintf(here.sun_path, sizeof(here.sun_path), "%s", socket_path);
	*api = (struct api){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
	CU_ASSERT_EQUAL_FATAL(bind(api->fd, (struct sockaddr *)&here, sizeof(here)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(api->fd, 8), 0);
	sd_event_add_io(event, &api->source, api->fd, EPOLLIN, on_request, api);
}

static void api_stop(struct api *api)
{
	sd_event_source_disable_unref(api->source);
	close(api->fd);
	unlink(socket_path);
}

#define JSON(json)                                                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" json

static struct oo_check_spec container(void)
{
	return (struct oo_check_spec){
		.type = OO_CHECK_TYPE_CONTAINER,
		.container = {.container = "ds", .socket = socket_path, .restarts = 3}};
}

/* Docker's, as its API documents ContainerInspect; the one of Podman 4.3.1 is as it came. */
static void test_a_container_is_what_its_api_says(void)
{
	static const struct {
		const char *answer;
		enum oo_check_reason reason;
		const char *seen;
	} rows[] = {
		{JSON("{\"State\":{\"Status\":\"running\",\"Running\":true,\"OOMKilled\":false,"
		      "\"ExitCode\":0},\"RestartCount\":1}"),
		 OO_CHECK_REASON_OK, "running, 1 restarts"},
		{JSON("{\"State\":{\"Status\":\"running\",\"Running\":true,\"Health\":{\"Status\":"
		      "\"healthy\",\"FailingStreak\":0}},\"RestartCount\":0}"),
		 OO_CHECK_REASON_OK, "running, healthy, 0 restarts"},
		{JSON("{\"State\":{\"Status\":\"running\",\"Running\":true,\"Health\":{\"Status\":"
		      "\"unhealthy\",\"FailingStreak\":5}},\"RestartCount\":0}"),
		 OO_CHECK_REASON_UNHEALTHY, "unhealthy, 5 failures"},
		{JSON("{\"State\":{\"Status\":\"running\",\"Running\":true,\"Health\":{\"Status\":"
		      "\"starting\",\"FailingStreak\":0}},\"RestartCount\":0}"),
		 OO_CHECK_REASON_STARTING, "its health check has not passed yet"},
		{JSON("{\"State\":{\"Status\":\"running\",\"Running\":true},\"RestartCount\":4}"),
		 OO_CHECK_REASON_RESTARTING, "restarted 4 times"},
		{JSON("{\"State\":{\"Status\":\"restarting\",\"Running\":true,\"Restarting\":true,"
		      "\"ExitCode\":1}}"),
		 OO_CHECK_REASON_RESTARTING, "restarting, exit code 1"},
		{JSON("{\"State\":{\"Status\":\"paused\",\"Running\":true,\"ExitCode\":0}}"),
		 OO_CHECK_REASON_STOPPED, "paused"},
		{JSON("{\"State\":{\"Status\":\"exited\",\"Running\":false,\"ExitCode\":0,"
		      "\"Error\":\"\"}}"),
		 OO_CHECK_REASON_STOPPED, "exited"},
		{JSON("{\"State\":{\"Status\":\"exited\",\"Running\":false,\"ExitCode\":139,"
		      "\"Error\":\"\"}}"),
		 OO_CHECK_REASON_CRASHED, "exited, exit code 139"},
		{JSON("{\"State\":{\"Status\":\"created\",\"Running\":false,\"ExitCode\":128,"
		      "\"Error\":\"port is already allocated\"}}"),
		 OO_CHECK_REASON_CRASHED, "created, exit code 128: port is already allocated"},
		{JSON("{\"State\":{\"Status\":\"exited\",\"Running\":false,\"OOMKilled\":true,"
		      "\"ExitCode\":137}}"),
		 OO_CHECK_REASON_OUT_OF_MEMORY, "exited: killed for want of memory"},
		{JSON("{\"Id\":\"3cd2\",\"State\":{\"Status\":\"created\",\"Running\":false,"
		      "\"Paused\":false,\"Restarting\":false,\"OOMKilled\":false,\"Dead\":false,"
		      "\"Pid\":0,\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":"
		      "\"0001-01-01T00:00:00Z\",\"Health\":{\"Status\":\"\",\"FailingStreak\":0,"
		      "\"Log\":null}},\"RestartCount\":0,\"Driver\":\"vfs\"}"),
		 OO_CHECK_REASON_STOPPED, "created"},
		{"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{\"cause\":\"no such "
		 "container\",\"response\":404}",
		 OO_CHECK_REASON_MISSING, "no such container"},
		{"HTTP/1.1 500 x\r\nConnection: close\r\n\r\n{\"message\":\"x\"}",
		 OO_CHECK_REASON_STATUS, "another answer than 200: \"{\"message\":\"x\"}\""},
		{JSON("<html>"), OO_CHECK_REASON_PROTOCOL, "no JSON: \"<html>\""},
		{JSON("[]"), OO_CHECK_REASON_PROTOCOL, "not a container's state"},
	};
	struct api api;
	api_start(&api);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_check_spec spec = container();
		api.answer = rows[i].answer;
		expect_run(&spec, rows[i].reason, rows[i].seen);
	}
	CU_ASSERT_EQUAL(strncmp(api.request, "GET /v1.40/containers/ds/json ", 30), 0);
	api_stop(&api);
}

static void test_an_api_that_is_not_there_or_silent_is_told(void)
{
	struct oo_check_spec spec = container();
	char seen[OO_CHECK_SEEN_LENGTH];
	struct api api;
	snprintf(seen, sizeof(seen), "%s: No such file or directory", socket_path);
	expect_run(&spec, OO_CHECK_REASON_MISSING, seen);
	api_start(&api);
	spec.timeout_ms = 200;
	expect_run(&spec, OO_CHECK_REASON_SILENT, "connected, no answer");
	close(api.fd);
	api.fd = -1;
	spec.timeout_ms = AWAIT_MS;
	expect_run(&spec, OO_CHECK_REASON_REFUSED, "Connection refused");
	api_stop(&api);
}

/* systemd's place on a bus of the test's own, taken by somebody who says what he is told to. */
struct manager {
	const char *load, *active, *sub, *result;
	uint32_t restarts;
	int32_t code, status;
	bool no_service, silent;
	char path[128];
	sd_bus *bus;
};

static int on_call(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct manager *manager = user;
	const char *interface = "";
	(void)ret_error;
	if (!sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", "GetAll")) {
		return 0;
	}
	if (manager->silent) {
		return 1;
	}
	snprintf(manager->path, sizeof(manager->path), "%s", sd_bus_message_get_path(message));
	sd_bus_message_read(message, "s", &interface);
	if (strcmp(interface, "org.freedesktop.systemd1.Unit") == 0) {
		return sd_bus_reply_method_return(message, "a{sv}", 4, "Id", "s", "x.service",
						  "LoadState", "s", manager->load, "ActiveState",
						  "s", manager->active, "SubState", "s",
						  manager->sub);
	}
	if (manager->no_service) {
		return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_INTERFACE, "none");
	}
	return sd_bus_reply_method_return(message, "a{sv}", 5, "Result", "s", manager->result,
					  "NRestarts", "u", manager->restarts, "ExecMainCode", "i",
					  manager->code, "ExecMainStatus", "i", manager->status,
					  "Restart", "s", "always");
}

static pid_t bus_pid;

static bool start_bus(void)
{
	char address[96];
	snprintf(address, sizeof(address), "--address=unix:path=%s", bus_path);
	char *argv[] = {"dbus-daemon", "--session", "--nofork", "--nopidfile", address, NULL};
	if (posix_spawnp(&bus_pid, argv[0], NULL, NULL, argv, environ) != 0) {
		bus_pid = 0;
		return false;
	}
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (access(bus_path, F_OK) < 0 && oo_clock_now() < until) {
		usleep(5000);
	}
	return true;
}

static void manager_start(struct manager *manager)
{
	char address[96];
	*manager = (struct manager){.load = "loaded", .result = "success"};
	snprintf(address, sizeof(address), "unix:path=%s", bus_path);
	CU_ASSERT_FATAL(sd_bus_new(&manager->bus) >= 0);
	CU_ASSERT_FATAL(sd_bus_set_address(manager->bus, address) >= 0);
	sd_bus_set_bus_client(manager->bus, 1);
	CU_ASSERT_FATAL(sd_bus_start(manager->bus) >= 0);
	CU_ASSERT_FATAL(sd_bus_request_name(manager->bus, "org.freedesktop.systemd1", 0) >= 0);
	CU_ASSERT_FATAL(sd_bus_add_filter(manager->bus, NULL, on_call, manager) >= 0);
	CU_ASSERT_FATAL(sd_bus_attach_event(manager->bus, event, 0) >= 0);
}

static struct oo_check_spec unit(void)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_UNIT,
				      .unit = {.unit = "ds-docservice.service", .restarts = 3}};
}

static void test_a_unit_is_what_systemd_says_and_why_it_died(void)
{
	static const struct {
		const char *load, *active, *sub, *result;
		uint32_t restarts;
		int32_t code, status;
		enum oo_check_reason reason;
		const char *seen;
	} rows[] = {
		{"loaded", "active", "running", "success", 2, 0, 0, OO_CHECK_REASON_OK,
		 "active (running), 2 restarts"},
		{"loaded", "active", "running", "success", 4, 0, 0, OO_CHECK_REASON_RESTARTING,
		 "active (running), 4 restarts"},
		{"loaded", "inactive", "dead", "success", 0, 0, 0, OO_CHECK_REASON_STOPPED,
		 "inactive (dead), 0 restarts"},
		{"loaded", "failed", "failed", "exit-code", 0, 1, 203, OO_CHECK_REASON_CRASHED,
		 "failed (failed), 0 restarts, exit code 203, exit-code"},
		{"loaded", "failed", "failed", "signal", 0, 2, 11, OO_CHECK_REASON_CRASHED,
		 "failed (failed), 0 restarts, killed by SIGSEGV, signal"},
		{"loaded", "failed", "failed", "oom-kill", 1, 2, 9, OO_CHECK_REASON_OUT_OF_MEMORY,
		 "failed (failed), 1 restarts, killed by SIGKILL, oom-kill"},
		{"loaded", "activating", "auto-restart", "success", 7, 1, 0,
		 OO_CHECK_REASON_RESTARTING, "activating (auto-restart), 7 restarts"},
		{"loaded", "activating", "start-pre", "success", 0, 0, 0, OO_CHECK_REASON_STARTING,
		 "activating (start-pre), 0 restarts"},
		{"loaded", "deactivating", "stop-sigterm", "success", 0, 0, 0,
		 OO_CHECK_REASON_STOPPED, "deactivating (stop-sigterm), 0 restarts"},
		{"not-found", "inactive", "dead", "success", 0, 0, 0, OO_CHECK_REASON_MISSING,
		 "no such unit"},
	};
	struct manager manager;
	if (bus_pid == 0) {
		printf("*** SKIPPED: no dbus-daemon *** ");
		return;
	}
	manager_start(&manager);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_check_spec spec = unit();
		manager.load = rows[i].load;
		manager.active = rows[i].active;
		manager.sub = rows[i].sub;
		manager.result = rows[i].result;
		manager.restarts = rows[i].restarts;
		manager.code = rows[i].code;
		manager.status = rows[i].status;
		expect_run(&spec, rows[i].reason, rows[i].seen);
	}
	CU_ASSERT_STRING_EQUAL(manager.path,
			       "/org/freedesktop/systemd1/unit/ds_2ddocservice_2eservice");
	struct oo_check_spec spec = unit();
	manager.no_service = true; /* a mount, a target */
	manager.load = "loaded";
	manager.active = "active";
	manager.sub = "mounted";
	expect_run(&spec, OO_CHECK_REASON_OK, "active (mounted), 0 restarts");
	manager.silent = true;
	spec.timeout_ms = 200;
	expect_run(&spec, OO_CHECK_REASON_SILENT, "no answer on the system bus");
	sd_bus_flush_close_unref(manager.bus);
}

/* The connection is kept from run to run, and made anew when it has broken. */
static void test_a_bus_that_went_away_is_found_again(void)
{
	struct watch watch = {0};
	struct oo_check *check = NULL;
	struct oo_check_setup setup = {event, transfers, on_result, &watch, 0, NULL};
	struct oo_check_spec spec = unit();
	struct manager manager;
	if (bus_pid == 0) {
		printf("*** SKIPPED: no dbus-daemon *** ");
		return;
	}
	spec.name = "x";
	spec.interval_ms = spec.timeout_ms = AWAIT_MS;
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, &spec, &check, NULL), 0);
	CU_ASSERT(await(event, &watch.done));
	expect(&watch.result, OO_CHECK_REASON_LOCAL, "no systemd on the bus");
	manager_start(&manager);
	manager.active = "active";
	manager.sub = "running";
	for (int i = 0; i < 3; i++) {
		watch.done = false;
		oo_check_run_now(check);
		CU_ASSERT(await(event, &watch.done));
		CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_OK);
	}
	sd_bus_flush_close_unref(manager.bus);
	kill(bus_pid, SIGTERM);
	waitpid(bus_pid, NULL, 0);
	bus_pid = 0;
	unlink(bus_path);
	watch.done = false;
	oo_check_run_now(check);
	CU_ASSERT(await(event, &watch.done));
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_LOCAL);
	CU_ASSERT_FATAL(start_bus());
	manager_start(&manager);
	manager.active = "active";
	manager.sub = "running";
	int64_t until = oo_clock_now() + AWAIT_MS;
	do {
		watch.done = false;
		oo_check_run_now(check);
		CU_ASSERT(await(event, &watch.done));
	} while (watch.result.reason != OO_CHECK_REASON_OK && oo_clock_now() < until);
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_OK);
	oo_check_free(check);
	sd_bus_flush_close_unref(manager.bus);
}

static void test_no_bus_is_told(void)
{
	struct oo_check_spec spec = unit();
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	expect_run(&spec, OO_CHECK_REASON_LOCAL, "system bus: No such file or directory");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_container_is_what_its_api_says),
		TEST(an_api_that_is_not_there_or_silent_is_told),
		TEST(a_unit_is_what_systemd_says_and_why_it_died),
		TEST(a_bus_that_went_away_is_found_again),
		TEST(no_bus_is_told),
	};
	char address[96];
	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	snprintf(socket_path, sizeof(socket_path), "%s/api", directory);
	snprintf(bus_path, sizeof(bus_path), "%s/bus", directory);
	snprintf(address, sizeof(address), "unix:path=%s", bus_path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	if (!start_bus()) {
		printf("\n*** SKIPPED: unit: NOTHING WAS TESTED, there is no dbus-daemon ***\n\n");
	}
	int r = run_check_tests("managed", tests, OO_LENGTH(tests));
	if (bus_pid > 0) {
		kill(bus_pid, SIGTERM);
		waitpid(bus_pid, NULL, 0);
	}
	unlink(bus_path);
	rmdir(directory);
	return r;
}
