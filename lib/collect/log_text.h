#ifndef OO_LOG_TEXT_H
#define OO_LOG_TEXT_H
/*
 * From the text of a log to the few lines that say something: what is an error or a warning, when
 * it was, and which lines are alike. Pure; private to the module.
 */
#include <stddef.h>
#include <stdint.h>

#include "diagnose/evidence.h"

/* Of each source, so that none crowds out another. */
#define OO_LOG_LINES (OO_EVIDENCE_LINES / OO_LOG_SOURCE_END)

/* The lines of one source: newest first, those without a time last. */
struct oo_log_lines {
	struct oo_log_line lines[OO_LOG_LINES];
	size_t n;
};

/* What is known of a text besides itself. */
struct oo_log_origin {
	enum oo_log_source source;
	const char *file;      /* its name in the evidence */
	int64_t now_ms;        /* since 1970 */
	int64_t changed_at_ms; /* when the file was last written to */
	int64_t started_at_ms; /* of the program that writes it; 0: not known */
};

/*
 * Takes in what a log of nginx's or of the Document Server's holds (times are local times): errors
 * and warnings of the last OO_EVIDENCE_LOG_MS, and its last line. text need not begin at a line's
 * beginning. It is written to.
 */
void oo_log_text_take(struct oo_log_lines *lines, const struct oo_log_origin *origin, char *text);

/* One line whose time is known already (0: not). text: as it is shown. */
void oo_log_text_add(struct oo_log_lines *lines, const struct oo_log_origin *origin,
		     const char *text, int64_t at_ms);

/* Adds them to the evidence, newest first. */
void oo_log_text_give(const struct oo_log_lines *lines, struct oo_evidence *evidence);

#endif
