#include "tool.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int tool_address_parse(const char *text, struct tool_address *ret_address)
{
	struct tool_address address = {.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
	if (inet_pton(address.family, text, address.bytes) != 1) {
		return -EINVAL;
	}
	(void)inet_ntop(address.family, address.bytes, address.text, sizeof(address.text));
	*ret_address = address;
	return 0;
}

void tool_line(int64_t at_us, const char *format, ...)
{
	char line[1024];
	int length = snprintf(line, sizeof(line), "{\"t_us\":%lld,", (long long)at_us);
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(line + length, sizeof(line) - (size_t)length - 2, format, arguments);
	va_end(arguments);
	if (n < 0 || (size_t)n >= sizeof(line) - (size_t)length - 2) {
		abort(); /* our own formats all fit */
	}
	length += n;
	line[length++] = '}';
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length) != length) {
		_exit(2); /* a time line with holes proves nothing */
	}
}

void tool_name_copy(char target[static TOOL_NAME_LENGTH], const char *text)
{
	size_t i = 0;
	for (; text[i] != '\0' && i < TOOL_NAME_LENGTH - 1; i++) {
		char c = text[i];
		target[i] = isalnum((unsigned char)c) || strchr("-_.", c) != NULL ? c : '?';
	}
	target[i] = '\0';
}

void tool_precise(void)
{
	const struct sched_param first = {.sched_priority = 1};
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0) {
		(void)setpriority(PRIO_PROCESS, 0,
				  -20); /* the next best; fails only without root */
	}
	(void)mlockall(MCL_CURRENT | MCL_FUTURE);
}

void tool_ordinary(void)
{
	const struct sched_param last = {.sched_priority = 0};
	(void)sched_setscheduler(0, SCHED_OTHER, &last); /* lowering is always allowed */
}

int tool_stop_fd(void)
{
	sigset_t signals;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
		return -errno;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int tool_timer_fd(int64_t interval_us)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	const struct timespec interval = {.tv_sec = interval_us / 1000000,
					  .tv_nsec = interval_us % 1000000 * 1000};
	const struct itimerspec when = {.it_interval = interval, .it_value = {.tv_nsec = 1}};
	if (timerfd_settime(fd, 0, &when, NULL) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

void tool_timer_read(int fd)
{
	uint64_t expirations;
	(void)!read(fd, &expirations, sizeof(expirations)); /* ticks missed are not made up for */
}

long tool_number(const char *option, const char *text, long least, long most)
{
	char *end = NULL;
	errno = 0;
	long number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < least || number > most) {
		fprintf(stderr, "%s: '%s' is not a number from %ld to %ld\n", option, text, least,
			most);
		exit(2);
	}
	return number;
}
