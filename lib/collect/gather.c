#include "collect/gather.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

/* Longer than any gathering: a check runs once. */
#define NOT_AGAIN_MS 3600000
/* A check ends before the gathering does, to say itself what it has waited for. */
#define SPARE_MS 150

struct oo_gather_check {
	struct oo_gather_check *next;
	struct oo_gather *gather;
	struct oo_check *check;
	struct oo_check_result *result;
	oo_gather_check_fn *done;
};

void oo_gather_hold(struct oo_gather *gather)
{
	gather->held++;
}

void oo_gather_release(struct oo_gather *gather)
{
	gather->held--;
	if (gather->held == 0) {
		(void)sd_event_exit(gather->event, 0); /* fails only on a loop that is over */
	}
}

int64_t oo_gather_left_ms(const struct oo_gather *gather)
{
	int64_t left = gather->deadline - oo_clock_now();
	return left > 1 ? left : 1;
}

static void on_result(void *user, const struct oo_check *check,
		      const struct oo_check_result *result)
{
	struct oo_gather_check *entry = user;
	(void)check;
	*entry->result = *result;
	oo_check_free(entry->check);
	entry->check = NULL;
	if (entry->done != NULL) {
		entry->done(entry->gather, entry->result);
	}
	oo_gather_release(entry->gather);
}

static int refuse(struct oo_check_result *ret_result, int r, const char *why)
{
	*ret_result = (struct oo_check_result){.reason = OO_CHECK_REASON_LOCAL};
	oo_text_clip(ret_result->seen, sizeof(ret_result->seen), why);
	return r;
}

int oo_gather_check(struct oo_gather *gather, const struct oo_check_spec *spec,
		    struct oo_check_result *ret_result, oo_gather_check_fn *done)
{
	struct oo_err err = {0};
	struct oo_check_spec once = *spec;
	int64_t left_ms = oo_gather_left_ms(gather) - SPARE_MS;
	struct oo_gather_check *entry = calloc(1, sizeof(*entry));
	if (entry == NULL) {
		return refuse(ret_result, -ENOMEM, "out of memory");
	}
	once.name = "diagnosis";
	once.interval_ms = NOT_AGAIN_MS;
	once.timeout_ms = once.timeout_ms < left_ms ? once.timeout_ms : left_ms;
	const struct oo_check_setup setup = {.event = gather->event,
					     .transfers = gather->transfers,
					     .done = on_result,
					     .user = entry};
	*entry = (struct oo_gather_check){.gather = gather, .result = ret_result, .done = done};
	int r = left_ms > 0 ? oo_check_new(&setup, &once, &entry->check, &err)
			    : oo_fail_text(&err, ETIMEDOUT, "no time left");
	if (r < 0) {
		free(entry);
		return refuse(ret_result, r, err.text);
	}
	entry->next = gather->checks;
	gather->checks = entry;
	oo_gather_hold(gather);
	return 0;
}

void oo_gather_end_checks(struct oo_gather *gather)
{
	while (gather->checks != NULL) {
		struct oo_gather_check *entry = gather->checks;
		gather->checks = entry->next;
		oo_check_free(entry->check);
		free(entry);
	}
}
