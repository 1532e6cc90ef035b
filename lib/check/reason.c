#include <assert.h>

#include "base/cleanup.h"
#include "check/kind.h"

const char *oo_check_state_name(enum oo_check_state state)
{
	switch (state) {
	case OO_CHECK_STATE_UNKNOWN:
		return "unknown";
	case OO_CHECK_STATE_UP:
		return "up";
	case OO_CHECK_STATE_DOWN:
		return "down";
	}
	return "unknown";
}

const char *oo_check_reason_name(enum oo_check_reason reason)
{
	static const char *const names[OO_CHECK_REASON_END] = {
		[OO_CHECK_REASON_NONE] = "not run yet",
		[OO_CHECK_REASON_OK] = "ok",
		[OO_CHECK_REASON_NAME_NOT_RESOLVED] = "name not resolved",
		[OO_CHECK_REASON_REFUSED] = "refused",
		[OO_CHECK_REASON_UNREACHABLE] = "unreachable",
		[OO_CHECK_REASON_CONNECT_TIMEOUT] = "connect timeout",
		[OO_CHECK_REASON_TLS] = "tls",
		[OO_CHECK_REASON_CERTIFICATE] = "certificate",
		[OO_CHECK_REASON_SILENT] = "silent",
		[OO_CHECK_REASON_SLOW] = "slow",
		[OO_CHECK_REASON_RESET] = "reset",
		[OO_CHECK_REASON_CLOSED] = "closed",
		[OO_CHECK_REASON_PROTOCOL] = "protocol",
		[OO_CHECK_REASON_STATUS] = "status",
		[OO_CHECK_REASON_REDIRECTS] = "redirects",
		[OO_CHECK_REASON_BODY] = "body",
		[OO_CHECK_REASON_CONTENT] = "content",
		[OO_CHECK_REASON_DENIED] = "denied",
		[OO_CHECK_REASON_MISSING] = "missing",
		[OO_CHECK_REASON_STALE] = "stale",
		[OO_CHECK_REASON_FULL] = "full",
		[OO_CHECK_REASON_READ_ONLY] = "read only",
		[OO_CHECK_REASON_STORAGE] = "storage",
		[OO_CHECK_REASON_HUNG] = "hung",
		[OO_CHECK_REASON_FAILED] = "failed",
		[OO_CHECK_REASON_STOPPED] = "stopped",
		[OO_CHECK_REASON_CRASHED] = "crashed",
		[OO_CHECK_REASON_RESTARTING] = "restarting",
		[OO_CHECK_REASON_OUT_OF_MEMORY] = "out of memory",
		[OO_CHECK_REASON_STARTING] = "starting",
		[OO_CHECK_REASON_UNHEALTHY] = "unhealthy",
		[OO_CHECK_REASON_TOO_MANY] = "too many",
		[OO_CHECK_REASON_NO_CONSUMERS] = "no consumers",
		[OO_CHECK_REASON_NO_CARRIER] = "no carrier",
		[OO_CHECK_REASON_DEGRADED] = "degraded",
		[OO_CHECK_REASON_LOCAL] = "local",
	};
	assert(reason < OO_LENGTH(names) && names[reason] != NULL);
	return names[reason];
}

enum oo_check_state oo_check_reason_state(enum oo_check_reason reason)
{
	if (reason == OO_CHECK_REASON_OK) {
		return OO_CHECK_STATE_UP;
	}
	return reason == OO_CHECK_REASON_NONE || reason == OO_CHECK_REASON_LOCAL
		       ? OO_CHECK_STATE_UNKNOWN
		       : OO_CHECK_STATE_DOWN;
}
