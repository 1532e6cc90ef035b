#ifndef OO_LOG_H
#define OO_LOG_H
/*
 * The log: one line a change. lib/ never logs above debug; agent/ and cli/ decide what is said.
 * Under systemd (JOURNAL_STREAM is standard error's) lines go to the journal with structured
 * fields; else to standard error, plain. The sink is the one global of the project.
 */
#include <stdbool.h>

/* The levels of syslog(3), by their numbers. */
enum oo_log_level {
	OO_LOG_ERROR = 3,   /* an operator must act */
	OO_LOG_WARNING = 4, /* going on without */
	OO_LOG_NOTICE = 5,  /* role, lease and address changes */
	OO_LOG_INFO = 6,    /* start, stop, reload */
	OO_LOG_DEBUG = 7,
};

/* Structured journal fields of a line: "GROUP=office". At most OO_LOG_FIELDS_MAX, ended by NULL. */
#define OO_LOG_FIELDS_MAX 8

/* identifier must outlive the log. Call once, before the first line. */
void oo_log_open(const char *identifier, enum oo_log_level most);
bool oo_log_wants(enum oo_log_level level);
/* oo_log(level, format, ...) */
#define oo_log(level, ...) oo_log_line(__FILE_NAME__, level, NULL, __VA_ARGS__)
/* As oo_log, with journal fields; shown only in the journal. fields may be NULL. */
#define oo_log_fields(level, fields, ...) oo_log_line(__FILE_NAME__, level, fields, __VA_ARGS__)
/* file: of the source, without its directory: what part of the program says it. */
void oo_log_line(const char *file, enum oo_log_level level, const char *const *fields,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * oo_log_last(format, ...): why the program ends, as an error and to standard error under systemd, too. Of a
 * process that has ended meanwhile the journal does not know which unit it was; of a stream it does.
 */
void oo_log_last(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What was said, while a watcher is told of it. */
struct oo_log_said {
	enum oo_log_level level; /* OO_LOG_INFO or graver */
	const char *file;
	const char *const *fields; /* NULL: none */
	const char *text;
};
typedef void oo_log_watch_fn(void *user, const struct oo_log_said *said);
/* One watcher is told of every line but those for debugging; it must not log. NULL: nobody. */
void oo_log_watch(oo_log_watch_fn *watch, void *user);

#endif
