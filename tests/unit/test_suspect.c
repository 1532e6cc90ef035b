/* Who took an address away: the decision on a table of evidence, the collector on made-up files. */
#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/testing.h"

#define OLD_MS 3600000
#define RUNS(age)                                                                                  \
	{                                                                                          \
		.runs = true, .manages = true, .age_ms = age                                       \
	}

static void test_the_suspect_is_who_manages_the_interface_and_has_just_started(void)
{
	static const struct {
		struct agent_evidence evidence;
		enum agent_suspect suspect;
	} rows[] = {
		{{.network_file = ""}, AGENT_SUSPECT_PERSON},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = {.runs = true}}}, AGENT_SUSPECT_PERSON},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = {.manages = true}}},
		 AGENT_SUSPECT_PERSON},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(OLD_MS)}}, AGENT_SUSPECT_NETWORKD},
		{{.programs = {[AGENT_SUSPECT_NETWORK_MANAGER] = RUNS(OLD_MS)}},
		 AGENT_SUSPECT_NETWORK_MANAGER},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(OLD_MS),
			       [AGENT_SUSPECT_NETWORK_MANAGER] = RUNS(OLD_MS - 1)}},
		 AGENT_SUSPECT_NETWORKD},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(OLD_MS),
			       [AGENT_SUSPECT_DHCLIENT] = RUNS(10000)}},
		 AGENT_SUSPECT_DHCLIENT},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(OLD_MS),
			       [AGENT_SUSPECT_DHCLIENT] = RUNS(10001)}},
		 AGENT_SUSPECT_NETWORKD},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(300),
			       [AGENT_SUSPECT_NETWORK_MANAGER] = RUNS(200)}},
		 AGENT_SUSPECT_NETWORK_MANAGER},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(200),
			       [AGENT_SUSPECT_DHCPCD] = RUNS(300)}},
		 AGENT_SUSPECT_NETWORKD},
		{{.programs = {[AGENT_SUSPECT_IFUPDOWN] = RUNS(50),
			       [AGENT_SUSPECT_DHCLIENT] = RUNS(OLD_MS)}},
		 AGENT_SUSPECT_IFUPDOWN},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		CU_ASSERT_EQUAL(agent_suspect_find(&rows[i].evidence), rows[i].suspect);
	}
}

static void test_the_fix_is_the_one_for_that_suspect(void)
{
	static const struct {
		struct agent_evidence evidence;
		enum agent_suspect suspect;
		const char *text;
	} rows[] = {
		{{.network_file = ""},
		 AGENT_SUSPECT_PERSON,
		 "by a person or a script: nothing that is known to manage eth0 runs"},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(1250)},
		  .network_file = "/etc/systemd/network/10-eth0.network"},
		 AGENT_SUSPECT_NETWORKD,
		 "most likely by systemd-networkd, which manages eth0 and started 1.2 s ago: set "
		 "KeepConfiguration=static in the [Network] section of "
		 "/etc/systemd/network/10-eth0.network"},
		{{.programs = {[AGENT_SUSPECT_NETWORKD] = RUNS(OLD_MS)}},
		 AGENT_SUSPECT_NETWORKD,
		 "perhaps by systemd-networkd, which manages eth0: set KeepConfiguration=static in "
		 "the [Network] section of its .network file"},
		{{.programs = {[AGENT_SUSPECT_NETWORK_MANAGER] = RUNS(OLD_MS)}},
		 AGENT_SUSPECT_NETWORK_MANAGER,
		 "perhaps by NetworkManager, which manages eth0: give eth0 a profile with "
		 "ipv4.method manual, or leave it alone with "
		 "unmanaged-devices=interface-name:eth0 in NetworkManager.conf"},
		{{.programs = {[AGENT_SUSPECT_DHCLIENT] = RUNS(OLD_MS)}},
		 AGENT_SUSPECT_DHCLIENT,
		 "perhaps by dhclient, which manages eth0: its script flushes eth0 when the lease "
		 "changes: give it a static address"},
		{{.programs = {[AGENT_SUSPECT_DHCPCD] = RUNS(OLD_MS)}},
		 AGENT_SUSPECT_DHCPCD,
		 "perhaps by dhcpcd, which manages eth0: put 'denyinterfaces eth0' into "
		 "dhcpcd.conf and give it a static address"},
		{{.programs = {[AGENT_SUSPECT_IFUPDOWN] = RUNS(0)}},
		 AGENT_SUSPECT_IFUPDOWN,
		 "most likely by ifupdown, which manages eth0 and started 0.0 s ago: do not run "
		 "ifdown on eth0 while this node holds"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char text[AGENT_ADVICE_LENGTH];
		agent_suspect_explain(rows[i].suspect, &rows[i].evidence, "eth0", text);
		CU_ASSERT_STRING_EQUAL(text, rows[i].text);
	}
}

/* A root directory with files of our making. */
static char root[64];

static void make_root(void)
{
	snprintf(root, sizeof(root), "/tmp/test_suspect.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
}

static void remove_root(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
	char full[256];
	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	FILE *file = fopen(full, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fwrite(bytes, 1, n, file), n);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

/* A process that started ago_ms ago; cmdline with its NULs, n bytes of it. */
static void make_process(int pid, const char *comm, int64_t ago_ms, const char *cmdline, size_t n)
{
	char path[64], text[256];
	const long per_s = sysconf(_SC_CLK_TCK);
	snprintf(path, sizeof(path), "proc/%d/comm", pid);
	snprintf(text, sizeof(text), "%s\n", comm);
	write_text(path, text);
	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	snprintf(text, sizeof(text),
		 "%d (%s ) x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %lld 20 21\n", pid,
		 comm, (long long)(oo_clock_now() - ago_ms) * per_s / 1000);
	write_text(path, text);
	snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
	write_bytes(path, cmdline, n);
}
#define PROCESS(pid, comm, ago_ms, cmdline)                                                        \
	make_process(pid, comm, ago_ms, cmdline, sizeof(cmdline))

static enum agent_suspect suspect_now(struct agent_evidence *evidence)
{
	agent_evidence_collect(root, "eth0", 7, evidence);
	return agent_suspect_find(evidence);
}

static void test_with_nothing_to_read_it_was_a_person(void)
{
	struct agent_evidence evidence;
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
	write_text("run/systemd/netif/links/7", "");
	write_text("run/NetworkManager/devices/7", "managed");
	write_text("proc/12/comm", "dhclient");
	write_text("proc/13/comm", "");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
}

static void test_networkd_is_found_by_its_link_file_and_process(void)
{
	struct agent_evidence evidence;
	PROCESS(300, "systemd-network", 2000, "/lib/systemd/systemd-networkd");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
	write_text("run/systemd/netif/links/7", "# private\nADMIN_STATE=unmanaged\n");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
	write_text("run/systemd/netif/links/7",
		   "# private\nADMIN_STATE=configured\nOPER_STATE=routable\n"
		   "NETWORK_FILE=/etc/systemd/network/a.network\n");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_NETWORKD);
	CU_ASSERT_STRING_EQUAL(evidence.network_file, "/etc/systemd/network/a.network");
	const int64_t age_ms = evidence.programs[AGENT_SUSPECT_NETWORKD].age_ms;
	CU_ASSERT_TRUE(age_ms >= 2000 && age_ms < 12000);
}

static void test_network_manager_is_found_by_its_device_file_and_process(void)
{
	struct agent_evidence evidence;
	write_text("run/NetworkManager/devices/7", "[device]\nmanaged=true\nnm-owned=false\n");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
	PROCESS(300, "NetworkManager", OLD_MS, "/usr/sbin/NetworkManager\0--no-daemon");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_NETWORK_MANAGER);
	write_text("run/NetworkManager/devices/7", "[device]\nmanaged=false\n");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
}

static void test_a_dhcp_client_is_found_by_its_command_line(void)
{
	struct agent_evidence evidence;
	PROCESS(300, "dhclient", OLD_MS, "dhclient\0-4\0-v\0eth1");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_PERSON);
	PROCESS(301, "dhclient", OLD_MS, "dhclient\0-4\0-v\0eth0");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_DHCLIENT);
	PROCESS(302, "dhcpcd", 0, "dhcpcd\0-b");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_DHCPCD);
	PROCESS(302, "dhcpcd", 0, "dhcpcd\0eth1");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_DHCLIENT);
}

static void test_the_youngest_process_of_a_name_counts(void)
{
	struct agent_evidence evidence;
	PROCESS(300, "ifup", OLD_MS, "ifup\0-a");
	PROCESS(301, "ifdown", 100, "ifdown\0eth0");
	CU_ASSERT_EQUAL(suspect_now(&evidence), AGENT_SUSPECT_IFUPDOWN);
	CU_ASSERT_TRUE(evidence.programs[AGENT_SUSPECT_IFUPDOWN].age_ms < 10000);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(the_suspect_is_who_manages_the_interface_and_has_just_started),
		TEST(the_fix_is_the_one_for_that_suspect),
		TEST(with_nothing_to_read_it_was_a_person),
		TEST(networkd_is_found_by_its_link_file_and_process),
		TEST(network_manager_is_found_by_its_device_file_and_process),
		TEST(a_dhcp_client_is_found_by_its_command_line),
		TEST(the_youngest_process_of_a_name_counts),
	};
	return run_tests_in("suspect", (struct frame){make_root, remove_root}, tests,
			    OO_LENGTH(tests));
}
