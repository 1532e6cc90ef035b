/*
 * Every key of the configuration, as the tables that it is read by have them, for who checks the pages
 * about it: a line each of the check's type ("" for all else), path, kind, range, and "required", separated by
 * tabs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "config/schema.h"

#define PATH_LENGTH 256

static const struct {
	config_parse_fn *parse;
	const char *kind;
} kinds[] = {
	{config_parse_name, "name"},
	{config_parse_text, "text"},
	{config_parse_line, "line"},
	{config_parse_number, "number"},
	{config_parse_duration, "duration"},
	{config_parse_path, "path"},
	{config_parse_file, "file"},
	{config_parse_secret_file, "secret file"},
	{config_parse_password_file, "secret file"},
	{config_parse_interface, "interface"},
	{config_parse_vip, "address"},
	{config_parse_address, "host and port"},
	{config_parse_listen, "address and port"},
	{config_parse_endpoint, "URL"},
	{config_parse_url, "URL"},
	{config_parse_base_url, "URL"},
	{config_parse_flag, "yes or no"},
	{config_parse_denied, "yes or no"},
	{config_parse_choice, "choice"},
	{config_parse_regex, "regular expression"},
	{config_parse_statuses, "statuses"},
	{config_parse_size, "size"},
	{config_parse_count, "count"},
	{config_parse_ip, "address"},
	{config_parse_unit, "unit"},
	{config_parse_table, "table"},
	{config_parse_header, "header"},
	{config_parse_token, "word"},
	{config_parse_json_pointer, "JSON pointer"},
};

static const char *kind_of(const struct config_key *key)
{
	for (size_t i = 0; i < OO_LENGTH(kinds); i++) {
		if (kinds[i].parse == key->parse) {
			return kinds[i].kind;
		}
	}
	return "special"; /* has its own function: it says in words what it is */
}

static void print_range(const struct config_key *key, const char *kind)
{
	char least[OO_DURATION_LENGTH], most[OO_DURATION_LENGTH];
	if (key->list != NULL) {
		printf("%" PRId64 " to %" PRId64 " items", key->least, key->most);
	} else if (strcmp(kind, "duration") == 0) {
		printf("%s to %s", oo_duration_format(key->least, least),
		       oo_duration_format(key->most, most));
	} else if (strcmp(kind, "number") == 0) {
		printf("%" PRId64 " to %" PRId64, key->least, key->most);
	} else if (key->most > 0 &&
		   (strcmp(kind, "line") == 0 || strcmp(kind, "text") == 0 ||
		    strcmp(kind, "regular expression") == 0 || strcmp(kind, "word") == 0 ||
		    strcmp(kind, "header") == 0 || strcmp(kind, "JSON pointer") == 0)) {
		printf("%" PRId64 " to %" PRId64 " bytes", key->least, key->most);
	} else if (key->most > 0) {
		printf("at most %" PRId64 " bytes", key->most);
	}
	for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL; i++) {
		printf("%s%s", i == 0 ? "" : ", ", key->choices[i]);
	}
}

static void print_keys(const char *type, const char *path, const struct config_schema *schema)
{
	for (size_t i = 0; i < schema->n; i++) {
		const struct config_key *key = &schema->keys[i];
		char whole[PATH_LENGTH];
		snprintf(whole, sizeof(whole), "%s%s%s", path, path[0] == '\0' ? "" : ".",
			 key->name);
		if (key->schema != NULL) {
			print_keys(type, whole, key->schema);
			continue;
		}
		const char *kind = kind_of(key);
		const bool of_mappings = key->list != NULL && key->list->item.schema != NULL;
		const char *item = of_mappings         ? "mappings"
				   : key->list != NULL ? kind_of(&key->list->item)
						       : "";
		printf("%s\t%s\t%s%s\t", type, whole, key->list != NULL ? "list of " : kind, item);
		print_range(key, kind);
		printf("\t%s\n", key->required != NULL ? "required" : "");
		if (of_mappings) {
			strcat(whole, "[]");
			print_keys(type, whole, key->list->item.schema);
		}
	}
}

int main(void)
{
	static const struct config_check_kind *const checks[OO_CHECK_TYPE_END] = {
		[OO_CHECK_TYPE_HTTP] = &config_check_http,
		[OO_CHECK_TYPE_TCP] = &config_check_tcp,
		[OO_CHECK_TYPE_EXEC] = &config_check_exec,
		[OO_CHECK_TYPE_FILE] = &config_check_file,
		[OO_CHECK_TYPE_DISK] = &config_check_disk,
		[OO_CHECK_TYPE_PROCESS] = &config_check_process,
		[OO_CHECK_TYPE_UNIT] = &config_check_unit,
		[OO_CHECK_TYPE_CONTAINER] = &config_check_container,
		[OO_CHECK_TYPE_LINK] = &config_check_link,
		[OO_CHECK_TYPE_GATEWAY] = &config_check_gateway,
		[OO_CHECK_TYPE_AMQP] = &config_check_amqp,
		[OO_CHECK_TYPE_POSTGRES] = &config_check_postgres,
	};
	print_keys("", "", &config_root_schema);
	for (int type = OO_CHECK_TYPE_NONE + 1; type < OO_CHECK_TYPE_END; type++) {
		print_keys(oo_check_type_name((enum oo_check_type)type), "checks[]",
			   &checks[type]->schema);
	}
	return 0;
}
