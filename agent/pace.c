#include "pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"

static int compare_times(const void *one, const void *other)
{
	int64_t a, b;
	memcpy(&a, one, sizeof(a));
	memcpy(&b, other, sizeof(b));
	return (a > b) - (a < b);
}

static int64_t median_us(const struct agent_pace *pace)
{
	int64_t took_us[AGENT_PACE_SAMPLES];
	memcpy(took_us, pace->took_us, sizeof(took_us));
	qsort(took_us, AGENT_PACE_SAMPLES, sizeof(took_us[0]), compare_times);
	return took_us[AGENT_PACE_SAMPLES / 2];
}

bool agent_pace_note(struct agent_pace *pace, const struct oo_config_lease *lease, int64_t took_us)
{
	const bool was_tight = pace->is_tight;

	pace->took_us[pace->n++ % AGENT_PACE_SAMPLES] = took_us;
	if (pace->n < AGENT_PACE_SAMPLES) {
		return false; /* the first of all has connected first */
	}
	const int64_t fifths = was_tight ? 4 : 5; /* of half the time */
	pace->is_tight = median_us(pace) * 10 > lease->request_timeout_ms * 1000 * fifths;
	return pace->is_tight != was_tight;
}

/* How many renewals in a row are answered before the hold ends, if none but the last is good. */
static int64_t count_tries(const struct oo_config_lease *lease, int64_t took_ms)
{
	const int64_t room_ms = lease->ttl_ms - lease->margin_ms - took_ms - 1;
	return room_ms < 0 ? 0 : room_ms / lease->renew_ms;
}

/* At which half of a renewal's time is that much, to the next 100 ms: 4/5 of renew, a sixth of ttl. */
static int64_t fitting_ttl_ms(int64_t took_us)
{
	return (2 * took_us * 6 * 5 / 4 + 99999) / 100000 * 100;
}

const char *agent_pace_explain(const struct agent_pace *pace, const struct oo_config_lease *lease,
			       char text[static AGENT_PACE_LENGTH])
{
	char ttl[OO_DURATION_LENGTH], enough[OO_DURATION_LENGTH];
	const int64_t took_us = median_us(pace), took_ms = (took_us + 999) / 1000;

	snprintf(text, AGENT_PACE_LENGTH,
		 "etcd takes %lld ms to answer; a renewal has %lld ms (4/5 of renew), and ttl %s "
		 "leaves %lld tries (ttl - margin = %lld ms, one each %lld ms): on all nodes a "
		 "lease.ttl of %s or more has time to spare",
		 (long long)took_ms, (long long)lease->request_timeout_ms,
		 oo_duration_format(lease->ttl_ms, ttl), (long long)count_tries(lease, took_ms),
		 (long long)(lease->ttl_ms - lease->margin_ms), (long long)lease->renew_ms,
		 oo_duration_format(fitting_ttl_ms(took_us), enough));
	return text;
}

void agent_pace_tell(struct agent_pace *pace, const struct oo_config_lease *lease, int64_t took_us)
{
	char text[AGENT_PACE_LENGTH];

	if (!agent_pace_note(pace, lease, took_us)) {
		return;
	}
	if (pace->is_tight) {
		oo_log(OO_LOG_WARNING, "%s", agent_pace_explain(pace, lease, text));
	} else {
		oo_log(OO_LOG_NOTICE, "etcd answers in time to spare again: in %lld ms",
		       (long long)(median_us(pace) + 999) / 1000);
	}
}
