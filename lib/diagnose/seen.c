#include "diagnose/seen.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DOCSERVICE_PORT 8000
#define PROXY_PORT 80
#define RECENT_MS 120000
#define DEATH_MS 2000 /* between the clocks of two logs, and for what was still in a pipe */

bool oo_seen_tried(const struct oo_exchange *exchange)
{
	return exchange->look == OO_LOOK_SEEN || exchange->look == OO_LOOK_LATE;
}

bool oo_seen_answered(const struct oo_exchange *exchange)
{
	return oo_seen_tried(exchange) && exchange->status > 0;
}

bool oo_seen_body_is(const struct oo_exchange *exchange, const char *body)
{
	const char *begin = exchange->body + strspn(exchange->body, " \t\r\n");
	size_t length = strlen(body);
	return oo_seen_answered(exchange) && exchange->status == 200 &&
	       strncmp(begin, body, length) == 0 &&
	       begin[length + strspn(begin + length, " \t\r\n")] == '\0';
}

bool oo_seen_true(const struct oo_exchange *exchange)
{
	return oo_seen_body_is(exchange, "true");
}

bool oo_seen_false(const struct oo_exchange *exchange)
{
	return oo_seen_body_is(exchange, "false");
}

static bool failed_by(const struct oo_exchange *exchange, enum oo_check_reason reason)
{
	return oo_seen_tried(exchange) && exchange->status == 0 && exchange->reason == reason;
}

bool oo_seen_refused(const struct oo_exchange *exchange)
{
	return failed_by(exchange, OO_CHECK_REASON_REFUSED);
}

bool oo_seen_unreachable(const struct oo_exchange *exchange)
{
	return failed_by(exchange, OO_CHECK_REASON_UNREACHABLE);
}

bool oo_seen_connect_timeout(const struct oo_exchange *exchange)
{
	return failed_by(exchange, OO_CHECK_REASON_CONNECT_TIMEOUT) ||
	       (exchange->look == OO_LOOK_LATE && exchange->status == 0 &&
		exchange->reason == OO_CHECK_REASON_NONE && exchange->times.connect_us == 0);
}

bool oo_seen_silent(const struct oo_exchange *exchange)
{
	return failed_by(exchange, OO_CHECK_REASON_SILENT) ||
	       failed_by(exchange, OO_CHECK_REASON_SLOW) ||
	       (exchange->look == OO_LOOK_LATE && exchange->status == 0 &&
		exchange->reason == OO_CHECK_REASON_NONE && exchange->times.connect_us > 0);
}

bool oo_seen_cut_off(const struct oo_exchange *exchange)
{
	return failed_by(exchange, OO_CHECK_REASON_CLOSED) ||
	       failed_by(exchange, OO_CHECK_REASON_RESET);
}

bool oo_seen_redirect(const struct oo_exchange *exchange)
{
	return oo_seen_answered(exchange) && exchange->status >= 300 && exchange->status < 400 &&
	       exchange->location[0] != '\0';
}

const char *oo_seen_outcome(const struct oo_exchange *exchange, char text[static 64])
{
	if (oo_seen_true(exchange) || oo_seen_false(exchange)) {
		(void)snprintf(text, 64, "200 \"%s\"", oo_seen_true(exchange) ? "true" : "false");
	} else if (oo_seen_answered(exchange)) {
		(void)snprintf(text, 64, "%d", exchange->status);
	} else if (oo_seen_silent(exchange)) {
		(void)snprintf(text, 64, "silent");
	} else if (oo_seen_connect_timeout(exchange)) {
		(void)snprintf(text, 64, "no answer to the connection attempt");
	} else {
		(void)snprintf(text, 64, "%s", oo_check_reason_name(exchange->reason));
	}
	return text;
}

enum oo_exchange_name oo_seen_proxied_name(const struct oo_evidence *seen)
{
	const struct oo_exchange *plain = &seen->exchanges[OO_EXCHANGE_PROXY_HEALTH];
	const struct oo_exchange *tls = &seen->exchanges[OO_EXCHANGE_PROXY_TLS];
	bool is_plain_moot = !oo_seen_tried(plain) || oo_seen_redirect(plain);
	return is_plain_moot && oo_seen_tried(tls) ? OO_EXCHANGE_PROXY_TLS
						   : OO_EXCHANGE_PROXY_HEALTH;
}

const struct oo_exchange *oo_seen_proxied(const struct oo_evidence *seen)
{
	return &seen->exchanges[oo_seen_proxied_name(seen)];
}

int oo_seen_gateway_status(const struct oo_evidence *seen)
{
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	const struct oo_exchange *user = &seen->exchanges[OO_EXCHANGE_USER];
	bool is_bad = oo_seen_tried(proxied) && !oo_seen_true(proxied);
	return is_bad ? proxied->status : user->status >= 500 ? user->status : 0;
}

/* An error page that the Document Server itself gives us, too: the proxy got it from there. */
static bool is_passed_on(const struct oo_evidence *seen)
{
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	const struct oo_exchange *direct = &seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	return direct->status >= 500 && direct->status == proxied->status &&
	       oo_text_equal(direct->body, proxied->body);
}

bool oo_seen_gateway_error(const struct oo_evidence *seen)
{
	int status = oo_seen_gateway_status(seen);
	if (is_passed_on(seen)) {
		return false;
	}
	return status == 500 || (status >= 502 && status <= 504);
}

bool oo_seen_healthy(const struct oo_evidence *seen)
{
	return oo_seen_true(oo_seen_proxied(seen)) ||
	       oo_seen_true(&seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH]);
}

bool oo_seen_docservice_answers(const struct oo_evidence *seen)
{
	const struct oo_exchange *index = &seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
	const struct oo_exchange *health = &seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	const struct oo_exchange *tls = &seen->exchanges[OO_EXCHANGE_DIRECT_TLS];
	return (oo_seen_answered(index) && index->status == 200 &&
		strstr(index->body, "Server is functioning normally") != NULL) ||
	       oo_seen_true(health) || oo_seen_false(health) || oo_seen_true(tls) ||
	       oo_seen_false(tls);
}

bool oo_seen_is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || oo_text_equal(host, "::1") ||
	       oo_text_equal(host, "localhost") || oo_text_equal(host, "ip6-localhost");
}

static bool is_any(const char *host)
{
	return host[0] == '\0' || oo_text_equal(host, "0.0.0.0") || oo_text_equal(host, "::") ||
	       oo_text_equal(host, "*");
}

bool oo_seen_is_local(const struct oo_evidence *seen, const char *host)
{
	if (is_any(host) || oo_seen_is_loopback(host)) {
		return true;
	}
	for (size_t i = 0; i < seen->host.n_addresses; i++) {
		if (oo_text_equal(seen->host.addresses[i], host)) {
			return true;
		}
	}
	for (size_t i = 0; i < seen->n_listeners; i++) {
		if (oo_text_equal(seen->listeners[i].at.host, host)) {
			return true;
		}
	}
	for (size_t i = 0; i < seen->n_vips; i++) {
		if (seen->vips[i].is_here && oo_text_equal(seen->vips[i].address, host)) {
			return true;
		}
	}
	return false;
}

/* Whether a connection to host comes to that listener. A name may lead to either family. */
static bool covers(const struct oo_listener *listener, const char *host)
{
	bool is_six = strchr(listener->at.host, ':') != NULL;
	bool wants_six = strchr(host, ':') != NULL;
	bool is_name = strspn(host, "0123456789.") != strlen(host) && !wants_six;
	if (is_any(host) || oo_text_equal(listener->at.host, host)) {
		return true;
	}
	if (is_name) {
		return is_any(listener->at.host) || oo_seen_is_loopback(listener->at.host);
	}
	if (!is_any(listener->at.host)) {
		return false;
	}
	return is_six == wants_six || (is_six && !listener->v6only);
}

const struct oo_listener *oo_seen_listener(const struct oo_evidence *seen,
					   const struct oo_endpoint_text *at)
{
	for (size_t i = 0; i < seen->n_listeners; i++) {
		if (seen->listeners[i].at.port == at->port &&
		    covers(&seen->listeners[i], at->host)) {
			return &seen->listeners[i];
		}
	}
	return NULL;
}

const struct oo_listener *oo_seen_listener_on(const struct oo_evidence *seen, uint16_t port)
{
	for (size_t i = 0; i < seen->n_listeners; i++) {
		if (seen->listeners[i].at.port == port) {
			return &seen->listeners[i];
		}
	}
	return NULL;
}

const struct oo_listener *oo_seen_listener_of(const struct oo_evidence *seen,
					      enum oo_program program)
{
	int pid = seen->processes[program].pid;
	for (size_t i = 0; i < seen->n_listeners; i++) {
		if (pid != 0 && seen->listeners[i].pid == pid) {
			return &seen->listeners[i];
		}
	}
	return NULL;
}

bool oo_seen_nobody_on(const struct oo_evidence *seen, uint16_t port)
{
	return seen->listeners_look == OO_LOOK_SEEN && oo_seen_listener_on(seen, port) == NULL;
}

bool oo_seen_backlog_full(const struct oo_listener *listener)
{
	/* the kernel lets one more in than the backlog: sk_acceptq_is_full() */
	return listener != NULL && listener->backlog > 0 && listener->queued >= listener->backlog;
}

struct oo_endpoint_text oo_seen_docservice_at(const struct oo_evidence *seen)
{
	struct oo_endpoint_text at = seen->exchanges[OO_EXCHANGE_DIRECT_INDEX].peer;
	if (at.port == 0) {
		at = seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH].peer;
	}
	if (at.port == 0) {
		at = (struct oo_endpoint_text){.host = "127.0.0.1",
					       .port = seen->documentserver.port};
	}
	at.port = at.port != 0 ? at.port : DOCSERVICE_PORT;
	return at;
}

struct oo_endpoint_text oo_seen_proxy_at(const struct oo_evidence *seen)
{
	struct oo_endpoint_text at = oo_seen_proxied(seen)->peer;
	if (at.port == 0) {
		at = (struct oo_endpoint_text){.host = "127.0.0.1", .port = PROXY_PORT};
	}
	return at;
}

bool oo_seen_is_running(const struct oo_process *process)
{
	return process->look == OO_LOOK_SEEN && process->pid > 0;
}

bool oo_seen_is_gone(const struct oo_process *process)
{
	return process->look == OO_LOOK_ABSENT;
}

bool oo_seen_unit_crashes(const struct oo_process *process)
{
	static const char *const states[] = {"auto-restart", "failed", "BACKOFF", "FATAL",
					     "restarting"};
	for (size_t i = 0; i < OO_LENGTH(states); i++) {
		if (process->unit_look == OO_LOOK_SEEN &&
		    strstr(process->unit_state, states[i]) != NULL) {
			return true;
		}
	}
	return false;
}

const struct oo_proxy_pass *oo_seen_pass(const struct oo_evidence *seen)
{
	const struct oo_proxy_pass *best = NULL;
	for (size_t i = 0; i < seen->proxy.n_passes; i++) {
		const struct oo_proxy_pass *pass = &seen->proxy.passes[i];
		bool is_better = best == NULL || (best->n_peers == 0 && pass->n_peers > 0);
		if (pass->reaches_docservice && is_better) {
			best = pass;
		}
	}
	return best;
}

/* A line without a time is as old as can be. */
static bool is_newer(const struct oo_log_line *line, const struct oo_log_line *than)
{
	return than == NULL ||
	       (line->age_ms >= 0 && (than->age_ms < 0 || line->age_ms < than->age_ms));
}

static const struct oo_log_line *newest_line(const struct oo_evidence *seen,
					     enum oo_log_meaning meaning, bool since_start)
{
	const struct oo_log_line *newest = NULL;
	for (size_t i = 0; i < seen->n_lines; i++) {
		const struct oo_log_line *line = &seen->lines[i];
		if ((line->since_start || !since_start) && is_newer(line, newest) &&
		    oo_log_meaning(line->source, line->text) == meaning) {
			newest = line;
		}
	}
	return newest;
}

const struct oo_log_line *oo_seen_line(const struct oo_evidence *seen, enum oo_log_meaning meaning)
{
	return newest_line(seen, meaning, false);
}

const struct oo_log_line *oo_seen_line_since_start(const struct oo_evidence *seen,
						   enum oo_log_meaning meaning)
{
	return newest_line(seen, meaning, true);
}

static bool has_peer(const struct oo_proxy_pass *pass, const struct oo_endpoint_text *at)
{
	for (size_t i = 0; i < pass->n_peers; i++) {
		const struct oo_endpoint_text *peer = &pass->peers[i];
		bool is_same_host =
			oo_text_equal(peer->host, at->host) ||
			(oo_seen_is_loopback(peer->host) && oo_seen_is_loopback(at->host));
		if (is_same_host && peer->port == at->port) {
			return true;
		}
	}
	return false;
}

/* Of an auth_request, or of another site's upstream: it says nothing of the Document Server's. */
static bool is_of_others(const struct oo_evidence *seen, const struct oo_log_line *line)
{
	struct oo_endpoint_text at;
	bool is_others = false;
	if (strstr(line->text, "subrequest: \"") != NULL) {
		return true;
	}
	for (size_t i = 0; oo_log_upstream(line->text, &at) && i < seen->proxy.n_passes; i++) {
		const struct oo_proxy_pass *pass = &seen->proxy.passes[i];
		if (has_peer(pass, &at) && pass->reaches_docservice) {
			return false;
		}
		is_others = is_others || has_peer(pass, &at);
	}
	return is_others;
}

const struct oo_log_line *oo_seen_upstream_line(const struct oo_evidence *seen,
						enum oo_log_meaning *ret_meaning)
{
	const struct oo_log_line *newest = NULL;
	for (size_t i = 0; i < seen->n_lines; i++) {
		const struct oo_log_line *line = &seen->lines[i];
		enum oo_log_meaning meaning = oo_log_meaning(line->source, line->text);
		if (line->source == OO_LOG_SOURCE_PROXY && meaning != OO_LOG_MEANING_NONE &&
		    meaning <= OO_LOG_MEANING_UPSTREAM_LAST && is_newer(line, newest) &&
		    !is_of_others(seen, line)) {
			newest = line;
			*ret_meaning = meaning;
		}
	}
	return newest;
}

bool oo_seen_is_recent(const struct oo_log_line *line)
{
	return line->age_ms <= RECENT_MS; /* -1: not known */
}

bool oo_seen_came_up_since(const struct oo_evidence *seen, const struct oo_log_line *line)
{
	const struct oo_log_line *up = oo_seen_line(seen, OO_LOG_MEANING_LISTENING);
	return up != NULL && up->age_ms >= 0 && up->age_ms < line->age_ms;
}

bool oo_seen_lived_since(const struct oo_evidence *seen, const struct oo_log_line *line)
{
	for (size_t i = 0; i < seen->n_lines; i++) {
		const struct oo_log_line *other = &seen->lines[i];
		if (other->source == OO_LOG_SOURCE_DOCSERVICE && other->age_ms >= 0 &&
		    other->age_ms + DEATH_MS < line->age_ms) {
			return true;
		}
	}
	return oo_seen_came_up_since(seen, line);
}

const struct oo_evidence_lookup *oo_seen_lookup(const struct oo_evidence *seen, const char *name)
{
	for (size_t i = 0; i < seen->n_lookups; i++) {
		if (oo_text_equal(seen->lookups[i].name, name)) {
			return &seen->lookups[i];
		}
	}
	return NULL;
}
