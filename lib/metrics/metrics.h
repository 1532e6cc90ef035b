#ifndef OO_METRICS_H
#define OO_METRICS_H
/*
 * Writes metrics as Prometheus reads them: text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure: it only fills a buffer.
 *
 *	oo_metrics_begin(&metrics, &body, "cluster", "office", NULL);
 *	oo_metrics_family(&metrics, "ooha_epoch", OO_METRICS_GAUGE, "The fencing token.");
 *	oo_metrics_add(&metrics, 7, "group", "office", NULL);
 *	r = oo_metrics_end(&metrics);
 *
 * writes
 *
 *	# HELP ooha_epoch The fencing token.
 *	# TYPE ooha_epoch gauge
 *	ooha_epoch{cluster="office",group="office"} 7
 */
#include <stdint.h>

#include "base/text.h"
#include "metrics/histogram.h"

/* For the header Content-Type. */
#define OO_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OO_METRICS_COMMON_LENGTH 512

enum oo_metrics_type {
	OO_METRICS_GAUGE,
	OO_METRICS_COUNTER, /* the name ends in _total */
	OO_METRICS_HISTOGRAM,
	OO_METRICS_SUMMARY,
};

struct oo_metrics {
	struct oo_buffer *body; /* the caller's */
	const char *family;
	struct oo_buffer common; /* labels that all samples have, as text */
	int r;                   /* of the first write that failed */
};

/*
 * All that follow take labels as pairs of name and value, ended by NULL. Names are ours and are
 * written as they are; values are anybody's and are escaped. What cannot be written is told by end.
 */

/* body  appended to. The labels given here come first in each sample. */
void oo_metrics_begin(struct oo_metrics *metrics, struct oo_buffer *body, ...)
	__attribute__((sentinel));
/*
 * The samples that follow are of this family; one without any is fine.
 * family  kept, not copied, until the next one.
 * help    one line of ours.
 */
void oo_metrics_family(struct oo_metrics *metrics, const char *family, enum oo_metrics_type type,
		       const char *help);
void oo_metrics_add(struct oo_metrics *metrics, int64_t value, ...) __attribute__((sentinel));
/* The value is written in seconds, to the us. */
void oo_metrics_add_us(struct oo_metrics *metrics, int64_t value_us, ...) __attribute__((sentinel));
/* All samples of a histogram: the classes added up, their sum in seconds and their count. */
void oo_metrics_add_histogram(struct oo_metrics *metrics, const struct oo_histogram *histogram, ...)
	__attribute__((sentinel));
/* Sum in seconds and count of a summary without quantiles. */
void oo_metrics_add_summary(struct oo_metrics *metrics, uint64_t count, int64_t sum_us, ...)
	__attribute__((sentinel));
/* Returns 0, or -ENOMEM or -EMSGSIZE (beyond body's limit): then body is empty. */
int oo_metrics_end(struct oo_metrics *metrics);

#endif
