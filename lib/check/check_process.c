#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/kind.h"

/* More of its beginning than is looked at: "1234 (name) S ..." */
#define STAT_LENGTH 64
#define PID_LENGTH 16

/* As /proc/<pid>/stat has it (proc(5)), which never waits for the process. */
struct process {
	char name[32];
	char state;
};

static int read_text(int directory, const char *path, char *text, size_t size)
{
	OO_AUTO(oo_close) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (n < 0) {
		return -errno;
	}
	text[n] = '\0';
	return 0;
}

/* Returns 0, or -errno when it is gone. proc: the directory's. */
static int read_process(int proc, const char *pid, struct process *ret_process)
{
	char path[PID_LENGTH + 8], text[STAT_LENGTH];
	snprintf(path, sizeof(path), "%s/stat", pid);
	int r = read_text(proc, path, text, sizeof(text));
	if (r < 0) {
		return r;
	}
	/* a name may have anything in it: the last bracket is its end */
	char *begin = strchr(text, '('), *end = strrchr(text, ')');
	if (begin == NULL || end == NULL || end < begin || end[1] == '\0') {
		return -EPROTO;
	}
	*end = '\0';
	oo_text_clip(ret_process->name, sizeof(ret_process->name), begin + 1);
	ret_process->state = end[2];
	return 0;
}

static bool is_alive(const struct process *process)
{
	return process->state != 'Z' && process->state != 'X';
}

/* Returns how many there are that live, or -errno. */
static int count(const char *name)
{
	int n = 0;
	DIR *directory = opendir("/proc");
	if (directory == NULL) {
		return -errno;
	}
	const struct dirent *entry;
	while ((entry = readdir(directory)) != NULL) {
		struct process process;
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    strlen(entry->d_name) < PID_LENGTH &&
		    read_process(dirfd(directory), entry->d_name, &process) == 0 &&
		    is_alive(&process) && oo_text_equal(process.name, name)) {
			n++;
		}
	}
	closedir(directory);
	return n;
}

static void judge_count(struct oo_check_run *run)
{
	const struct oo_check_process *spec = &run->spec->process;
	int n = count(spec->process_name);
	if (n < 0) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, -n);
	} else if (n < spec->least) {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "%d of %d running", n, spec->least);
	} else if (spec->most > 0 && n > spec->most) {
		oo_check_run_say(run, OO_CHECK_REASON_TOO_MANY, "%d running", n);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "%d running", n);
	}
}

static void judge_pid(struct oo_check_run *run, const char *pid)
{
	const char *name = run->spec->process.process_name;
	struct process process;
	OO_AUTO(oo_close) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = proc < 0 ? -errno : read_process(proc, pid, &process);
	if (r == -ENOENT || r == -ESRCH) {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "no process %s", pid);
	} else if (r < 0) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, -r);
	} else if (!is_alive(&process)) {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "process %s (%s) is a zombie", pid,
				 process.name);
	} else if (name != NULL && !oo_text_equal(process.name, name)) {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "process %s is another one (%s)",
				 pid, process.name);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "process %s (%s)", pid, process.name);
	}
}

static void judge_pid_file(struct oo_check_run *run)
{
	char pid[PID_LENGTH];
	int r = read_text(AT_FDCWD, run->spec->process.pid_file, pid, sizeof(pid));
	pid[r < 0 ? 0 : strspn(pid, "0123456789")] = '\0';
	if (r == -ENOENT) {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "no pid file");
	} else if (r < 0) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, -r);
	} else if (pid[0] == '\0') {
		oo_check_run_say(run, OO_CHECK_REASON_CONTENT, "no number in the pid file");
	} else {
		judge_pid(run, pid);
	}
}

static int start(struct oo_check_run *run)
{
	if (run->spec->process.pid_file != NULL) {
		judge_pid_file(run);
	} else {
		judge_count(run);
	}
	return OO_CHECK_FINISHED;
}

const struct oo_check_kind oo_check_process = {
	.start = start,
};
