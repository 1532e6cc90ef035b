/* What /proc says, as recorded. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "collect/procfs.h"

static void test_a_stat_line_is_read_whatever_the_name_has_in_it(void)
{
	struct oo_procfs_stat stat;
	CU_ASSERT_FATAL(oo_procfs_parse_stat(
		"4242 (node) T) S 1) T 1 4242 4242 0 -1 4194560 9182 0 31 0 731 69 0 0 20 0 11 0 "
		"812345 1290145792 14210 18446744073709551615 1 1 0 0 0 0 0 4096 134300162\n",
		&stat));
	CU_ASSERT_STRING_EQUAL(stat.name, "node) T) S 1");
	CU_ASSERT_EQUAL(stat.state, 'T');
	CU_ASSERT_EQUAL(stat.cpu_ticks, 800);
	CU_ASSERT_EQUAL(stat.started_ticks, 812345);
}

static void test_what_is_no_stat_line_is_refused(void)
{
	static const char *const bad[] = {"",
					  "4242",
					  "4242 (node",
					  "4242 )node( S 1",
					  "4242 (node)",
					  "4242 (node) S 1 4242 4242 0 -1 4194560 9182 0 31 0 731",
					  "4242 (node) S 1 x 4242 0 -1 4194560 9182 0 31 0 731 69"};
	struct oo_procfs_stat stat = {.state = '?'};
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		CU_ASSERT_FALSE(oo_procfs_parse_stat(bad[i], &stat));
		CU_ASSERT_EQUAL(stat.state, '?');
	}
}

static void test_processes_are_known_for_what_they_are(void)
{
#define COMMAND(words) words, sizeof(words) - 1
	static const struct {
		const char *name, *command;
		size_t length;
		struct oo_procfs_role role;
	} rows[] = {
		{"nginx",
		 COMMAND("nginx: master process /usr/sbin/nginx -g daemon on;\0"),
		 {OO_PROGRAM_PROXY, false, false}},
		{"nginx", COMMAND("nginx: worker process\0"), {OO_PROGRAM_PROXY, true, false}},
		{"nginx",
		 COMMAND("nginx: worker process is shutting down\0"),
		 {OO_PROGRAM_PROXY, true, true}},
		{"nginx",
		 COMMAND("nginx: cache manager process\0"),
		 {OO_PROGRAM_PROXY, false, false}},
		{"nginx", COMMAND(""), {OO_PROGRAM_PROXY, true, false}},
		{"docservice",
		 COMMAND("/var/www/onlyoffice/documentserver/server/DocService/docservice\0"),
		 {OO_PROGRAM_DOCSERVICE, false, false}},
		{"node",
		 COMMAND("node\0/srv/server/DocService/sources/server.js\0"),
		 {OO_PROGRAM_DOCSERVICE, false, false}},
		{"MainThread",
		 COMMAND("/usr/bin/node\0--max-old-space-size=512\0DocService/sources/server.js\0"),
		 {OO_PROGRAM_DOCSERVICE, false, false}},
		{"converter", COMMAND("converter\0"), {OO_PROGRAM_CONVERTER, false, false}},
		{"node",
		 COMMAND("node\0server/FileConverter/sources/convertermaster.js\0"),
		 {OO_PROGRAM_CONVERTER, false, false}},
		{"postgres",
		 COMMAND("/usr/lib/postgresql/15/bin/postgres\0-D\0/var/lib/postgresql\0"),
		 {OO_PROGRAM_DATABASE, false, false}},
		{"beam.smp",
		 COMMAND("/usr/lib/erlang/erts/bin/beam.smp\0-W\0w\0-boot\0rabbit\0"),
		 {OO_PROGRAM_BROKER, false, false}},
		/* the unit's shell and tee are not the Document Server, nor is any node or Erlang */
		{"sh",
		 COMMAND("/bin/sh\0-c\0exec /srv/server/DocService/docservice 2>&1 | tee -a "
			 "/var/log/onlyoffice/documentserver/docservice/out.log\0"),
		 {OO_PROGRAM_END, false, false}},
		{"tee", COMMAND("tee\0-a\0docservice/out.log\0"), {OO_PROGRAM_END, false, false}},
		{"node", COMMAND("node\0/srv/other/server.js\0"), {OO_PROGRAM_END, false, false}},
		{"beam.smp",
		 COMMAND("beam.smp\0-boot\0ejabberd\0"),
		 {OO_PROGRAM_END, false, false}},
		{"vi",
		 COMMAND("vi\0DocService/sources/server.js.bak\0"),
		 {OO_PROGRAM_END, false, false}},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_procfs_role role =
			oo_procfs_classify(rows[i].name, rows[i].command, rows[i].length);
		if (role.program != rows[i].role.program) {
			printf("\nrow %zu (%s): %d\n", i, rows[i].command, role.program);
		}
		CU_ASSERT_EQUAL(role.program, rows[i].role.program);
		CU_ASSERT_EQUAL(role.is_worker, rows[i].role.is_worker);
		CU_ASSERT_EQUAL(role.is_leaving, rows[i].role.is_leaving);
	}
}

static void test_the_owner_of_the_port_may_be_the_document_server(void)
{
	CU_ASSERT(oo_procfs_may_be_docservice("node", COMMAND("node\0app.js\0")));
	CU_ASSERT(oo_procfs_may_be_docservice("MainThread", COMMAND("/usr/bin/node\0app.js\0")));
	CU_ASSERT(oo_procfs_may_be_docservice(
		"x", COMMAND("/x\0--config\0/etc/onlyoffice/documentserver\0")));
	CU_ASSERT_FALSE(oo_procfs_may_be_docservice("python3",
						    COMMAND("python3\0-m\0http.server\0008000\0")));
	CU_ASSERT_FALSE(oo_procfs_may_be_docservice("nginx", "", 0));
}

static void test_the_proxys_configuration_is_the_one_that_it_was_told(void)
{
	static const struct {
		const char *title, *path;
	} rows[] = {
		{"nginx: master process nginx -c /tmp/x/nginx.conf", "/tmp/x/nginx.conf"},
		{"nginx: master process nginx -p /tmp/x -c nginx.conf -g daemon off;",
		 "/tmp/x/nginx.conf"},
		{"nginx: master process nginx -p /tmp/x/ -c conf/n.conf", "/tmp/x/conf/n.conf"},
		{"nginx: master process nginx -c/tmp/n.conf", "/tmp/n.conf"},
		{"nginx: master process /usr/sbin/nginx -g daemon on; master_process on;", NULL},
		{"nginx: master process nginx -c relative.conf", NULL},
		{"nginx: master process nginx -c", NULL},
		{"", NULL},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char path[OO_TEXT_LENGTH] = "";
		CU_ASSERT_EQUAL(oo_procfs_parse_proxy(rows[i].title, path), rows[i].path != NULL);
		CU_ASSERT_STRING_EQUAL(path, rows[i].path != NULL ? rows[i].path : "");
	}
}

static void test_freezer_of_either_version(void)
{
	char path[OO_TEXT_LENGTH] = "";
	CU_ASSERT(oo_procfs_parse_freezer("9:freezer:/a/b\n8:cpu:/\n0::/c\n", path));
	CU_ASSERT_STRING_EQUAL(path, "/sys/fs/cgroup/freezer/a/b/freezer.state");
	CU_ASSERT(oo_procfs_parse_freezer("0::/system.slice/ds.service\n", path));
	CU_ASSERT_STRING_EQUAL(path, "/sys/fs/cgroup/system.slice/ds.service/cgroup.events");
	CU_ASSERT(oo_procfs_parse_freezer("1:name=systemd:/\n0::/\n", path));
	CU_ASSERT_STRING_EQUAL(path, "/sys/fs/cgroup/cgroup.events");
	CU_ASSERT_FALSE(oo_procfs_parse_freezer("1:name=systemd:/\n", path));
	CU_ASSERT_FALSE(oo_procfs_parse_freezer("", path));
}

static void test_frozen_is_what_the_kernel_calls_so(void)
{
	CU_ASSERT(oo_procfs_says_frozen("FROZEN\n"));
	CU_ASSERT(oo_procfs_says_frozen("FREEZING\n"));
	CU_ASSERT(oo_procfs_says_frozen("populated 1\nfrozen 1\n"));
	CU_ASSERT_FALSE(oo_procfs_says_frozen("THAWED\n"));
	CU_ASSERT_FALSE(oo_procfs_says_frozen("populated 1\nfrozen 0\n"));
	CU_ASSERT_FALSE(oo_procfs_says_frozen(""));
}

static void test_limits_and_capabilities_are_found_in_their_files(void)
{
	CU_ASSERT_EQUAL(oo_procfs_parse_limits("Limit                     Soft Limit           "
					       "Hard Limit           Units\n"
					       "Max open files            1024                 "
					       "524288               files\n"
					       "Max locked memory         8388608              "
					       "8388608              bytes\n"),
			1024);
	CU_ASSERT_EQUAL(oo_procfs_parse_limits("Max open files            unlimited"), 0);
	CU_ASSERT_EQUAL(oo_procfs_parse_limits(""), 0);
	CU_ASSERT_EQUAL(oo_procfs_parse_capabilities(
				"CapPrm:\t0000000000000000\nCapEff:\t0000000000083000\n"),
			0x83000);
	CU_ASSERT_EQUAL(oo_procfs_parse_capabilities("Name: x\n"), 0);
}

static void test_nobody_is_whom_the_kernel_asks_for_in_vain(void)
{
	const char *text =
		"IP address       HW type     Flags       HW address            Mask     Device\n"
		"192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n"
		"192.0.2.10       0x1         0x0         00:00:00:00:00:00     *        eth0\n"
		"192.0.2.3        0x1         0x6         02:fc:00:00:00:07     *        eth0\n";
	CU_ASSERT_TRUE(oo_procfs_parse_is_nobody(text, "192.0.2.10"));
	CU_ASSERT_FALSE(oo_procfs_parse_is_nobody(text, "192.0.2.1"));
	CU_ASSERT_FALSE(oo_procfs_parse_is_nobody(text, "192.0.2.3"));
	CU_ASSERT_FALSE(oo_procfs_parse_is_nobody(text, "192.0.2.100"));
	CU_ASSERT_FALSE(oo_procfs_parse_is_nobody(text, ""));
	CU_ASSERT_FALSE(oo_procfs_parse_is_nobody("", "192.0.2.10"));
}

static void test_roots_is_what_nobody_else_has_started(void)
{
	static const struct {
		const char *text;
		bool is_roots;
	} rows[] = {
		{"Name:\tnginx\nUmask:\t0022\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", true},
		{"Name:\tnginx\nUid:\t33\t33\t33\t33\nGid:\t0\t0\t0\t0\n", false},
		{"Name:\tnginx\nUid:\t1000\t0\t0\t0\nGid:\t0\t0\t0\t0\n", false}, /* set-user-id */
		{"Name:\tnginx\nUid:\t0\t0\t33\t0\n", false},
		{"Name:\tUid: 0 0 0 0\nUid:\t33\t33\t33\t33\n", false},
		{"Name:\tnginx\nUid:\t0\t0\n", false},
		{"", false},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		CU_ASSERT_EQUAL(oo_procfs_parse_is_roots(rows[i].text), rows[i].is_roots);
	}
}

static void test_rights_are_those_that_we_have_all_of(void)
{
	char text[4096];
	OO_AUTO(oo_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_FATAL(oo_procfs_read(proc, "self/status", text, sizeof(text)) > 0);
	uint64_t ours = oo_procfs_parse_capabilities(text);
	CU_ASSERT(oo_procfs_may(proc, ours));
	CU_ASSERT_FALSE(oo_procfs_may(proc, ours | UINT64_C(1) << 63)); /* no such one */
	CU_ASSERT_EQUAL(oo_procfs_is_roots(proc, getpid()), getuid() == 0 && geteuid() == 0);
}

static void test_our_own_process_is_seen_as_it_is(void)
{
	struct oo_procfs_stat stat;
	char command[OO_PROCFS_COMMAND];
	CU_ASSERT_EQUAL(oo_procfs_stat(-1, getpid(), &stat), -EBADF);
	OO_AUTO(oo_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(oo_procfs_stat(proc, getpid(), &stat), 0);
	CU_ASSERT_STRING_EQUAL(stat.name, "test_collect_pr"); /* cut by the kernel */
	CU_ASSERT_EQUAL(stat.state, 'R');
	CU_ASSERT(oo_procfs_command(proc, getpid(), command) > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(command, "test_collect_procfs"));
	CU_ASSERT_FALSE(oo_procfs_is_elsewhere(proc, getpid()));
	uint32_t n = oo_procfs_count_descriptors(proc, getpid());
	OO_AUTO(oo_close) int more = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CU_ASSERT_FATAL(more >= 0);
	CU_ASSERT_EQUAL(oo_procfs_count_descriptors(proc, getpid()), n + 1);
}

static void test_a_process_of_another_network_is_told_from_ours(void)
{
	int ready[2];
	CU_ASSERT_EQUAL_FATAL(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		/* whoever may not do the one may mostly do the other */
		bool moved =
			unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
		if (write(ready[1], moved ? "y" : "n", 1) == 1) {
			pause();
		}
		_exit(1);
	}
	char moved = 'n';
	CU_ASSERT_EQUAL(read(ready[0], &moved, 1), 1);
	OO_AUTO(oo_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL(moved, 'y');
	CU_ASSERT(oo_procfs_is_elsewhere(proc, child));
	CU_ASSERT_FALSE(oo_procfs_is_elsewhere(proc, getppid()));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CU_ASSERT_FALSE(oo_procfs_is_elsewhere(proc, child)); /* gone: nothing is known */
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_stat_line_is_read_whatever_the_name_has_in_it),
		TEST(what_is_no_stat_line_is_refused),
		TEST(processes_are_known_for_what_they_are),
		TEST(the_owner_of_the_port_may_be_the_document_server),
		TEST(the_proxys_configuration_is_the_one_that_it_was_told),
		TEST(limits_and_capabilities_are_found_in_their_files),
		TEST(nobody_is_whom_the_kernel_asks_for_in_vain),
		TEST(freezer_of_either_version),
		TEST(frozen_is_what_the_kernel_calls_so),
		TEST(roots_is_what_nobody_else_has_started),
		TEST(rights_are_those_that_we_have_all_of),
		TEST(our_own_process_is_seen_as_it_is),
		TEST(a_process_of_another_network_is_told_from_ours),
	};
	return run_tests("procfs", tests, OO_LENGTH(tests));
}
