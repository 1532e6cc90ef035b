/* A PostgreSQL check, against a real server where there is one, and what others may say. */
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../event/peer.h"
#include "check/scram.h"
#include "ran.h"

static char directory[] = "/tmp/oo-check-pg-XXXXXX";
static char programs[128]; /* of the server; "": there is none */
static int port;

/* As the user that the server runs as: it will not run as root. */
static int __attribute__((format(printf, 1, 2))) sh(const char *format, ...)
{
	char command[1024], whole[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(whole, sizeof(whole), "exec >>%s/log 2>&1; cd %s; PATH=%s:$PATH; %s \"%s\"",
		 directory, directory, programs,
		 geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups sh -c"
				: "sh -c",
		 command);
	return system(whole);
}

static void sql(const char *statement)
{
	CU_ASSERT_EQUAL(sh("psql -h %s -p %d -U postgres -d postgres -q -v ON_ERROR_STOP=1 -c "
			   "\\\"%s\\\"",
			   directory, port, statement),
			0);
}

/* Returns whether a server is running. */
static bool start_server(void)
{
	glob_t found;
	if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0 ||
	    (geteuid() == 0 && getpwnam("postgres") == NULL)) {
		return false;
	}
	snprintf(programs, sizeof(programs), "%.*s",
		 (int)(strlen(found.gl_pathv[0]) - strlen("/initdb")), found.gl_pathv[0]);
	globfree(&found);
	int fd = peer_refusing(&port); /* a port that is free */
	close(fd);
	const struct passwd *user = getpwnam("postgres");
	if (geteuid() == 0 && chown(directory, user->pw_uid, user->pw_gid) < 0) {
		return false;
	}
	return sh("initdb -D data -A trust -U postgres --no-sync -E UTF8 --locale=C") == 0 &&
	       sh("echo 'host all scram 127.0.0.1/32 scram-sha-256' > data/pg_hba.conf; "
		  "echo 'host all md5er 127.0.0.1/32 md5' >> data/pg_hba.conf; "
		  "echo 'host all plain 127.0.0.1/32 password' >> data/pg_hba.conf; "
		  "echo 'host all nobody 127.0.0.1/32 reject' >> data/pg_hba.conf; "
		  "echo 'host all all 127.0.0.1/32 trust' >> data/pg_hba.conf; "
		  "echo 'local all all trust' >> data/pg_hba.conf") == 0 &&
	       sh("pg_ctl -D data -w -o '-p %d -k %s -F -c listen_addresses=127.0.0.1 -c "
		  "max_connections=8 -c superuser_reserved_connections=2' start",
		  port, directory) == 0;
}

static struct oo_check_spec database(const char *user)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_POSTGRES,
				      .postgres = {.address = {"127.0.0.1", (uint16_t)port},
						   .user = user,
						   .database = "postgres",
						   .connections = 1}};
}

static const char *write_password(const char *text)
{
	static char path[64];
	snprintf(path, sizeof(path), "%s/password", directory);
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	return path;
}

static void test_a_password_is_proved_in_each_way(void)
{
	struct oo_check_spec spec = database("postgres");
	struct oo_check_result result = run(&spec);
	expect(&result, OO_CHECK_REASON_OK, "writable, 5 connections left");
	CU_ASSERT(result.times.connect_us > 0 && result.times.first_byte_us > 0);
	sql("CREATE ROLE scram LOGIN PASSWORD 'sesame'; CREATE ROLE plain LOGIN PASSWORD 'sesame'; "
	    "SET password_encryption TO md5; CREATE ROLE md5er LOGIN PASSWORD 'sesame'");
	static const char *const users[] = {"scram", "md5er", "plain"};
	for (size_t i = 0; i < OO_LENGTH(users); i++) {
		char seen[OO_CHECK_SEEN_LENGTH];
		spec = database(users[i]);
		expect_run(&spec, OO_CHECK_REASON_DENIED, "a password is asked for");
		spec.postgres.password_file = write_password("sesame\n");
		CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
		spec.postgres.password_file = write_password("wrong");
		snprintf(seen, sizeof(seen),
			 "password authentication failed for user \"%s\" (28P01)", users[i]);
		expect_run(&spec, OO_CHECK_REASON_DENIED, seen);
		spec.postgres.password_file = "/nonexistent/password";
		expect_run(&spec, OO_CHECK_REASON_LOCAL,
			   "password_file: No such file or directory");
	}
}

static void test_what_the_server_refuses_has_its_reason(void)
{
	struct oo_check_spec spec = database("nobody");
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_DENIED);
	spec = database("postgres");
	spec.postgres.database = "onlyoffice";
	expect_run(&spec, OO_CHECK_REASON_MISSING,
		   "database \"onlyoffice\" does not exist (3D000)");
	spec = database("limited");
	sql("CREATE ROLE limited LOGIN CONNECTION LIMIT 0");
	expect_run(&spec, OO_CHECK_REASON_FULL,
		   "too many connections for role \"limited\" (53300)");
	spec = database("postgres");
	spec.postgres.connections = 6;
	result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_FULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, " connections left"));
}

static void test_tables_must_be_there(void)
{
	static const char *const tables[] = {"doc_changes", "pg_class", "public.task_result"};
	struct oo_check_spec spec = database("postgres");
	spec.postgres.tables = (struct oo_check_texts){tables, 3};
	expect_run(&spec, OO_CHECK_REASON_MISSING, "no table doc_changes, public.task_result");
	sql("CREATE TABLE doc_changes (); CREATE TABLE task_result ()");
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
}

static void test_a_database_that_cannot_be_written_to_is_told(void)
{
	struct oo_check_spec spec = database("reader");
	sql("CREATE ROLE reader LOGIN; ALTER ROLE reader SET default_transaction_read_only TO on");
	expect_run(&spec, OO_CHECK_REASON_READ_ONLY, "transactions are read only");
	spec.postgres.read_only = true;
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_OK);
	/* as a hot standby that follows nobody */
	CU_ASSERT_EQUAL(sh("pg_ctl -D data -w -m fast stop; touch data/standby.signal; pg_ctl -D "
			   "data -w -o '-p %d -k %s -F -c listen_addresses=127.0.0.1 -c "
			   "hot_standby=on' start",
			   port, directory),
			0);
	spec = database("postgres");
	expect_run(&spec, OO_CHECK_REASON_READ_ONLY, "in recovery: a standby");
	spec.postgres.read_only = true;
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(strncmp(result.seen, "standby, ", 9), 0);
	CU_ASSERT_EQUAL(sh("pg_ctl -D data -w -m fast stop"), 0);
	expect_run(&spec, OO_CHECK_REASON_REFUSED, "Connection refused");
}

/* What comes from something else, or from a server in a bad moment. */
static void test_odd_answers_are_told(void)
{
	static const struct {
		const char *answer;
		size_t length;
		enum peer_end end;
		enum oo_check_reason reason;
		const char *seen;
	} rows[] = {
		{"HTTP/1.1 400 Bad\r\n", 18, PEER_END_CLOSE, OO_CHECK_REASON_PROTOCOL,
		 "not PostgreSQL: \"HTTP/1.1 400 Bad??\""},
		{"R\0\0\0\3", 5, PEER_END_CLOSE, OO_CHECK_REASON_PROTOCOL,
		 "not PostgreSQL: \"R????\""},
		{"R\0\0\0\10\0\0", 7, PEER_END_CLOSE, OO_CHECK_REASON_CLOSED,
		 "closed after \"R??????\""},
		{"R\0\0\0\10\0\0\0\0Z\0\0\0\5IZ\0\0\0\5I", 21, PEER_END_KEEP,
		 OO_CHECK_REASON_PROTOCOL, "no answer to the question"},
		{"R\0\0\0\10\0\0\0\0Z\0\0\0\5ID\0\0\0\12\0\1\0\0\0\7Z\0\0\0\5I", 32, PEER_END_KEEP,
		 OO_CHECK_REASON_PROTOCOL, "no answer to the question"},
		{"E\0\0\0\35SFATAL\0C57P03\0Mstarting\0\0", 30, PEER_END_KEEP,
		 OO_CHECK_REASON_STARTING, "starting (57P03)"},
		{"E\0\0\0\71SFATAL\0C57P03\0Mthe database system is shutting down\0\0", 58,
		 PEER_END_KEEP, OO_CHECK_REASON_STOPPED,
		 "the database system is shutting down (57P03)"},
		{"E\0\0\0\32SFATAL\0C57P01\0Mgoing\0\0", 27, PEER_END_KEEP, OO_CHECK_REASON_STOPPED,
		 "going (57P01)"},
		{"E\0\0\0\30C42601\0Mwhat is it\0\0", 25, PEER_END_KEEP, OO_CHECK_REASON_FAILED,
		 "what is it (42601)"},
		{"E\0\0\0\4", 5, PEER_END_KEEP, OO_CHECK_REASON_FAILED, " ()"},
		{NULL, 0, PEER_END_KEEP, OO_CHECK_REASON_SILENT, "connected, no answer"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct peer *peer = peer_new(event, (struct peer_script){.answer = rows[i].answer,
									 .length = rows[i].length,
									 .unasked = true,
									 .end = rows[i].end});
		struct oo_check_spec spec = database("u");
		spec.postgres.address.port = (uint16_t)peer_port(peer);
		spec.timeout_ms = rows[i].answer == NULL ? 200 : AWAIT_MS;
		expect_run(&spec, rows[i].reason, rows[i].seen);
		peer_free(peer);
	}
}

/* RFC 7677, 3, but for the user's name, which PostgreSQL takes from the first message. */
static void test_a_challenge_is_answered_as_the_rfc_says(void)
{
	struct oo_check_scram scram = {.nonce = "rOprNGfwEbeRWgbNEkqO"};
	char message[OO_CHECK_SCRAM_LENGTH];
	static const struct {
		const char *challenge;
		int r;
	} bad[] = {
		{"", -EPROTO},
		{"e=other-error", -EPROTO},
		{"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", -EPROTO},
		{"r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=0", -EPROTO},
		{"r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=32769", -E2BIG},
		{"r=rOprNGfwEbeRWgbNEkqOx,s=?,i=1", -EPROTO},
	};
	CU_ASSERT_EQUAL(
		oo_check_scram_answer(&scram, "pencil",
				      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
				      "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
				      message),
		0);
	CU_ASSERT_EQUAL(
		strncmp(message,
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=", 62),
		0);
	CU_ASSERT_EQUAL(scram.iterations, 4096);
	/* SaltedPassword of the RFC's example, as its messages prove */
	static const unsigned char key[4] = {0xc4, 0xa4, 0x95, 0x10};
	CU_ASSERT_EQUAL(memcmp(scram.key, key, sizeof(key)), 0);
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		CU_ASSERT_EQUAL(oo_check_scram_answer(&scram, "x", bad[i].challenge, message),
				bad[i].r);
	}
}

int main(void)
{
	static const struct test tests[] = {
		TEST(odd_answers_are_told),
		TEST(a_challenge_is_answered_as_the_rfc_says),
		TEST(a_password_is_proved_in_each_way),
		TEST(what_the_server_refuses_has_its_reason),
		TEST(tables_must_be_there),
		TEST(a_database_that_cannot_be_written_to_is_told),
	};
	char command[128];
	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	bool real = start_server();
	if (!real) {
		printf("\n*** SKIPPED: postgres: there is no server: only its bytes are tested "
		       "***\n\n");
	}
	int r = run_check_tests("postgres", tests, real ? OO_LENGTH(tests) : 2);
	if (real) {
		(void)sh("pg_ctl -D data -m immediate stop");
	}
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command) == 0 ? r : 1;
}
