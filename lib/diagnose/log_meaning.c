#include "diagnose/log_meaning.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define WORDS 3
#define PROXY (1u << OO_LOG_SOURCE_PROXY)
#define SERVER (1u << OO_LOG_SOURCE_DOCSERVICE | 1u << OO_LOG_SOURCE_CONVERTER)
#define CONVERTER (1u << OO_LOG_SOURCE_CONVERTER)
#define JOURNAL (1u << OO_LOG_SOURCE_JOURNAL)
#define ANY (PROXY | SERVER | JOURNAL)
#define MEANS(what) OO_LOG_MEANING_##what

struct pattern {
	unsigned sources;
	const char *words[WORDS]; /* all of them must be in the line */
	enum oo_log_meaning meaning;
};

/* The first that fits counts. */
static const struct pattern patterns[] = {
	/* nginx: src/http/ngx_http_upstream.c, src/event/ngx_event_connect.c, ngx_event_openssl.c */
	{PROXY, {"(24: "}, MEANS(PROXY_DESCRIPTORS)}, /* EMFILE, of whatever call */
	{PROXY, {"(23: "}, MEANS(FILES_EXHAUSTED)},   /* ENFILE */
	{PROXY, {"worker_connections are not enough"}, MEANS(PROXY_CONNECTIONS)},
	{PROXY, {"bind() to", "(98: "}, MEANS(PROXY_PORT_TAKEN)},
	{PROXY, {"bind() to", "(13: "}, MEANS(PROXY_BIND_DENIED)},
	{PROXY, {"bind() to", "(99: "}, MEANS(PROXY_BIND_ABSENT)},
	{PROXY, {"still could not bind()"}, MEANS(PROXY_PORT_TAKEN)},
	{PROXY, {"connect()", "failed (111: "}, MEANS(UPSTREAM_REFUSED)},
	{PROXY, {"connect()", "failed (113: "}, MEANS(UPSTREAM_NO_ROUTE)},
	{PROXY, {"connect()", "failed (101: "}, MEANS(UPSTREAM_NO_ROUTE)},
	{PROXY, {"connect()", "failed (110: "}, MEANS(UPSTREAM_CONNECT_TIMEOUT)},
	{PROXY, {"connect()", "failed (13: "}, MEANS(UPSTREAM_PERMISSION)},
	{PROXY, {"connect()", "failed (1: "}, MEANS(UPSTREAM_PERMISSION)},
	{PROXY, {"connect()", "failed (99: "}, MEANS(UPSTREAM_NO_PORTS)},
	{PROXY, {"connect()", "failed (2: "}, MEANS(UPSTREAM_NO_SOCKET)},
	{PROXY, {"upstream timed out", "while connecting"}, MEANS(UPSTREAM_CONNECT_TIMEOUT)},
	{PROXY, {"upstream timed out", "SSL handshaking"}, MEANS(UPSTREAM_TLS_FAILED)},
	{PROXY, {"upstream timed out"}, MEANS(UPSTREAM_READ_TIMEOUT)},
	{PROXY, {"upstream sent too big header"}, MEANS(UPSTREAM_HEADER_TOO_BIG)},
	{PROXY, {"upstream prematurely closed"}, MEANS(UPSTREAM_CLOSED_EARLY)},
	{PROXY, {"(104: ", "to upstream"}, MEANS(UPSTREAM_CLOSED_EARLY)},
	{PROXY, {"(104: ", "from upstream"}, MEANS(UPSTREAM_CLOSED_EARLY)},
	{PROXY, {"(104: ", "reading upstream"}, MEANS(UPSTREAM_CLOSED_EARLY)},
	{PROXY, {"(32: ", "to upstream"}, MEANS(UPSTREAM_CLOSED_EARLY)},
	{PROXY, {"upstream sent no valid HTTP"}, MEANS(UPSTREAM_NOT_HTTP)},
	{PROXY, {"upstream sent invalid header"}, MEANS(UPSTREAM_NOT_HTTP)},
	{PROXY, {"upstream sent invalid status"}, MEANS(UPSTREAM_NOT_HTTP)},
	{PROXY, {"upstream sent invalid chunked"}, MEANS(UPSTREAM_NOT_HTTP)},
	{PROXY, {"upstream sent duplicate header"}, MEANS(UPSTREAM_NOT_HTTP)},
	{PROXY, {"wrong version number", "to upstream"}, MEANS(UPSTREAM_NOT_TLS)},
	{PROXY, {"packet length too long", "to upstream"}, MEANS(UPSTREAM_NOT_TLS)},
	{PROXY, {"unknown protocol", "to upstream"}, MEANS(UPSTREAM_NOT_TLS)},
	{PROXY, {"SSL handshak", "to upstream"}, MEANS(UPSTREAM_TLS_FAILED)},
	{PROXY, {"upstream SSL certificate"}, MEANS(UPSTREAM_TLS_FAILED)},
	{PROXY, {"host not found in upstream"}, MEANS(UPSTREAM_NOT_RESOLVED)},
	{PROXY, {"could not be resolved"}, MEANS(UPSTREAM_NOT_RESOLVED)},
	{PROXY, {"no resolver defined"}, MEANS(UPSTREAM_NOT_RESOLVED)},
	{PROXY, {"no live upstreams"}, MEANS(UPSTREAM_NONE_LIVE)},
	{PROXY, {"client intended to send too large"}, MEANS(PROXY_BODY_TOO_LARGE)},
	{PROXY, {"access forbidden by rule"}, MEANS(PROXY_FORBIDDEN)},
	{PROXY, {"auth request unexpected status"}, MEANS(PROXY_AUTH_REQUEST)},
	{PROXY, {"limiting requests", "excess"}, MEANS(PROXY_LIMIT)},
	{PROXY, {"limiting connections by zone"}, MEANS(PROXY_LIMIT)},
	{PROXY, {"worker process", "exited on signal"}, MEANS(PROXY_WORKER_DIED)},
	{PROXY, {"(28: "}, MEANS(PROXY_DISK_FULL)}, /* ENOSPC: temporary files, logs */
	{PROXY, {"[emerg]"}, MEANS(PROXY_CONFIG)},
	{PROXY, {"open() \"", "(13: "}, MEANS(PROXY_FILE_DENIED)},
	{PROXY, {"open() \"", "(2: "}, MEANS(PROXY_FILE_MISSING)},
	/* Document Server: Common/sources, DocService/sources; pg and amqplib below it */
	{SERVER | JOURNAL, {"EADDRINUSE"}, MEANS(PORT_TAKEN)},
	{SERVER | JOURNAL, {"Cannot parse config file"}, MEANS(CONFIG)},
	{SERVER | JOURNAL, {"JavaScript heap out of memory"}, MEANS(HEAP)},
	{SERVER | JOURNAL, {"EMFILE"}, MEANS(DESCRIPTORS)},
	{SERVER | JOURNAL, {"ENFILE"}, MEANS(FILES_EXHAUSTED)},
	{SERVER | JOURNAL, {"Express server listening"}, MEANS(LISTENING)},
	{SERVER | JOURNAL, {"frame_max", "lower than"}, MEANS(BROKER_FRAME_MAX)},
	{SERVER | JOURNAL, {"ACCESS_REFUSED"}, MEANS(BROKER_LOGIN)},
	{SERVER | JOURNAL, {"ACCESS-REFUSED"}, MEANS(BROKER_LOGIN)},
	{SERVER | JOURNAL, {"Heartbeat timeout"}, MEANS(BROKER_HUNG)},
	{SERVER | JOURNAL, {"[AMQP]", "ECONNREFUSED"}, MEANS(BROKER_REFUSED)},
	{SERVER | JOURNAL, {"[AMQP]", "Error"}, MEANS(BROKER_FAILED)},
	{ANY, {"resource limit alarm set"}, MEANS(BROKER_ALARM)}, /* RabbitMQ: rabbit_alarm.erl */
	{SERVER | JOURNAL, {"connection.blocked"}, MEANS(BROKER_ALARM)},
	{SERVER | JOURNAL, {"uthentication failed for user"}, MEANS(DATABASE_LOGIN)},
	{SERVER | JOURNAL, {"no pg_hba.conf entry"}, MEANS(DATABASE_LOGIN)},
	{SERVER | JOURNAL, {"role \"", "does not exist"}, MEANS(DATABASE_LOGIN)},
	{SERVER | JOURNAL, {"ER_ACCESS_DENIED"}, MEANS(DATABASE_LOGIN)},
	{SERVER | JOURNAL, {"too many connections for"}, MEANS(DATABASE_CONNECTIONS)},
	{SERVER | JOURNAL, {"too many clients already"}, MEANS(DATABASE_CONNECTIONS)},
	{SERVER | JOURNAL, {"remaining connection slots"}, MEANS(DATABASE_CONNECTIONS)},
	{SERVER | JOURNAL, {"ER_CON_COUNT_ERROR"}, MEANS(DATABASE_CONNECTIONS)},
	{SERVER | JOURNAL, {"in a read-only transaction"}, MEANS(DATABASE_READ_ONLY)},
	{SERVER | JOURNAL, {"database system is starting up"}, MEANS(DATABASE_STARTING)},
	{SERVER | JOURNAL, {"DB table", "does not"}, MEANS(SCHEMA)},
	{SERVER | JOURNAL, {"relation \"", "does not exist"}, MEANS(SCHEMA)},
	{SERVER | JOURNAL, {"column \"", "does not exist"}, MEANS(SCHEMA)},
	{SERVER | JOURNAL, {"database \"", "does not exist"}, MEANS(SCHEMA)},
	{SERVER | JOURNAL, {"ER_NO_SUCH_TABLE"}, MEANS(SCHEMA)},
	{SERVER | JOURNAL, {"getTableColumns error"}, MEANS(START_FAILED)},
	{SERVER | JOURNAL, {"healthCheck error", "pubsub"}, MEANS(BROKER_FAILED)},
	{SERVER | JOURNAL, {"healthCheck error", "Error: queue"}, MEANS(BROKER_FAILED)},
	{SERVER | JOURNAL, {"healthCheck error", "editorData"}, MEANS(CACHE_FAILED)},
	{SERVER | JOURNAL, {"healthCheck error", "editorStat"}, MEANS(CACHE_FAILED)},
	{SERVER | JOURNAL, {"healthCheck storage", "error"}, MEANS(STORAGE)},
	{SERVER | JOURNAL, {"due to connection timeout"}, MEANS(DATABASE_HUNG)},
	{SERVER | JOURNAL, {"healthCheck error", "ECONNREFUSED"}, MEANS(DATABASE_REFUSED)},
	{SERVER | JOURNAL, {"healthCheck error", "EHOSTUNREACH"}, MEANS(DATABASE_UNREACHABLE)},
	{SERVER | JOURNAL, {"healthCheck error", "ENETUNREACH"}, MEANS(DATABASE_UNREACHABLE)},
	{SERVER | JOURNAL, {"healthCheck error", "ETIMEDOUT"}, MEANS(DATABASE_UNREACHABLE)},
	{SERVER | JOURNAL, {"start shutdown:true"}, MEANS(DRAINED)},
	{SERVER | JOURNAL, {"checkJwt error", "invalid signature"}, MEANS(TOKEN)},
	{SERVER | JOURNAL, {"JsonWebTokenError", "invalid signature"}, MEANS(TOKEN)},
	{CONVERTER, {"ExitCode (code="}, MEANS(CONVERSION_FAILED)},
	{CONVERTER, {"x2t", "ENOENT"}, MEANS(CONVERSION_FAILED)},
	{CONVERTER, {"x2t", "EACCES"}, MEANS(CONVERSION_FAILED)},
	{CONVERTER, {"spawn", "ENOENT"}, MEANS(CONVERSION_FAILED)},
	{CONVERTER, {"error while loading shared libraries"}, MEANS(CONVERSION_FAILED)},
	{SERVER, {"uncaughtException"}, MEANS(EXCEPTION)},
	{JOURNAL, {"uncaughtException"}, MEANS(EXCEPTION)},
	/* Linux: mm/oom_kill.c, arch/x86/mm/fault.c, net/netfilter/nf_conntrack_core.c,
	 * net/ipv4/tcp_input.c, fs/file_table.c; systemd: src/core/service.c */
	{JOURNAL, {"ut of memory: Killed"}, MEANS(OUT_OF_MEMORY)},
	{JOURNAL, {"oom-kill:"}, MEANS(OUT_OF_MEMORY)},
	{JOURNAL, {"killed by the OOM killer"}, MEANS(OUT_OF_MEMORY)},
	{JOURNAL, {"segfault at"}, MEANS(SEGFAULT)},
	{JOURNAL, {"general protection fault"}, MEANS(SEGFAULT)},
	{JOURNAL, {"status=11/SEGV"}, MEANS(SEGFAULT)},
	{JOURNAL, {"nf_conntrack", "table full"}, MEANS(CONNTRACK_FULL)},
	{JOURNAL, {"ossible SYN flooding"}, MEANS(SYN_FLOOD)},
	{JOURNAL, {"file-max limit"}, MEANS(FILES_EXHAUSTED)},
	{JOURNAL, {"bind() to", "(98: "}, MEANS(PROXY_PORT_TAKEN)}, /* nginx before it has a log */
	{JOURNAL, {"bind() to", "(13: "}, MEANS(PROXY_BIND_DENIED)},
	{JOURNAL, {"bind() to", "(99: "}, MEANS(PROXY_BIND_ABSENT)},
	{JOURNAL, {"host not found in upstream"}, MEANS(UPSTREAM_NOT_RESOLVED)},
	{JOURNAL, {"nginx", "[emerg]"}, MEANS(PROXY_CONFIG)},
};

static bool fits(const struct pattern *pattern, const char *text)
{
	for (size_t i = 0; i < WORDS && pattern->words[i] != NULL; i++) {
		if (strstr(text, pattern->words[i]) == NULL) {
			return false;
		}
	}
	return true;
}

enum oo_log_meaning oo_log_meaning(enum oo_log_source source, const char *text)
{
	for (size_t i = 0; i < OO_LENGTH(patterns); i++) {
		if ((patterns[i].sources & 1u << source) != 0 && fits(&patterns[i], text)) {
			return patterns[i].meaning;
		}
	}
	return OO_LOG_MEANING_NONE;
}

bool oo_log_upstream(const char *text, struct oo_endpoint_text *ret_at)
{
	struct oo_endpoint_text at = {0};
	const char *begin = strstr(text, "upstream: \"");
	begin = begin != NULL ? strstr(begin, "://") : NULL;
	if (begin == NULL) {
		return false;
	}
	begin += strlen("://");
	size_t length = strcspn(begin, "/\", ");
	const char *end = begin + length;
	const char *colon = memrchr(begin, ':', length);
	if (*begin == '[') {
		const char *bracket = memchr(begin, ']', length);
		if (bracket == NULL) {
			return false;
		}
		colon = bracket + 1 < end && bracket[1] == ':' ? bracket + 1 : NULL;
		begin++;
		end = bracket;
	} else if (colon != NULL) {
		end = colon;
	}
	if (begin == end || (size_t)(end - begin) >= sizeof(at.host)) {
		return false;
	}
	memcpy(at.host, begin, (size_t)(end - begin));
	at.port = (uint16_t)(colon != NULL ? strtoul(colon + 1, NULL, 10) : 80);
	*ret_at = at;
	return true;
}
