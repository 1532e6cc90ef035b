/* Presets in a file: put in, overridden, explained, refused. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "file.h"

#define HERE "documentserver: {config_directory: %s, proxy_config: /nonexistent}\n"
#define SETTINGS                                                                                   \
	"{\"services\": {\"CoAuthoring\": {\"sql\": {\"type\": \"postgres\", \"dbHost\": "         \
	"\"10.0.0.20\", \"dbPort\": 5433, \"dbName\": \"office\", \"dbUser\": \"u\", "             \
	"\"dbPass\": \"SECRET\"}}}, \"rabbitmq\": {\"url\": \"amqp://a:SECRET@mq/v\"}}"
#define PRESET "checks:\n  - preset: documentserver\n"

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

/* The file that has rest after the sections that each needs; its directory has the settings, too. */
static const char *text_with(const char *rest)
{
	static char text[4096];
	char directory[1024], section[1200];
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(directory, sizeof(directory)));
	file_write("local.json", SETTINGS, strlen(SETTINGS), 0644);
	snprintf(section, sizeof(section), HERE, directory);
	snprintf(text, sizeof(text), "%s%s%s", LEAST, section, rest);
	return text;
}

static const struct oo_config_check *find(const struct oo_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_checks; i++) {
		if (oo_text_equal(config->checks[i].spec.name, name)) {
			return &config->checks[i];
		}
	}
	CU_FAIL_FATAL("no such check");
	return NULL;
}

static void test_a_preset_is_read_as_if_its_checks_were_there(void)
{
	OO_AUTO(free_config)
	struct oo_config *config = file_load(text_with(
		PRESET "  - {name: own, type: tcp, address: '127.0.0.1:1', required: no}\n"));
	const struct oo_config_check *database = find(config, "database");

	CU_ASSERT_STRING_EQUAL(database->spec.postgres.address.host, "10.0.0.20");
	CU_ASSERT_EQUAL(database->spec.postgres.address.port, 5433);
	CU_ASSERT_STRING_EQUAL(database->spec.postgres.database, "office");
	CU_ASSERT_STRING_EQUAL(database->spec.postgres.password_pointer,
			       "/services/CoAuthoring/sql/dbPass");
	CU_ASSERT_TRUE(database->shared);
	CU_ASSERT_FALSE(database->optional);
	CU_ASSERT_EQUAL(find(config, "converter")->spec.amqp.consumers, 1);
	CU_ASSERT_STRING_EQUAL(find(config, "converter")->spec.amqp.vhost, "v");
	CU_ASSERT_STRING_EQUAL(find(config, "proxy")->spec.http.expect.body, "true");
	CU_ASSERT_EQUAL(find(config, "drained")->spec.http.expect.n_statuses, 2);
	CU_ASSERT_TRUE(find(config, "unit-nginx")->optional);
	CU_ASSERT_TRUE(config->groups[0].checks[config->n_checks - 1]);
	CU_ASSERT_STRING_EQUAL(config->checks[config->n_checks - 1].spec.name, "own");
}

static void test_an_entry_of_the_same_name_overrides_single_values(void)
{
	OO_AUTO(free_config)
	struct oo_config *config =
		file_load(text_with("checks:\n  - {name: proxy, fall: 5, expect: {status: 204}}\n"
				    "  - preset: documentserver\n"
				    "  - {name: database, shared: no}\n"));
	const struct oo_config_check *proxy = find(config, "proxy");

	CU_ASSERT_EQUAL(proxy->fall, 5);
	CU_ASSERT_EQUAL(proxy->rise, 2);
	CU_ASSERT_EQUAL(proxy->spec.http.expect.statuses[0].least, 204);
	CU_ASSERT_STRING_EQUAL(proxy->spec.http.expect.body, "true");
	CU_ASSERT_FALSE(find(config, "database")->shared);
	CU_ASSERT_TRUE(find(config, "broker")->shared);
	CU_ASSERT_TRUE(find(config, "broker")->spec.amqp.publishes);
	CU_ASSERT_FALSE(find(config, "converter")->spec.amqp.publishes);
}

static void test_an_entry_of_the_same_name_and_another_type_takes_its_place(void)
{
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		text_with(PRESET "  - {name: database, type: tcp, address: 'db.example:5432'}\n"));

	CU_ASSERT_EQUAL(find(config, "database")->spec.type, OO_CHECK_TYPE_TCP);
	CU_ASSERT_FALSE(find(config, "database")->shared);
}

static void test_what_is_wrong_is_said_at_its_line(void)
{
	static const struct {
		const char *rest, *message;
	} rows[] = {
		{"checks:\n  - preset: documents\n",
		 "ooha.yaml:6: checks[0].preset: 'documents': unknown preset; documentserver and "
		 "documentserver-docker are possible"},
		{"checks:\n  - preset: [a]\n",
		 "ooha.yaml:6: checks[0].preset: unknown preset; documentserver and "
		 "documentserver-docker are possible"},
		{PRESET "    fall: 3\n", "ooha.yaml:6: checks[0]: a preset stands alone; what it "
					 "has otherwise goes into an "
					 "entry of its own, with the check's name"},
		{"checks:\n  - preset: documentserver-docker\n",
		 "ooha.yaml:6: checks[0].preset: 'documentserver-docker': which container? name it "
		 "as documentserver.container"},
		{PRESET "  - {name: database, fall: 0}\n",
		 "ooha.yaml:7: checks[0].fall: '0': out of range; 1 to 100 are possible"},
		{PRESET "  - {name: drained, url: x}\n",
		 "ooha.yaml:7: checks[6].url: 'x': not a URL; begin it with http:// or https://"},
		{PRESET "  - name: proxy\n    fall: 3\n    fall: 4\n",
		 "ooha.yaml:9: checks[4].fall: given twice; it is on line 8 already"},
		{PRESET "  - {name: proxy, name: proxy}\n",
		 "ooha.yaml:7: checks[4].name: given twice; it is on line 7 already"},
		{PRESET "  - {name: proxy, expect: {status: 200, status: 204}}\n",
		 "ooha.yaml:7: checks[4].expect.status: given twice; it is on line 7 already"},
		{PRESET "  - preset: documentserver\n",
		 "ooha.yaml:7: checks[11].preset: 'documentserver': a second preset; one is "
		 "possible, it is on line 6 already"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		file_refuse(text_with(rows[i].rest), rows[i].message);
	}
}

static void test_a_document_server_that_is_not_there_is_said(void)
{
	file_refuse(LEAST "documentserver: {config_directory: /nonexistent}\n" PRESET,
		    "ooha.yaml:6: checks[0].preset: 'documentserver': no Document Server has its "
		    "configuration in /nonexistent; name the directory as "
		    "documentserver.config_directory");
}

static void test_the_key_documentserver_has_paths_and_urls(void)
{
	static const struct file_row rows[] = {
		{LEAST "documentserver: {config_directory: etc}\n",
		 "4: documentserver.config_directory: not an absolute path; begin it with /"},
		{LEAST "documentserver: {url: 'http://127.0.0.1:8000/index.html'}\n",
		 "4: documentserver.url: 'http://127.0.0.1:8000/index.html': scheme, host and port "
		 "alone are wanted, as in http://127.0.0.1:8000"},
		{LEAST "documentserver: {proxy: 1}\n",
		 "4: documentserver.proxy: unknown key; did you mean 'proxy_url'?"},
	};
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		LEAST "documentserver:\n  url: http://127.0.0.1:8000\n  proxy_url: https://[::1]\n"
		      "  config_directory: /a\n  log_directory: /b\n  proxy_config: /c\n"
		      "  container: d\n  container_socket: /e\n");
	CU_ASSERT_STRING_EQUAL(config->documentserver.url, "http://127.0.0.1:8000");
	CU_ASSERT_STRING_EQUAL(config->documentserver.proxy_url, "https://[::1]");
	CU_ASSERT_STRING_EQUAL(config->documentserver.config_directory, "/a");
	CU_ASSERT_STRING_EQUAL(config->documentserver.log_directory, "/b");
	CU_ASSERT_STRING_EQUAL(config->documentserver.proxy_config, "/c");
	CU_ASSERT_STRING_EQUAL(config->documentserver.container, "d");
	CU_ASSERT_STRING_EQUAL(config->documentserver.container_socket, "/e");
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_what_is_explained_can_be_pasted_and_has_no_secret(void)
{
	struct oo_err err;
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, 65536);
	const char *file = text_with(PRESET "  - {name: proxy, fall: 5, grace: 3s}\n");
	file_write(FILE_NAME, file, strlen(file), 0600);
	CU_ASSERT_EQUAL_FATAL(oo_config_explain(FILE_NAME, &text, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "    fall: 5  "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "# your configuration, line 7\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "    grace: 3s "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "# local.json rabbitmq.url\n"));
	CU_ASSERT_PTR_NULL(strstr(text.data, "SECRET"));

	char whole[65536];
	snprintf(whole, sizeof(whole), "%s%s", LEAST, text.data);
	OO_AUTO(free_config) struct oo_config *preset = file_load(file);
	OO_AUTO(free_config) struct oo_config *pasted = file_load(whole);
	CU_ASSERT_EQUAL_FATAL(preset->n_checks, pasted->n_checks);
	for (size_t i = 0; i < preset->n_checks; i++) {
		CU_ASSERT_STRING_EQUAL(preset->checks[i].spec.name, pasted->checks[i].spec.name);
		CU_ASSERT_EQUAL(preset->checks[i].fall, pasted->checks[i].fall);
		CU_ASSERT_EQUAL(preset->checks[i].shared, pasted->checks[i].shared);
		CU_ASSERT_EQUAL(preset->checks[i].spec.grace_ms, pasted->checks[i].spec.grace_ms);
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
		.pName = #name, .pTestFunc = test_##name                                           \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(a_preset_is_read_as_if_its_checks_were_there),
		TEST(an_entry_of_the_same_name_overrides_single_values),
		TEST(an_entry_of_the_same_name_and_another_type_takes_its_place),
		TEST(what_is_wrong_is_said_at_its_line),
		TEST(a_document_server_that_is_not_there_is_said),
		TEST(the_key_documentserver_has_paths_and_urls),
		TEST(what_is_explained_can_be_pasted_and_has_no_secret),
		CU_TEST_INFO_NULL,
	};
	return file_run("presets", tests);
}
