#include "event/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

/* A process that SIGKILL has not ended by then sleeps in the kernel; it is not waited for. */
#define KILLED_WAIT_MS 1000

enum stage { STAGE_RUNNING, STAGE_TERMINATED, STAGE_KILLED };

struct oo_child {
	pid_t pid;  /* of the process and of its group; ours until it is reaped */
	int pidfd;  /* -1 before it runs */
	int output; /* read end of the pipe */
	sd_event *event;
	sd_event_source *exit_source, *output_source;
	struct oo_timer timer; /* ends the stage */
	enum stage stage;
	int64_t grace_ms;
	oo_child_line_fn *line;
	oo_child_done_fn *done;
	void *user;
	char text[OO_CHILD_LINE_LENGTH]; /* of the line that is not over yet */
	size_t length, total;
	bool piece;     /* text goes on where the line function was last called */
	bool reporting; /* inside the line function */
};

static void say(struct oo_child *child, const char *line)
{
	child->reporting = true;
	child->line(child->user, line);
	child->reporting = false;
}

static void say_text(struct oo_child *child)
{
	child->text[child->length] = '\0';
	child->length = 0;
	say(child, child->text);
}

static void take_byte(struct oo_child *child, unsigned char byte)
{
	if (byte == '\n') {
		if (child->length > 0 || !child->piece) {
			say_text(child);
		}
		child->piece = false;
		return;
	}
	bool control = (byte < ' ' && byte != '\t') || byte == 0x7f;
	child->text[child->length++] = control ? '?' : (char)byte;
	if (child->length == sizeof(child->text) - 1) {
		say_text(child);
		child->piece = true;
	}
}

static void take_rest(struct oo_child *child)
{
	if (child->length > 0) {
		say_text(child);
	}
}

static bool is_full(const struct oo_child *child)
{
	return child->total > OO_CHILD_OUTPUT_MAX;
}

static void take_bytes(struct oo_child *child, const unsigned char *data, size_t n)
{
	for (size_t i = 0; i < n && !is_full(child); i++) {
		if (++child->total <= OO_CHILD_OUTPUT_MAX) {
			take_byte(child, data[i]);
			continue;
		}
		char note[80];
		take_rest(child);
		snprintf(note, sizeof(note), "(output truncated after %d bytes)",
			 OO_CHILD_OUTPUT_MAX);
		say(child, note);
	}
}

/* Reads once. Returns what read(2) does: 0 at the end, negative when there is nothing now. */
static ssize_t read_output(struct oo_child *child)
{
	unsigned char data[4096];
	ssize_t n = read(child->output, data, sizeof(data));
	if (n > 0) {
		take_bytes(child, data, (size_t)n);
	}
	return n;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_child *child = user;
	(void)fd;
	(void)events;
	ssize_t n = read_output(child);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* off cannot fail */
	}
	return 0;
}

static void kill_group(const struct oo_child *child, int signal_number)
{
	(void)kill(-child->pid, signal_number); /* it may be gone: that is what is wanted */
}

/* For a process that nobody waits for any more; the source is the loop's and owns the pidfd. */
static int on_left_exit(sd_event_source *source, int fd, uint32_t events, void *user)
{
	siginfo_t info;
	(void)events;
	(void)user;
	(void)waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG); /* only to reap it */
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	(void)sd_event_source_set_floating(source, 0); /* drops the last reference */
	return 0;
}

/* Leaves a killed process to the loop, to be reaped when it is gone. */
static void leave(struct oo_child *child)
{
	sd_event_source *source = NULL;
	child->exit_source = sd_event_source_disable_unref(child->exit_source);
	if (sd_event_add_io(child->event, &source, child->pidfd, EPOLLIN, on_left_exit, NULL) < 0) {
		return; /* no memory or a loop that is over: init reaps it after us */
	}
	(void)sd_event_source_set_io_fd_own(source, 1);
	child->pidfd = -1;
	(void)sd_event_source_set_floating(source, 1);
	sd_event_source_unref(source);
}

static void release(struct oo_child *child)
{
	oo_timer_done(&child->timer);
	sd_event_source_disable_unref(child->exit_source);
	sd_event_source_disable_unref(child->output_source);
	oo_close(&child->pidfd);
	oo_close(&child->output);
	sd_event_unref(child->event);
	free(child);
}

static void release_pointer(struct oo_child **child)
{
	if (*child != NULL) {
		release(*child);
	}
}

static void finish(struct oo_child *child, struct oo_child_result result)
{
	if (child->stage != STAGE_RUNNING) {
		result = (struct oo_child_result){.end = OO_CHILD_END_TIMED_OUT};
	}
	/* what it wrote before it ended is in the pipe by now; is_full bounds what others add */
	while (!is_full(child) && read_output(child) > 0) {
	}
	if (!is_full(child)) {
		take_rest(child);
	}
	oo_child_done_fn *done = child->done;
	void *user = child->user;
	release(child);
	done(user, &result);
}

static int on_exit_seen(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_child *child = user;
	struct oo_child_result result = {.end = OO_CHILD_END_UNKNOWN};
	siginfo_t info = {0};
	(void)source;
	(void)events;

	/* not reaped yet, the process still keeps its number from being used for another group */
	kill_group(child, SIGKILL);
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid == 0) {
			return 0; /* a tracer has it; asked again until it lets go */
		}
		bool exited = info.si_code == CLD_EXITED;
		result.end = exited ? OO_CHILD_END_EXITED : OO_CHILD_END_SIGNALLED;
		result.code = info.si_status;
	}
	finish(child, result);
	return 0;
}

static void on_timer(struct oo_timer *timer)
{
	struct oo_child *child = oo_container_of(timer, struct oo_child, timer);
	switch (child->stage) {
	case STAGE_RUNNING:
		kill_group(child, SIGTERM);
		child->stage = STAGE_TERMINATED;
		oo_timer_set(timer, oo_clock_now() + child->grace_ms);
		return;
	case STAGE_TERMINATED:
		kill_group(child, SIGKILL);
		child->stage = STAGE_KILLED;
		oo_timer_set(timer, oo_clock_now() + KILLED_WAIT_MS);
		return;
	case STAGE_KILLED:
		leave(child);
		finish(child, (struct oo_child_result){.end = OO_CHILD_END_TIMED_OUT});
		return;
	}
}

/*
 * A file in memory rather than a pipe: it takes all at once, however much the child reads. Not one of
 * 0, 1 and 2, which set_files gives another meaning. *ret_fd stays -1 without text.
 */
static int open_input(const char *text, int *ret_fd)
{
	OO_AUTO(oo_close) int fd = text == NULL ? -1 : memfd_create("input", MFD_CLOEXEC);
	if (fd < 0) {
		return text == NULL ? 0 : -errno;
	}
	const size_t length = strlen(text);
	if (pwrite(fd, text, length, 0) != (ssize_t)length) {
		return -ENOSPC;
	}
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return *ret_fd < 0 ? -errno : 0;
}

/* Descriptors 0, 1 and 2 of the child; the order is right even if output is one of them. */
static int set_files(posix_spawn_file_actions_t *files, int input, int output)
{
	int r = posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO);
	}
	if (r == 0 && input >= 0) {
		r = posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);
	} else if (r == 0) {
		r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	}
	if (r == 0) {
		r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	}
	if (r == 0) {
		r = posix_spawn_file_actions_addchdir_np(files, "/");
	}
	return r;
}

/* posix_spawn(3) rather than fork(2): it costs no copy of the agent and returns exec's errno. */
static int spawn(const struct oo_child_spec *spec, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	OO_AUTO(oo_close) int input = -1;
	sigemptyset(&none);
	/* not sigfillset(3): it leaves out two signals, which the child would then ignore */
	memset(&all, 0xff, sizeof(all));

	int r = open_input(spec->input, &input);
	if (r < 0) {
		return r;
	}
	r = posix_spawnattr_init(&attributes);
	if (r != 0) {
		return -r;
	}
	r = posix_spawn_file_actions_init(&files);
	if (r != 0) {
		(void)posix_spawnattr_destroy(&attributes);
		return -r;
	}
	(void)posix_spawnattr_setsigmask(&attributes, &none); /* setters fail for bad flags only */
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
							    POSIX_SPAWN_SETSIGDEF);
	r = set_files(&files, input, output);
	if (r == 0) {
		r = posix_spawn(ret_pid, spec->path, &files, &attributes,
				(char *const *)(uintptr_t)spec->argv,
				(char *const *)(uintptr_t)spec->environment);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attributes);
	return -r;
}

static int watch_output(struct oo_child *child, int *ret_write_end)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	child->output = ends[0];
	*ret_write_end = ends[1];
	if (fcntl(child->output, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	return sd_event_add_io(child->event, &child->output_source, child->output, EPOLLIN,
			       on_output, child);
}

static int watch_exit(struct oo_child *child)
{
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0) {
		return -errno;
	}
	return sd_event_add_io(child->event, &child->exit_source, child->pidfd, EPOLLIN,
			       on_exit_seen, child);
}

/* Then the kernel reaps children by itself, and a number could soon mean another's group. */
static bool is_sigchld_ignored(void)
{
	struct sigaction now = {.sa_handler = SIG_DFL};
	(void)sigaction(SIGCHLD, NULL, &now); /* only reads */
	return now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT);
}

int oo_child_start(sd_event *event, const struct oo_child_spec *spec, struct oo_child **ret_child,
		   struct oo_err *err)
{
	if (spec->timeout_ms <= 0 || spec->grace_ms < 0) {
		return oo_fail_text(err, EINVAL, "%s: the timeout must be positive", spec->path);
	}
	if (is_sigchld_ignored()) {
		return oo_fail_text(err, ECHILD, "%s: cannot be waited for, SIGCHLD is ignored",
				    spec->path);
	}
	OO_AUTO(release_pointer) struct oo_child *child = calloc(1, sizeof(*child));
	OO_AUTO(oo_close) int write_end = -1;
	if (child == NULL) {
		return oo_fail(err, ENOMEM, "%s", spec->path);
	}
	*child = (struct oo_child){
		.pidfd = -1,
		.output = -1,
		.event = sd_event_ref(event),
		.grace_ms = spec->grace_ms,
		.line = spec->line,
		.done = spec->done,
		.user = spec->user,
	};
	int r = oo_timer_init(&child->timer, event, on_timer);
	if (r == 0) {
		r = watch_output(child, &write_end);
	}
	if (r >= 0) {
		r = spawn(spec, write_end, &child->pid);
	}
	if (r < 0) {
		return oo_fail(err, -r, "%s", spec->path);
	}
	r = watch_exit(child);
	if (r < 0) {
		kill_group(child, SIGKILL);
		(void)waitpid(child->pid, NULL, WNOHANG); /* out of memory; a zombie at worst */
		return oo_fail(err, -r, "%s: watch the process", spec->path);
	}
	oo_timer_set(&child->timer, oo_clock_now() + spec->timeout_ms);
	*ret_child = oo_take_ptr(child);
	return 0;
}

void oo_child_cancel(struct oo_child *child)
{
	if (child == NULL) {
		return;
	}
	assert(!child->reporting);
	kill_group(child, SIGKILL);
	leave(child);
	release(child);
}

const char *oo_child_result_format(const struct oo_child_result *result,
				   char buffer[static OO_CHILD_RESULT_LENGTH])
{
	const char *name;
	switch (result->end) {
	case OO_CHILD_END_EXITED:
		snprintf(buffer, OO_CHILD_RESULT_LENGTH, "exit code %d", result->code);
		break;
	case OO_CHILD_END_SIGNALLED:
		name = sigabbrev_np(result->code);
		if (name != NULL) {
			snprintf(buffer, OO_CHILD_RESULT_LENGTH, "killed by SIG%s", name);
		} else {
			snprintf(buffer, OO_CHILD_RESULT_LENGTH, "killed by signal %d",
				 result->code);
		}
		break;
	case OO_CHILD_END_TIMED_OUT:
		snprintf(buffer, OO_CHILD_RESULT_LENGTH, "timed out");
		break;
	case OO_CHILD_END_UNKNOWN:
		snprintf(buffer, OO_CHILD_RESULT_LENGTH, "ended, nobody can say how");
		break;
	}
	return buffer;
}
