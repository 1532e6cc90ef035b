/*
 * nginx's own word on its configuration (nginx -t), and whether the running one has it.
 *
 * The test does what a start does but serving: it opens the logs for appending and makes them and
 * the folders for temporary files where they are missing, opens the pid file, and binds (and
 * listens on, for some ms) what is not bound yet. Debian's unit does the same before each start, so
 * nothing happens here that would not happen there. It looks names up, which may take its time.
 *
 * nginx loads modules that its configuration names. Run as root, it must get none that root has not
 * chosen: that of a running master of root's, else what we are told, else the package's. Without the
 * rights of a start it would fail for us alone, so then it is not asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/procfs.h"
#include "event/child.h"

#define NGINX "/usr/sbin/nginx"
#define PROXY_CONFIG "/etc/nginx/nginx.conf"
#define TIMEOUT_MS 2000
#define GRACE_MS 100
#define CHILDREN_LENGTH 8192
/* To open logs and keys of others, and to bind port 80. */
#define RIGHTS (UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_NET_BIND_SERVICE)

struct test {
	struct oo_gather *gather;
	struct oo_child *child;
	char program[OO_TEXT_LENGTH];
	char config[OO_TEXT_LENGTH];
	char prefix[OO_TEXT_LENGTH]; /* "": nginx's own */
};

/* ---- What to run ---- */

static bool is_nginx(const char *program)
{
	const char *slash = strrchr(program, '/');
	return slash != NULL &&
	       (oo_text_equal(slash, "/nginx") || oo_text_equal(slash, "/openresty"));
}

/* The program of a running master, unless it was replaced since. */
static void find_program(struct test *test, pid_t pid)
{
	char link[32], target[OO_TEXT_LENGTH];
	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t n = pid != 0 ? readlink(link, target, sizeof(target) - 1) : -1;
	OO_GATHER_SAY(test->program, NGINX);
	if (n > 0) {
		target[n] = '\0';
		if (is_nginx(target) && access(target, X_OK) == 0) {
			OO_GATHER_SAY(test->program, target);
		}
	}
}

static void find_config(struct test *test, const char *title)
{
	const struct oo_config *config = test->gather->subject->config;
	const char *said = config != NULL ? config->documentserver.proxy_config : NULL;
	OO_GATHER_SAY(test->config, said != NULL ? said : PROXY_CONFIG);
	if (said == NULL) {
		(void)oo_procfs_parse_proxy(title, test->config); /* as it was, if it names none */
	}
	if (!oo_procfs_option(title, "-p", test->prefix, sizeof(test->prefix))) {
		test->prefix[0] = '\0';
	}
}

/* Returns whether the test may be run. */
static bool prepare(struct test *test, int proc)
{
	char title[OO_PROCFS_COMMAND] = "";
	pid_t pid = test->gather->evidence->processes[OO_PROGRAM_PROXY].pid;
	if (geteuid() != 0 || !oo_procfs_may(proc, RIGHTS) ||
	    (pid != 0 && !oo_procfs_is_roots(proc, pid))) {
		return false;
	}
	if (pid != 0) {
		(void)oo_procfs_command(proc, pid, title);
	}
	find_program(test, pid);
	find_config(test, title);
	return true;
}

/* ---- Since when the running one has what it has ---- */

/*
 * A reload leaves the master and starts its workers anew, so the oldest worker that does not shut
 * down counts. Returns seconds since 1970, or 0.
 */
static int64_t find_loaded_at_s(int proc, pid_t master)
{
	char path[48], text[CHILDREN_LENGTH], *rest = text, *word;
	uint64_t oldest = UINT64_MAX;
	(void)snprintf(path, sizeof(path), "%d/task/%d/children", master, master);
	if (oo_procfs_read(proc, path, text, sizeof(text)) <= 0) {
		return 0;
	}
	while ((word = strsep(&rest, " \n")) != NULL) {
		char command[OO_PROCFS_COMMAND];
		struct oo_procfs_stat stat;
		pid_t pid = (pid_t)strtol(word, NULL, 10);
		size_t length = pid > 0 ? oo_procfs_command(proc, pid, command) : 0;
		if (length > 0 && strstr(command, "worker process") != NULL &&
		    strstr(command, "shutting down") == NULL &&
		    oo_procfs_stat(proc, pid, &stat) == 0 && stat.started_ticks < oldest) {
			oldest = stat.started_ticks;
		}
	}
	int64_t booted_at_ms = oo_clock_wall() - oo_clock_now();
	return oldest == UINT64_MAX ? 0
				    : booted_at_ms / 1000 + (int64_t)oldest / sysconf(_SC_CLK_TCK);
}

static void compare_times(struct oo_gather *gather, int proc)
{
	struct oo_evidence *evidence = gather->evidence;
	pid_t pid = evidence->processes[OO_PROGRAM_PROXY].pid;
	int64_t loaded_at_s = pid != 0 ? find_loaded_at_s(proc, pid) : 0;
	if (loaded_at_s == 0) {
		loaded_at_s = gather->started_at_s[OO_PROGRAM_PROXY];
	}
	/* a second more: both are cut to whole ones */
	evidence->proxy_test.changed_since_start =
		loaded_at_s != 0 && evidence->proxy.changed_at_s > loaded_at_s + 1;
}

/* ---- The test ---- */

static void on_line(void *user, const char *line)
{
	struct test *test = user;
	struct oo_proxy_test *evidence = &test->gather->evidence->proxy_test;
	const char *found = strstr(line, "[emerg]");
	if (found != NULL && evidence->error[0] == '\0') {
		OO_GATHER_SAY(evidence->error, found);
	}
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct test *test = user;
	struct oo_proxy_test *evidence = &test->gather->evidence->proxy_test;
	test->child = NULL;
	evidence->look = result->end == OO_CHILD_END_TIMED_OUT ? OO_LOOK_LATE
			 : result->end == OO_CHILD_END_EXITED  ? OO_LOOK_SEEN
							       : OO_LOOK_FAILED;
	evidence->passed = result->end == OO_CHILD_END_EXITED && result->code == 0;
	oo_gather_release(test->gather);
}

static void run(struct test *test)
{
	static const char *const environment[] = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
						  NULL};
	struct oo_proxy_test *evidence = &test->gather->evidence->proxy_test;
	/* -e: what is wrong with it is for us, not for the log that we read as evidence */
	const char *argv[] = {
		test->program, "-t", "-q",         "-e",
		"stderr",      "-c", test->config, test->prefix[0] != '\0' ? "-p" : NULL,
		test->prefix,  NULL};
	const struct oo_child_spec spec = {.path = test->program,
					   .argv = argv,
					   .environment = environment,
					   .timeout_ms = TIMEOUT_MS,
					   .grace_ms = GRACE_MS,
					   .line = on_line,
					   .done = on_done,
					   .user = test};
	int r = oo_child_start(test->gather->event, &spec, &test->child, NULL);
	evidence->look = r == 0 ? OO_LOOK_LATE : r == -ENOENT ? OO_LOOK_ABSENT : OO_LOOK_FAILED;
	if (r == 0) {
		oo_gather_hold(test->gather);
	}
}

static void *start(struct oo_gather *gather)
{
	struct test *test = calloc(1, sizeof(*test));
	OO_AUTO(oo_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (test == NULL) {
		return NULL;
	}
	test->gather = gather;
	compare_times(gather, proc);
	if (gather->evidence->is_docker) {
		return test; /* the container's nginx is not ours to start */
	}
	if (prepare(test, proc)) {
		run(test);
	} else {
		gather->evidence->proxy_test.look = OO_LOOK_DENIED;
	}
	return test;
}

static void stop(struct oo_gather *gather, void *state)
{
	struct test *test = state;
	(void)gather;
	oo_child_cancel(test->child);
	free(test);
}

const struct oo_collector oo_collect_proxy_test = {.start = start, .stop = stop};
