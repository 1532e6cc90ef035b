#include <errno.h>

#include "base/duration.h"
#include "config/schema.h"

#define LIFETIME_UNIT_MS 1000 /* the kernel counts whole seconds, and is late by up to one */

/* A length of time in a message. */
struct shown {
	char text[OO_DURATION_LENGTH];
};

static struct shown show(int64_t ms)
{
	struct shown shown;
	oo_duration_format(ms, shown.text);
	return shown;
}

/* Rules 1 and 3: renew and request timeout end in time. */
static int check_round(const struct oo_config_lease *lease, bool lifetime, struct oo_err *err)
{
	int64_t round = lease->renew_ms + lease->request_timeout_ms;
	int64_t limit = lease->ttl_ms - lease->margin_ms - (lifetime ? LIFETIME_UNIT_MS : 0);

	/* both as "less than": what ends at the limit ends too late */
	if (round < limit) {
		return 0;
	}
	return oo_fail_text(
		err, EINVAL,
		"impossible: renew %s + request timeout %s (4/5 of renew) = %s must be less than "
		"ttl %s - margin %s%s = %s; make renew at most %s or ttl longer",
		show(lease->renew_ms).text, show(lease->request_timeout_ms).text, show(round).text,
		show(lease->ttl_ms).text, show(lease->margin_ms).text,
		lifetime ? " - 1s (how late the kernel may end the VIP's lifetime)" : "",
		show(limit).text, show((limit * 5 - 1) / 9).text);
}

bool config_check_lease(struct config_reader *reader, const struct oo_config_lease *lease,
			const struct config_lease_nodes *given)
{
	/* the default margin is less than half of any ttl */
	if (given->margin != NULL && lease->margin_ms * 2 >= lease->ttl_ms) {
		return config_wrong(reader, given->margin,
				    "impossible: margin must be less than half of ttl %s; make it "
				    "at most %s, or leave it out",
				    show(lease->ttl_ms).text, show((lease->ttl_ms - 1) / 2).text);
	}
	struct oo_err err;
	/* so is the default renew with its request timeout: it fits whatever the margin */
	return given->renew == NULL || check_round(lease, false, &err) == 0 ||
	       config_wrong(reader, given->renew, "%s", err.text);
}

/* Rule 2: with the slowest answer a whole second must be left. */
static int check_lifetime(const struct oo_config_lease *lease, struct oo_err *err)
{
	int64_t left =
		lease->ttl_ms - lease->margin_ms - lease->request_timeout_ms - LIFETIME_UNIT_MS;
	if (left >= LIFETIME_UNIT_MS) {
		return 0;
	}
	return oo_fail_text(
		err, EINVAL,
		"lease.ttl: '%s': impossible: the kernel ends the VIP's lifetime in whole "
		"seconds, up to 1s late; ttl %s - margin %s - request timeout %s (4/5 of renew) - "
		"1s = %s, and 1s must be left; with the default renew and margin ttl is at least "
		"2450ms",
		show(lease->ttl_ms).text, show(lease->ttl_ms).text, show(lease->margin_ms).text,
		show(lease->request_timeout_ms).text, show(left).text);
}

int oo_config_check_unfenced(const struct oo_config_lease *lease, struct oo_err *err)
{
	int r = check_lifetime(lease, err);
	if (r == 0 && (r = check_round(lease, true, err)) < 0) {
		oo_err_wrap(err, "lease.renew: '%s'", show(lease->renew_ms).text);
	}
	return r;
}
