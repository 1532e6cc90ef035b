/* Checks of the network next to this host, in namespaces of the test's own (root). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "ran.h"

#define SKIPPED 77 /* meson: the test was skipped */

static void sh(const char *command)
{
	int status = system(command);
	if (status != 0) {
		printf("%s: %d\n", command, status);
		abort();
	}
}

/* A fresh namespace for each test: what the last one made is gone with it. */
static void isolate(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		abort();
	}
	set_up();
}

static struct oo_check_spec link_of(const char *interface)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_LINK, .link = {.interface = interface}};
}

static void test_a_link_has_a_carrier_or_says_what_it_lacks(void)
{
	struct oo_check_spec spec = link_of("va");
	expect_run(&spec, OO_CHECK_REASON_MISSING, "No such device");
	sh("ip link add va type veth peer name vb");
	expect_run(&spec, OO_CHECK_REASON_STOPPED, "set down");
	sh("ip link set va up");
	expect_run(&spec, OO_CHECK_REASON_NO_CARRIER, "no carrier");
	sh("ip link set vb up");
	expect_run(&spec, OO_CHECK_REASON_OK, "up");
	spec.link.speed_mbit = 10000; /* what the kernel says of a veth */
	expect_run(&spec, OO_CHECK_REASON_OK, "up, 10000 Mbit/s");
	spec.link.speed_mbit = 25000;
	expect_run(&spec, OO_CHECK_REASON_DEGRADED, "10000 Mbit/s");
	sh("ip link set lo up");
	spec = link_of("lo");
	spec.link.speed_mbit = 10;
	expect_run(&spec, OO_CHECK_REASON_DEGRADED, "speed unknown");
}

static struct oo_check_spec neighbour(const char *address)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_GATEWAY,
				      .timeout_ms = 300,
				      .gateway = {.address = address, .interface = "va"}};
}

static void expect_answer(const char *address)
{
	struct oo_check_spec spec = neighbour(address);
	spec.timeout_ms = AWAIT_MS;
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(strncmp(result.seen, "answered in ", 12), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, " ms by 02:00:00:00:00:07"));
	CU_ASSERT(result.times.first_byte_us > 0);
}

/* The neighbour is in another namespace: this one has its end of the cable alone. */
static void test_a_neighbour_answers_or_does_not(void)
{
	struct oo_check_spec spec = neighbour("10.7.0.1");
	expect_run(&spec, OO_CHECK_REASON_MISSING, "No such device");
	sh("ip link add va type veth peer name vb address 02:00:00:00:00:07");
	expect_run(&spec, OO_CHECK_REASON_UNREACHABLE, "Network is down");
	sh("ip link set va up && ip link set vb up");
	expect_run(&spec, OO_CHECK_REASON_UNREACHABLE, "no answer to ARP on va");

	OO_AUTO(oo_close) int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(unshare(CLONE_NEWNET), 0);
	char command[128];
	OO_AUTO(oo_close) int there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(setns(here, CLONE_NEWNET), 0);
	snprintf(command, sizeof(command), "ip link set vb netns /proc/%d/fd/%d", getpid(), there);
	sh(command);
	CU_ASSERT_EQUAL_FATAL(setns(there, CLONE_NEWNET), 0);
	sh("ip link set vb up && ip addr add 10.7.0.1/24 dev vb && "
	   "ip addr add 2001:db8::1/64 dev vb nodad");
	CU_ASSERT_EQUAL_FATAL(setns(here, CLONE_NEWNET), 0);
	sh("ip addr add fe80::7/64 dev va nodad");

	expect_answer("10.7.0.1"); /* with no address of our own: as an ARP probe */
	sh("ip addr add 10.7.0.2/24 dev va");
	expect_answer("10.7.0.1");
	expect_answer("2001:db8::1");
	spec = neighbour("10.7.0.9");
	expect_run(&spec, OO_CHECK_REASON_UNREACHABLE, "no answer to ARP on va");
	spec = neighbour("2001:db8::9");
	expect_run(&spec, OO_CHECK_REASON_UNREACHABLE, "no answer to neighbour solicitation on va");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_link_has_a_carrier_or_says_what_it_lacks),
		TEST(a_neighbour_answers_or_does_not),
	};
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr,
			"\n*** SKIPPED: link: NOTHING WAS TESTED, network namespaces need root "
			"***\n\n");
		return SKIPPED;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	return run_tests_in("link", (struct frame){isolate, tear_down}, tests, OO_LENGTH(tests));
}
