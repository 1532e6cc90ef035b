#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "../event/testing.h"
#include "metrics/metrics.h"

static struct oo_buffer body;

/* What has been written since the last time. */
static const char *written(struct oo_metrics *metrics)
{
	static char text[4096];
	CU_ASSERT_EQUAL(oo_metrics_end(metrics), 0);
	oo_text_clip(text, sizeof(text), body.data != NULL ? body.data : "");
	oo_buffer_done(&body);
	return text;
}

static struct oo_metrics *begin(void)
{
	static struct oo_metrics metrics;
	oo_buffer_init(&body, 1 << 16);
	oo_metrics_begin(&metrics, &body, "cluster", "office", "node", "node-a", NULL);
	return &metrics;
}

static struct oo_metrics *begin_without_labels(void)
{
	static struct oo_metrics metrics;
	oo_buffer_init(&body, 1 << 16);
	oo_metrics_begin(&metrics, &body, NULL);
	return &metrics;
}

static void test_a_family_is_named_once_and_its_samples_follow(void)
{
	struct oo_metrics *metrics = begin();
	oo_metrics_family(metrics, "ooha_epoch", OO_METRICS_GAUGE, "The fencing token.");
	oo_metrics_add(metrics, 7, "group", "office", NULL);
	oo_metrics_add(metrics, -1, "group", "mail", "zone", "az-1", NULL);
	oo_metrics_family(metrics, "ooha_moves_total", OO_METRICS_COUNTER, "Moves.");
	oo_metrics_add(metrics, INT64_MAX, NULL);
	CU_ASSERT_STRING_EQUAL(
		written(metrics),
		"# HELP ooha_epoch The fencing token.\n"
		"# TYPE ooha_epoch gauge\n"
		"ooha_epoch{cluster=\"office\",node=\"node-a\",group=\"office\"} 7\n"
		"ooha_epoch{cluster=\"office\",node=\"node-a\",group=\"mail\",zone=\"az-1\"} -1\n"
		"# HELP ooha_moves_total Moves.\n"
		"# TYPE ooha_moves_total counter\n"
		"ooha_moves_total{cluster=\"office\",node=\"node-a\"} 9223372036854775807\n");
}

static void test_a_sample_without_labels_has_no_braces(void)
{
	struct oo_metrics *metrics = begin_without_labels();
	oo_metrics_family(metrics, "process_open_fds", OO_METRICS_GAUGE, "Open.");
	oo_metrics_add(metrics, 12, NULL);
	oo_metrics_add(metrics, 3, "kind", "socket", NULL);
	CU_ASSERT_STRING_EQUAL(written(metrics), "# HELP process_open_fds Open.\n"
						 "# TYPE process_open_fds gauge\n"
						 "process_open_fds 12\n"
						 "process_open_fds{kind=\"socket\"} 3\n");
}

static void test_label_values_are_escaped(void)
{
	static const struct {
		const char *value, *shown;
	} values[] = {
		{"", "{v=\"\"} 1\n"},
		{"plain", "{v=\"plain\"} 1\n"},
		{"a\"b", "{v=\"a\\\"b\"} 1\n"},
		{"a\\b", "{v=\"a\\\\b\"} 1\n"},
		{"two\nlines", "{v=\"two\\nlines\"} 1\n"},
		{"\\n", "{v=\"\\\\n\"} 1\n"},
		{"\"} 2\nx{v=\"", "{v=\"\\\"} 2\\nx{v=\\\"\"} 1\n"},
		{"caf\xc3\xa9 {,=}\t", "{v=\"caf\xc3\xa9 {,=}\t\"} 1\n"},
	};
	for (size_t i = 0; i < OO_LENGTH(values); i++) {
		struct oo_metrics *metrics = begin_without_labels();
		oo_metrics_family(metrics, "x", OO_METRICS_GAUGE, "X.");
		size_t before = body.length + 1; /* the name */
		oo_metrics_add(metrics, 1, "v", values[i].value, NULL);
		CU_ASSERT_STRING_EQUAL(written(metrics) + before, values[i].shown);
	}
}

static void test_seconds_lose_nothing_and_have_no_needless_digits(void)
{
	static const struct {
		int64_t us;
		const char *shown;
	} values[] = {
		{0, "0"},
		{1, "0.000001"},
		{10, "0.00001"},
		{2500, "0.0025"},
		{999999, "0.999999"},
		{1000000, "1"},
		{10000000, "10"},
		{1500000, "1.5"},
		{-1, "-0.000001"},
		{-3000000, "-3"},
		{INT64_C(1767225600123000), "1767225600.123"},
		{INT64_MAX, "9223372036854.775807"},
		{INT64_MIN, "-9223372036854.775808"},
	};
	for (size_t i = 0; i < OO_LENGTH(values); i++) {
		char shown[64];
		struct oo_metrics *metrics = begin_without_labels();
		oo_metrics_family(metrics, "x", OO_METRICS_GAUGE, "X.");
		size_t before = body.length;
		oo_metrics_add_us(metrics, values[i].us, NULL);
		snprintf(shown, sizeof(shown), "x %s\n", values[i].shown);
		CU_ASSERT_STRING_EQUAL(written(metrics) + before, shown);
	}
}

static void test_the_classes_of_a_histogram_add_up(void)
{
	struct oo_histogram histogram = {0};
	static const int64_t took_us[] = {-5, 0, 1000, 1001, 15000, 30000000, 30000001};
	for (size_t i = 0; i < OO_LENGTH(took_us); i++) {
		oo_histogram_note(&histogram, took_us[i]);
	}
	struct oo_metrics *metrics = begin_without_labels();
	oo_metrics_family(metrics, "gap_seconds", OO_METRICS_HISTOGRAM, "Gaps.");
	oo_metrics_add_histogram(metrics, &histogram, "group", "office", NULL);
	CU_ASSERT_STRING_EQUAL(written(metrics),
			       "# HELP gap_seconds Gaps.\n"
			       "# TYPE gap_seconds histogram\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.001\"} 3\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.0025\"} 4\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.005\"} 4\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.01\"} 4\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.015\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.025\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.05\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.1\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.25\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"0.5\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"1\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"2.5\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"5\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"10\"} 5\n"
			       "gap_seconds_bucket{group=\"office\",le=\"30\"} 6\n"
			       "gap_seconds_bucket{group=\"office\",le=\"+Inf\"} 7\n"
			       "gap_seconds_sum{group=\"office\"} 60.017002\n"
			       "gap_seconds_count{group=\"office\"} 7\n");
}

static void test_an_empty_histogram_has_all_its_classes(void)
{
	struct oo_histogram histogram = {0};
	struct oo_metrics *metrics = begin_without_labels();
	oo_metrics_family(metrics, "x", OO_METRICS_HISTOGRAM, "X.");
	size_t before = body.length;
	oo_metrics_add_histogram(metrics, &histogram, NULL);
	const char *text = written(metrics) + before;
	CU_ASSERT_EQUAL(strncmp(text, "x_bucket{le=\"0.001\"} 0\n", 23), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nx_bucket{le=\"+Inf\"} 0\nx_sum 0\nx_count 0\n"));
}

static void test_a_summary_is_a_sum_and_a_count(void)
{
	struct oo_metrics *metrics = begin_without_labels();
	oo_metrics_family(metrics, "run_seconds", OO_METRICS_SUMMARY, "Runs.");
	oo_metrics_add_summary(metrics, 3, 4500, "check", "proxy", NULL);
	CU_ASSERT_STRING_EQUAL(written(metrics), "# HELP run_seconds Runs.\n"
						 "# TYPE run_seconds summary\n"
						 "run_seconds_sum{check=\"proxy\"} 0.0045\n"
						 "run_seconds_count{check=\"proxy\"} 3\n");
}

/* Half a page would read as if what is missing were gone. */
static void test_what_does_not_fit_leaves_nothing(void)
{
	struct oo_metrics metrics;
	oo_buffer_init(&body, 60);
	oo_metrics_begin(&metrics, &body, NULL);
	oo_metrics_family(&metrics, "x", OO_METRICS_GAUGE, "X.");
	oo_metrics_add(&metrics, 1, "label", "more than there is room for in this buffer", NULL);
	oo_metrics_add(&metrics, 2, NULL); /* would fit again */
	CU_ASSERT_EQUAL(oo_metrics_end(&metrics), -EMSGSIZE);
	CU_ASSERT_EQUAL(body.length, 0);
	CU_ASSERT_PTR_NULL(body.data);
}

static void test_common_labels_that_are_too_long_leave_nothing(void)
{
	char value[OO_METRICS_COMMON_LENGTH + 1];
	struct oo_metrics metrics;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	oo_buffer_init(&body, 1 << 16);
	oo_metrics_begin(&metrics, &body, "node", value, NULL);
	oo_metrics_family(&metrics, "x", OO_METRICS_GAUGE, "X.");
	oo_metrics_add(&metrics, 1, NULL);
	CU_ASSERT_EQUAL(oo_metrics_end(&metrics), -EMSGSIZE);
	CU_ASSERT_PTR_NULL(body.data);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_family_is_named_once_and_its_samples_follow),
		TEST(a_sample_without_labels_has_no_braces),
		TEST(label_values_are_escaped),
		TEST(seconds_lose_nothing_and_have_no_needless_digits),
		TEST(the_classes_of_a_histogram_add_up),
		TEST(an_empty_histogram_has_all_its_classes),
		TEST(a_summary_is_a_sum_and_a_count),
		TEST(what_does_not_fit_leaves_nothing),
		TEST(common_labels_that_are_too_long_leave_nothing),
	};
	return run_tests("writer", tests, OO_LENGTH(tests));
}
