#include "fake_agent.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define PATIENCE_MS 20000
#define ARGUMENTS_MAX 16
#define CTRL_C "\003"

const char *program;

void place_init(struct place *place)
{
	*place = (struct place){.directory = "/tmp/ooha-cli-XXXXXX"};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place->directory));
	snprintf(place->socket_path, sizeof(place->socket_path), "%s/ooha.sock", place->directory);
}

void place_done(struct place *place)
{
	(void)unlink(place->socket_path);
	CU_ASSERT_EQUAL(rmdir(place->directory), 0);
}

static void answer_one(int client, const struct manners *manners)
{
	char request[4096];
	ssize_t n = recv(client, request, sizeof(request) - 1, 0);
	request[n > 0 ? n : 0] = '\0';
	if (manners->status == NULL) {
		pause();
	}
	bool expected = strstr(request, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n") != NULL;
	dprintf(client, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		expected ? manners->status : "400 Not The Request", strlen(manners->body),
		manners->body);
	close(client);
}

pid_t fake_agent_start(const struct place *place, const struct manners *manners)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CU_ASSERT_FATAL(
		oo_text_copy(address.sun_path, sizeof(address.sun_path), place->socket_path) == 0);
	OO_AUTO(oo_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CU_ASSERT_FATAL(listen(fd, 8) == 0);
	pid_t pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		do {
			int client = accept(fd, NULL, NULL);
			answer_one(client, manners);
		} while (!manners->only_once);
		unlink(place->socket_path);
		_exit(0);
	}
	return pid;
}

void fake_agent_stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
}

/* In the child: never returns. */
static void become_program(const char *const *arguments)
{
	char *argv[ARGUMENTS_MAX] = {(char *)program};
	for (size_t i = 0; arguments[i] != NULL && i + 2 < ARGUMENTS_MAX; i++) {
		argv[i + 1] = (char *)arguments[i];
	}
	/* whatever the one who runs the tests has set */
	setenv("http_proxy", "http://192.0.2.1:3128", 1);
	setenv("all_proxy", "http://192.0.2.1:3128", 1);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TERM", "xterm", 1);
	execv(program, argv);
	_exit(127);
}

/* Appends what fd has; false at its end. A terminal ends with EIO. */
static bool read_more(int fd, char *text)
{
	size_t length = strlen(text);
	ssize_t n = read(fd, text + length, OUTPUT_MAX - 1 - length);
	text[length + (n > 0 ? (size_t)n : 0)] = '\0';
	return n > 0;
}

static int count(const char *text, const char *part)
{
	int n = 0;
	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
		n++;
	}
	return n;
}

/* What to do once text was read so many times. */
struct cue {
	const char *text; /* NULL: nothing, ever */
	int times;
	void (*act)(int argument);
	int argument;
};

/* Reads until the end; false when there was none. */
static bool read_all(int fd, char *output, struct cue cue)
{
	int64_t until = oo_clock_now() + PATIENCE_MS;
	while (oo_clock_now() < until) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		if (poll(&ready, 1, 100) > 0 && !read_more(fd, output)) {
			return true;
		}
		if (cue.text != NULL && count(output, cue.text) >= cue.times) {
			cue.act(cue.argument);
			cue.text = NULL;
		}
	}
	return false;
}

static void finish(struct run *run, pid_t pid, bool ended)
{
	int status = 0;
	CU_ASSERT_TRUE(ended);
	if (!ended) {
		(void)kill(pid, SIGKILL);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	run->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void interrupt_process(int pid)
{
	(void)kill(pid, SIGINT);
}

void run_until(struct run *run, const char *const *arguments, const char *text, int times)
{
	int out[2];
	int err[2];
	*run = (struct run){0};
	CU_ASSERT_FATAL(pipe(out) == 0 && pipe(err) == 0);
	pid_t pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(out[0]);
		close(err[0]);
		become_program(arguments);
	}
	close(out[1]);
	close(err[1]);
	bool ended =
		read_all(out[0], run->out, (struct cue){text, times, interrupt_process, pid}) &&
		read_all(err[0], run->err, (struct cue){.text = NULL});
	finish(run, pid, ended);
	close(out[0]);
	close(err[0]);
}

void run_program(struct run *run, const char *const *arguments)
{
	run_until(run, arguments, NULL, 0);
}

static void type_ctrl_c(int terminal)
{
	CU_ASSERT_EQUAL(write(terminal, CTRL_C, 1), 1);
}

void run_on_terminal(struct run *run, const char *const *arguments, const char *text)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	int terminal = -1;
	*run = (struct run){0};
	pid_t pid = forkpty(&terminal, NULL, NULL, &size);
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		become_program(arguments);
	}
	bool ended = read_all(terminal, run->out, (struct cue){text, 1, type_ctrl_c, terminal});
	finish(run, pid, ended);
	close(terminal);
}
