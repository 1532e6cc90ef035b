#include "event/apart.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Shared with the process that works. */
struct shared {
	int r;
	struct oo_err err;
	max_align_t room[];
};

static void work_and_exit(const struct oo_apart_task *task, struct shared *shared)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody wants to know any more */
	shared->r = task->work(task->subject, shared->room, &shared->err);
	_exit(0);
}

/* A process in the hands of a file system that does not answer is not even killed: it is left. */
static bool await_end(pid_t pid, int64_t deadline)
{
	OO_AUTO(oo_close) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int64_t left_ms = deadline - oo_clock_now();
	while (pidfd >= 0 && left_ms > 0 && poll(&end, 1, (int)left_ms) < 0 && errno == EINTR) {
		left_ms = deadline - oo_clock_now();
	}
	if ((end.revents & POLLIN) == 0) {
		(void)kill(pid, SIGKILL); /* it is ours, and not waited for yet */
	}
	(void)waitpid(pid, NULL, WNOHANG); /* who did not end is init's in a moment */
	return (end.revents & POLLIN) != 0;
}

static int run(const struct oo_apart_task *task, struct shared *shared, struct oo_err *err)
{
	const int64_t deadline = oo_clock_now() + task->timeout_ms;
	memcpy(shared->room, task->room, task->size);
	pid_t pid = fork();
	if (pid < 0) {
		return oo_fail(err, errno, "process to work in");
	}
	if (pid == 0) {
		work_and_exit(task, shared);
	}
	if (await_end(pid, deadline) && shared->r < 0) {
		return oo_fail_text(err, -shared->r, "%s", shared->err.text);
	}
	memcpy(task->room, shared->room, task->size);
	return 0;
}

int oo_apart_run(const struct oo_apart_task *task, struct oo_err *err)
{
	const size_t size = sizeof(struct shared) + task->size;
	struct shared *shared =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		return oo_fail(err, errno, "memory to share");
	}
	int r = run(task, shared, err);
	(void)munmap(shared, size); /* fails only for what is not mapped */
	return r;
}
