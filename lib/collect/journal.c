/*
 * The journal's lines of the units and of the kernel, by journalctl, which may take its time; the
 * kernel's own ring buffer where there is no journal.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/journal_text.h"
#include "event/child.h"

#define JOURNALCTL "/usr/bin/journalctl"
#define RING "/dev/kmsg"
#define TIMEOUT_MS 2000
#define GRACE_MS 100
#define RECORD_BYTES 8192  /* as much as one can be (dev-kmsg) */
#define RECORDS_MAX 100000 /* more than any ring has */

struct journal {
	struct oo_gather *gather;
	struct oo_child *child;
	struct oo_log_lines lines;
	size_t n_read;
	bool is_denied;
	bool is_absent;
	bool is_ring; /* what is taken comes from there */
};

/* Newest first, so that what is cut off is the oldest. Both of the units' own lines and systemd's
 * about them. */
static const char *const argv[] = {JOURNALCTL,
				   "--no-pager",
				   "--reverse",
				   "--output=short-unix",
				   "--lines=400",
				   "--since=-10min",
				   "_TRANSPORT=kernel",
				   "+",
				   "_SYSTEMD_UNIT=nginx.service",
				   "+",
				   "UNIT=nginx.service",
				   "+",
				   "_SYSTEMD_UNIT=ds-docservice.service",
				   "+",
				   "UNIT=ds-docservice.service",
				   "+",
				   "_SYSTEMD_UNIT=ds-converter.service",
				   "+",
				   "UNIT=ds-converter.service",
				   NULL};
static const char *const environment[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};

static void take(struct journal *journal, const char *text, int64_t at_ms)
{
	const struct oo_gather *gather = journal->gather;
	enum oo_program program = oo_journal_program(text);
	const struct oo_log_origin origin = {
		.source = OO_LOG_SOURCE_JOURNAL,
		.file = journal->is_ring ? "kernel" : "journal",
		.now_ms = oo_clock_wall(),
		.started_at_ms =
			program != OO_PROGRAM_END ? gather->started_at_s[program] * 1000 : 0,
	};
	if (at_ms >= origin.now_ms - OO_EVIDENCE_LOG_MS && oo_journal_is_told(text)) {
		oo_log_text_add(&journal->lines, &origin, text, at_ms);
	}
}

static void on_line(void *user, const char *line)
{
	struct journal *journal = user;
	const char *text;
	int64_t at_ms;
	if (oo_journal_parse(line, &at_ms, &text)) {
		journal->n_read++;
		take(journal, text, at_ms);
	} else if (strstr(line, "permission") != NULL) {
		journal->is_denied = true;
	} else if (strstr(line, "No journal files") != NULL) {
		journal->is_absent = true;
	}
}

/* The kernel's messages since the boot. Returns 0 or -errno. */
static int read_ring(struct journal *journal)
{
	char record[RECORD_BYTES + 1];
	journal->is_ring = true;
	int64_t booted_at_ms = oo_clock_wall() - oo_clock_now();
	OO_AUTO(oo_close) int fd = open(RING, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	for (size_t i = 0; i < RECORDS_MAX; i++) {
		const char *text;
		int64_t at_ms;
		ssize_t n = read(fd, record, RECORD_BYTES);
		if (n < 0 && errno == EPIPE) { /* overwritten meanwhile: the next one is there */
			continue;
		}
		if (n <= 0) {
			return n == 0 || errno == EAGAIN ? 0 : -errno;
		}
		record[n] = '\0';
		if (oo_journal_parse_kernel(record, &at_ms, &text)) {
			take(journal, text, booted_at_ms + at_ms);
		}
	}
	return 0;
}

static enum oo_look fall_back(struct journal *journal)
{
	int r = read_ring(journal);
	if (r == 0 && journal->lines.n > 0) {
		return OO_LOOK_SEEN;
	}
	return r == -EACCES || r == -EPERM || journal->is_denied ? OO_LOOK_DENIED : OO_LOOK_ABSENT;
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct journal *journal = user;
	struct oo_evidence *evidence = journal->gather->evidence;
	enum oo_look *look = &evidence->logs_look[OO_LOG_SOURCE_JOURNAL];
	journal->child = NULL;
	if (result->end == OO_CHILD_END_TIMED_OUT) {
		*look = OO_LOOK_LATE; /* with what has come till then */
	} else if (journal->n_read == 0 &&
		   (result->code != 0 || journal->is_denied || journal->is_absent)) {
		*look = fall_back(journal);
	} else {
		*look = OO_LOOK_SEEN;
	}
	oo_log_text_give(&journal->lines, evidence);
	oo_gather_release(journal->gather);
}

static void *start(struct oo_gather *gather)
{
	enum oo_look *look = &gather->evidence->logs_look[OO_LOG_SOURCE_JOURNAL];
	struct journal *journal = calloc(1, sizeof(*journal));
	if (journal == NULL) {
		return NULL;
	}
	journal->gather = gather;
	const struct oo_child_spec spec = {.path = JOURNALCTL,
					   .argv = argv,
					   .environment = environment,
					   .timeout_ms = TIMEOUT_MS,
					   .grace_ms = GRACE_MS,
					   .line = on_line,
					   .done = on_done,
					   .user = journal};
	*look = OO_LOOK_LATE;
	if (oo_child_start(gather->event, &spec, &journal->child, NULL) == 0) {
		oo_gather_hold(gather);
	} else {
		*look = fall_back(journal);
		oo_log_text_give(&journal->lines, gather->evidence);
	}
	return journal;
}

static void stop(struct oo_gather *gather, void *state)
{
	struct journal *journal = state;
	if (journal->child != NULL) {
		oo_child_cancel(journal->child);
		oo_log_text_give(&journal->lines, gather->evidence);
	}
	free(journal);
}

const struct oo_collector oo_collect_journal = {.start = start, .stop = stop};
