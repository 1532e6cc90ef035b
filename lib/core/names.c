#include "core/core.h"

const char *oo_role_name(enum oo_role role)
{
	switch (role) {
	case OO_ROLE_STANDBY:
		return "standby";
	case OO_ROLE_ACQUIRING:
		return "acquiring";
	case OO_ROLE_ACTIVE:
		return "active";
	case OO_ROLE_RELEASING:
		return "releasing";
	case OO_ROLE_HANDING_OVER:
		return "handing_over";
	case OO_ROLE_RECLAIMING:
		return "reclaiming";
	}
	return "?";
}

const char *oo_cause_name(enum oo_cause cause)
{
	switch (cause) {
	case OO_CAUSE_NONE:
		return "none";
	case OO_CAUSE_HOLDER_SILENT:
		return "holder_silent";
	case OO_CAUSE_RELEASED:
		return "released";
	case OO_CAUSE_OFFERED:
		return "offered";
	case OO_CAUSE_ABSENT:
		return "absent";
	case OO_CAUSE_READ_BACK:
		return "read_back";
	case OO_CAUSE_CLAIMED:
		return "claimed";
	case OO_CAUSE_CLAIM_REFUSED:
		return "claim_refused";
	case OO_CAUSE_UNKNOWN:
		return "outcome_unknown";
	case OO_CAUSE_LOST:
		return "lost";
	case OO_CAUSE_CHECK_DOWN:
		return "check_down";
	case OO_CAUSE_LINK_DOWN:
		return "link_down";
	case OO_CAUSE_STOPPING:
		return "stopping";
	case OO_CAUSE_ADDRESS_DOWN:
		return "address_down";
	case OO_CAUSE_YIELDED:
		return "yielded";
	case OO_CAUSE_GAVE_UP:
		return "gave_up";
	case OO_CAUSE_TARGET_GONE:
		return "target_gone";
	case OO_CAUSE_ADOPTED:
		return "adopted";
	case OO_CAUSE_SWITCHOVER:
		return "switchover";
	case OO_CAUSE_DRAINED:
		return "drained";
	case OO_CAUSE_WITHDRAWN:
		return "withdrawn";
	}
	return "?";
}
