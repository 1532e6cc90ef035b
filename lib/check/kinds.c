#include <assert.h>

#include "base/cleanup.h"
#include "check/kind.h"

const struct oo_check_kind *oo_check_kind(enum oo_check_type type)
{
	static const struct oo_check_kind *const kinds[OO_CHECK_TYPE_END] = {
		[OO_CHECK_TYPE_HTTP] = &oo_check_http,
		[OO_CHECK_TYPE_TCP] = &oo_check_tcp,
		[OO_CHECK_TYPE_EXEC] = &oo_check_exec,
		[OO_CHECK_TYPE_FILE] = &oo_check_file,
		[OO_CHECK_TYPE_DISK] = &oo_check_disk,
		[OO_CHECK_TYPE_PROCESS] = &oo_check_process,
		[OO_CHECK_TYPE_UNIT] = &oo_check_unit,
		[OO_CHECK_TYPE_CONTAINER] = &oo_check_container,
		[OO_CHECK_TYPE_LINK] = &oo_check_link,
		[OO_CHECK_TYPE_GATEWAY] = &oo_check_gateway,
		[OO_CHECK_TYPE_AMQP] = &oo_check_amqp,
		[OO_CHECK_TYPE_POSTGRES] = &oo_check_postgres,
	};
	assert(type < OO_LENGTH(kinds));
	return kinds[type];
}
