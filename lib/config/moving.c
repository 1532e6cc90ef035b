/* `failback:` and `flap:`: when a holder that lives gives away what it holds. */
#include "config/schema.h"

static const char *const failback_modes[] = {"never", "auto", NULL};
static const struct config_key failback_keys[] = {
	{.name = "mode",
	 .parse = config_parse_choice,
	 CONFIG_AT(oo_config_failback, mode),
	 .choices = failback_modes},
	{.name = "delay",
	 .parse = config_parse_duration,
	 CONFIG_AT(oo_config_failback, delay_ms),
	 .least = 0,
	 .most = 24 * 60 * CONFIG_MINUTE_MS},
	{.name = "stable",
	 .parse = config_parse_duration,
	 CONFIG_AT(oo_config_failback, stable_ms),
	 .least = 0,
	 .most = 24 * 60 * CONFIG_MINUTE_MS},
};
const struct config_schema config_failback_schema = CONFIG_SCHEMA(failback_keys);

static const struct config_key flap_keys[] = {
	{.name = "moves",
	 .parse = config_parse_number,
	 CONFIG_AT(oo_config_flap, moves),
	 .least = 0,
	 .most = OO_CONFIG_MOVES},
	{.name = "window",
	 .parse = config_parse_duration,
	 CONFIG_AT(oo_config_flap, window_ms),
	 .least = CONFIG_MINUTE_MS,
	 .most = 24 * 60 * CONFIG_MINUTE_MS},
};
const struct config_schema config_flap_schema = CONFIG_SCHEMA(flap_keys);
