/*
 * An AMQP check, against the bytes of RabbitMQ 3.10.8 as they came; and against a real one at
 * 127.0.0.1:$OOHA_TEST_AMQP_PORT that has the queues one (a consumer) and none.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../event/peer.h"
#include "ran.h"

#define BYTES(text) text, sizeof(text) - 1

/* What the broker says to a method of the client's. */
struct line {
	uint32_t method; /* 0: to the preamble */
	const char *answer;
	size_t length;
};

#define START                                                                                      \
	"\1\0\0\0\0\0\x5e\0\n\0\n\0\t\0\0\0\x39\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0"   \
	"\x06"                                                                                     \
	"3.10.8\x08platformS\0\0\0\x03"                                                            \
	"OTP\0\0\0\x0ePLAIN AMQPLAIN\0\0\0\x05"                                                    \
	"en_US\xce"
#define TUNE "\1\0\0\0\0\0\x0c\0\n\0\x1e\x07\xff\0\2\0\0\0<\xce"
#define OPEN_OK "\1\0\0\0\0\0\5\0\n\0)\0\xce"
#define CHANNEL_OK "\1\0\1\0\0\0\x08\0\x14\0\x0b\0\0\0\0\xce"
#define NOT_FOUND                                                                                  \
	"\1\0\1\0\0\0\x33\0\x14\0(\x01\x94(NOT_FOUND - no queue 'nope' in vhost '/'\0\x32\0\n\xce"
#define REFUSED                                                                                    \
	"\1\0\0\0\0\0w\0\n\0\x32\x01\x93lACCESS_REFUSED - Login was refused using authentication " \
	"mechanism PLAIN. For details see the broker logfile.\0\0\0\0\xce"
#define NO_VHOST "\1\0\0\0\0\0+\0\n\0\x32\x02\x12 NOT_ALLOWED - vhost /x not found\0\n\0(\xce"
#define BLOCKED "\1\0\0\0\0\0\x12\0\n\0\x3c\x0dlow on memory\xce"
#define CLOSE_OK "\1\0\0\0\0\0\4\0\n\0\x33\xce"
#define DECLARE_OK(messages, consumers)                                                            \
	"\1\0\1\0\0\0\x10\0\x32\0\x0b\3one\0\0\0" messages "\0\0\0" consumers "\xce"

/* connection.blocked before the answer, and a heartbeat: neither is for us */
#define ASIDE "\1\0\0\0\0\0\x0d\0\n\0\x3c\x08low disk\xce\x08\0\0\0\0\0\0\xce"

struct broker {
	const struct line *lines;
	size_t n;
	int fd, connection;
	char in[8192];
	size_t length;
	bool greeted, left_politely;
	sd_event_source *source, *io;
};

static void answer(struct broker *broker, uint32_t method)
{
	for (size_t i = 0; i < broker->n; i++) {
		if (broker->lines[i].method == method) {
			CU_ASSERT(send(broker->connection, broker->lines[i].answer,
				       broker->lines[i].length, MSG_NOSIGNAL) > 0);
		}
	}
	broker->left_politely = broker->left_politely || method == (10u << 16 | 50);
}

static uint32_t number(const char *data, size_t n)
{
	uint32_t value = 0;
	for (size_t i = 0; i < n; i++) {
		value = value << 8 | (unsigned char)data[i];
	}
	return value;
}

static int on_bytes(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct broker *broker = user;
	(void)events;
	ssize_t n = read(fd, broker->in + broker->length, sizeof(broker->in) - broker->length);
	if (n <= 0) {
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	broker->length += (size_t)n;
	size_t at = 0;
	if (!broker->greeted && broker->length >= 8) {
		CU_ASSERT_EQUAL(memcmp(broker->in, "AMQP\0\0\11\1", 8), 0);
		broker->greeted = true;
		at = 8;
		answer(broker, 0);
	}
	while (broker->length - at >= 12) {
		size_t size = number(broker->in + at + 3, 4);
		if (broker->length - at < size + 8) {
			break;
		}
		CU_ASSERT_EQUAL((unsigned char)broker->in[at + 7 + size], 0xce);
		answer(broker, number(broker->in + at + 7, 4));
		at += size + 8;
	}
	memmove(broker->in, broker->in + at, broker->length - at);
	broker->length -= at;
	return 0;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct broker *broker = user;
	(void)source;
	(void)events;
	sd_event_source_disable_unref(broker->io);
	oo_close(&broker->connection);
	broker->greeted = broker->left_politely = false;
	broker->length = 0;
	broker->connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	sd_event_add_io(event, &broker->io, broker->connection, EPOLLIN, on_bytes, broker);
	return 0;
}

static struct oo_check_spec queue(int port, const char *name)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_AMQP,
				      .amqp = {.address = {"127.0.0.1", (uint16_t)port},
					       .user = "guest",
					       .vhost = "/",
					       .queue = name,
					       .consumers = 1}};
}

static bool publishes; /* what is played is asked with a message */

/* Plays the lines once, and says whether the client said good-bye. */
static bool play(const struct line *lines, size_t n, const char *name, enum oo_check_reason reason,
		 const char *seen)
{
	int port;
	struct broker broker = {.lines = lines, .n = n, .connection = -1};
	broker.fd = peer_refusing(&port);
	CU_ASSERT_EQUAL_FATAL(listen(broker.fd, 1), 0);
	sd_event_add_io(event, &broker.source, broker.fd, EPOLLIN, on_client, &broker);
	struct oo_check_spec spec = queue(port, name);
	spec.amqp.publishes = publishes;
	struct oo_check_result result = run(&spec);
	expect(&result, reason, seen);
	CU_ASSERT(result.times.first_byte_us > 0);
	sd_event_source_disable_unref(broker.source);
	sd_event_source_disable_unref(broker.io);
	close(broker.fd);
	close(broker.connection);
	return broker.left_politely;
}

#define METHOD(class, method) ((uint32_t)(class) << 16 | (method))
#define LOGIN                                                                                      \
	{0, BYTES(START)}, {METHOD(10, 11), BYTES(TUNE)}, {METHOD(10, 40), BYTES(OPEN_OK)},        \
		{METHOD(20, 10), BYTES(CHANNEL_OK)},                                               \
	{                                                                                          \
		METHOD(10, 50), BYTES(CLOSE_OK)                                                    \
	}

static void test_a_queue_has_consumers_or_not(void)
{
	static const struct line one[] = {LOGIN, {METHOD(50, 10), BYTES(DECLARE_OK("\7", "\1"))}};
	static const struct line none[] = {LOGIN, {METHOD(50, 10), BYTES(DECLARE_OK("\7", "\0"))}};
	static const struct line aside[] = {LOGIN,
					    {METHOD(50, 10), BYTES(ASIDE DECLARE_OK("\0", "\2"))}};
	CU_ASSERT(play(one, OO_LENGTH(one), "one", OO_CHECK_REASON_OK, "1 consumers, 7 messages"));
	CU_ASSERT(play(none, OO_LENGTH(none), "one", OO_CHECK_REASON_NO_CONSUMERS,
		       "0 consumers, 7 messages"));
	CU_ASSERT(play(aside, OO_LENGTH(aside), "one", OO_CHECK_REASON_OK,
		       "2 consumers, 0 messages"));
	CU_ASSERT(play(one, OO_LENGTH(one), NULL, OO_CHECK_REASON_OK, "logged in"));
}

static void test_who_publishes_hears_of_an_alarm(void)
{
	static const struct line blocked[] = {{0, BYTES(START)},
					      {METHOD(10, 11), BYTES(TUNE)},
					      {METHOD(10, 40), BYTES(OPEN_OK)},
					      {METHOD(20, 10), BYTES(CHANNEL_OK)},
					      {METHOD(60, 40), BYTES(BLOCKED)}};
	static const struct line fine[] = {LOGIN, {METHOD(50, 10), BYTES(DECLARE_OK("\0", "\1"))}};
	publishes = true;
	(void)play(blocked, OO_LENGTH(blocked), NULL, OO_CHECK_REASON_UNHEALTHY,
		   "publishers are blocked: low on memory");
	(void)play(blocked, OO_LENGTH(blocked), "one", OO_CHECK_REASON_UNHEALTHY,
		   "publishers are blocked: low on memory");
	CU_ASSERT(play(fine, OO_LENGTH(fine), NULL, OO_CHECK_REASON_OK, "logged in, may publish"));
	CU_ASSERT(
		play(fine, OO_LENGTH(fine), "one", OO_CHECK_REASON_OK, "1 consumers, 0 messages"));
	publishes = false;
}

static void test_what_the_broker_refuses_has_its_reason(void)
{
	static const struct line no_queue[] = {LOGIN, {METHOD(50, 10), BYTES(NOT_FOUND)}};
	static const struct line no_login[] = {{0, BYTES(START)}, {METHOD(10, 11), BYTES(REFUSED)}};
	static const struct line no_vhost[] = {{0, BYTES(START)},
					       {METHOD(10, 11), BYTES(TUNE)},
					       {METHOD(10, 40), BYTES(NO_VHOST)}};
	static const struct line down[] = {
		{0, BYTES("\1\0\0\0\0\0\x14\0\n\0\x32\x01\x40\x09stop: bye\0\0\0\0\xce")}};
	static const struct line other[] = {{0, BYTES("AMQP\0\1\0\0")}};
	static const struct line brief[] = {
		LOGIN, {METHOD(50, 10), BYTES("\1\0\1\0\0\0\6\0\x32\0\x0b\0\0\xce")}};
	CU_ASSERT(play(no_queue, OO_LENGTH(no_queue), "nope", OO_CHECK_REASON_MISSING,
		       "404 NOT_FOUND - no queue 'nope' in vhost '/'"));
	(void)play(no_login, OO_LENGTH(no_login), "q", OO_CHECK_REASON_DENIED,
		   "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
		   "For details see the broker ");
	(void)play(no_vhost, OO_LENGTH(no_vhost), "q", OO_CHECK_REASON_DENIED,
		   "530 NOT_ALLOWED - vhost /x not found");
	(void)play(down, OO_LENGTH(down), "q", OO_CHECK_REASON_CLOSED, "320 stop: bye");
	(void)play(other, OO_LENGTH(other), "q", OO_CHECK_REASON_PROTOCOL,
		   "not AMQP 0-9-1: \"AMQP????\"");
	(void)play(brief, OO_LENGTH(brief), "q", OO_CHECK_REASON_PROTOCOL,
		   "a frame that ends too soon");
}

static void test_the_verdict_stands_when_nobody_says_good_bye(void)
{
	static const struct line mute[] = {{0, BYTES(START)},
					   {METHOD(10, 11), BYTES(TUNE)},
					   {METHOD(10, 40), BYTES(OPEN_OK)},
					   {METHOD(20, 10), BYTES(CHANNEL_OK)},
					   {METHOD(50, 10), BYTES(DECLARE_OK("\0", "\1"))}};
	int port;
	struct broker broker = {.lines = mute, .n = OO_LENGTH(mute), .connection = -1};
	broker.fd = peer_refusing(&port);
	CU_ASSERT_EQUAL_FATAL(listen(broker.fd, 1), 0);
	sd_event_add_io(event, &broker.source, broker.fd, EPOLLIN, on_client, &broker);
	struct oo_check_spec spec = queue(port, "one");
	spec.timeout_ms = 500;
	expect_run(&spec, OO_CHECK_REASON_OK, "1 consumers, 0 messages");
	CU_ASSERT(broker.left_politely);
	sd_event_source_disable_unref(broker.source);
	sd_event_source_disable_unref(broker.io);
	close(broker.fd);
	close(broker.connection);
}

static void test_a_secret_that_cannot_be_read_is_our_own_fault(void)
{
	static const struct line start[] = {{0, BYTES(START)}};
	int port;
	struct broker broker = {.lines = start, .n = 1, .connection = -1};
	broker.fd = peer_refusing(&port);
	CU_ASSERT_EQUAL_FATAL(listen(broker.fd, 1), 0);
	sd_event_add_io(event, &broker.source, broker.fd, EPOLLIN, on_client, &broker);
	struct oo_check_spec spec = queue(port, "q");
	spec.amqp.password_file = "/nonexistent/password";
	expect_run(&spec, OO_CHECK_REASON_LOCAL, "password_file: No such file or directory");
	sd_event_source_disable_unref(broker.source);
	sd_event_source_disable_unref(broker.io);
	close(broker.fd);
	close(broker.connection);
}

static void test_a_real_broker_is_understood(void)
{
	const char *port = getenv("OOHA_TEST_AMQP_PORT");
	if (port == NULL) {
		printf("*** SKIPPED: OOHA_TEST_AMQP_PORT is not set *** ");
		return;
	}
	struct oo_check_spec spec = queue(atoi(port), "one");
	expect_run(&spec, OO_CHECK_REASON_OK, "1 consumers, 0 messages");
	spec = queue(atoi(port), "none");
	expect_run(&spec, OO_CHECK_REASON_NO_CONSUMERS, "0 consumers, 0 messages");
	spec = queue(atoi(port), "nope");
	expect_run(&spec, OO_CHECK_REASON_MISSING, "404 NOT_FOUND - no queue 'nope' in vhost '/'");
	spec = queue(atoi(port), NULL);
	expect_run(&spec, OO_CHECK_REASON_OK, "logged in");
	spec.amqp.publishes = true;
	expect_run(&spec, OO_CHECK_REASON_OK, "logged in, may publish");
	spec.amqp.publishes = false;
	spec.amqp.user = "nobody";
	CU_ASSERT_EQUAL(run(&spec).reason, OO_CHECK_REASON_DENIED);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_queue_has_consumers_or_not),
		TEST(who_publishes_hears_of_an_alarm),
		TEST(what_the_broker_refuses_has_its_reason),
		TEST(the_verdict_stands_when_nobody_says_good_bye),
		TEST(a_secret_that_cannot_be_read_is_our_own_fault),
		TEST(a_real_broker_is_understood),
	};
	return run_check_tests("amqp", tests, OO_LENGTH(tests));
}
