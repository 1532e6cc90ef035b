#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "command.h"
#include "fields.h"
#include "output.h"
#include "screen.h"
#include "show_top.h"

#define INTERVAL_MS 1000
#define EVENTS_PATH "/v1/events?n=40"
#define STATUS_PATH "/v1/status"
#define HEIGHT_DEFAULT 24

/* Another screen and no cursor; and back. */
#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[?25h\033[?1049l"

struct top {
	const struct settings *settings;
	json_object *status, *events; /* owned */
	struct oo_err trouble;
	struct termios before; /* of the terminal */
	int signals;           /* signalfd */
};

/* Without echo, key by key; signals stay what they are. */
static void enter(struct top *top)
{
	struct termios raw = top->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw); /* then keys need a return */
	fputs(ENTER, stdout);
}

static void leave(const struct top *top)
{
	fputs(LEAVE, stdout);
	(void)fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &top->before);
}

static void look(struct top *top)
{
	json_object *status = ask(top->settings, STATUS_PATH, &top->trouble);
	if (status == NULL) {
		return; /* the last ones stay */
	}
	top->trouble.text[0] = '\0';
	json_object_put(top->status);
	top->status = status;
	struct oo_err err; /* an agent of before there were events */
	json_object *events = ask(top->settings, EVENTS_PATH, &err);
	if (events != NULL) {
		json_object_put(top->events);
		top->events = events;
	}
}

/* Over what was there: each line clears its rest, the last everything below it. */
static enum outcome draw(const struct top *top)
{
	struct top_view view = {
		.status = top->status, .events = top->events, .trouble = top->trouble.text};
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	view.page = output_page(&view.height);
	view.height = view.height > 0 ? view.height : HEIGHT_DEFAULT;
	int r = show_top(&view, &text);
	if (r < 0) {
		return OUTCOME_UNKNOWN;
	}
	printf("\033[H");
	for (const char *line = text.data; line != NULL && *line != '\0';) {
		size_t length = strcspn(line, "\n");
		bool is_last = line[length] == '\0';
		printf("%.*s\033[K%s", (int)length, line, is_last ? "" : "\n");
		line += length + (is_last ? 0 : 1);
	}
	printf("\033[J");
	return output_flush(screen_outcome(top->status));
}

/* Sleeps as a shell's user wants it (Ctrl-Z), with the terminal as it was. */
static void stop(struct top *top)
{
	leave(top);
	(void)raise(SIGSTOP);
	enter(top);
}

/* Whether to go on after what has come: keys, signals, or nothing until until. */
static bool wait_for_news(struct top *top, int64_t until)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = top->signals, .events = POLLIN}};
	int64_t left = until - oo_clock_now();
	struct signalfd_siginfo info;
	char key;
	(void)poll(fds, OO_LENGTH(fds), left > 0 ? (int)left : 0);
	if ((fds[0].revents & (POLLHUP | POLLERR)) != 0) {
		return false; /* the terminal is gone */
	}
	if ((fds[0].revents & POLLIN) != 0 && read(STDIN_FILENO, &key, 1) == 1 &&
	    (key == 'q' || key == 'Q')) {
		return false;
	}
	if ((fds[1].revents & POLLIN) == 0 ||
	    read(top->signals, &info, sizeof(info)) != sizeof(info)) {
		return true;
	}
	if (info.ssi_signo == SIGTSTP) {
		stop(top);
	}
	return info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH;
}

static enum outcome watch(struct top *top)
{
	enum outcome outcome;
	int64_t next_at = 0;
	do {
		if (oo_clock_now() >= next_at) {
			look(top);
			next_at = oo_clock_now() + INTERVAL_MS;
		}
		outcome = draw(top);
	} while (outcome != OUTCOME_OUTPUT && wait_for_news(top, next_at));
	return outcome;
}

static bool take_signals(struct top *top)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < OO_LENGTH(numbers); i++) {
		sigaddset(&set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	top->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return top->signals >= 0;
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct top top = {.settings = settings};
	enum outcome outcome = command_parse(&command_top, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 ||
	    tcgetattr(STDIN_FILENO, &top.before) < 0) {
		fprintf(stderr, "ooha top: needs a terminal; for a file or a pipe: ooha status "
				"--watch\n");
		return OUTCOME_USAGE;
	}
	if (!take_signals(&top)) {
		perror("ooha top: signals");
		return OUTCOME_UNKNOWN;
	}
	enter(&top);
	outcome = watch(&top);
	leave(&top);
	(void)close(top.signals);
	json_object_put(top.status);
	json_object_put(top.events);
	if (top.trouble.text[0] != '\0') {
		output_error(stderr, &top.trouble, "\n");
		return OUTCOME_UNKNOWN;
	}
	return outcome;
}

const struct command command_top = {
	.name = "top",
	.run = run,
	.help = "watch status and events on a screen of their own",
	.more = "Shows the status and, below it, what happened last, each second anew, until q or\n"
		"Ctrl-C. The exit code is that of the last status. It needs a terminal.",
	.example = "  ooha top   on each node's own terminal, during a switchover\n",
};
