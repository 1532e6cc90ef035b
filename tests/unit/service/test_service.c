/* Orders to those who manage services, which are made up here: systemd on a bus of the test's own,
 * Docker on a socket. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "service/service.h"

extern char **environ;

static char directory[] = "/tmp/oo-service-XXXXXX";
static char socket_path[64], bus_path[64];
static pid_t bus_pid;
static sd_event *event;
static struct oo_transfers *transfers;

static void set_up(void)
{
	event = new_loop();
	transfers = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
}

static void tear_down(void)
{
	oo_transfers_free(transfers);
	event = sd_event_unref(event);
}

struct outcome {
	bool done;
	int n, r;
	struct oo_err err;
};

static void on_outcome(void *user, int r, const struct oo_err *err)
{
	struct outcome *outcome = user;
	outcome->done = true;
	outcome->n++;
	outcome->r = r;
	outcome->err = *err;
}

static struct oo_service_order unit(enum oo_service_act act)
{
	return (struct oo_service_order){
		.act = act, .unit = "nginx.service", .timeout_ms = AWAIT_MS};
}

static struct oo_service_order container(enum oo_service_act act)
{
	return (struct oo_service_order){
		.act = act, .container = "ds", .socket = socket_path, .timeout_ms = AWAIT_MS};
}

static void start(const struct oo_service_order *order, struct outcome *outcome,
		  struct oo_service_job **ret_job)
{
	const struct oo_service_setup setup = {event, transfers, on_outcome, outcome};
	*outcome = (struct outcome){0};
	CU_ASSERT_EQUAL_FATAL(oo_service_run(&setup, order, ret_job, NULL), 0);
	CU_ASSERT_FALSE(outcome->done);
}

static void expect(struct oo_service_order order, int r, const char *text)
{
	struct outcome outcome;
	struct oo_service_job *job;
	start(&order, &outcome, &job);
	CU_ASSERT(await(event, &outcome.done));
	settle(event);
	CU_ASSERT_EQUAL(outcome.n, 1);
	CU_ASSERT_EQUAL(outcome.r, r);
	CU_ASSERT_STRING_EQUAL(outcome.err.text, text);
	if (outcome.r != r || strcmp(outcome.err.text, text) != 0) {
		printf("\n     got: %d %s\nexpected: %d %s\n", outcome.r, outcome.err.text, r,
		       text);
	}
}

/* systemd's place on the bus. */
struct manager {
	const char *result; /* of the job; NULL: it never ends */
	const char *error;  /* the answer instead of a job */
	const char *other;  /* a job of somebody else's ends first, with this result */
	bool silent, needs_subscriber, subscribed;
	char asked[128];
	unsigned n_calls;
	sd_bus *bus;
};

static void end_job(struct manager *manager, const char *path, const char *result)
{
	if (manager->subscribed || !manager->needs_subscriber) {
		CU_ASSERT(sd_bus_emit_signal(manager->bus, "/org/freedesktop/systemd1",
					     "org.freedesktop.systemd1.Manager", "JobRemoved",
					     "uoss", 7, path, "nginx.service", result) >= 0);
	}
}

static int on_call(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct manager *manager = user;
	const char *name = "", *mode = "";
	(void)ret_error;
	if (sd_bus_message_is_method_call(message, "org.freedesktop.systemd1.Manager",
					  "Subscribe")) {
		manager->subscribed = true;
		return sd_bus_reply_method_return(message, "");
	}
	if (sd_bus_message_get_member(message) == NULL ||
	    strstr(sd_bus_message_get_member(message), "Unit") == NULL) {
		return 0;
	}
	sd_bus_message_read(message, "ss", &name, &mode);
	snprintf(manager->asked, sizeof(manager->asked), "%s %s %s",
		 sd_bus_message_get_member(message), name, mode);
	manager->n_calls++;
	if (manager->silent) {
		return 1;
	}
	if (manager->error != NULL) {
		return sd_bus_reply_method_errorf(message, manager->error, "as told");
	}
	CU_ASSERT(sd_bus_reply_method_return(message, "o", "/org/freedesktop/systemd1/job/7") >= 0);
	if (manager->other != NULL) {
		end_job(manager, "/org/freedesktop/systemd1/job/6", manager->other);
	}
	if (manager->result != NULL) {
		end_job(manager, "/org/freedesktop/systemd1/job/7", manager->result);
	}
	return 1;
}

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
	*manager = (struct manager){.result = "done", .needs_subscriber = true};
	snprintf(address, sizeof(address), "unix:path=%s", bus_path);
	CU_ASSERT_FATAL(sd_bus_new(&manager->bus) >= 0);
	CU_ASSERT_FATAL(sd_bus_set_address(manager->bus, address) >= 0);
	sd_bus_set_bus_client(manager->bus, 1);
	CU_ASSERT_FATAL(sd_bus_start(manager->bus) >= 0);
	CU_ASSERT_FATAL(sd_bus_request_name(manager->bus, "org.freedesktop.systemd1", 0) >= 0);
	CU_ASSERT_FATAL(sd_bus_add_filter(manager->bus, NULL, on_call, manager) >= 0);
	CU_ASSERT_FATAL(sd_bus_attach_event(manager->bus, event, 0) >= 0);
}

static bool has_bus(void)
{
	if (bus_pid == 0) {
		printf("*** SKIPPED: no dbus-daemon *** ");
	}
	return bus_pid != 0;
}

static void test_a_unit_is_done_with_when_its_job_has_ended(void)
{
	static const struct {
		enum oo_service_act act;
		const char *asked;
	} rows[] = {
		{OO_SERVICE_START, "StartUnit nginx.service replace"},
		{OO_SERVICE_STOP, "StopUnit nginx.service replace"},
		{OO_SERVICE_RESTART, "RestartUnit nginx.service replace"},
	};
	struct manager manager;
	if (!has_bus()) {
		return;
	}
	manager_start(&manager);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		manager.other = "failed"; /* is another's, and says nothing of ours */
		expect(unit(rows[i].act), 0, "");
		CU_ASSERT_STRING_EQUAL(manager.asked, rows[i].asked);
	}
	CU_ASSERT_EQUAL(manager.n_calls, OO_LENGTH(rows));
	sd_bus_flush_close_unref(manager.bus);
}

static void test_a_unit_that_fails_says_why(void)
{
	static const char said[] = "nginx.service: systemd's job has ended as \"failed\"; see "
				   "systemctl status nginx.service";
	static const char denied[] =
		"nginx.service: not allowed: as told; a polkit rule has to allow it to the "
		"agent's user (docs/repair.md)";
	static const struct {
		const char *result, *error;
		int r;
		const char *text;
	} rows[] = {
		{"failed", NULL, -EIO, said},
		{NULL, "org.freedesktop.systemd1.NoSuchUnit", -ENOENT,
		 "nginx.service: no such unit; systemctl list-units --type=service has all"},
		{NULL, SD_BUS_ERROR_ACCESS_DENIED, -EACCES, denied},
		{NULL, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, -EACCES, denied},
		{NULL, "org.freedesktop.systemd1.UnitMasked", -EIO, "nginx.service: as told"},
	};
	struct manager manager;
	if (!has_bus()) {
		return;
	}
	expect(unit(OO_SERVICE_RESTART), -ECONNREFUSED,
	       "nginx.service: no systemd on the system bus");
	manager_start(&manager);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		manager.result = rows[i].result;
		manager.error = rows[i].error;
		expect(unit(OO_SERVICE_RESTART), rows[i].r, rows[i].text);
	}
	sd_bus_flush_close_unref(manager.bus);
}

static void test_a_unit_that_takes_for_ever_is_not_waited_for(void)
{
	struct manager manager;
	struct oo_service_order order = unit(OO_SERVICE_RESTART);
	if (!has_bus()) {
		return;
	}
	manager_start(&manager);
	manager.result = NULL; /* queued, and never over */
	order.timeout_ms = 300;
	expect(order, -ETIMEDOUT, "nginx.service: no end of it within 300ms");
	CU_ASSERT_EQUAL(manager.n_calls, 1);
	manager.silent = true; /* not even queued */
	expect(order, -ETIMEDOUT, "nginx.service: no end of it within 300ms");
	CU_ASSERT_EQUAL(manager.n_calls, 2);
	sd_bus_flush_close_unref(manager.bus);
}

static void test_a_cancelled_order_has_no_answer(void)
{
	struct manager manager;
	struct outcome outcome;
	struct oo_service_job *job;
	if (!has_bus()) {
		return;
	}
	manager_start(&manager);
	const struct oo_service_order order = unit(OO_SERVICE_RESTART);
	start(&order, &outcome, &job);
	int64_t until = oo_clock_now() + AWAIT_MS;
	manager.result = NULL;
	while (manager.n_calls == 0 && oo_clock_now() < until) {
		CU_ASSERT_FATAL(sd_event_run(event, 100000) >= 0);
	}
	oo_service_cancel(job);
	end_job(&manager, "/org/freedesktop/systemd1/job/7", "done");
	sd_bus_flush(manager.bus);
	settle(event);
	CU_ASSERT_FALSE(outcome.done);
	oo_service_cancel(NULL);
	sd_bus_flush_close_unref(manager.bus);
}

static void test_no_bus_is_told(void)
{
	const struct oo_service_order order = unit(OO_SERVICE_RESTART);
	struct outcome outcome = {0};
	const struct oo_service_setup setup = {event, transfers, on_outcome, &outcome};
	struct oo_service_job *job = NULL;
	struct oo_err err;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	CU_ASSERT_EQUAL(oo_service_run(&setup, &order, &job, &err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(err.text, "nginx.service: system bus: No such file or directory");
	CU_ASSERT_PTR_NULL(job);
	settle(event);
	CU_ASSERT_FALSE(outcome.done);
}

/* An API on a unix socket that has one answer for everybody. */
struct api {
	int fd, kept;
	const char *answer; /* NULL: silence */
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
		api->kept = fcntl(accepted, F_DUPFD_CLOEXEC, 0); /* until the test ends */
	}
	return 0;
}

static void api_start(struct api *api)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	snprintf(here.sun_path, sizeof(here.sun_path), "%s", socket_path);
	*api = (struct api){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
			    .kept = -1};
	CU_ASSERT_EQUAL_FATAL(bind(api->fd, (struct sockaddr *)&here, sizeof(here)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(api->fd, 8), 0);
	sd_event_add_io(event, &api->source, api->fd, EPOLLIN, on_request, api);
}

static void api_stop(struct api *api)
{
	sd_event_source_disable_unref(api->source);
	oo_close(&api->kept);
	oo_close(&api->fd);
	unlink(socket_path);
}

#define ANSWER(status, body)                                                                       \
	"HTTP/1.1 " status " x\r\nContent-Type: application/json\r\nConnection: "                  \
	"close\r\n\r\n" body

static void test_a_container_is_told_by_its_api(void)
{
	static const struct {
		enum oo_service_act act;
		const char *request;
	} rows[] = {
		{OO_SERVICE_START, "POST /v1.40/containers/ds/start HTTP/1.1\r\n"},
		{OO_SERVICE_STOP, "POST /v1.40/containers/ds/stop?t=30 HTTP/1.1\r\n"},
		{OO_SERVICE_RESTART, "POST /v1.40/containers/ds/restart?t=30 HTTP/1.1\r\n"},
	};
	struct api api;
	api_start(&api);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		api.answer = ANSWER("204", "");
		expect(container(rows[i].act), 0, "");
		CU_ASSERT_EQUAL(strncmp(api.request, rows[i].request, strlen(rows[i].request)), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(api.request, "Content-Length: 0\r\n"));
		api.answer = ANSWER("304", ""); /* it was so already */
		expect(container(rows[i].act), 0, "");
	}
	api_stop(&api);
}

static void test_a_container_that_fails_says_why(void)
{
	static const struct {
		const char *answer;
		int r;
		const char *text;
	} rows[] = {
		{ANSWER("404", "{\"message\":\"No such container: ds\"}"), -ENOENT,
		 "ds: no such container"},
		{ANSWER("500", "{\"message\":\"port is\\nallocated\"}"), -EIO,
		 "ds: status 500: port is?allocated"},
		{ANSWER("500", "[\"x\"]"), -EIO, "ds: status 500: no reason given"},
		{ANSWER("500", "{\"message\":"), -EIO, "ds: status 500: no reason given"},
		{ANSWER("200", "<html>"), -EPROTO, "ds: status 200: no reason given"},
	};
	char text[256];
	struct api api;
	struct oo_service_order order = container(OO_SERVICE_RESTART);
	snprintf(text, sizeof(text),
		 "ds: %s: No such file or directory; repair.container_socket names the API's "
		 "socket",
		 socket_path);
	expect(order, -ENOENT, text);
	api_start(&api);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		api.answer = rows[i].answer;
		expect(order, rows[i].r, rows[i].text);
	}
	api.answer = NULL;
	order.timeout_ms = 300;
	expect(order, -ETIMEDOUT, "ds: no end of it within 300ms");
	order.timeout_ms = AWAIT_MS;
	oo_close(&api.fd);
	api.fd = -1;
	snprintf(text, sizeof(text), "ds: %s: Connection refused", socket_path);
	expect(order, -ECONNREFUSED, text);
	api_stop(&api);
}

/* Root may use any socket; the test's process becomes nobody for as long as it takes. */
static void test_a_socket_that_is_not_ours_asks_for_its_group(void)
{
	char text[256];
	struct api api;
	if (geteuid() != 0) {
		printf("*** SKIPPED: not root *** ");
		return;
	}
	api_start(&api);
	chmod(directory, 0755);
	chmod(socket_path, 0600);
	snprintf(text, sizeof(text),
		 "ds: %s: Permission denied; put the agent's user into the socket's group "
		 "(docs/repair.md)",
		 socket_path);
	CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
	expect(container(OO_SERVICE_RESTART), -EACCES, text);
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	api_stop(&api);
}

static void test_an_order_is_told_as_a_person_would_type_it(void)
{
	char text[OO_SERVICE_COMMAND_LENGTH];
	struct oo_service_order order = unit(OO_SERVICE_RESTART);
	oo_service_command(&order, text);
	CU_ASSERT_STRING_EQUAL(text, "systemctl restart nginx.service");
	order = container(OO_SERVICE_STOP);
	oo_service_command(&order, text);
	CU_ASSERT_STRING_EQUAL(text, "docker stop ds");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_unit_is_done_with_when_its_job_has_ended),
		TEST(a_unit_that_fails_says_why),
		TEST(a_unit_that_takes_for_ever_is_not_waited_for),
		TEST(a_cancelled_order_has_no_answer),
		TEST(a_container_is_told_by_its_api),
		TEST(a_container_that_fails_says_why),
		TEST(a_socket_that_is_not_ours_asks_for_its_group),
		TEST(an_order_is_told_as_a_person_would_type_it),
		TEST(no_bus_is_told), /* last: it takes the bus's address away */
	};
	char address[96];
	if (mkdtemp(directory) == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	snprintf(socket_path, sizeof(socket_path), "%s/api", directory);
	snprintf(bus_path, sizeof(bus_path), "%s/bus", directory);
	snprintf(address, sizeof(address), "unix:path=%s", bus_path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	if (!start_bus()) {
		printf("\n*** SKIPPED: units: NOTHING WAS TESTED, there is no dbus-daemon ***\n\n");
	}
	int r = run_tests_in("service", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
	if (bus_pid > 0) {
		kill(bus_pid, SIGTERM);
		waitpid(bus_pid, NULL, 0);
	}
	unlink(bus_path);
	rmdir(directory);
	curl_global_cleanup();
	return r;
}
