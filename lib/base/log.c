#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define LINE_LENGTH 2048

static struct {
	const char *identifier;
	enum oo_log_level most;
	bool journal;
	oo_log_watch_fn *watch;
	void *user;
} sink = {.identifier = "ooha", .most = OO_LOG_INFO};

/* JOURNAL_STREAM is "device:inode" of the stream that systemd connected (systemd.exec(5)). */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;
	if (stream == NULL || sscanf(stream, "%llu:%llu", &device, &inode) != 2) {
		return false;
	}
	return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void oo_log_open(const char *identifier, enum oo_log_level most)
{
	sink.identifier = identifier;
	sink.most = most;
	sink.journal = is_journal(STDERR_FILENO);
}

bool oo_log_wants(enum oo_log_level level)
{
	return level <= sink.most;
}

static void write_journal(enum oo_log_level level, const char *const *fields, const char *line)
{
	struct iovec parts[OO_LOG_FIELDS_MAX + 3];
	int n = 0;
	char priority[16], message[LINE_LENGTH + 16], identifier[80];

	snprintf(priority, sizeof(priority), "PRIORITY=%d", (int)level);
	snprintf(message, sizeof(message), "MESSAGE=%s", line);
	snprintf(identifier, sizeof(identifier), "SYSLOG_IDENTIFIER=%s", sink.identifier);
	const char *own[] = {message, priority, identifier};
	for (int i = 0; i < 3; i++) {
		parts[n++] = (struct iovec){.iov_base = (void *)own[i], .iov_len = strlen(own[i])};
	}
	for (int i = 0; fields != NULL && fields[i] != NULL && i < OO_LOG_FIELDS_MAX; i++) {
		parts[n++] =
			(struct iovec){.iov_base = (void *)fields[i], .iov_len = strlen(fields[i])};
	}
	(void)sd_journal_sendv(parts, n); /* a log that fails has nowhere to say so */
}

void oo_log_watch(oo_log_watch_fn *watch, void *user)
{
	sink.watch = watch;
	sink.user = user;
}

static void tell_watcher(const struct oo_log_said *said)
{
	if (sink.watch != NULL && said->level <= OO_LOG_INFO) {
		sink.watch(sink.user, said);
	}
}

static void write_line(const struct oo_log_said *said)
{
	tell_watcher(said);
	if (!oo_log_wants(said->level)) {
		return;
	}
	if (sink.journal) {
		write_journal(said->level, said->fields, said->text);
	} else {
		fprintf(stderr, "%s: %s\n", sink.identifier, said->text);
	}
}

void oo_log_line(const char *file, enum oo_log_level level, const char *const *fields,
		 const char *format, ...)
{
	char line[LINE_LENGTH];
	va_list arguments;
	if (level == OO_LOG_DEBUG && !oo_log_wants(level)) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	write_line(&(struct oo_log_said){
		.level = level, .file = file, .fields = fields, .text = line});
}

void oo_log_last(const char *format, ...)
{
	char line[LINE_LENGTH];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (sink.journal) {
		fprintf(stderr, "<%d>%s\n", OO_LOG_ERROR, line); /* sd-daemon(3) */
	} else {
		fprintf(stderr, "%s: %s\n", sink.identifier, line);
	}
}
