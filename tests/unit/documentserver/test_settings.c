/* Reading the Document Server's own files: what wins, what is right when nothing is set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "documentserver/settings.h"
#include "place.h"

static struct oo_settings settings;

static void read_local(const char *text)
{
	place_write("local.json", text);
	oo_settings_read(place_path("."), &settings);
}

static void test_without_files_it_is_as_the_package_has_it(void)
{
	read_local(NULL);
	CU_ASSERT_EQUAL(settings.look, OO_LOOK_ABSENT);
	CU_ASSERT_STRING_EQUAL(settings.error, "");
	CU_ASSERT_EQUAL(settings.port, 8000);
	CU_ASSERT_STRING_EQUAL(settings.database_type, "postgres");
	CU_ASSERT_STRING_EQUAL(settings.database.host, "localhost");
	CU_ASSERT_EQUAL(settings.database.port, 5432);
	CU_ASSERT_STRING_EQUAL(settings.database_name, "onlyoffice");
	CU_ASSERT_STRING_EQUAL(settings.database_user, "onlyoffice");
	CU_ASSERT_STRING_EQUAL(settings.queue_type, "rabbitmq");
	CU_ASSERT_STRING_EQUAL(settings.broker.host, "localhost");
	CU_ASSERT_EQUAL(settings.broker.port, 5672);
	CU_ASSERT_FALSE(settings.broker_tls);
	CU_ASSERT_STRING_EQUAL(settings.broker_user, "guest");
	CU_ASSERT_STRING_EQUAL(settings.broker_password, "guest");
	CU_ASSERT_STRING_EQUAL(settings.broker_vhost, "/");
	CU_ASSERT_STRING_EQUAL(settings.converter_queue, "ds.converttask6");
	CU_ASSERT_STRING_EQUAL(settings.storage,
			       "/var/lib/onlyoffice/documentserver/App_Data/cache/files");
	CU_ASSERT_STRING_EQUAL(settings.jwt_header, "Authorization");
	CU_ASSERT_FALSE(settings.jwt_in);
	CU_ASSERT_FALSE(settings.ip_filter);
	CU_ASSERT_FALSE(settings.uses_cache);
}

static void test_each_file_is_laid_over_the_one_before(void)
{
	place_write("default.json",
		    "{\"services\": {\"CoAuthoring\": {\"server\": {\"port\": 8000,\n"
		    "\"editorDataStorage\": \"editorDataMemory\"},\n"
		    "\"sql\": {\"dbHost\": \"localhost\", \"dbPort\": 5432, \"dbName\": \"one\"},\n"
		    "\"ipfilter\": {\"useforrequest\": false},\n"
		    "\"token\": {\"enable\": {\"request\": {\"inbox\": false}}}}},\n"
		    "\"storage\": {\"fs\": {\"folderPath\": \"\"}}}\n");
	place_write("production-linux.json",
		    "{\"storage\": {\"fs\": {\"folderPath\": \"/srv/files\"}},\n"
		    "\"services\": {\"CoAuthoring\": {\"sql\": {\"dbName\": \"two\"}}}}\n");
	read_local(
		"{\"services\": {\"CoAuthoring\": {\n"
		"  \"server\": {\"port\": \"8010\", \"editorDataStorage\": \"editorDataRedis\"},\n"
		"  \"sql\": {\"type\": \"mysql\", \"dbHost\": \"10.0.0.9\", \"dbPass\": \"p\"},\n"
		"  \"redis\": {\"host\": \"10.0.0.8\"},\n"
		"  \"ipfilter\": {\"useforrequest\": true},\n"
		"  \"token\": {\"enable\": {\"request\": {\"inbox\": true}},\n"
		"             \"inbox\": {\"header\": \"AuthorizationJwt\"}},\n"
		"  \"secret\": {\"inbox\": {\"string\": \"s3cret\"}}}},\n"
		"\"queue\": {\"type\": \"activemq\"},\n"
		"\"rabbitmq\": {\"url\": \"amqps://u%40x:p%3a:w@mq.example/ds%2F1?heartbeat=5\",\n"
		"  \"queueconverttask\": {\"name\": \"mine\"}}}\n");
	CU_ASSERT_EQUAL(settings.look, OO_LOOK_SEEN);
	CU_ASSERT_STRING_EQUAL(settings.error, "");
	CU_ASSERT_EQUAL(settings.port, 8010);
	CU_ASSERT_STRING_EQUAL(settings.database_type, "mysql");
	CU_ASSERT_STRING_EQUAL(settings.database.host, "10.0.0.9");
	CU_ASSERT_EQUAL(settings.database.port, 5432);
	CU_ASSERT_STRING_EQUAL(settings.database_name, "two");
	CU_ASSERT_STRING_EQUAL(settings.database_password, "p");
	CU_ASSERT_TRUE(settings.uses_cache);
	CU_ASSERT_STRING_EQUAL(settings.cache.host, "10.0.0.8");
	CU_ASSERT_EQUAL(settings.cache.port, 6379);
	CU_ASSERT_TRUE(settings.ip_filter);
	CU_ASSERT_TRUE(settings.jwt_in);
	CU_ASSERT_STRING_EQUAL(settings.jwt_header, "AuthorizationJwt");
	CU_ASSERT_STRING_EQUAL(settings.jwt_secret, "s3cret");
	CU_ASSERT_STRING_EQUAL(settings.storage, "/srv/files");
	CU_ASSERT_STRING_EQUAL(settings.queue_type, "activemq");
	CU_ASSERT_TRUE(settings.broker_tls);
	CU_ASSERT_STRING_EQUAL(settings.broker.host, "mq.example");
	CU_ASSERT_EQUAL(settings.broker.port, 5671);
	CU_ASSERT_STRING_EQUAL(settings.broker_user, "u@x");
	CU_ASSERT_STRING_EQUAL(settings.broker_password, "p::w");
	CU_ASSERT_STRING_EQUAL(settings.broker_vhost, "ds/1");
	CU_ASSERT_STRING_EQUAL(settings.converter_queue, "mine");
	place_write("default.json", NULL);
	place_write("production-linux.json", NULL);
}

static void test_comments_and_commas_at_the_end_are_taken(void)
{
	read_local("// ours\n{ /* the\ndatabase */ \"services\": {\"CoAuthoring\": {\"sql\":\n"
		   "{\"dbHost\": \"h\",},}},}\n");
	CU_ASSERT_EQUAL(settings.look, OO_LOOK_SEEN);
	CU_ASSERT_STRING_EQUAL(settings.error, "");
	CU_ASSERT_STRING_EQUAL(settings.database.host, "h");
}

static void test_broken_file_says_where_and_the_others_count(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"{\n\"a\": 1\n\"b\": 2 }", "local.json:3: object value separator ',' expected"},
		{"{\n\"a\": tru }", "local.json:2: boolean expected"},
		{"{\n\n\n\"a\": {", "local.json:4: unexpected end of data"},
		{"{\"a\": \"x", "local.json:1: unexpected end of data"},
		{"[1]", "local.json:1: not an object"},
		{"1", "local.json:1: not an object"},
		{"", "local.json:1: the file is empty"},
		{"{}\nx", "local.json:2: unexpected character"},
		{"{\"rabbitmq\": {\"url\": \"http://u:geheim@h\"}}",
		 "rabbitmq.url: no broker's URL; amqp://USER:PASSWORD@HOST:PORT/VHOST is right"},
		{"{\"rabbitmq\": {\"url\": \"amqp://%zz@h\"}}",
		 "rabbitmq.url: no broker's URL; amqp://USER:PASSWORD@HOST:PORT/VHOST is right"},
		{"{\"rabbitmq\": {\"url\": \"amqp://u%4@h\"}}",
		 "rabbitmq.url: no broker's URL; amqp://USER:PASSWORD@HOST:PORT/VHOST is right"},
		{"{\"rabbitmq\": {\"url\": \"amqp://h:x\"}}",
		 "rabbitmq.url: no broker's URL; amqp://USER:PASSWORD@HOST:PORT/VHOST is right"},
		{"{\"services\": {\"CoAuthoring\": {\"sql\": {\"dbPort\": 65536}}}}",
		 "services.CoAuthoring.sql.dbPort: no port; one of 1 to 65535 is right"},
		{"{\"services\": {\"CoAuthoring\": {\"sql\": {\"dbPort\": \"x\"}}}}",
		 "services.CoAuthoring.sql.dbPort: no port; one of 1 to 65535 is right"},
	};
	place_write("default.json",
		    "{\"services\": {\"CoAuthoring\": {\"server\": {\"port\": 8009}}}}");
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		read_local(cases[i].text);
		CU_ASSERT_STRING_EQUAL(settings.error, cases[i].error);
		CU_ASSERT_EQUAL(settings.look == OO_LOOK_FAILED,
				strncmp(settings.error, "local", 5) == 0);
		CU_ASSERT_EQUAL(settings.port, 8009);
		CU_ASSERT_STRING_EQUAL(settings.broker.host, "localhost");
		CU_ASSERT_EQUAL(settings.database.port, 5432);
	}
	place_write("default.json", NULL);
}

static void test_values_of_another_type_are_as_not_set(void)
{
	read_local("{\"services\": {\"CoAuthoring\": {\"sql\": {\"dbHost\": 5, \"dbName\": null},\n"
		   "\"token\": 7}}, \"rabbitmq\": {\"url\": {}}, \"storage\": []}");
	CU_ASSERT_STRING_EQUAL(settings.error, "");
	CU_ASSERT_STRING_EQUAL(settings.database.host, "localhost");
	CU_ASSERT_STRING_EQUAL(settings.database_name, "onlyoffice");
	CU_ASSERT_STRING_EQUAL(settings.broker.host, "localhost");
}

static void test_value_that_does_not_fit_is_said(void)
{
	char text[512] = "{\"services\": {\"CoAuthoring\": {\"sql\": {\"dbHost\": \"";
	memset(text + strlen(text), 'x', 100);
	strcat(text, "\"}}}}");
	read_local(text);
	CU_ASSERT_STRING_EQUAL(settings.error,
			       "services.CoAuthoring.sql.dbHost: the value is too long");
	CU_ASSERT_STRING_EQUAL(settings.database.host, "");
}

static void test_unreadable_file_keeps_its_secret_unknown(void)
{
	place_write("local.json", "{}");
	CU_ASSERT_EQUAL_FATAL(chmod(place_path("local.json"), 0), 0);
	CU_ASSERT_EQUAL_FATAL(chmod(place_path("."), 0755), 0);
	bool is_root = geteuid() == 0; /* root reads it anyway: so as somebody else */
	if (is_root) {
		CU_ASSERT_EQUAL_FATAL(seteuid(65534), 0);
	}
	oo_settings_read(place_path("."), &settings);
	if (is_root) {
		CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	}
	CU_ASSERT_EQUAL(settings.look, OO_LOOK_DENIED);
	CU_ASSERT_STRING_EQUAL(settings.error, "local.json: Permission denied");
	CU_ASSERT_STRING_EQUAL(settings.jwt_secret, "");
	CU_ASSERT_EQUAL_FATAL(chmod(place_path("local.json"), 0644), 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(without_files_it_is_as_the_package_has_it),
		TEST(each_file_is_laid_over_the_one_before),
		TEST(comments_and_commas_at_the_end_are_taken),
		TEST(broken_file_says_where_and_the_others_count),
		TEST(values_of_another_type_are_as_not_set),
		TEST(value_that_does_not_fit_is_said),
		TEST(unreadable_file_keeps_its_secret_unknown),
	};
	(void)place_make();
	int r = run_tests("settings", tests, OO_LENGTH(tests));
	place_remove();
	return r;
}
