/* Connections on a VIP are reset at both ends, those on other addresses are not. In namespaces. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "harness.h"
#include "net/sockets.h"

#define PORT 8000
#define WAIT_MS 5000

/* The node has the VIPs, the client talks to them. We are in the node. */
struct fixture {
	int node;
	int client;
	int listener;
};

static void fixture_done(struct fixture *fixture)
{
	oo_close(&fixture->node);
	oo_close(&fixture->client);
	oo_close(&fixture->listener);
}

/* Dual-stack like nginx's "listen [::]:80", or IPv4 only. */
static int listen_on(bool dual)
{
	const int one = 1;
	const int zero = 0;
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(dual ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	if (dual) {
		CU_ASSERT_EQUAL(setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)), 0);
	}
	CU_ASSERT_EQUAL_FATAL(
		bind(fd, dual ? (const struct sockaddr *)&any6 : (const struct sockaddr *)&any4,
		     dual ? sizeof(any6) : sizeof(any4)),
		0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 512), 0);
	return fd;
}

static void fixture_init(struct fixture *fixture, bool dual)
{
	fixture->client = space_new();
	fixture->node = space_new();
	make_veth(fixture->client);
	ip("address add 10.0.0.1/24 dev eth0");
	ip("address add 10.0.0.100/24 dev eth0");
	ip("address add fd00::1/64 dev eth0 nodad");
	ip("address add fd00::100/64 dev eth0 nodad");
	ip("address add fd00::a00:64/64 dev eth0 nodad"); /* ends like 10.0.0.100 */
	space_enter(fixture->client);
	ip("address add 10.0.0.9/24 dev peer");
	ip("address add fd00::9/64 dev peer nodad");
	space_enter(fixture->node);
	fixture->listener = listen_on(dual);
}

struct connection {
	int client;
	int server;
};

static void connection_done(struct connection *connection)
{
	oo_close(&connection->client);
	oo_close(&connection->server);
}

static struct connection connect_to(struct fixture *fixture, const char *address)
{
	struct connection connection = {-1, -1};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	const bool ipv4 = inet_pton(AF_INET, address, &to4.sin_addr) == 1;
	CU_ASSERT_TRUE(ipv4 || inet_pton(AF_INET6, address, &to6.sin6_addr) == 1);
	space_enter(fixture->client);
	connection.client = socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int r =
		connect(connection.client, ipv4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
			ipv4 ? sizeof(to4) : sizeof(to6));
	space_enter(fixture->node);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	connection.server = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);
	CU_ASSERT_FATAL(connection.server >= 0);
	return connection;
}

/* The error that a read meets within WAIT_MS; 0: none, the connection just stands. */
static int error_of(int fd, int wait_ms)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char byte;
	if (poll(&readable, 1, wait_ms) != 1) {
		return 0;
	}
	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 ? errno : -1;
}

static bool works(const struct connection *connection)
{
	char byte = 0;
	return send(connection->server, "x", 1, MSG_NOSIGNAL) == 1 &&
	       recv(connection->client, &byte, 1, 0) == 1 && byte == 'x' &&
	       send(connection->client, "y", 1, MSG_NOSIGNAL) == 1 &&
	       recv(connection->server, &byte, 1, 0) == 1 && byte == 'y';
}

/* All connections to vip are reset; one to another address and the listener work on. */
static void expect_reset(bool dual, const char *vip, const char *other)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	fixture_init(&fixture, dual);
	OO_AUTO(connection_done) struct connection one = connect_to(&fixture, vip);
	OO_AUTO(connection_done) struct connection two = connect_to(&fixture, vip);
	OO_AUTO(connection_done) struct connection kept = connect_to(&fixture, other);
	const struct oo_address address = address_of(vip);
	unsigned count = 4711;
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_sockets_reset(&address, &count, &err), 0);
	EXPECT_TEXT(err.text, "");
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(error_of(one.client, WAIT_MS), ECONNRESET);
	CU_ASSERT_EQUAL(error_of(two.client, WAIT_MS), ECONNRESET);
	CU_ASSERT_EQUAL(error_of(one.server, WAIT_MS), ECONNABORTED);
	CU_ASSERT_TRUE(works(&kept));
	OO_AUTO(connection_done) struct connection later = connect_to(&fixture, vip);
	CU_ASSERT_TRUE(works(&later));
}

static void test_ipv4_connections_to_the_vip_are_reset(void)
{
	expect_reset(false, "10.0.0.100", "10.0.0.1");
}

static void test_ipv4_connections_of_a_dual_stack_listener_are_reset(void)
{
	expect_reset(true, "10.0.0.100", "10.0.0.1");
	expect_reset(true, "10.0.0.100", "fd00::a00:64");
}

static void test_ipv6_connections_to_the_vip_are_reset(void)
{
	expect_reset(true, "fd00::100", "fd00::1");
}

static void test_the_other_family_with_the_same_vip_is_left_alone(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	fixture_init(&fixture, true);
	OO_AUTO(connection_done) struct connection ipv4 = connect_to(&fixture, "10.0.0.100");
	OO_AUTO(connection_done) struct connection ipv6 = connect_to(&fixture, "fd00::100");
	const struct oo_address address = address_of("fd00::100");
	unsigned count = 0;
	CU_ASSERT_EQUAL(oo_sockets_reset(&address, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_TRUE(works(&ipv4));
	CU_ASSERT_EQUAL(error_of(ipv6.client, WAIT_MS), ECONNRESET);
}

/* Of both families, in whatever order they are given; the address between them keeps its own. */
static void test_several_addresses_are_reset_in_one_call(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	fixture_init(&fixture, true);
	OO_AUTO(connection_done) struct connection ipv4 = connect_to(&fixture, "10.0.0.100");
	OO_AUTO(connection_done) struct connection ipv6 = connect_to(&fixture, "fd00::100");
	OO_AUTO(connection_done) struct connection other = connect_to(&fixture, "10.0.0.1");
	OO_AUTO(connection_done) struct connection kept = connect_to(&fixture, "fd00::1");
	const struct oo_address list[] = {address_of("fd00::100"), address_of("10.0.0.100"),
					  address_of("10.0.0.99"), address_of("10.0.0.1")};
	unsigned count = 0;
	CU_ASSERT_EQUAL(oo_sockets_reset_all(list, OO_LENGTH(list), &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 3);
	CU_ASSERT_EQUAL(error_of(ipv4.client, WAIT_MS), ECONNRESET);
	CU_ASSERT_EQUAL(error_of(ipv6.client, WAIT_MS), ECONNRESET);
	CU_ASSERT_EQUAL(error_of(other.client, WAIT_MS), ECONNRESET);
	CU_ASSERT_TRUE(works(&kept));
}

/* One that only the client has closed (CLOSE_WAIT), and one that both have (TIME_WAIT). */
static void test_every_state_but_time_wait_is_reset(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	fixture_init(&fixture, false);
	OO_AUTO(connection_done) struct connection half = connect_to(&fixture, "10.0.0.100");
	CU_ASSERT_EQUAL(shutdown(half.client, SHUT_WR), 0);
	CU_ASSERT_EQUAL(error_of(half.server, WAIT_MS), -1); /* end of file */
	OO_AUTO(connection_done) struct connection over = connect_to(&fixture, "10.0.0.100");
	CU_ASSERT_EQUAL(shutdown(over.server, SHUT_WR), 0);
	CU_ASSERT_EQUAL(error_of(over.client, WAIT_MS), -1);
	oo_close(&over.client);
	over.client = -1;
	CU_ASSERT_EQUAL(error_of(over.server, WAIT_MS), -1);
	const struct oo_address address = address_of("10.0.0.100");
	unsigned count = 0;
	CU_ASSERT_EQUAL(oo_sockets_reset(&address, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(error_of(half.client, WAIT_MS), ECONNRESET);
}

static void test_nothing_to_reset_is_success(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	fixture_init(&fixture, true);
	const struct oo_address address = address_of("10.0.0.100");
	unsigned count = 4711;
	CU_ASSERT_EQUAL(oo_sockets_reset(&address, &count, NULL), 0);
	CU_ASSERT_EQUAL(count, 0);
}

#define MANY 400

static void test_hundreds_of_connections_are_reset_in_one_call(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	static struct connection connections[MANY];
	fixture_init(&fixture, true);
	for (int i = 0; i < MANY; i++) {
		connections[i] = connect_to(&fixture, "10.0.0.100");
	}
	const struct oo_address address = address_of("10.0.0.100");
	unsigned count = 0;
	const int64_t started_at = oo_clock_now_us();
	CU_ASSERT_EQUAL(oo_sockets_reset(&address, &count, NULL), 0);
	printf("\n  %d connections: reset in %.1f ms\n", MANY,
	       (double)(oo_clock_now_us() - started_at) / 1e3);
	CU_ASSERT_EQUAL(count, MANY);
	for (int i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL(error_of(connections[i].client, WAIT_MS), ECONNRESET);
		connection_done(&connections[i]);
	}
}

static int without_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};
	const struct oo_address address = address_of("10.0.0.100");
	struct oo_err err = {""};
	unsigned count = 4711;
	const bool as_wanted = syscall(SYS_capset, &header, none) == 0 &&
			       oo_sockets_reset(&address, &count, &err) == -EPERM && count == 0 &&
			       strcmp(err.text, "reset TCP connections (needs CAP_NET_ADMIN): "
						"Operation not permitted") == 0;
	if (!as_wanted) {
		printf("\n  got: %s\n", err.text);
	}
	return as_wanted ? 0 : 1;
}

static void test_a_missing_capability_is_named(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {-1, -1, -1};
	int status = -1;
	fixture_init(&fixture, false);
	OO_AUTO(connection_done) struct connection kept = connect_to(&fixture, "10.0.0.100");
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		_exit(without_capabilities());
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_TRUE(works(&kept));
}

static const struct named_test tests[] = {
	{"IPv4 connections to the VIP are reset", test_ipv4_connections_to_the_vip_are_reset},
	{"IPv4 connections of a dual-stack listener are reset",
	 test_ipv4_connections_of_a_dual_stack_listener_are_reset},
	{"IPv6 connections to the VIP are reset", test_ipv6_connections_to_the_vip_are_reset},
	{"the other family with the same VIP is left alone",
	 test_the_other_family_with_the_same_vip_is_left_alone},
	{"several addresses are reset in one call", test_several_addresses_are_reset_in_one_call},
	{"every state but TIME_WAIT is reset", test_every_state_but_time_wait_is_reset},
	{"nothing to reset is success", test_nothing_to_reset_is_success},
	{"hundreds of connections are reset in one call",
	 test_hundreds_of_connections_are_reset_in_one_call},
	{"a missing capability is named", test_a_missing_capability_is_named},
};

int main(void)
{
	return harness_run_isolated("net sockets", tests, OO_LENGTH(tests));
}
