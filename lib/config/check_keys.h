#ifndef OO_CONFIG_CHECK_KEYS_H
#define OO_CONFIG_CHECK_KEYS_H
/* What the tables of keys of the types of checks share. Private to lib/config. */
#include "config/schema.h"

#define AT(member) CONFIG_AT(oo_check_spec, member)

#define PATH_BYTES 1024
#define TEXT_BYTES 1024
/* Of a unix socket: sun_path, but for the NUL. */
#define CONFIG_SOCKET_BYTES 107

/* Of the types that open a connection. Sections have no offset: their members are the check's. */
extern const struct config_schema config_limit_schema;
#define TIMEOUTS                                                                                   \
	{                                                                                          \
		.name = "timeouts", .parse = config_parse_section, .schema = &config_limit_schema  \
	}

#endif
