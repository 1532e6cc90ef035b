#ifndef OO_SEEN_H
#define OO_SEEN_H
/* Questions to the evidence: facts, no causes. Private to the module. */
#include "diagnose/evidence.h"
#include "diagnose/log_meaning.h"

/* ---- exchanges ---- */

/* Whether it was made and has come to an end, or to the end of the time. */
bool oo_seen_tried(const struct oo_exchange *exchange);
/* An HTTP answer came. */
bool oo_seen_answered(const struct oo_exchange *exchange);
/* 200 and, white space aside, that body. */
bool oo_seen_body_is(const struct oo_exchange *exchange, const char *body);
bool oo_seen_true(const struct oo_exchange *exchange);
bool oo_seen_false(const struct oo_exchange *exchange);
bool oo_seen_refused(const struct oo_exchange *exchange);
bool oo_seen_unreachable(const struct oo_exchange *exchange);
bool oo_seen_connect_timeout(const struct oo_exchange *exchange);
/* Connected, then nothing, or nothing whole. */
bool oo_seen_silent(const struct oo_exchange *exchange);
/* Closed or reset before an answer. */
bool oo_seen_cut_off(const struct oo_exchange *exchange);
bool oo_seen_redirect(const struct oo_exchange *exchange);
/* "502", "refused", "silent": what came of it, for people. */
const char *oo_seen_outcome(const struct oo_exchange *exchange, char text[static 64]);

/* The health check through the proxy: plain, or over TLS where plain is only sent there. */
enum oo_exchange_name oo_seen_proxied_name(const struct oo_evidence *seen);
const struct oo_exchange *oo_seen_proxied(const struct oo_evidence *seen);
/* What a request of ours through the proxy, or the user's, got from it for an answer; 0: all well. */
int oo_seen_gateway_status(const struct oo_evidence *seen);
/*
 * It is one that nginx makes itself when what is behind it fails: 500, 502, 503, 504, and not what the
 * Document Server answers us, too.
 */
bool oo_seen_gateway_error(const struct oo_evidence *seen);
/* Somebody is told that all is well: through the proxy, or directly. */
bool oo_seen_healthy(const struct oo_evidence *seen);
/* The Document Server's own words came from where it should listen. */
bool oo_seen_docservice_answers(const struct oo_evidence *seen);

/* ---- sockets ---- */

bool oo_seen_is_loopback(const char *host);
/* Of this node, as far as listeners and VIPs tell. */
bool oo_seen_is_local(const struct oo_evidence *seen, const char *host);
/* Who listens at that address and port; NULL: nobody was seen to. */
const struct oo_listener *oo_seen_listener(const struct oo_evidence *seen,
					   const struct oo_endpoint_text *at);
/* Who listens on that port, at whatever address; NULL: nobody was seen to. */
const struct oo_listener *oo_seen_listener_on(const struct oo_evidence *seen, uint16_t port);
/* The first listener of that program's process; NULL: none was seen. */
const struct oo_listener *oo_seen_listener_of(const struct oo_evidence *seen,
					      enum oo_program program);
/* All listeners were looked at, and none is on that port. */
bool oo_seen_nobody_on(const struct oo_evidence *seen, uint16_t port);
bool oo_seen_backlog_full(const struct oo_listener *listener);
/* Where the Document Server should listen, and where the proxy does. */
struct oo_endpoint_text oo_seen_docservice_at(const struct oo_evidence *seen);
struct oo_endpoint_text oo_seen_proxy_at(const struct oo_evidence *seen);

/* ---- the rest ---- */

bool oo_seen_is_running(const struct oo_process *process);
bool oo_seen_is_gone(const struct oo_process *process);
/* Of the unit, the container or supervisord's program. */
bool oo_seen_unit_crashes(const struct oo_process *process);
/* What editors' requests take; NULL: none is known. */
const struct oo_proxy_pass *oo_seen_pass(const struct oo_evidence *seen);
/* The newest line of that meaning, of whatever log; NULL: none. */
const struct oo_log_line *oo_seen_line(const struct oo_evidence *seen, enum oo_log_meaning meaning);
/* The newest one since the program started. */
const struct oo_log_line *oo_seen_line_since_start(const struct oo_evidence *seen,
						   enum oo_log_meaning meaning);
/* The newest line of nginx's about an upstream, and what it means. NULL: none. */
const struct oo_log_line *oo_seen_upstream_line(const struct oo_evidence *seen,
						enum oo_log_meaning *ret_meaning);
/* Written within the last two minutes, or nobody knows when. */
bool oo_seen_is_recent(const struct oo_log_line *line);
/* The Document Server has come up after that line: it was not its last word. */
bool oo_seen_came_up_since(const struct oo_evidence *seen, const struct oo_log_line *line);
/* The Document Server has said anything well after that line, which told of its end. */
bool oo_seen_lived_since(const struct oo_evidence *seen, const struct oo_log_line *line);
const struct oo_evidence_lookup *oo_seen_lookup(const struct oo_evidence *seen, const char *name);

#endif
