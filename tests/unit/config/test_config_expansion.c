/* What a preset stands for, from what was read; pure. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/preset.h"
#include "file.h"

static struct {
	struct oo_settings settings;
	struct oo_proxy_config proxy;
	struct oo_config_documentserver given;
	struct preset_sources sources;
	struct preset preset;
} stage;

static void begin(enum preset_kind kind)
{
	memset(&stage, 0, sizeof(stage));
	stage.settings = (struct oo_settings){
		.look = OO_LOOK_SEEN,
		.port = 8000,
		.database_type = "postgres",
		.database = {"localhost", 5432},
		.database_name = "onlyoffice",
		.database_user = "it's me",
		.database_password = "SECRET",
		.queue_type = "rabbitmq",
		.broker = {"127.0.0.1", 5672},
		.broker_user = "guest",
		.broker_password = "SECRET",
		.broker_vhost = "/",
		.converter_queue = "ds.converttask6",
		.storage = "/srv/files",
	};
	stage.proxy.look = OO_LOOK_SEEN;
	stage.sources = (struct preset_sources){.kind = kind,
						.settings = &stage.settings,
						.proxy = &stage.proxy,
						.given = &stage.given,
						.database_file = "/etc/ds/local.json",
						.broker_file = "/etc/ds/local.json",
						.can_be_ds = true};
	snprintf(stage.sources.files[PRESET_DATABASE_HOST], OO_TEXT_LENGTH, "/etc/ds/local.json");
	snprintf(stage.sources.files[PRESET_PORT], OO_TEXT_LENGTH, "/etc/ds/default.json");
}

static const struct preset_check *find(const char *name)
{
	for (size_t i = 0; i < stage.preset.n; i++) {
		if (strcmp(stage.preset.checks[i].values[0].text, name) == 0) {
			return &stage.preset.checks[i];
		}
	}
	return NULL;
}

static const struct preset_value *find_value(const char *name, const char *key)
{
	static const struct preset_value none = {"", "", ""};
	const struct preset_check *check = find(name);
	for (size_t i = 0; check != NULL && i < check->n; i++) {
		if (strcmp(check->values[i].key, key) == 0) {
			return &check->values[i];
		}
	}
	return &none;
}

static const char *value(const char *name, const char *key)
{
	preset_expand(&stage.sources, &stage.preset);
	return find_value(name, key)->text;
}

static const char *origin(const char *name, const char *key)
{
	preset_expand(&stage.sources, &stage.preset);
	return find_value(name, key)->origin;
}

static void check_names(const char *expected)
{
	char names[512] = "";
	preset_expand(&stage.sources, &stage.preset);
	for (size_t i = 0; i < stage.preset.n; i++) {
		strcat(names, i > 0 ? " " : "");
		strcat(names, stage.preset.checks[i].values[0].text);
	}
	CU_ASSERT_STRING_EQUAL(names, expected);
}

static void test_a_package_with_all_on_this_host_shares_nothing(void)
{
	begin(PRESET_PACKAGE);
	check_names("database broker converter proxy nginx docservice drained storage "
		    "unit-docservice unit-converter unit-nginx");
	static const char *const names[] = {"database", "broker", "converter", "proxy", "drained"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_STRING_EQUAL(value(names[i], "shared"), "no");
		CU_ASSERT_STRING_EQUAL(value(names[i], "required"), "yes");
	}
	CU_ASSERT_STRING_EQUAL(value("unit-converter", "required"), "no");
	CU_ASSERT_STRING_EQUAL(value("database", "tables"), "[doc_changes, task_result]");
	CU_ASSERT_STRING_EQUAL(value("database", "read_only"), "no");
	CU_ASSERT_STRING_EQUAL(value("converter", "queue"), "'ds.converttask6'");
	CU_ASSERT_STRING_EQUAL(value("docservice", "url"), "'http://127.0.0.1:8000/index.html'");
}

static void test_what_is_on_another_host_is_shared_and_what_asks_it_too(void)
{
	begin(PRESET_PACKAGE);
	strcpy(stage.settings.database.host, "10.0.0.20");
	CU_ASSERT_STRING_EQUAL(value("database", "shared"), "yes");
	CU_ASSERT_STRING_EQUAL(value("proxy", "shared"), "yes");
	CU_ASSERT_STRING_EQUAL(value("nginx", "shared"), "no");
	CU_ASSERT_STRING_EQUAL(value("docservice", "shared"), "no");
	CU_ASSERT_STRING_EQUAL(value("broker", "shared"), "no");
	CU_ASSERT_STRING_EQUAL(value("drained", "shared"), "no");
	begin(PRESET_PACKAGE);
	strcpy(stage.settings.broker.host, "mq.example");
	CU_ASSERT_STRING_EQUAL(value("broker", "shared"), "yes");
	CU_ASSERT_STRING_EQUAL(value("converter", "shared"), "yes");
	CU_ASSERT_STRING_EQUAL(value("drained", "shared"), "yes");
	CU_ASSERT_STRING_EQUAL(value("proxy", "shared"), "yes");
	CU_ASSERT_STRING_EQUAL(value("database", "shared"), "no");
}

static void test_addresses_of_this_host_are_known_as_such(void)
{
	static const struct {
		const char *host, *shared, *address;
	} rows[] = {
		{"localhost", "no", "'localhost:5432'"},
		{"127.0.1.1", "no", "'127.0.1.1:5432'"},
		{"::1", "no", "'[::1]:5432'"},
		{"fd00::5", "yes", "'[fd00::5]:5432'"},
		{"db.example", "yes", "'db.example:5432'"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(PRESET_PACKAGE);
		strcpy(stage.settings.database.host, rows[i].host);
		CU_ASSERT_STRING_EQUAL(value("database", "shared"), rows[i].shared);
		CU_ASSERT_STRING_EQUAL(value("database", "address"), rows[i].address);
	}
}

static void test_the_proxy_is_asked_where_this_node_reaches_it_plainly(void)
{
	static const struct {
		struct oo_endpoint_text listens[3];
		bool tls[3];
		size_t n;
		const char *url;
	} rows[] = {
		{{{"", 80}}, {false}, 1, "'http://127.0.0.1/healthcheck'"},
		{{{"", 8080}}, {false}, 1, "'http://127.0.0.1:8080/healthcheck'"},
		{{{"", 443}, {"127.0.0.1", 80}}, {true}, 2, "'http://127.0.0.1/healthcheck'"},
		{{{"", 8090}, {"0.0.0.0", 80}}, {false}, 2, "'http://127.0.0.1/healthcheck'"},
		{{{"", 443}}, {true}, 1, "'https://127.0.0.1/healthcheck'"},
		{{{"", 8443}}, {true}, 1, "'https://127.0.0.1:8443/healthcheck'"},
		{{{"10.0.0.9", 80}, {"", 81}}, {false}, 2, "'http://127.0.0.1:81/healthcheck'"},
		{{{"", 0}}, {false}, 0, "'http://127.0.0.1/healthcheck'"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(PRESET_PACKAGE);
		memcpy(stage.proxy.listens, rows[i].listens, sizeof(rows[i].listens));
		memcpy(stage.proxy.listens_tls, rows[i].tls, sizeof(rows[i].tls));
		stage.proxy.n_listens = rows[i].n;
		CU_ASSERT_STRING_EQUAL(value("proxy", "url"), rows[i].url);
		bool tls = rows[i].url[5] == 's';
		CU_ASSERT_STRING_EQUAL(value("proxy", "tls"), tls ? "{verify: no}" : "");
	}
}

static void test_what_you_say_counts_more_than_what_is_found(void)
{
	begin(PRESET_PACKAGE);
	stage.given.proxy_url = "http://10.0.0.9:81";
	stage.given.url = "http://127.0.0.1:9000";
	CU_ASSERT_STRING_EQUAL(value("proxy", "url"), "'http://10.0.0.9:81/healthcheck'");
	CU_ASSERT_STRING_EQUAL(origin("proxy", "url"),
			       "your configuration, documentserver.proxy_url");
	CU_ASSERT_STRING_EQUAL(value("docservice", "url"), "'http://127.0.0.1:9000/index.html'");
}

static void test_each_value_says_where_it_is_from(void)
{
	begin(PRESET_PACKAGE);
	CU_ASSERT_STRING_EQUAL(origin("database", "address"),
			       "local.json services.CoAuthoring.sql.dbHost");
	CU_ASSERT_STRING_EQUAL(origin("docservice", "url"),
			       "default.json services.CoAuthoring.server.port");
	CU_ASSERT_STRING_EQUAL(origin("database", "user"), "preset: as the package has it");
	CU_ASSERT_STRING_EQUAL(origin("database", "interval"), "preset");
	stage.proxy.listens[0].port = 80;
	stage.proxy.n_listens = 1;
	stage.proxy.n_passes = 1;
	stage.proxy.passes[0].reaches_docservice = true;
	stage.proxy.passes[0].line = 12;
	strcpy(stage.proxy.passes[0].file, "/etc/nginx/ds.conf");
	CU_ASSERT_STRING_EQUAL(origin("proxy", "url"), "nginx /etc/nginx/ds.conf:12, listen 80");
}

static void test_secrets_are_named_by_their_file_and_texts_are_quoted(void)
{
	begin(PRESET_PACKAGE);
	CU_ASSERT_STRING_EQUAL(value("database", "user"), "'it''s me'");
	CU_ASSERT_STRING_EQUAL(value("database", "password_file"), "'/etc/ds/local.json'");
	CU_ASSERT_STRING_EQUAL(value("database", "password_pointer"),
			       "/services/CoAuthoring/sql/dbPass");
	CU_ASSERT_STRING_EQUAL(value("broker", "password_pointer"), "/rabbitmq/url");
	strcpy(stage.settings.broker_password, "guest");
	CU_ASSERT_STRING_EQUAL(value("broker", "password_pointer"), "");
	for (size_t i = 0; i < stage.preset.n; i++) {
		OO_AUTO(oo_buffer_done) struct oo_buffer text;
		oo_buffer_init(&text, 8192);
		CU_ASSERT_EQUAL_FATAL(preset_write_line(&stage.preset.checks[i], &text), 0);
		CU_ASSERT_PTR_NULL(strstr(text.data, "SECRET"));
	}
}

static void test_only_what_is_used_and_known_is_looked_at(void)
{
	begin(PRESET_PACKAGE);
	strcpy(stage.settings.database_type, "mysql");
	strcpy(stage.settings.queue_type, "activemq");
	stage.settings.uses_cache = true;
	stage.settings.cache = (struct oo_endpoint_text){"127.0.0.1", 6379};
	check_names("proxy nginx docservice drained storage cache unit-docservice unit-converter "
		    "unit-nginx");
	CU_ASSERT_STRING_EQUAL(value("cache", "required"), "no");
	stage.settings.look = OO_LOOK_DENIED;
	check_names("proxy nginx docservice drained unit-docservice unit-converter unit-nginx");
}

static void test_who_may_not_become_ds_does_not_write_to_the_storage(void)
{
	begin(PRESET_PACKAGE);
	CU_ASSERT_STRING_EQUAL(value("storage", "writable"), "yes");
	CU_ASSERT_STRING_EQUAL(value("storage", "user"), "ds");
	stage.sources.can_be_ds = false;
	CU_ASSERT_STRING_EQUAL(value("storage", "writable"), "no");
	CU_ASSERT_STRING_EQUAL(value("storage", "user"), "");
}

static void test_of_a_container_only_what_is_reached_from_outside_is_looked_at(void)
{
	begin(PRESET_DOCKER);
	stage.given.container = "office";
	check_names("proxy nginx container");
	stage.given.url = "http://127.0.0.1:8000";
	strcpy(stage.settings.database.host, "10.0.0.20");
	check_names("database proxy nginx docservice drained container");
	CU_ASSERT_STRING_EQUAL(value("container", "required"), "no");
	stage.settings.look = OO_LOOK_NONE;
	check_names("proxy nginx docservice drained container");
	CU_ASSERT_STRING_EQUAL(value("proxy", "shared"), "no");
}

#define TEST(name)                                                                                 \
	{                                                                                          \
		.pName = #name, .pTestFunc = test_##name                                           \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(a_package_with_all_on_this_host_shares_nothing),
		TEST(what_is_on_another_host_is_shared_and_what_asks_it_too),
		TEST(addresses_of_this_host_are_known_as_such),
		TEST(the_proxy_is_asked_where_this_node_reaches_it_plainly),
		TEST(what_you_say_counts_more_than_what_is_found),
		TEST(each_value_says_where_it_is_from),
		TEST(secrets_are_named_by_their_file_and_texts_are_quoted),
		TEST(only_what_is_used_and_known_is_looked_at),
		TEST(who_may_not_become_ds_does_not_write_to_the_storage),
		TEST(of_a_container_only_what_is_reached_from_outside_is_looked_at),
		CU_TEST_INFO_NULL,
	};
	return file_run("what presets stand for", tests);
}
