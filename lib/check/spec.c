#include "check/spec.h"

#include <assert.h>

#include "base/cleanup.h"

const char *oo_check_type_name(enum oo_check_type type)
{
	static const char *const names[OO_CHECK_TYPE_END] = {
		[OO_CHECK_TYPE_NONE] = "none",
		[OO_CHECK_TYPE_HTTP] = "http",
		[OO_CHECK_TYPE_TCP] = "tcp",
		[OO_CHECK_TYPE_EXEC] = "exec",
		[OO_CHECK_TYPE_FILE] = "file",
		[OO_CHECK_TYPE_DISK] = "disk",
		[OO_CHECK_TYPE_PROCESS] = "process",
		[OO_CHECK_TYPE_UNIT] = "unit",
		[OO_CHECK_TYPE_CONTAINER] = "container",
		[OO_CHECK_TYPE_LINK] = "link",
		[OO_CHECK_TYPE_GATEWAY] = "gateway",
		[OO_CHECK_TYPE_AMQP] = "amqp",
		[OO_CHECK_TYPE_POSTGRES] = "postgres",
	};
	assert(type < OO_LENGTH(names) && names[type] != NULL);
	return names[type];
}
