/* The client is openssl(1), a process beside the loop; so is the maker of certificates. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fixture.h"

#define CLOSE "Host: x\\r\\nConnection: close\\r\\n\\r\\n"
#define COMMAND_LENGTH 512
#define SAYS "the API's TLS: "

static char directory[] = "/tmp/ooha-api-tls-XXXXXX";

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
	char command[COMMAND_LENGTH];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	return system(command);
}

static int make_files(void)
{
	if (mkdtemp(directory) == NULL || chdir(directory) < 0) {
		return 1;
	}
	int failed = 0;
	for (const char *name = "ab"; *name != '\0'; name++) {
		failed +=
			shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
			      "-nodes -days 2 -subj /CN=%c -keyout %c.key -out %c.crt 2>/dev/null",
			      *name, *name, *name);
	}
	failed += shell("openssl ec -in a.key -aes128 -passout pass:x -out locked.key 2>/dev/null");
	failed += shell("printf 'no certificate' >text; head -c 70000 /dev/zero >large");
	return failed + shell("mkdir folder");
}

static int remove_files(void)
{
	return shell("rm -r %s", directory);
}

static const struct oo_api_tls a = {"a.crt", "a.key"};
static const struct oo_api_tls b = {"b.crt", "b.key"};

static void start(struct fixture *fixture)
{
	struct oo_err err = {0};
	fixture_prepare(fixture);
	fixture->tls = &a;
	int r = fixture_listen(fixture, fixture->listen, &err);
	if (r < 0) {
		fprintf(stderr, "%s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

/* What a client hears that trusts the certificate in that file alone. */
static char *ask_trusting(struct fixture *fixture, const char *certificate)
{
	char command[COMMAND_LENGTH];
	struct oo_buffer heard;
	oo_buffer_init(&heard, LARGE_BYTES);
	snprintf(command, sizeof(command),
		 "printf 'GET /leader HTTP/1.1\\r\\n" CLOSE
		 "' | openssl s_client -quiet -connect %s "
		 "-CAfile %s -verify_return_error 2>/dev/null",
		 fixture->listen, certificate);
	FILE *client = popen(command, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(client);
	CU_ASSERT_FATAL(fcntl(fileno(client), F_SETFL, O_NONBLOCK) == 0);
	for (;;) {
		char part[4096];
		ssize_t n = read(fileno(client), part, sizeof(part));
		if (n > 0) {
			CU_ASSERT_EQUAL_FATAL(oo_buffer_add(&heard, part, (size_t)n), 0);
		} else if (n == 0 || errno != EAGAIN) {
			break;
		}
		sd_event_run(fixture->event, 5000);
	}
	(void)pclose(client); /* nonzero when it does not trust: nothing was heard then */
	return heard.data != NULL ? heard.data : strdup("");
}

static bool is_served(struct fixture *fixture, const char *certificate)
{
	OO_AUTO(oo_free) char *heard = ask_trusting(fixture, certificate);
	return strstr(heard, "{\"leader\": false}\n") != NULL;
}

static void test_tcp_speaks_tls_and_shows_its_certificate(void)
{
	struct fixture fixture;
	start(&fixture);
	CU_ASSERT_TRUE(is_served(&fixture, "a.crt"));
	CU_ASSERT_FALSE(is_served(&fixture, "b.crt"));
	CU_ASSERT_EQUAL(fixture.asked, 1);
	fixture_stop(&fixture);
}

static void test_plain_http_is_hung_up_on(void)
{
	struct fixture fixture;
	start(&fixture);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_tcp(&fixture),
			   "GET /leader HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CU_ASSERT_PTR_NULL(strstr(answer, "HTTP"));
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_the_socket_stays_plain(void)
{
	struct fixture fixture;
	start(&fixture);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture),
			   "GET /leader HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 503 "));
	fixture_stop(&fixture);
}

static void test_a_renewed_certificate_is_shown_from_then_on(void)
{
	struct fixture fixture;
	start(&fixture);
	CU_ASSERT_TRUE(is_served(&fixture, "a.crt"));
	int before = dial_tcp(&fixture); /* in the old one's hands: hung up on */
	sd_event_run(fixture.event, 0);
	struct oo_buffer heard;
	oo_buffer_init(&heard, LARGE_BYTES);
	CU_ASSERT_EQUAL(oo_api_set_tls(fixture.api, &b, NULL), 0);
	CU_ASSERT_TRUE(hear(&fixture, before, &heard));
	CU_ASSERT_FALSE(is_served(&fixture, "a.crt"));
	CU_ASSERT_TRUE(is_served(&fixture, "b.crt"));
	CU_ASSERT_EQUAL(oo_api_set_tls(fixture.api, &a, NULL), 0);
	CU_ASSERT_TRUE(is_served(&fixture, "a.crt"));
	oo_buffer_done(&heard);
	close(before);
	fixture_stop(&fixture);
}

static void test_files_that_are_wrong_are_named_and_change_nothing(void)
{
	static const struct {
		struct oo_api_tls tls;
		int r;
		const char *message;
	} bad[] = {
		{{"none", "a.key"}, -ENOENT, "none: No such file or directory"},
		{{"a.crt", "none"}, -ENOENT, "none: No such file or directory"},
		{{"folder", "a.key"}, -EINVAL, "folder: no file of at most 65536 bytes"},
		{{"large", "a.key"}, -EINVAL, "large: no file of at most 65536 bytes"},
		{{"text", "a.key"}, -EINVAL, "text: no certificate is in it (PEM)"},
		{{"a.key", "a.key"}, -EINVAL, "a.key: no certificate is in it (PEM)"},
		{{"a.crt", "text"}, -EINVAL, "text: no key is in it (PEM) that needs no password"},
		{{"a.crt", "locked.key"},
		 -EINVAL,
		 "locked.key: no key is in it (PEM) that needs no password"},
		{{"a.crt", "b.key"}, -EINVAL, "b.key: not the key of the certificate in a.crt"},
	};
	struct fixture fixture;
	start(&fixture);
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		struct oo_err err = {0};
		CU_ASSERT_EQUAL(oo_api_set_tls(fixture.api, &bad[i].tls, &err), bad[i].r);
		CU_ASSERT_EQUAL(strncmp(err.text, SAYS, strlen(SAYS)), 0);
		CU_ASSERT_STRING_EQUAL(err.text + strlen(SAYS), bad[i].message);
	}
	CU_ASSERT_TRUE(is_served(&fixture, "a.crt"));
	fixture_stop(&fixture);
}

static void test_an_api_does_not_start_with_wrong_files(void)
{
	static const struct oo_api_tls wrong = {"a.crt", "b.key"};
	struct fixture fixture;
	struct oo_err err = {0};
	fixture_prepare(&fixture);
	fixture.tls = &wrong;
	CU_ASSERT_EQUAL(fixture_listen(&fixture, fixture.listen, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, SAYS "b.key: not the key of the certificate in a.crt");
	fixture_stop(&fixture);
}

#define PER_ADDRESS 8

static void test_one_address_gets_a_smaller_share_with_tls(void)
{
	struct fixture fixture;
	struct oo_buffer heard;
	int fds[PER_ADDRESS + 1];
	start(&fixture);
	oo_buffer_init(&heard, LARGE_BYTES);
	for (size_t i = 0; i < OO_LENGTH(fds); i++) {
		fds[i] = dial_tcp(&fixture);
	}
	CU_ASSERT_TRUE(hear(&fixture, fds[PER_ADDRESS], &heard));
	CU_ASSERT_TRUE(recv(fds[PER_ADDRESS - 1], &(char){0}, 1, MSG_DONTWAIT) < 0);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	for (size_t i = 0; i < OO_LENGTH(fds); i++) {
		close(fds[i]);
	}
	oo_buffer_done(&heard);
	fixture_stop(&fixture);
}

static void test_who_never_begins_to_speak_delays_nobody(void)
{
	struct fixture fixture;
	start(&fixture);
	int silent = dial_tcp(&fixture);
	int slow = dial_tcp(&fixture);
	say(slow, "\x16\x03\x01"); /* a handshake's first bytes, and no more */
	CU_ASSERT_TRUE(is_served(&fixture, "a.crt"));
	close(slow);
	close(silent);
	fixture_stop(&fixture);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"tcp speaks tls and shows its certificate",
		 test_tcp_speaks_tls_and_shows_its_certificate},
		{"plain http is hung up on", test_plain_http_is_hung_up_on},
		{"the socket stays plain", test_the_socket_stays_plain},
		{"a renewed certificate is shown from then on",
		 test_a_renewed_certificate_is_shown_from_then_on},
		{"files that are wrong are named, and change nothing",
		 test_files_that_are_wrong_are_named_and_change_nothing},
		{"an api does not start with wrong files",
		 test_an_api_does_not_start_with_wrong_files},
		{"one address gets a smaller share with tls",
		 test_one_address_gets_a_smaller_share_with_tls},
		{"who never begins to speak delays nobody",
		 test_who_never_begins_to_speak_delays_nobody},
		CU_TEST_INFO_NULL,
	};
	if (make_files() != 0) {
		return 1;
	}
	int failed = run_suite("api over tls", tests);
	return remove_files() != 0 || failed;
}
