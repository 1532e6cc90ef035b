#include <assert.h>

#include "base/cleanup.h"
#include "check/kind.h"

const struct oo_check_kind *oo_check_kind(enum oo_check_type type)
{
	static const struct oo_check_kind *const kinds[OO_CHECK_TYPE_END] = {
		[OO_CHECK_TYPE_HTTP] = &oo_check_http,
		[OO_CHECK_TYPE_TCP] = &oo_check_tcp,
	};
	assert(type < OO_LENGTH(kinds));
	return kinds[type];
}
