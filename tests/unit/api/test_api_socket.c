#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/listen.h"
#include "base/cleanup.h"
#include "fixture.h"

#define REQUEST "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static bool is_answered(struct fixture *fixture)
{
	OO_AUTO(oo_free) char *answer = ask(fixture, dial_unix(fixture), REQUEST);
	return strstr(answer, "HTTP/1.1 200 OK\r\n") != NULL;
}

static bool exists(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0;
}

/* A listening unix socket that is not the API's. backlog: how many may wait. */
static int listen_by_hand(const struct fixture *fixture, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CU_ASSERT_FATAL(oo_text_copy(address.sun_path, sizeof(address.sun_path),
				     fixture->socket_path) == 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CU_ASSERT_FATAL(listen(fd, backlog) == 0);
	return fd;
}

static void expect(const char *got, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void expect(const char *got, const char *format, ...)
{
	char wanted[OO_ERR_LENGTH];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(wanted, sizeof(wanted), format, arguments);
	va_end(arguments);
	CU_ASSERT_STRING_EQUAL(got, wanted);
	if (strcmp(got, wanted) != 0) {
		fprintf(stderr, "\ngot:    %s\nwanted: %s\n", got, wanted);
	}
}

static void test_the_socket_is_for_its_user_and_group(void)
{
	struct fixture fixture;
	struct stat status = {0};
	mode_t mask = umask(0);
	fixture_start(&fixture, false);
	CU_ASSERT_EQUAL(lstat(fixture.socket_path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0660);
	fixture_stop(&fixture);
	umask(077);
	fixture_start(&fixture, false);
	CU_ASSERT_EQUAL(lstat(fixture.socket_path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0660);
	fixture_stop(&fixture);
	umask(mask);
}

static void test_the_socket_goes_with_the_api(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	CU_ASSERT_TRUE(exists(fixture.socket_path));
	oo_api_free(oo_take_ptr(fixture.api));
	CU_ASSERT_FALSE(exists(fixture.socket_path));
	fixture_stop(&fixture);
}

static void test_a_successors_socket_is_left_alone(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	CU_ASSERT_EQUAL(unlink(fixture.socket_path), 0);
	int successor = listen_by_hand(&fixture, 1);
	oo_api_free(oo_take_ptr(fixture.api));
	CU_ASSERT_TRUE(exists(fixture.socket_path));
	close(successor);
	fixture_stop(&fixture);
}

static void test_a_stale_socket_is_replaced(void)
{
	struct fixture fixture;
	fixture_prepare(&fixture);
	int dead = listen_by_hand(&fixture, 1);
	oo_close(&dead);
	CU_ASSERT_TRUE(exists(fixture.socket_path));
	CU_ASSERT_EQUAL(fixture_listen(&fixture, NULL, NULL), 0);
	CU_ASSERT_TRUE(is_answered(&fixture));
	fixture_stop(&fixture);
}

static void test_a_live_agents_socket_is_left_to_it(void)
{
	struct fixture fixture;
	struct oo_err err = {0};
	fixture_start(&fixture, false);
	struct oo_api *first = oo_take_ptr(fixture.api);
	CU_ASSERT_EQUAL(fixture_listen(&fixture, NULL, &err), -EADDRINUSE);
	CU_ASSERT_PTR_NULL(fixture.api);
	expect(err.text, "another agent answers on %s", fixture.socket_path);
	fixture.api = first;
	CU_ASSERT_TRUE(is_answered(&fixture));
	fixture_stop(&fixture);
}

/* An agent that is stopped, or busy, does not accept: its queue is full, and it is not dead. */
static void test_an_agent_that_does_not_accept_is_not_stale(void)
{
	struct fixture fixture;
	struct oo_err err = {0};
	fixture_prepare(&fixture);
	int frozen = listen_by_hand(&fixture, 0);
	int in_queue = dial_unix(&fixture);
	CU_ASSERT_EQUAL(fixture_listen(&fixture, NULL, &err), -EADDRINUSE);
	expect(err.text, "another agent answers on %s", fixture.socket_path);
	CU_ASSERT_TRUE(exists(fixture.socket_path));
	close(in_queue);
	close(frozen);
	fixture_stop(&fixture);
}

static void test_a_file_that_is_no_socket_is_left_alone(void)
{
	struct fixture fixture;
	struct oo_err err = {0};
	fixture_prepare(&fixture);
	int file = open(fixture.socket_path, O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0600);
	CU_ASSERT_EQUAL(fixture_listen(&fixture, NULL, &err), -EEXIST);
	expect(err.text, "%s is there and is not a socket: move it away", fixture.socket_path);
	CU_ASSERT_TRUE(exists(fixture.socket_path));
	close(file);
	fixture_stop(&fixture);
}

static void test_a_missing_directory_is_said_with_its_remedy(void)
{
	struct fixture fixture;
	struct oo_err err = {0};
	fixture_prepare(&fixture);
	char made[sizeof(fixture.socket_path)];
	strcpy(made, fixture.socket_path);
	snprintf(fixture.socket_path, sizeof(fixture.socket_path), "%s/none/ooha.sock",
		 fixture.directory);
	CU_ASSERT_EQUAL(fixture_listen(&fixture, NULL, &err), -ENOENT);
	expect(err.text,
	       "socket %s: its directory does not exist; create it with RuntimeDirectory=ooha in "
	       "the unit, or by hand",
	       fixture.socket_path);
	fixture_stop(&fixture);
}

static void test_a_path_too_long_for_a_socket_is_said(void)
{
	struct oo_err err = {0};
	struct oo_api *api = NULL;
	char path[200];
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	sd_event *event = NULL;
	CU_ASSERT_FATAL(sd_event_new(&event) >= 0);
	CU_ASSERT_EQUAL(
		oo_api_new(event, &(struct oo_api_options){.socket_path = path}, &api, &err),
		-ENAMETOOLONG);
	expect(err.text, "socket %s: the path is longer than 107 characters", path);
	sd_event_unref(event);
}

static void test_what_is_no_address_and_port_is_refused(void)
{
	static const char *const bad[] = {
		"",
		":",
		":8009",
		"8009",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:65537",
		"127.0.0.1:99999999999999999999",
		"127.0.0.1:-1",
		"127.0.0.1: 80",
		"127.0.0.1:80x",
		"127.0.0.1 :80",
		"127.0.0:80",
		"localhost:8009",
		"::1:8009",
		"[::1]",
		"[::1]8009",
		"[::1:8009",
		"[]:8009",
		"[:8009",
		"]:8009",
		"[127.0.0.1]:8009",
		"[::1%lo]:8009",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:8009",
	};
	struct fixture fixture;
	fixture_prepare(&fixture);
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		struct oo_err err = {0};
		CU_ASSERT_EQUAL(fixture_listen(&fixture, bad[i], &err), -EINVAL);
		expect(err.text,
		       "listen on \"%s\": not an address and a port, such as 127.0.0.1:8009 or "
		       "[::1]:8009",
		       bad[i]);
		CU_ASSERT_FALSE(exists(fixture.socket_path));
	}
	fixture_stop(&fixture);
}

static void test_an_ipv6_address_is_understood(void)
{
	struct fixture fixture;
	char listen[64];
	fixture_prepare(&fixture);
	snprintf(listen, sizeof(listen), "[::1]:%s", strchr(fixture.listen, ':') + 1);
	int r = fixture_listen(&fixture, listen, NULL);
	/* understood, also on a machine without IPv6 */
	CU_ASSERT_TRUE(r == 0 || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT);
	fixture_stop(&fixture);
}

static void test_an_address_in_use_is_said(void)
{
	struct fixture fixture;
	struct fixture other;
	struct oo_err err = {0};
	fixture_start(&fixture, true);
	fixture_prepare(&other);
	CU_ASSERT_EQUAL(fixture_listen(&other, fixture.listen, &err), -EADDRINUSE);
	expect(err.text, "listen on %s: another program listens there", fixture.listen);
	CU_ASSERT_FALSE(exists(other.socket_path)); /* the half that worked is taken back */
	fixture_stop(&other);
	fixture_stop(&fixture);
}

static void test_an_address_of_another_host_is_said(void)
{
	struct fixture fixture;
	struct oo_err err = {0};
	fixture_prepare(&fixture);
	CU_ASSERT_EQUAL(fixture_listen(&fixture, "192.0.2.1:8009", &err), -EADDRNOTAVAIL);
	expect(err.text, "listen on %s: this host does not have that address", "192.0.2.1:8009");
	fixture_stop(&fixture);
}

/* The server hangs up first, so the connection's TIME_WAIT stays on its port. */
static void test_a_restart_gets_its_tcp_port_back_at_once(void)
{
	struct fixture fixture;
	fixture_start(&fixture, true);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_tcp(&fixture),
			   "GET /leader HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 503 "));
	oo_api_free(oo_take_ptr(fixture.api));
	CU_ASSERT_EQUAL(fixture_listen(&fixture, fixture.listen, NULL), 0);
	fixture_stop(&fixture);
}

static void test_what_is_accepted_sends_at_once(void)
{
	struct fixture fixture;
	int listening = -1, nodelay = 0;
	socklen_t length = sizeof(nodelay);
	fixture_prepare(&fixture);
	CU_ASSERT_EQUAL_FATAL(oo_listen_tcp(fixture.listen, &listening, NULL), 0);
	int client = dial_tcp(&fixture);
	int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	CU_ASSERT_EQUAL(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &nodelay, &length), 0);
	CU_ASSERT_EQUAL(nodelay, 1);
	close(accepted);
	close(client);
	close(listening);
	fixture_stop(&fixture);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"the socket is for its user and group", test_the_socket_is_for_its_user_and_group},
		{"the socket goes with the api", test_the_socket_goes_with_the_api},
		{"a successor's socket is left alone", test_a_successors_socket_is_left_alone},
		{"a stale socket is replaced", test_a_stale_socket_is_replaced},
		{"a live agent's socket is left to it", test_a_live_agents_socket_is_left_to_it},
		{"an agent that does not accept is not stale",
		 test_an_agent_that_does_not_accept_is_not_stale},
		{"a file that is no socket is left alone",
		 test_a_file_that_is_no_socket_is_left_alone},
		{"a missing directory is said with its remedy",
		 test_a_missing_directory_is_said_with_its_remedy},
		{"a path too long for a socket is said", test_a_path_too_long_for_a_socket_is_said},
		{"what is no address and port is refused",
		 test_what_is_no_address_and_port_is_refused},
		{"an ipv6 address is understood", test_an_ipv6_address_is_understood},
		{"an address in use is said", test_an_address_in_use_is_said},
		{"an address of another host is said", test_an_address_of_another_host_is_said},
		{"a restart gets its tcp port back at once",
		 test_a_restart_gets_its_tcp_port_back_at_once},
		{"what is accepted sends at once", test_what_is_accepted_sends_at_once},
		CU_TEST_INFO_NULL,
	};
	return run_suite("api sockets", tests);
}
