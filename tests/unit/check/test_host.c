/* Checks of this host's programs, files and processes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ran.h"

/* A kill(2) of ours, for a process that sleeps in the kernel where no signal reaches it. */
static bool kills_nobody;

int kill(pid_t pid, int signal_number)
{
	return kills_nobody ? 0 : (int)syscall(SYS_kill, pid, signal_number);
}

static char directory[] = "/tmp/oo-check-host-XXXXXX";

/* directory/name; good until the next call but one. */
static const char *path_of(const char *name)
{
	static char paths[2][128];
	static int turn;
	turn = !turn;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", directory, name);
	return paths[turn];
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
	const char *path = path_of(name);
	unlink(path);
	OO_AUTO(oo_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	fchmod(fd, mode);
	return path;
}

static struct oo_check_spec program(const char *const *words, size_t n)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_EXEC, .exec = {.command = {words, n}}};
}

static struct oo_check_result shell(const char *script)
{
	const char *words[] = {"/bin/sh", "-c", script};
	struct oo_check_spec spec = program(words, 3);
	return run(&spec);
}

static void test_a_program_s_exit_and_first_line_are_the_result(void)
{
	static const struct {
		const char *script;
		enum oo_check_reason reason;
		const char *seen;
	} rows[] = {
		{"exit 0", OO_CHECK_REASON_OK, "exit code 0"},
		{"echo fine; echo more", OO_CHECK_REASON_OK, "fine"},
		{"echo DISK WARNING >&2; exit 1", OO_CHECK_REASON_FAILED,
		 "exit code 1: DISK WARNING"},
		{"exit 2", OO_CHECK_REASON_FAILED, "exit code 2"},
		{"echo no idea; exit 3", OO_CHECK_REASON_LOCAL, "exit code 3: no idea"},
		{"kill -SEGV $$", OO_CHECK_REASON_FAILED, "killed by SIGSEGV"},
		{"echo $OOHA_CHECK", OO_CHECK_REASON_OK, "x"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_check_result result = shell(rows[i].script);
		expect(&result, rows[i].reason, rows[i].seen);
	}
}

static void test_a_program_that_is_not_over_in_time_is_killed_with_its_group(void)
{
	char script[200];
	const char *words[] = {"/bin/sh", "-c", script};
	snprintf(script, sizeof(script), "echo $$ > %s/pid; echo at it; sleep 1000 & sleep 1000",
		 directory);
	struct oo_check_spec spec = program(words, 3);
	spec.timeout_ms = 400;
	expect_run(&spec, OO_CHECK_REASON_SLOW, "not over: at it");
	OO_AUTO(oo_close) int fd = open(path_of("pid"), O_RDONLY | O_CLOEXEC);
	char pid[16] = "";
	CU_ASSERT_FATAL(read(fd, pid, sizeof(pid) - 1) > 0);
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (kill(-atoi(pid), 0) == 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT(kill(-atoi(pid), 0) < 0 && errno == ESRCH);
}

static void test_a_program_that_others_can_write_to_is_not_run(void)
{
	char seen[OO_CHECK_SEEN_LENGTH];
	const char *words[1] = {write_file("good", "#!/bin/sh\nexit 0\n", 0755)};
	char bad[128], missing[128];
	struct oo_check_spec spec = program(words, 1);
	struct oo_check_result result = run(&spec);
	/* /tmp is everybody's, so that nothing in it is to be trusted */
	snprintf(seen, sizeof(seen), "/tmp is writable by others");
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_LOCAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, seen));
	snprintf(bad, sizeof(bad), "/nonexistent/program");
	words[0] = bad;
	result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_LOCAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, "No such file"));
	snprintf(missing, sizeof(missing), "/etc/passwd");
	words[0] = missing;
	result = run(&spec);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, "is not executable"));
}

static void test_a_program_runs_as_its_user(void)
{
	const char *words[] = {"/usr/bin/id", "-un"};
	struct oo_check_spec spec = program(words, 2);
	struct oo_check *check = NULL;
	struct oo_err err;
	struct oo_check_setup setup = {event, transfers, on_result, NULL, 0, NULL};
	spec.exec.user = "nobody";
	if (geteuid() == 0) {
		expect_run(&spec, OO_CHECK_REASON_OK, "nobody");
	} else {
		printf("skipped: not root ");
	}
	spec.exec.user = "no-such-user";
	spec.name = "x";
	spec.interval_ms = spec.timeout_ms = 1;
	CU_ASSERT_EQUAL(oo_check_new(&setup, &spec, &check, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "check x: user: there is no user no-such-user");
}

static struct oo_check_spec file(const char *path)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_FILE, .file = {.path = path}};
}

static void test_a_file_is_there_fresh_and_has_what_it_should(void)
{
	static char big[70000];
	struct oo_check_spec spec = file(write_file("here", "one two", 0644));
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(strncmp(result.seen, "changed ", 8), 0);
	spec.file.contains = "two";
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
	spec.file.contains = "three";
	expect_run(&spec, OO_CHECK_REASON_CONTENT, "without \"three\"");
	/* across the border of two blocks */
	memset(big, 'x', sizeof(big) - 1);
	memcpy(big + 16384 * 2 - 3, "needle", 6);
	spec = file(write_file("big", big, 0644));
	spec.file.contains = "needle";
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
	/* old */
	spec = file(write_file("old", "", 0644));
	struct timespec times[2] = {{.tv_sec = time(NULL) - 7200}, {.tv_sec = time(NULL) - 7200}};
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, spec.file.path, times, 0), 0);
	spec.file.age_ms = 3 * 3600 * 1000;
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
	spec.file.age_ms = 3600 * 1000;
	result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_STALE);
	spec = file("/nonexistent/file");
	expect_run(&spec, OO_CHECK_REASON_MISSING, "No such file or directory");
	spec = file("/etc/passwd/x");
	expect_run(&spec, OO_CHECK_REASON_MISSING, "Not a directory");
	spec = file("/proc/self/mem"); /* readable by nobody at its beginning */
	spec.file.contains = "x";
	expect_run(&spec, OO_CHECK_REASON_STORAGE, "Input/output error");
}

static struct oo_check_spec disk(const char *path)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_DISK, .disk = {.path = path}};
}

static void test_a_disk_has_room_and_can_be_written_to(void)
{
	struct oo_check_spec spec = disk(directory);
	spec.disk.writable = true;
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
	CU_ASSERT(access(path_of(".ooha-write-test"), F_OK) < 0);
	spec.disk.free.least = UINT64_C(1) << 60;
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_FULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, " MiB free ("));
	spec = disk("/nonexistent");
	expect_run(&spec, OO_CHECK_REASON_MISSING, "No such file or directory");
	spec = disk("/proc");
	spec.disk.writable = true;
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_MISSING); /* no file is made there */
}

static void test_whose_disk_it_is_matters(void)
{
	if (geteuid() != 0) {
		printf("skipped: not root ");
		return;
	}
	mkdir(path_of("mine"), 0700);
	struct oo_check_spec spec = disk(path_of("mine"));
	spec.disk.writable = true;
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
	chmod(directory, 0755);
	spec.disk.user = "nobody";
	expect_run(&spec, OO_CHECK_REASON_DENIED, "create a test file: Permission denied");
	rmdir(path_of("mine"));
}

/* A file system of 64 KiB and 10 inodes of the test's own. */
static void test_a_full_or_read_only_disk_is_told(void)
{
	const char *place = path_of("small");
	mkdir(place, 0755);
	if (geteuid() != 0 || mount("tmpfs", place, "tmpfs", 0, "size=64k,nr_inodes=10") < 0) {
		printf("skipped: cannot mount ");
		rmdir(place);
		return;
	}
	char root[128];
	snprintf(root, sizeof(root), "%s", place);
	struct oo_check_spec spec = disk(root);
	spec.disk.writable = true;
	expect_run(&spec, OO_CHECK_REASON_OK, "0 MiB free (100 %)");
	spec.disk.free_inodes.least = 100;
	expect_run(&spec, OO_CHECK_REASON_FULL, "9 inodes free (90 %)");
	spec.disk.free_inodes = (struct oo_check_room){.percent = 95};
	expect_run(&spec, OO_CHECK_REASON_FULL, "9 inodes free (90 %)");
	spec.disk.free_inodes.percent = 0;
	static char data[62 * 1024];
	memset(data, 'x', sizeof(data) - 1);
	write_file("small/filler", data, 0644);
	expect_run(&spec, OO_CHECK_REASON_FULL, "write a test file: No space left on device");
	spec.disk.writable = false;
	spec.disk.free.percent = 5;
	expect_run(&spec, OO_CHECK_REASON_FULL, "0 MiB free (0 %)");
	CU_ASSERT_EQUAL(mount(NULL, root, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	spec = disk(root);
	spec.disk.writable = true;
	expect_run(&spec, OO_CHECK_REASON_READ_ONLY, "create a test file: Read-only file system");
	umount2(root, MNT_DETACH);
	rmdir(root);
}

/* A named pipe that nobody reads waits as a file system does that is gone; it can be killed. */
static void test_a_disk_that_hangs_does_not_block(void)
{
	struct watch watch = {0};
	struct oo_check *check = NULL;
	struct oo_check_setup setup = {event, transfers, on_result, &watch, 0, NULL};
	char place[128];
	snprintf(place, sizeof(place), "%s", path_of("hangs"));
	mkdir(place, 0755);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("hangs/.ooha-write-test"), 0600), 0);
	struct oo_check_spec spec = disk(place);
	spec.name = "x";
	spec.disk.writable = true;
	spec.interval_ms = AWAIT_MS;
	spec.timeout_ms = 100;
	int64_t started_at = oo_clock_now();
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, &spec, &check, NULL), 0);
	CU_ASSERT(await(event, &watch.done));
	expect(&watch.result, OO_CHECK_REASON_HUNG, "no answer");
	CU_ASSERT(oo_clock_now() - started_at < AWAIT_MS / 2);
	/* the one that was killed is gone by then, and the next is asked */
	watch.done = false;
	unlink(path_of("hangs/.ooha-write-test"));
	int64_t until = oo_clock_now() + AWAIT_MS;
	do {
		watch.done = false;
		oo_check_run_now(check);
		CU_ASSERT(await(event, &watch.done));
	} while (watch.result.reason == OO_CHECK_REASON_HUNG && oo_clock_now() < until);
	CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_OK);
	oo_check_free(check);
	rmdir(place);
}

/* How many children this process has. */
static int count_children(void)
{
	char path[64], text[256] = "";
	int n = 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	for (ssize_t i = 0; i < length; i++) {
		n += text[i] == ' ';
	}
	return n;
}

static void test_a_question_that_cannot_be_killed_is_not_joined_by_another(void)
{
	struct watch watch = {0};
	struct oo_check *check = NULL;
	struct oo_check_setup setup = {event, transfers, on_result, &watch, 0, NULL};
	char place[128];
	snprintf(place, sizeof(place), "%s", path_of("stuck"));
	mkdir(place, 0755);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("stuck/.ooha-write-test"), 0600), 0);
	struct oo_check_spec spec = disk(place);
	spec.name = "x";
	spec.disk.writable = true;
	spec.interval_ms = AWAIT_MS;
	spec.timeout_ms = 100;
	int before = count_children();
	kills_nobody = true;
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, &spec, &check, NULL), 0);
	CU_ASSERT(await(event, &watch.done));
	expect(&watch.result, OO_CHECK_REASON_HUNG, "no answer");
	for (int i = 0; i < 3; i++) {
		watch.done = false;
		oo_check_run_now(check);
		CU_ASSERT(await(event, &watch.done));
		CU_ASSERT_EQUAL(watch.result.reason, OO_CHECK_REASON_HUNG);
		CU_ASSERT_EQUAL(strncmp(watch.result.seen, "no answer for ", 14), 0);
		CU_ASSERT_EQUAL(count_children(), before + 1);
	}
	kills_nobody = false;
	OO_AUTO(oo_close)
	int reader = open(path_of("stuck/.ooha-write-test"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CU_ASSERT(reader >= 0); /* what it waited for */
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (count_children() > before && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(count_children(), before); /* reaped, its late answer unheard */
	unlink(path_of("stuck/.ooha-write-test"));
	oo_check_free(check);
	rmdir(place);
}

static struct oo_check_spec process(const char *name)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_PROCESS,
				      .process = {.process_name = name, .least = 1}};
}

static void test_processes_are_counted_by_name(void)
{
	prctl(PR_SET_NAME, "oo) S here", 0, 0, 0);
	struct oo_check_spec spec = process("oo) S here");
	expect_run(&spec, OO_CHECK_REASON_OK, "1 running");
	spec.process.least = 2;
	expect_run(&spec, OO_CHECK_REASON_STOPPED, "1 of 2 running");
	spec.process.least = 0;
	spec.process.most = 1;
	expect_run(&spec, OO_CHECK_REASON_OK, "1 running");
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	expect_run(&spec, OO_CHECK_REASON_TOO_MANY, "2 running");
	kill(child, SIGKILL);
	siginfo_t info;
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* a zombie counts for nothing */
	expect_run(&spec, OO_CHECK_REASON_OK, "1 running");
	waitpid(child, NULL, 0);
	spec = process("no-such-process");
	expect_run(&spec, OO_CHECK_REASON_STOPPED, "0 of 1 running");
}

static void test_a_process_is_found_by_its_pid_file(void)
{
	char pid[32], seen[64];
	snprintf(pid, sizeof(pid), "%d\n", getpid());
	prctl(PR_SET_NAME, "oo-me", 0, 0, 0);
	struct oo_check_spec spec = {.type = OO_CHECK_TYPE_PROCESS,
				     .process = {.pid_file = write_file("own.pid", pid, 0644)}};
	snprintf(seen, sizeof(seen), "process %d (oo-me)", getpid());
	expect_run(&spec, OO_CHECK_REASON_OK, seen);
	spec.process.process_name = "nginx";
	snprintf(seen, sizeof(seen), "process %d is another one (oo-me)", getpid());
	expect_run(&spec, OO_CHECK_REASON_STOPPED, seen);
	spec.process.process_name = NULL;
	spec.process.pid_file = write_file("gone.pid", "999999999\n", 0644);
	expect_run(&spec, OO_CHECK_REASON_STOPPED, "no process 999999999");
	spec.process.pid_file = write_file("bad.pid", "nginx\n", 0644);
	expect_run(&spec, OO_CHECK_REASON_CONTENT, "no number in the pid file");
	spec.process.pid_file = "/nonexistent/pid";
	expect_run(&spec, OO_CHECK_REASON_STOPPED, "no pid file");
	pid_t child = fork();
	if (child == 0) {
		_exit(0);
	}
	siginfo_t info;
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	snprintf(pid, sizeof(pid), "%d", child);
	spec.process.pid_file = write_file("dead.pid", pid, 0644);
	snprintf(seen, sizeof(seen), "process %d (oo-me) is a zombie", child);
	expect_run(&spec, OO_CHECK_REASON_STOPPED, seen);
	waitpid(child, NULL, 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_program_s_exit_and_first_line_are_the_result),
		TEST(a_program_that_is_not_over_in_time_is_killed_with_its_group),
		TEST(a_program_that_others_can_write_to_is_not_run),
		TEST(a_program_runs_as_its_user),
		TEST(a_file_is_there_fresh_and_has_what_it_should),
		TEST(a_disk_has_room_and_can_be_written_to),
		TEST(whose_disk_it_is_matters),
		TEST(a_full_or_read_only_disk_is_told),
		TEST(a_disk_that_hangs_does_not_block),
		TEST(a_question_that_cannot_be_killed_is_not_joined_by_another),
		TEST(processes_are_counted_by_name),
		TEST(a_process_is_found_by_its_pid_file),
	};
	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	int r = run_check_tests("host", tests, OO_LENGTH(tests));
	static const char *const left[] = {"pid",     "good",     "here",    "big",     "old",
					   "own.pid", "gone.pid", "bad.pid", "dead.pid"};
	for (size_t i = 0; i < OO_LENGTH(left); i++) {
		unlink(path_of(left[i]));
	}
	return rmdir(directory) == 0 ? r : 1;
}
