/* What /proc says of a host, and the kernel of its sockets, as recorded. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "collect/diag.h"
#include "collect/hostfs.h"

static void test_a_number_is_found_by_the_whole_word_before_it(void)
{
	static const char text[] = "MemTotal:       32768 kB\nMemFree:  1 kB\n"
				   "oom_kill_x 9\nxoom_kill 8\noom_kill 2\nlast: x\n";
	uint64_t value = 7;
	CU_ASSERT(oo_hostfs_find(text, "MemTotal:", &value));
	CU_ASSERT_EQUAL(value, 32768);
	CU_ASSERT(oo_hostfs_find(text, "oom_kill", &value));
	CU_ASSERT_EQUAL(value, 2);
	CU_ASSERT_FALSE(oo_hostfs_find(text, "MemAvailable:", &value));
	CU_ASSERT_FALSE(oo_hostfs_find(text, "last:", &value));
	CU_ASSERT_FALSE(oo_hostfs_find("", "MemTotal:", &value));
	CU_ASSERT_FALSE(oo_hostfs_find("MemTotal:", "MemTotal:", &value));
	CU_ASSERT_EQUAL(value, 2);
}

static void test_pressure_is_the_last_ten_seconds(void)
{
	static const char text[] = "some avg10=12.75 avg60=3.00 avg300=0.50 total=123\n"
				   "full avg10=7.01 avg60=0.00 avg300=0.00 total=45\n";
	CU_ASSERT_EQUAL(oo_hostfs_pressure(text, "some"), 12);
	CU_ASSERT_EQUAL(oo_hostfs_pressure(text, "full"), 7);
	CU_ASSERT_EQUAL(oo_hostfs_pressure("", "some"), 0);
	CU_ASSERT_EQUAL(oo_hostfs_pressure("some avg60=1.00", "some"), 0);
	CU_ASSERT_EQUAL(oo_hostfs_pressure("some avg10=-1", "some"), 0);
	CU_ASSERT_EQUAL(oo_hostfs_pressure("some avg10=1e9", "some"), 0);
}

static void test_a_counter_stands_below_its_name(void)
{
	static const char text[] = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
				   "TcpExt: 1 22 333\n"
				   "IpExt: InNoRoutes ListenOverflows\nIpExt: 4 5\n";
	uint64_t value = 7;
	CU_ASSERT(oo_hostfs_netstat(text, "ListenOverflows", &value));
	CU_ASSERT_EQUAL(value, 22);
	CU_ASSERT(oo_hostfs_netstat(text, "ListenDrops", &value));
	CU_ASSERT_EQUAL(value, 333);
	CU_ASSERT_FALSE(oo_hostfs_netstat(text, "Listen", &value));
	CU_ASSERT_FALSE(oo_hostfs_netstat("TcpExt: ListenDrops\n", "ListenDrops", &value));
	CU_ASSERT_FALSE(
		oo_hostfs_netstat("TcpExt: A ListenDrops\nTcpExt: 1\n", "ListenDrops", &value));
	CU_ASSERT_FALSE(oo_hostfs_netstat("", "ListenDrops", &value));
	CU_ASSERT_EQUAL(value, 333);
}

static void test_a_share_is_never_more_than_all(void)
{
	CU_ASSERT_EQUAL(oo_hostfs_percent(1, 3), 33);
	CU_ASSERT_EQUAL(oo_hostfs_percent(5, 4), 100);
	CU_ASSERT_EQUAL(oo_hostfs_percent(5, 0), 0);
}

static struct nlmsghdr *record(char *buffer, uint8_t family, const char *address)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	struct inet_diag_msg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->idiag_family = family;
	message->idiag_state = TCP_LISTEN;
	message->id.idiag_sport = htons(8000);
	message->idiag_rqueue = 3;
	message->idiag_wqueue = 511;
	message->idiag_inode = 4242;
	CU_ASSERT_EQUAL(inet_pton(family, address, message->id.idiag_src), 1);
	return header;
}

static void test_a_listener_is_read_from_its_message(void)
{
	char buffer[512] = {0};
	struct oo_diag_socket seen = {0};
	struct nlmsghdr *header = record(buffer, AF_INET6, "::");
	mnl_attr_put_u8(header, INET_DIAG_SKV6ONLY, 1);
	CU_ASSERT_FATAL(oo_diag_parse(header, &seen));
	CU_ASSERT_STRING_EQUAL(seen.at.host, "::");
	CU_ASSERT_EQUAL(seen.at.port, 8000);
	CU_ASSERT_EQUAL(seen.queued, 3);
	CU_ASSERT_EQUAL(seen.backlog, 511);
	CU_ASSERT_EQUAL(seen.inode, 4242);
	CU_ASSERT(seen.v6only);
	CU_ASSERT_FATAL(oo_diag_parse(record(buffer, AF_INET, "127.0.0.1"), &seen));
	CU_ASSERT_STRING_EQUAL(seen.at.host, "127.0.0.1");
	CU_ASSERT_FALSE(seen.v6only);
}

static void test_a_message_that_is_no_socket_is_passed_over(void)
{
	char buffer[512] = {0};
	struct oo_diag_socket seen = {.inode = 7};
	struct nlmsghdr *header = record(buffer, AF_INET, "127.0.0.1");
	header->nlmsg_len -= 4; /* cut short */
	CU_ASSERT_FALSE(oo_diag_parse(header, &seen));
	header = record(buffer, AF_INET, "127.0.0.1");
	header->nlmsg_type = NLMSG_DONE;
	CU_ASSERT_FALSE(oo_diag_parse(header, &seen));
	header = record(buffer, AF_INET, "127.0.0.1");
	((struct inet_diag_msg *)mnl_nlmsg_get_payload(header))->idiag_family = AF_UNIX;
	CU_ASSERT_FALSE(oo_diag_parse(header, &seen));
	CU_ASSERT_EQUAL(seen.inode, 7);
}

struct wanted {
	uint16_t port;
	unsigned n;
	struct oo_diag_socket seen;
};

static void on_socket(void *user, const struct oo_diag_socket *seen)
{
	struct wanted *wanted = user;
	if (seen->at.port == wanted->port) {
		wanted->n++;
		wanted->seen = *seen;
	}
}

static void test_what_waits_to_be_accepted_is_counted(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OO_AUTO(oo_close) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&here, length), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 5), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&here, &length), 0);
	CU_ASSERT_EQUAL_FATAL(connect(client, (struct sockaddr *)&here, length), 0);
	struct wanted wanted = {.port = ntohs(here.sin_port)};
	CU_ASSERT_EQUAL(oo_diag_list(1u << TCP_LISTEN, on_socket, &wanted), 0);
	CU_ASSERT_EQUAL(wanted.n, 1);
	CU_ASSERT_EQUAL(wanted.seen.queued, 1);
	CU_ASSERT_EQUAL(wanted.seen.backlog, 5);
	CU_ASSERT_STRING_EQUAL(wanted.seen.at.host, "127.0.0.1");
	CU_ASSERT(wanted.seen.inode != 0);
	oo_close(&client); /* the peer has closed, and nobody has closed here */
	struct wanted waiting = {.port = wanted.port};
	CU_ASSERT_EQUAL(oo_diag_list(1u << TCP_CLOSE_WAIT, on_socket, &waiting), 0);
	CU_ASSERT_EQUAL(waiting.n, 1);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_number_is_found_by_the_whole_word_before_it),
		TEST(pressure_is_the_last_ten_seconds),
		TEST(a_counter_stands_below_its_name),
		TEST(a_share_is_never_more_than_all),
		TEST(a_listener_is_read_from_its_message),
		TEST(a_message_that_is_no_socket_is_passed_over),
		TEST(what_waits_to_be_accepted_is_counted),
	};
	return run_tests("hostfs", tests, OO_LENGTH(tests));
}
