#include "check/probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define SECOND_US 1000000

int oo_check_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *user = getpwnam(name);
	if (user == NULL) {
		return -ENOENT;
	}
	*ret_uid = user->pw_uid;
	*ret_gid = user->pw_gid;
	return 0;
}

int oo_check_user_verify(const char *name, struct oo_err *err)
{
	uid_t uid;
	gid_t gid;
	return name == NULL || oo_check_user_find(name, &uid, &gid) == 0
		       ? 0
		       : oo_fail_text(err, EINVAL, "user: there is no user %.64s", name);
}

enum oo_check_reason oo_check_file_errno(int error_number)
{
	switch (error_number) {
	case ENOENT:
	case ENOTDIR:
		return OO_CHECK_REASON_MISSING;
	case EACCES:
	case EPERM:
		return OO_CHECK_REASON_DENIED;
	case EROFS:
		return OO_CHECK_REASON_READ_ONLY;
	case ENOSPC:
	case EDQUOT:
		return OO_CHECK_REASON_FULL;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return OO_CHECK_REASON_LOCAL;
	default:
		return OO_CHECK_REASON_STORAGE; /* EIO, ESTALE, ETIMEDOUT of a network's, ... */
	}
}

/* By system calls: glibc's would wait for threads that are not here. */
static bool become(uid_t uid, gid_t gid)
{
	return syscall(SYS_setgroups, (size_t)1, &gid) == 0 &&
	       syscall(SYS_setresgid, gid, gid, gid) == 0 &&
	       syscall(SYS_setresuid, uid, uid, uid) == 0;
}

struct identity {
	bool given;
	uid_t uid;
	gid_t gid;
};

static _Noreturn void be_asked(const struct oo_check_probe *probe, int output,
			       const struct identity *identity)
{
	max_align_t answer[OO_CHECK_ANSWER_MAX / sizeof(max_align_t)] = {0};
	size_t size = probe->question->answer_size;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a hint: nothing is lost without it */
	/* nothing of the agent's, such as its sockets, is kept open by one that hangs */
	if (dup3(output, 3, O_CLOEXEC) < 0 || close_range(4, ~0U, 0) < 0 ||
	    (identity->given && !become(identity->uid, identity->gid))) {
		_exit(1);
	}
	probe->question->ask(probe->run->spec, answer);
	_exit(write(3, answer, size) == (ssize_t)size ? 0 : 1);
}

static void forget(struct oo_check_probe *probe)
{
	probe->source = sd_event_source_disable_unref(probe->source);
	oo_close(&probe->pidfd);
	oo_close(&probe->answer);
	probe->pid = 0;
}

/* Returns whether it is gone, and reaped. */
static bool reap(struct oo_check_probe *probe)
{
	siginfo_t info = {0};
	return waitid(P_PIDFD, (id_t)probe->pidfd, &info, WEXITED | WNOHANG) < 0 ||
	       info.si_pid != 0;
}

static void take_answer(struct oo_check_probe *probe)
{
	struct oo_check_run *run = probe->run;
	max_align_t answer[OO_CHECK_ANSWER_MAX / sizeof(max_align_t)];
	ssize_t n = read(probe->answer, answer, probe->question->answer_size);
	forget(probe);
	if (n == (ssize_t)probe->question->answer_size) {
		probe->question->answered(run, answer);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_LOCAL, "the process that asked has died");
	}
	oo_check_run_finish(run);
}

static int on_gone(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_check_probe *probe = user;
	(void)source;
	(void)fd;
	(void)events;
	if (!reap(probe)) {
		return 0;
	}
	if (probe->given_up) {
		forget(probe);
	} else {
		take_answer(probe);
	}
	return 0;
}

static int watch(struct oo_check_probe *probe)
{
	probe->pidfd = pidfd_open(probe->pid, 0);
	if (probe->pidfd < 0) {
		return -errno;
	}
	return sd_event_add_io(probe->run->setup->event, &probe->source, probe->pidfd, EPOLLIN,
			       on_gone, probe);
}

static int begin(struct oo_check_probe *probe)
{
	int ends[2];
	struct identity identity = {.given = probe->question->user != NULL};
	if (identity.given &&
	    oo_check_user_find(probe->question->user, &identity.uid, &identity.gid) < 0) {
		return -ENOENT;
	}
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		return -errno;
	}
	OO_AUTO(oo_close) int output = ends[1];
	probe->answer = ends[0];
	probe->pidfd = -1;
	probe->pid = fork();
	if (probe->pid == 0) {
		be_asked(probe, output, &identity);
	}
	int r = probe->pid < 0 ? -errno : watch(probe);
	if (r < 0) {
		if (probe->pid > 0) {
			(void)kill(probe->pid, SIGKILL);
			(void)waitpid(probe->pid, NULL, 0); /* it has only just begun */
		}
		forget(probe);
	}
	return r;
}

int oo_check_probe_start(struct oo_check_probe *probe, struct oo_check_run *run,
			 const struct oo_check_question *question)
{
	if (probe->pid != 0 && reap(probe)) {
		forget(probe);
	}
	if (probe->pid != 0) {
		oo_check_run_say(run, OO_CHECK_REASON_HUNG, "no answer for %d s",
				 (int)((oo_clock_now_us() - probe->asked_us) / SECOND_US));
		return OO_CHECK_FINISHED;
	}
	*probe = (struct oo_check_probe){
		.run = run, .question = question, .asked_us = oo_clock_now_us()};
	return begin(probe);
}

void oo_check_probe_expire(struct oo_check_probe *probe)
{
	oo_check_run_say(probe->run, OO_CHECK_REASON_HUNG, "no answer");
}

void oo_check_probe_stop(struct oo_check_probe *probe)
{
	if (probe->pid != 0) {
		(void)kill(probe->pid, SIGKILL); /* not reaped yet: the number is its own */
		probe->given_up = true;
	}
}

/* For one that nobody waits for any more; the source is the loop's and owns the pidfd. */
static int on_left_gone(sd_event_source *source, int fd, uint32_t events, void *user)
{
	siginfo_t info;
	(void)events;
	(void)user;
	(void)waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG); /* only to reap it */
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	(void)sd_event_source_set_floating(source, 0); /* drops the last reference */
	return 0;
}

void oo_check_probe_done(struct oo_check_probe *probe)
{
	sd_event_source *source = NULL;
	if (probe->pid == 0) {
		return;
	}
	probe->source = sd_event_source_disable_unref(probe->source);
	if (!reap(probe) && sd_event_add_io(probe->run->setup->event, &source, probe->pidfd,
					    EPOLLIN, on_left_gone, NULL) >= 0) {
		(void)sd_event_source_set_io_fd_own(source, 1);
		(void)sd_event_source_set_floating(source, 1);
		sd_event_source_unref(source);
		probe->pidfd = -1;
	}
	forget(probe);
}
