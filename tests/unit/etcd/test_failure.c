/* What etcd's refusals mean: every row was sent by etcd 3.4.23 or is 3.6's form of one. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/decode.h"
#include "run.h"

#define UNARY(code, text) "{\"error\":\"" text "\",\"message\":\"" text "\",\"code\":" #code "}"

struct row {
	long status;
	const char *body;
	enum oo_etcd_remedy remedy;
	int error;
	const char *text;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct oo_etcd_decoded decoded = {0};
		struct oo_etcd_failure failure = {.text = ""};
		int r = oo_etcd_decode(OO_ETCD_KIND_TXN, rows[i].status, rows[i].body,
				       strlen(rows[i].body), &decoded, &failure);
		CU_ASSERT_EQUAL(r, -rows[i].error);
		CU_ASSERT_EQUAL(failure.r, -rows[i].error);
		CU_ASSERT_EQUAL(failure.remedy, rows[i].remedy);
		CU_ASSERT_STRING_EQUAL(failure.text, rows[i].text);
	}
}

static void test_what_another_member_may_cure_is_asked_of_another(void)
{
	static const struct row rows[] = {
		{503, UNARY(14, "etcdserver: no leader"), OO_ETCD_ASK_ANOTHER, EAGAIN,
		 "etcdserver: no leader"},
		{500, UNARY(2, "etcdserver: no leader"), OO_ETCD_ASK_ANOTHER, EAGAIN,
		 "etcdserver: no leader"},
		{500, UNARY(2, "etcdserver: not a primary lessor"), OO_ETCD_ASK_ANOTHER, EAGAIN,
		 "etcdserver: not a primary lessor"},
		{400, UNARY(9, "etcdserver: rpc not supported for learner"), OO_ETCD_ASK_ANOTHER,
		 EAGAIN, "etcdserver: rpc not supported for learner"},
		{429, UNARY(8, "etcdserver: too many requests"), OO_ETCD_ASK_ANOTHER, EAGAIN,
		 "etcdserver: too many requests"},
	};
	check(rows, OO_LENGTH(rows));
}

static void test_what_leaves_the_outcome_open_is_unknown(void)
{
	static const struct row rows[] = {
		{503, UNARY(14, "etcdserver: request timed out"), OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "etcdserver: request timed out"},
		{500, UNARY(2, "context deadline exceeded"), OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "context deadline exceeded"},
		{504, UNARY(4, "context deadline exceeded"), OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "context deadline exceeded"},
		{408, UNARY(1, "context canceled"), OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "context canceled"},
		{503, UNARY(14, "etcdserver: leader changed"), OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "etcdserver: leader changed"},
		{503, UNARY(99, "new in some release"), OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "new in some release"},
		/* 3.6: no "error", and spaces */
		{503, "{\"code\":14,  \"message\": \"etcdserver: server stopped\"}",
		 OO_ETCD_ASK_ANOTHER, ETIMEDOUT, "etcdserver: server stopped"},
	};
	check(rows, OO_LENGTH(rows));
}

static void test_refused_tokens_ask_for_a_login(void)
{
	static const struct row rows[] = {
		{401, UNARY(16, "etcdserver: invalid auth token"), OO_ETCD_LOG_IN, EACCES,
		 "etcdserver: invalid auth token"},
		{401, UNARY(16, "anything"), OO_ETCD_LOG_IN, EACCES, "anything"},
		{400, UNARY(3, "etcdserver: revision of auth store is old"), OO_ETCD_LOG_IN, EACCES,
		 "etcdserver: revision of auth store is old"},
		{400, UNARY(3, "auth: revision in header is old"), OO_ETCD_LOG_IN, EACCES,
		 "auth: revision in header is old"},
		{400, UNARY(3, "etcdserver: user name is empty"), OO_ETCD_LOG_IN, EACCES,
		 "etcdserver: user name is empty: etcd has authentication on: set etcd.username "
		 "and etcd.password_file"},
	};
	check(rows, OO_LENGTH(rows));
}

static void test_the_rest_is_final(void)
{
	static const struct row rows[] = {
		{400, UNARY(3, "etcdserver: authentication failed, invalid user ID or password"),
		 OO_ETCD_GIVE_UP, EACCES,
		 "etcdserver: authentication failed, invalid user ID or password: check "
		 "etcd.username and etcd.password_file"},
		{403, UNARY(7, "etcdserver: permission denied"), OO_ETCD_GIVE_UP, EACCES,
		 "etcdserver: permission denied: give the user a role with readwrite on our "
		 "prefix: "
		 "etcdctl role grant-permission <role> readwrite /ooha/<cluster>/ --prefix=true"},
		{429, UNARY(8, "etcdserver: mvcc: database space exceeded"), OO_ETCD_GIVE_UP,
		 ENOSPC,
		 "etcdserver: mvcc: database space exceeded: compact and defragment etcd, then "
		 "etcdctl alarm disarm; turn on auto-compaction"},
		{500, UNARY(15, "etcdserver: corrupt cluster"), OO_ETCD_GIVE_UP, EIO,
		 "etcdserver: corrupt cluster"},
		{404, UNARY(5, "etcdserver: requested lease not found"), OO_ETCD_GIVE_UP, ENOENT,
		 "etcdserver: requested lease not found"},
		{412, UNARY(9, "etcdserver: lease already exists"), OO_ETCD_GIVE_UP, EEXIST,
		 "etcdserver: lease already exists"},
		{412, UNARY(9, "etcdserver: authentication is not enabled"), OO_ETCD_GIVE_UP,
		 EOPNOTSUPP, "etcdserver: authentication is not enabled"},
		{400, UNARY(3, "etcdserver: request is too large"), OO_ETCD_GIVE_UP, E2BIG,
		 "etcdserver: request is too large"},
		{400, UNARY(11, "etcdserver: mvcc: required revision has been compacted"),
		 OO_ETCD_GIVE_UP, ERANGE, "etcdserver: mvcc: required revision has been compacted"},
		{400, UNARY(3, "etcdserver: duplicate key given in txn request"), OO_ETCD_GIVE_UP,
		 EINVAL, "etcdserver: duplicate key given in txn request"},
	};
	check(rows, OO_LENGTH(rows));
}

static void test_what_is_no_gateway_says_what_to_set(void)
{
	static const struct row rows[] = {
		{404, "404 page not found\n", OO_ETCD_ASK_ANOTHER, EPROTO,
		 "answers HTTP but has no /v3 gateway: set enable-grpc-gateway: true in etcd's "
		 "configuration file (etcd 3.4 or later is needed)"},
		{400, "Client sent an HTTP request to an HTTPS server.\n", OO_ETCD_ASK_ANOTHER,
		 EPROTO, "speaks TLS: write https:// in etcd.endpoints"},
		{400,
		 "CommonName of client sending a request against gateway will be ignored and not "
		 "used as expected",
		 OO_ETCD_GIVE_UP, EACCES,
		 "the client certificate has a CommonName, which etcd's gateway refuses when "
		 "authentication is on: issue one without"},
		{421, "Host header was unrecognized", OO_ETCD_ASK_ANOTHER, EPROTO,
		 "does not know itself by this name: add it to etcd's host-whitelist"},
		{502, "<html>\x1b[31m\nBad Gateway</html>", OO_ETCD_ASK_ANOTHER, EPROTO,
		 "HTTP 502 that is not an answer of etcd's: \"<html>?[31m Bad Gateway</html>\""},
		{302, "{}", OO_ETCD_ASK_ANOTHER, EPROTO,
		 "HTTP 302 that is not an answer of etcd's: \"{}\""},
		{200, " <html>It works!</html>", OO_ETCD_ASK_ANOTHER, EPROTO,
		 "HTTP 200 that is not an answer of etcd's: \" <html>It works!</html>\""},
		{200, "[]", OO_ETCD_ASK_ANOTHER, EPROTO,
		 "HTTP 200 that is not an answer of etcd's: \"[]\""},
	};
	check(rows, OO_LENGTH(rows));
}

/* proto3 leaves out what is empty, and a gateway of somebody else's may send anything. */
static void test_a_refusal_without_a_word_says_at_least_its_code(void)
{
	static const struct row rows[] = {
		{503, "{\"error\":\"\",\"code\":14}", OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "Unavailable, without a word"},
		{200, "{\"error\":{\"grpc_code\":7}}", OO_ETCD_GIVE_UP, EACCES,
		 "PermissionDenied, without a word: give the user a role with readwrite on our "
		 "prefix: etcdctl role grant-permission <role> readwrite /ooha/<cluster>/ "
		 "--prefix=true"},
		{500, "{\"error\":\" \\n\"}", OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
		 "Unknown, without a word"},
	};
	check(rows, OO_LENGTH(rows));
}

static void test_control_characters_of_theirs_are_not_passed_on(void)
{
	static const struct row row = {500, UNARY(2, "a\\u001b[2Jb\\nc"), OO_ETCD_ASK_ANOTHER,
				       ETIMEDOUT, "a?[2Jb c"};
	check(&row, 1);
}

static void test_reasons_of_canceled_watches_are_read(void)
{
	static const struct {
		const char *reason;
		enum oo_etcd_remedy remedy;
		int error;
	} rows[] = {
		{"rpc error: code = Unauthenticated desc = etcdserver: invalid auth token",
		 OO_ETCD_LOG_IN, EACCES},
		{"rpc error: code = InvalidArgument desc = etcdserver: user name is empty",
		 OO_ETCD_LOG_IN, EACCES},
		{"rpc error: code = PermissionDenied desc = whatever", OO_ETCD_GIVE_UP, EACCES},
		{"rpc error: code = Unavailable desc = x", OO_ETCD_ASK_ANOTHER, ETIMEDOUT},
		{"rpc error: code = Novel desc = x", OO_ETCD_ASK_ANOTHER, ETIMEDOUT},
		{"rpc error: code = ", OO_ETCD_ASK_ANOTHER, ETIMEDOUT},
		{"etcdserver: no leader", OO_ETCD_ASK_ANOTHER, EAGAIN},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_failure failure;
		oo_etcd_failure_from_reason(rows[i].reason, &failure);
		CU_ASSERT_EQUAL(failure.remedy, rows[i].remedy);
		CU_ASSERT_EQUAL(failure.r, -rows[i].error);
	}
}

#define NO_TLS "no TLS handshake: if it does not speak TLS, write http:// in etcd.endpoints"
#define NO_NAME                                                                                    \
	"its certificate does not name this host: write the name that it has in etcd.endpoints, "  \
	"or issue one with this name or address as a SAN"
#define NO_ANSWER                                                                                  \
	"it closed the connection without an answer: if it speaks TLS, write https:// in "         \
	"etcd.endpoints"
#define BAD_OURS ": check etcd.cert_file and etcd.key_file"

/* The third column is libcurl's, seen with 7.88 on OpenSSL 3.0. */
static void test_broken_exchanges_are_told_in_our_own_words(void)
{
	static const struct {
		CURLcode code;
		int error_number;
		const char *theirs, *text;
	} rows[] = {
		{CURLE_COULDNT_RESOLVE_HOST, 0, "Could not resolve host: etcd.invalid",
		 "the host name cannot be resolved"},
		{CURLE_COULDNT_CONNECT, ECONNREFUSED,
		 "Failed to connect to 127.0.0.1 port 2379 after 0 ms: Couldn't connect to server",
		 "Connection refused"},
		{CURLE_COULDNT_CONNECT, 0, "", "no connection"},
		{CURLE_OPERATION_TIMEDOUT, 0, "Connection timeout after 500 ms",
		 "no connection within 500 ms"},
		{CURLE_PEER_FAILED_VERIFICATION, 0,
		 "SSL certificate problem: unable to get local issuer certificate",
		 "its certificate is not trusted: unable to get local issuer certificate: check "
		 "etcd.ca_file"},
		{CURLE_PEER_FAILED_VERIFICATION, 0,
		 "SSL certificate problem: self-signed certificate",
		 "its certificate is not trusted: self-signed certificate: check etcd.ca_file"},
		{CURLE_PEER_FAILED_VERIFICATION, 0,
		 "SSL certificate problem: certificate has expired",
		 "its certificate, or its CA's, has expired: issue a new one"},
		{CURLE_PEER_FAILED_VERIFICATION, 0,
		 "SSL: no alternative certificate subject name matches target host name 'b'",
		 NO_NAME},
		{CURLE_SSL_CONNECT_ERROR, 104,
		 "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to 127.0.0.1:2379 ", NO_TLS},
		{CURLE_SSL_CONNECT_ERROR, 0, "error:0A00010B:SSL routines::wrong version number",
		 NO_TLS},
		{CURLE_SSL_CONNECT_ERROR, 0,
		 "error:0A000410:SSL routines::sslv3 alert handshake failure",
		 "it refuses our side of TLS: sslv3 alert handshake failure" BAD_OURS},
		{CURLE_SSL_CERTPROBLEM, 0, "could not load PEM client certificate, OpenSSL error",
		 "our certificate cannot be used" BAD_OURS},
		{CURLE_SSL_CACERT_BADFILE, 0, "error setting certificate file: /x",
		 "etcd.ca_file holds no certificate that can be used"},
		{CURLE_GOT_NOTHING, 0, "Empty reply from server", NO_ANSWER},
		{CURLE_UNSUPPORTED_PROTOCOL, 0, "Received HTTP/0.9 when not allowed",
		 "it does not answer in HTTP"},
		{CURLE_FAILED_INIT, 0, "", "Failed initialization"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		const struct oo_etcd_broken broken = {.code = rows[i].code,
						      .error_number = rows[i].error_number,
						      .theirs = rows[i].theirs,
						      .took_ms = 500};
		struct oo_etcd_failure failure;
		oo_etcd_failure_from_broken(&broken, &failure);
		CU_ASSERT_EQUAL(failure.remedy, OO_ETCD_ASK_ANOTHER);
		CU_ASSERT_EQUAL(failure.r, -ECONNREFUSED);
		CU_ASSERT_STRING_EQUAL(failure.text, rows[i].text);
	}
}

static void test_what_was_sent_and_broke_is_unknown(void)
{
	static const struct {
		struct oo_etcd_broken broken;
		int error;
		const char *text;
	} rows[] = {
		{{CURLE_OPERATION_TIMEDOUT, 0, true, false, 0, "", NULL},
		 ETIMEDOUT,
		 "no answer within 0 ms"},
		{{CURLE_RECV_ERROR, ECONNRESET, true, false, 0,
		  "Recv failure: Connection reset by peer", NULL},
		 ETIMEDOUT,
		 "connection lost: Connection reset by peer"},
		{{CURLE_GOT_NOTHING, 0, true, true, 0, "Empty reply from server", NULL},
		 ETIMEDOUT,
		 "connection lost"},
		{{CURLE_PARTIAL_FILE, 0, true, false, 0,
		  "transfer closed with 3 bytes remaining to read", NULL},
		 ETIMEDOUT,
		 "connection lost"},
		{{CURLE_RECV_ERROR, 0, true, true, 0,
		  "OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad certificate, "
		  "errno 0",
		  NULL},
		 ETIMEDOUT,
		 "it refuses our side of TLS: sslv3 alert bad certificate" BAD_OURS},
		{{.code = CURLE_RECV_ERROR,
		  .sent = true,
		  .tls = true,
		  .theirs = "OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad "
			    "certificate, errno 0",
		  .cert_file = "/etc/ooha/node.pem"},
		 ETIMEDOUT,
		 "it refuses our certificate (/etc/ooha/node.pem): sslv3 alert bad certificate: "
		 "not of "
		 "its CA, or expired: openssl x509 -noout -enddate -issuer -in etcd.cert_file"},
		{{CURLE_WRITE_ERROR, 0, true, false, 0, "Failure writing output to destination",
		  NULL},
		 EPROTO,
		 "an answer larger than we take"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_failure failure;
		oo_etcd_failure_from_broken(&rows[i].broken, &failure);
		CU_ASSERT_EQUAL(failure.r, -rows[i].error);
		CU_ASSERT_STRING_EQUAL(failure.text, rows[i].text);
	}
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_what_another_member_may_cure_is_asked_of_another),
		OO_TEST(test_what_leaves_the_outcome_open_is_unknown),
		OO_TEST(test_refused_tokens_ask_for_a_login),
		OO_TEST(test_the_rest_is_final),
		OO_TEST(test_what_is_no_gateway_says_what_to_set),
		OO_TEST(test_a_refusal_without_a_word_says_at_least_its_code),
		OO_TEST(test_control_characters_of_theirs_are_not_passed_on),
		OO_TEST(test_reasons_of_canceled_watches_are_read),
		OO_TEST(test_broken_exchanges_are_told_in_our_own_words),
		OO_TEST(test_what_was_sent_and_broke_is_unknown),
	};
	return run_tests("etcd failure", tests, OO_LENGTH(tests));
}
