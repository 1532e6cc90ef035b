#include "etcd/failure.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define ANY (-1)
#define THEIRS_LENGTH 160 /* as much of a foreign text as is shown */
#define OURS_LENGTH 320

#define ADVICE_LOGIN "etcd has authentication on: set etcd.username and etcd.password_file"
#define ADVICE_GRANT                                                                               \
	"give the user a role with readwrite on our prefix: etcdctl role grant-permission "        \
	"<role> readwrite /ooha/<cluster>/ --prefix=true"
#define ADVICE_SPACE                                                                               \
	"compact and defragment etcd, then etcdctl alarm disarm; turn on auto-compaction"

/* The table of failure.h; the first row that fits counts. */
static const struct rule {
	int code;
	const char *part; /* of the text; NULL: any */
	enum oo_etcd_remedy remedy;
	int error;
	const char *advice;
} rules[] = {
	{ANY, "user name is empty", OO_ETCD_LOG_IN, EACCES, ADVICE_LOGIN},
	{ANY, "invalid auth token", OO_ETCD_LOG_IN, EACCES, NULL},
	{ANY, "revision of auth store is old", OO_ETCD_LOG_IN, EACCES, NULL},
	{ANY, "revision in header is old", OO_ETCD_LOG_IN, EACCES, NULL},
	{ANY, "invalid user ID or password", OO_ETCD_GIVE_UP, EACCES,
	 "check etcd.username and etcd.password_file"},
	{ANY, "authentication is not enabled", OO_ETCD_GIVE_UP, EOPNOTSUPP, NULL},
	{ANY, "permission denied", OO_ETCD_GIVE_UP, EACCES, ADVICE_GRANT},
	{ANY, "no leader", OO_ETCD_ASK_ANOTHER, EAGAIN, NULL},
	{ANY, "not leader", OO_ETCD_ASK_ANOTHER, EAGAIN, NULL},
	{ANY, "not a primary lessor", OO_ETCD_ASK_ANOTHER, EAGAIN, NULL},
	{ANY, "not supported for learner", OO_ETCD_ASK_ANOTHER, EAGAIN, NULL},
	{ANY, "too many requests", OO_ETCD_ASK_ANOTHER, EAGAIN, NULL},
	{ANY, "database space exceeded", OO_ETCD_GIVE_UP, ENOSPC, ADVICE_SPACE},
	{ANY, "corrupt cluster", OO_ETCD_GIVE_UP, EIO, NULL},
	{ANY, "lease already exists", OO_ETCD_GIVE_UP, EEXIST, NULL},
	{ANY, "request is too large", OO_ETCD_GIVE_UP, E2BIG, NULL},
	{ANY, "has been compacted", OO_ETCD_GIVE_UP, ERANGE, NULL},
	{3, NULL, OO_ETCD_GIVE_UP, EINVAL, NULL},
	{5, NULL, OO_ETCD_GIVE_UP, ENOENT, NULL},
	{6, NULL, OO_ETCD_GIVE_UP, EEXIST, NULL},
	{7, NULL, OO_ETCD_GIVE_UP, EACCES, ADVICE_GRANT},
	{8, NULL, OO_ETCD_ASK_ANOTHER, EAGAIN, NULL},
	{9, NULL, OO_ETCD_GIVE_UP, EINVAL, NULL},
	{11, NULL, OO_ETCD_GIVE_UP, ERANGE, NULL},
	{12, NULL, OO_ETCD_GIVE_UP, EPROTO, "etcd 3.4 or later is needed"},
	{15, NULL, OO_ETCD_GIVE_UP, EIO, NULL},
	{16, NULL, OO_ETCD_LOG_IN, EACCES, NULL},
	/* 1, 2, 4, 10, 13, 14, and whatever comes in later releases */
	{ANY, NULL, OO_ETCD_ASK_ANOTHER, ETIMEDOUT, NULL},
};

/* google.golang.org/grpc/codes, by their numbers */
static const char *const code_names[] = {
	"OK",
	"Canceled",
	"Unknown",
	"InvalidArgument",
	"DeadlineExceeded",
	"NotFound",
	"AlreadyExists",
	"PermissionDenied",
	"ResourceExhausted",
	"FailedPrecondition",
	"Aborted",
	"OutOfRange",
	"Unimplemented",
	"Internal",
	"Unavailable",
	"DataLoss",
	"Unauthenticated",
};

/* Copies a foreign text as one printable line. */
static void copy_clean(char *target, size_t size, const char *text, size_t length)
{
	size_t n = 0;
	for (size_t i = 0; i < length && n + 1 < size; i++) {
		unsigned char c = (unsigned char)text[i];
		target[n++] = isprint(c) ? (char)c : c == '\n' || c == '\t' ? ' ' : '?';
	}
	while (n > 0 && target[n - 1] == ' ') {
		n--;
	}
	target[n] = '\0';
}

void oo_etcd_failure_set(struct oo_etcd_failure *ret_failure, enum oo_etcd_remedy remedy,
			 int error_number, const char *format, ...)
{
	ret_failure->remedy = remedy;
	ret_failure->r = -error_number;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(ret_failure->text, sizeof(ret_failure->text), format, arguments);
	va_end(arguments);
}

static const struct rule *find_rule(int code, const char *text)
{
	const struct rule *rule = rules;
	while ((rule->code != ANY && rule->code != code) ||
	       (rule->part != NULL && strstr(text, rule->part) == NULL)) {
		rule++; /* ends: the last row fits everything */
	}
	return rule;
}

void oo_etcd_failure_from_code(int code, const char *text, struct oo_etcd_failure *ret_failure)
{
	const struct rule *rule = find_rule(code, text);
	char theirs[THEIRS_LENGTH];
	copy_clean(theirs, sizeof(theirs), text, strlen(text));
	if (theirs[0] == '\0') {
		snprintf(theirs, sizeof(theirs), "%s, without a word", code_names[code]);
	}
	oo_etcd_failure_set(ret_failure, rule->remedy, rule->error, "%s%s%s", theirs,
			    rule->advice != NULL ? ": " : "",
			    rule->advice != NULL ? rule->advice : "");
}

void oo_etcd_failure_from_reason(const char *reason, struct oo_etcd_failure *ret_failure)
{
	static const char start[] = "rpc error: code = ", middle[] = " desc = ";
	const char *description = strstr(reason, middle);
	if (strncmp(reason, start, strlen(start)) != 0 || description == NULL) {
		oo_etcd_failure_from_code(2, reason, ret_failure);
		return;
	}
	const char *name = reason + strlen(start);
	size_t length = (size_t)(description - name);
	int code = 2;
	for (size_t i = 0; i < OO_LENGTH(code_names); i++) {
		if (strlen(code_names[i]) == length && strncmp(code_names[i], name, length) == 0) {
			code = (int)i;
		}
	}
	oo_etcd_failure_from_code(code, description + strlen(middle), ret_failure);
}

void oo_etcd_failure_from_http(long status, const char *body, size_t length,
			       struct oo_etcd_failure *ret_failure)
{
	char theirs[THEIRS_LENGTH];
	copy_clean(theirs, sizeof(theirs), body, length);
	if (status == 404) {
		oo_etcd_failure_set(
			ret_failure, OO_ETCD_ASK_ANOTHER, EPROTO,
			"answers HTTP but has no /v3 gateway: set enable-grpc-gateway: true in "
			"etcd's configuration file (etcd 3.4 or later is needed)");
	} else if (strstr(theirs, "CommonName") != NULL) {
		oo_etcd_failure_set(ret_failure, OO_ETCD_GIVE_UP, EACCES,
				    "the client certificate has a CommonName, which etcd's gateway "
				    "refuses when authentication is on: issue one without");
	} else if (strstr(theirs, "HTTP request to an HTTPS server") != NULL) {
		oo_etcd_failure_set(ret_failure, OO_ETCD_ASK_ANOTHER, EPROTO,
				    "speaks TLS: write https:// in etcd.endpoints");
	} else if (status == 421) {
		oo_etcd_failure_set(ret_failure, OO_ETCD_ASK_ANOTHER, EPROTO,
				    "does not know itself by this name: add it to etcd's "
				    "host-whitelist");
	} else {
		oo_etcd_failure_set(ret_failure, OO_ETCD_ASK_ANOTHER, EPROTO,
				    "HTTP %ld that is not an answer of etcd's: \"%s\"", status,
				    theirs);
	}
}

/*
 * What OpenSSL says, without where: the end of "error:0A000412:SSL routines::sslv3 alert bad
 * certificate, errno 0" and of "SSL certificate problem: certificate has expired".
 */
static void copy_reason(char target[static THEIRS_LENGTH], const char *theirs)
{
	const char *colon = strrchr(theirs, ':');
	const char *start = colon != NULL ? colon + 1 : theirs;
	start += strspn(start, " ");
	copy_clean(target, THEIRS_LENGTH, start, strcspn(start, ","));
}

static const char *explain_certificate(const char *theirs, char text[static OURS_LENGTH])
{
	char reason[THEIRS_LENGTH];
	if (strstr(theirs, "certificate problem") == NULL) {
		return "its certificate does not name this host: write the name that it has in "
		       "etcd.endpoints, or issue one with this name or address as a SAN";
	}
	copy_reason(reason, theirs);
	if (oo_text_equal(reason, "certificate has expired")) {
		return "its certificate, or its CA's, has expired: issue a new one";
	}
	bool unknown = strstr(reason, "issuer") != NULL || strstr(reason, "self") != NULL;
	snprintf(text, OURS_LENGTH, "its certificate is not trusted: %s%s", reason,
		 unknown ? ": check etcd.ca_file" : "");
	return text;
}

/* An alert is the member's word; anything else means that there was no handshake to speak of. */
static const char *explain_handshake(const struct oo_etcd_broken *broken,
				     char text[static OURS_LENGTH])
{
	char reason[THEIRS_LENGTH];
	if (strstr(broken->theirs, " alert ") == NULL) {
		return "no TLS handshake: if it does not speak TLS, write http:// in "
		       "etcd.endpoints";
	}
	copy_reason(reason, broken->theirs);
	if (broken->cert_file != NULL) {
		snprintf(text, OURS_LENGTH,
			 "it refuses our certificate (%.140s): %.60s: not of its CA, or expired: "
			 "openssl "
			 "x509 -noout -enddate -issuer -in etcd.cert_file",
			 broken->cert_file, reason);
	} else {
		snprintf(text, OURS_LENGTH,
			 "it refuses our side of TLS: %s: check etcd.cert_file and etcd.key_file",
			 reason);
	}
	return text;
}

static const char *explain_loss(const struct oo_etcd_broken *broken, char text[static OURS_LENGTH])
{
	if (strstr(broken->theirs, " alert ") != NULL) { /* TLS 1.3 refuses after the handshake */
		return explain_handshake(broken, text);
	}
	if (broken->error_number == 0) {
		return "connection lost";
	}
	snprintf(text, OURS_LENGTH, "connection lost: %s", strerror(broken->error_number));
	return text;
}

static const char *explain_broken(const struct oo_etcd_broken *broken,
				  char text[static OURS_LENGTH])
{
	switch ((int)broken->code) { /* of libcurl's many; the rest in its general words */
	case CURLE_COULDNT_RESOLVE_HOST:
		return "the host name cannot be resolved";
	case CURLE_COULDNT_CONNECT:
		return broken->error_number != 0 ? strerror(broken->error_number) : "no connection";
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(text, OURS_LENGTH, "no %s within %lld ms",
			 broken->sent ? "answer" : "connection", (long long)broken->took_ms);
		return text;
	case CURLE_PEER_FAILED_VERIFICATION:
		return explain_certificate(broken->theirs, text);
	case CURLE_SSL_CONNECT_ERROR:
		return explain_handshake(broken, text);
	case CURLE_SSL_CERTPROBLEM:
		return "our certificate cannot be used: check etcd.cert_file and etcd.key_file";
	case CURLE_SSL_CACERT_BADFILE:
		return "etcd.ca_file holds no certificate that can be used";
	case CURLE_GOT_NOTHING:
		return broken->tls ? "connection lost"
				   : "it closed the connection without an answer: if it speaks "
				     "TLS, write https:// in etcd.endpoints";
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return explain_loss(broken, text);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return "it does not answer in HTTP";
	case CURLE_WRITE_ERROR:
		return "an answer larger than we take";
	default:
		return curl_easy_strerror(broken->code);
	}
}

void oo_etcd_failure_from_broken(const struct oo_etcd_broken *broken,
				 struct oo_etcd_failure *ret_failure)
{
	char text[OURS_LENGTH];
	int error = !broken->sent                       ? ECONNREFUSED
		    : broken->code == CURLE_WRITE_ERROR ? EPROTO
							: ETIMEDOUT;
	oo_etcd_failure_set(ret_failure, OO_ETCD_ASK_ANOTHER, error, "%s",
			    explain_broken(broken, text));
}
