/* The ends of the logs of nginx, the Document Server and its converter. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/log_text.h"

#define TAIL_BYTES (256 * 1024)
#define LOGS "/var/log/onlyoffice/documentserver"

/* Of the package, where nginx's configuration cannot say. */
static const char *const proxy_logs[] = {LOGS "/nginx.error.log", "/var/log/nginx/error.log"};

struct tail {
	struct oo_gather *gather;
	enum oo_log_source source;
	struct oo_log_lines lines;
	char text[TAIL_BYTES + 1];
};

/* Reads the end of a file into text. Returns 0 or -errno. */
static int read_tail(const char *path, char *text, int64_t *ret_changed_at_ms)
{
	struct stat status;
	size_t n = 0;
	/* NONBLOCK: a pipe of that name must not hold us up */
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return -errno;
	}
	if (!S_ISREG(status.st_mode)) {
		return -EINVAL; /* /dev/stderr and its like */
	}
	off_t at = status.st_size > TAIL_BYTES ? status.st_size - TAIL_BYTES : 0;
	while (n < TAIL_BYTES) {
		ssize_t r = pread(fd, text + n, TAIL_BYTES - n, at + (off_t)n);
		if (r < 0) {
			return -errno;
		}
		if (r == 0) {
			break;
		}
		n += (size_t)r;
	}
	for (size_t i = 0; i < n; i++) {
		text[i] = text[i] == '\0' ? '?' : text[i];
	}
	text[n] = '\0';
	*ret_changed_at_ms =
		(int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	return 0;
}

/* What came before the tail's first newline is the end of a line that nobody has seen. */
static char *skip_part(char *text)
{
	char *newline = strlen(text) == TAIL_BYTES ? strchr(text, '\n') : NULL;
	return newline != NULL ? newline + 1 : text;
}

static const enum oo_program programs[OO_LOG_SOURCE_END] = {
	[OO_LOG_SOURCE_PROXY] = OO_PROGRAM_PROXY,
	[OO_LOG_SOURCE_DOCSERVICE] = OO_PROGRAM_DOCSERVICE,
	[OO_LOG_SOURCE_CONVERTER] = OO_PROGRAM_CONVERTER,
	[OO_LOG_SOURCE_JOURNAL] = OO_PROGRAM_END,
};

static void take_log(struct tail *tail, const char *path)
{
	struct oo_gather *gather = tail->gather;
	enum oo_look *look = &gather->evidence->logs_look[tail->source];
	size_t length = strlen(path);
	struct oo_log_origin origin = {
		.source = tail->source,
		/* its end says more than its beginning */
		.file = length < OO_EVIDENCE_NAME ? path : path + length + 1 - OO_EVIDENCE_NAME,
		.now_ms = oo_clock_wall(),
		.started_at_ms = gather->started_at_s[programs[tail->source]] * 1000,
	};
	int r = read_tail(path, tail->text, &origin.changed_at_ms);
	if (r == 0) {
		*look = OO_LOOK_SEEN;
		oo_log_text_take(&tail->lines, &origin, skip_part(tail->text));
	} else if (*look != OO_LOOK_SEEN && *look != OO_LOOK_DENIED) {
		*look = r == -EACCES || r == -EPERM ? OO_LOOK_DENIED
			: r == -ENOENT              ? OO_LOOK_ABSENT
						    : OO_LOOK_FAILED;
	}
}

static void take_proxy_logs(struct tail *tail)
{
	const struct oo_proxy_config *proxy = &tail->gather->evidence->proxy;
	for (size_t i = 0; i < proxy->n_error_logs; i++) {
		take_log(tail, proxy->error_logs[i]);
	}
	for (size_t i = 0; proxy->look != OO_LOOK_SEEN && i < OO_LENGTH(proxy_logs); i++) {
		take_log(tail, proxy_logs[i]);
	}
}

static void take_server_logs(struct tail *tail, const char *folder)
{
	static const char *const names[] = {"out.log", "err.log"}; /* the second in a container */
	const struct oo_config *config = tail->gather->subject->config;
	const char *directory = config != NULL && config->documentserver.log_directory != NULL
					? config->documentserver.log_directory
					: LOGS;
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		char path[OO_TEXT_LENGTH * 2];
		(void)snprintf(path, sizeof(path), "%s/%s/%s", directory, folder, names[i]);
		take_log(tail, path);
	}
}

static void *start(struct oo_gather *gather)
{
	struct tail *tail = malloc(sizeof(*tail));
	if (tail != NULL) {
		tail->gather = gather;
	}
	for (int source = 0; source < OO_LOG_SOURCE_JOURNAL; source++) {
		gather->evidence->logs_look[source] = OO_LOOK_LATE;
	}
	return tail;
}

/* Last of all: a file system that does not answer, as under a log it may, costs the logs alone. */
static void stop(struct oo_gather *gather, void *state)
{
	struct tail *tail = state;
	for (int source = 0; source < OO_LOG_SOURCE_JOURNAL; source++) {
		tail->source = (enum oo_log_source)source;
		tail->lines.n = 0;
		if (source == OO_LOG_SOURCE_PROXY) {
			take_proxy_logs(tail);
		} else {
			take_server_logs(tail, source == OO_LOG_SOURCE_DOCSERVICE ? "docservice"
										  : "converter");
		}
		oo_log_text_give(&tail->lines, gather->evidence);
	}
	free(tail);
}

const struct oo_collector oo_collect_logs = {.start = start, .stop = stop};
