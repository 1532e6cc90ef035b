#include "etcd/failure.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define ANY (-1)
#define THEIRS_LENGTH 160 /* as much of a foreign text as is shown */

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
	oo_etcd_failure_set(ret_failure, rule->remedy, rule->error, "%s%s%s", theirs,
			    rule->advice != NULL ? ": " : "",
			    rule->advice != NULL ? rule->advice : "");
}

void oo_etcd_failure_from_reason(const char *reason, struct oo_etcd_failure *ret_failure)
{
	/* google.golang.org/grpc/codes, by their numbers */
	static const char *const names[] = {
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
	static const char start[] = "rpc error: code = ", middle[] = " desc = ";
	const char *description = strstr(reason, middle);
	if (strncmp(reason, start, strlen(start)) != 0 || description == NULL) {
		oo_etcd_failure_from_code(2, reason, ret_failure);
		return;
	}
	const char *name = reason + strlen(start);
	size_t length = (size_t)(description - name);
	int code = 2;
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) {
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
