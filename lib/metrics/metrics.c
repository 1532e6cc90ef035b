#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_LENGTH 32

static void note(struct oo_metrics *metrics, int r)
{
	metrics->r = metrics->r < 0 ? metrics->r : r;
}

/* "Backslash (\), double-quote ("), and line feed (\n) characters have to be escaped." */
static int add_value(struct oo_buffer *buffer, const char *value)
{
	int r = oo_buffer_add(buffer, "\"", 1);
	while (r == 0 && value[0] != '\0') {
		size_t n = strcspn(value, "\\\"\n");
		r = oo_buffer_add(buffer, value, n);
		value += n;
		if (r == 0 && value[0] != '\0') {
			const char escaped[] = {'\\', value[0] == '\n' ? 'n' : value[0]};
			r = oo_buffer_add(buffer, escaped, sizeof(escaped));
			value++;
		}
	}
	return r < 0 ? r : oo_buffer_add(buffer, "\"", 1);
}

static int add_label(struct oo_buffer *buffer, bool first, const char *name, const char *value)
{
	int r = oo_buffer_add_format(buffer, "%s%s=", first ? "" : ",", name);
	return r < 0 ? r : add_value(buffer, value);
}

/* Labels up to the NULL, behind what is there; first: of all. */
static int add_labels(struct oo_buffer *buffer, bool first, va_list labels)
{
	int r = 0;
	for (const char *name; r == 0 && (name = va_arg(labels, const char *)) != NULL;) {
		r = add_label(buffer, first, name, va_arg(labels, const char *));
		first = false;
	}
	return r;
}

/* "1.5", "0.000001", "-3": as short as it can be without losing anything. */
static const char *format_seconds(int64_t us, char text[static SECONDS_LENGTH])
{
	uint64_t whole = us < 0 ? -(uint64_t)us : (uint64_t)us;
	int n = snprintf(text, SECONDS_LENGTH, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "",
			 whole / 1000000, whole % 1000000);
	while (text[n - 1] == '0') {
		n--;
	}
	text[text[n - 1] == '.' ? n - 1 : n] = '\0';
	return text;
}

/* One line: family and suffix, the labels, with le behind them if there is one, and the value. */
static int add_sample(const struct oo_metrics *metrics, const char *suffix, va_list labels,
		      const char *le, const char *value)
{
	struct oo_buffer *body = metrics->body;
	size_t before;
	va_list copy;

	int r = oo_buffer_add_format(body, "%s%s{", metrics->family, suffix);
	before = body->length;
	r = r < 0 ? r : oo_buffer_add(body, metrics->common.data, metrics->common.length);
	va_copy(copy, labels);
	r = r < 0 ? r : add_labels(body, metrics->common.length == 0, copy);
	va_end(copy);
	if (r == 0 && le != NULL) {
		r = add_label(body, body->length == before, "le", le);
	}
	if (r == 0 && body->length == before) {
		body->length--; /* the brace: nothing to hold */
		return oo_buffer_add_format(body, " %s\n", value);
	}
	return r < 0 ? r : oo_buffer_add_format(body, "} %s\n", value);
}

void oo_metrics_begin(struct oo_metrics *metrics, struct oo_buffer *body, ...)
{
	va_list labels;

	*metrics = (struct oo_metrics){.body = body};
	oo_buffer_init(&metrics->common, OO_METRICS_COMMON_LENGTH);
	va_start(labels, body);
	note(metrics, add_labels(&metrics->common, true, labels));
	va_end(labels);
}

void oo_metrics_family(struct oo_metrics *metrics, const char *family, enum oo_metrics_type type,
		       const char *help)
{
	static const char *const types[] = {
		[OO_METRICS_GAUGE] = "gauge",
		[OO_METRICS_COUNTER] = "counter",
		[OO_METRICS_HISTOGRAM] = "histogram",
		[OO_METRICS_SUMMARY] = "summary",
	};
	metrics->family = family;
	note(metrics, oo_buffer_add_format(metrics->body, "# HELP %s %s\n# TYPE %s %s\n", family,
					   help, family, types[type]));
}

void oo_metrics_add(struct oo_metrics *metrics, int64_t value, ...)
{
	char text[SECONDS_LENGTH];
	va_list labels;

	snprintf(text, sizeof(text), "%" PRId64, value);
	va_start(labels, value);
	note(metrics, add_sample(metrics, "", labels, NULL, text));
	va_end(labels);
}

void oo_metrics_add_us(struct oo_metrics *metrics, int64_t value_us, ...)
{
	char text[SECONDS_LENGTH];
	va_list labels;

	va_start(labels, value_us);
	note(metrics, add_sample(metrics, "", labels, NULL, format_seconds(value_us, text)));
	va_end(labels);
}

static void add_sum_and_count(struct oo_metrics *metrics, int64_t sum_us, uint64_t count,
			      va_list labels)
{
	char text[SECONDS_LENGTH];

	note(metrics, add_sample(metrics, "_sum", labels, NULL, format_seconds(sum_us, text)));
	snprintf(text, sizeof(text), "%" PRIu64, count);
	note(metrics, add_sample(metrics, "_count", labels, NULL, text));
}

void oo_metrics_add_histogram(struct oo_metrics *metrics, const struct oo_histogram *histogram, ...)
{
	uint64_t count = 0;
	va_list labels;

	va_start(labels, histogram);
	for (unsigned i = 0; i <= OO_HISTOGRAM_BOUNDS; i++) {
		char text[SECONDS_LENGTH], le[SECONDS_LENGTH] = "+Inf";
		count += histogram->counts[i];
		snprintf(text, sizeof(text), "%" PRIu64, count);
		if (i < OO_HISTOGRAM_BOUNDS) {
			(void)format_seconds(oo_histogram_bounds_us[i], le);
		}
		note(metrics, add_sample(metrics, "_bucket", labels, le, text));
	}
	add_sum_and_count(metrics, histogram->sum_us, count, labels);
	va_end(labels);
}

void oo_metrics_add_summary(struct oo_metrics *metrics, uint64_t count, int64_t sum_us, ...)
{
	va_list labels;

	va_start(labels, sum_us);
	add_sum_and_count(metrics, sum_us, count, labels);
	va_end(labels);
}

int oo_metrics_end(struct oo_metrics *metrics)
{
	oo_buffer_done(&metrics->common);
	if (metrics->r < 0) {
		oo_buffer_done(metrics->body);
	}
	return metrics->r;
}
