/* The keys of the types of checks that look at this host. */
#include "config/check_keys.h"

#define USER_KEY(member)                                                                           \
	{                                                                                          \
		.name = "user", .parse = config_parse_name, AT(member), .least = 1                 \
	}

static const struct config_list word_list = {
	.item = {.parse = config_parse_line, .least = 0, .most = TEXT_BYTES},
	CONFIG_LIST(oo_check_texts, items, n),
};

enum exec_key {
	EXEC_COMMAND,
};

static const struct config_key exec_keys[] = {
	[EXEC_COMMAND] = {.name = "command",
			  .parse = config_parse_list,
			  AT(exec.command.items),
			  .least = 1,
			  .most = OO_CHECK_WORDS,
			  .list = &word_list,
			  .required = "list the program and its words, as in [/usr/lib/x, -v]"},
	USER_KEY(exec.user),
};

static bool check_exec(struct config_reader *reader, struct fy_node *node,
		       struct oo_check_spec *spec, struct fy_node *const *values)
{
	(void)node;
	return spec->exec.command.items[0][0] == '/' ||
	       config_wrong(reader, fy_node_sequence_get_by_index(values[EXEC_COMMAND], 0),
			    "not an absolute path; begin it with /, no shell looks for it");
}

const struct config_check_kind config_check_exec = {.schema = CONFIG_SCHEMA(exec_keys),
						    .check = check_exec};

static const struct config_key file_keys[] = {
	{.name = "path",
	 .parse = config_parse_path,
	 AT(file.path),
	 .most = PATH_BYTES,
	 .required = "name the file"},
	{.name = "age",
	 .parse = config_parse_duration,
	 AT(file.age_ms),
	 .least = 1000,
	 .most = INT64_C(365) * 24 * 60 * CONFIG_MINUTE_MS},
	{.name = "contains",
	 .parse = config_parse_text,
	 AT(file.contains),
	 .least = 1,
	 .most = TEXT_BYTES},
};

const struct config_check_kind config_check_file = {.schema = CONFIG_SCHEMA(file_keys)};

static const struct config_key disk_keys[] = {
	{.name = "path",
	 .parse = config_parse_path,
	 AT(disk.path),
	 .most = PATH_BYTES,
	 .required = "name a directory of the file system"},
	{.name = "free", .parse = config_parse_size, AT(disk.free)},
	{.name = "free_inodes", .parse = config_parse_count, AT(disk.free_inodes)},
	{.name = "writable", .parse = config_parse_flag, AT(disk.writable)},
	USER_KEY(disk.user),
};

static void set_disk_defaults(struct oo_check_spec *spec)
{
	spec->interval_ms = 10000;
	spec->disk.free.percent = 5;
	spec->disk.free_inodes.percent = 5;
}

const struct config_check_kind config_check_disk = {.schema = CONFIG_SCHEMA(disk_keys),
						    .set_defaults = set_disk_defaults};

enum process_key {
	PROCESS_PROCESS,
	PROCESS_PID_FILE,
	PROCESS_LEAST,
	PROCESS_MOST,
};

static bool has_no_pid_file(const void *structure)
{
	return ((const struct oo_check_spec *)structure)->process.pid_file == NULL;
}

static const struct config_key process_keys[] = {
	[PROCESS_PROCESS] = {.name = "process",
			     .parse = config_parse_line,
			     AT(process.process_name),
			     .least = 1,
			     .most = 15}, /* the kernel keeps no more of it */
	[PROCESS_PID_FILE] = {.name = "pid_file",
			      .parse = config_parse_path,
			      AT(process.pid_file),
			      .most = PATH_BYTES},
	[PROCESS_LEAST] = {.name = "least",
			   .parse = config_parse_number,
			   AT(process.least),
			   .given = has_no_pid_file,
			   .least = 0,
			   .most = 10000},
	[PROCESS_MOST] = {.name = "most",
			  .parse = config_parse_number,
			  AT(process.most),
			  .least = 1,
			  .most = 10000},
};

static void set_process_defaults(struct oo_check_spec *spec)
{
	spec->process.least = 1;
}

static bool check_process(struct config_reader *reader, struct fy_node *node,
			  struct oo_check_spec *spec, struct fy_node *const *values)
{
	struct fy_node *number =
		values[PROCESS_LEAST] != NULL ? values[PROCESS_LEAST] : values[PROCESS_MOST];
	if (values[PROCESS_PROCESS] == NULL && values[PROCESS_PID_FILE] == NULL) {
		return config_wrong_key(reader, node, "process", config_line(node),
					"missing; name the process, or its pid_file");
	}
	if (values[PROCESS_PID_FILE] != NULL && number != NULL) {
		return config_wrong(reader, number,
				    "a pid file has one process; leave the number out");
	}
	if (spec->process.most > 0 && spec->process.most < spec->process.least) {
		return config_wrong(reader, values[PROCESS_MOST],
				    "less than least; make it at least %d", spec->process.least);
	}
	return true;
}

const struct config_check_kind config_check_process = {.schema = CONFIG_SCHEMA(process_keys),
						       .set_defaults = set_process_defaults,
						       .check = check_process};

static const struct config_key unit_keys[] = {
	{.name = "unit",
	 .parse = config_parse_unit,
	 AT(unit.unit),
	 .required = "name the unit, as in nginx.service"},
	{.name = "restarts",
	 .parse = config_parse_number,
	 AT(unit.restarts),
	 .least = 1,
	 .most = 1000000},
};

const struct config_check_kind config_check_unit = {.schema = CONFIG_SCHEMA(unit_keys)};

static const struct config_key container_keys[] = {
	{.name = "container",
	 .parse = config_parse_name,
	 AT(container.container),
	 .least = 1,
	 .required = "name the container"},
	{.name = "socket",
	 .parse = config_parse_path,
	 AT(container.socket),
	 .most = CONFIG_SOCKET_BYTES},
	{.name = "restarts",
	 .parse = config_parse_number,
	 AT(container.restarts),
	 .least = 1,
	 .most = 1000000},
};

static void set_container_defaults(struct oo_check_spec *spec)
{
	spec->container.socket = "/run/docker.sock";
}

const struct config_check_kind config_check_container = {.schema = CONFIG_SCHEMA(container_keys),
							 .set_defaults = set_container_defaults};

static const struct config_key link_keys[] = {
	{.name = "interface",
	 .parse = config_parse_interface,
	 AT(link.interface),
	 .required = "name the interface, as in eth0"},
	{.name = "speed",
	 .parse = config_parse_number,
	 AT(link.speed_mbit),
	 .least = 1,
	 .most = 1000000},
};

const struct config_check_kind config_check_link = {.schema = CONFIG_SCHEMA(link_keys)};

static const struct config_key gateway_keys[] = {
	{.name = "address",
	 .parse = config_parse_ip,
	 AT(gateway.address),
	 .required = "give the gateway's address, as in 10.0.0.1"},
	{.name = "interface",
	 .parse = config_parse_interface,
	 AT(gateway.interface),
	 .required = "name the interface that it is asked on, as in eth0"},
};

const struct config_check_kind config_check_gateway = {.schema = CONFIG_SCHEMA(gateway_keys)};
