#ifndef NODE_H
#define NODE_H
/* A node as it is seen: a healthy package install, and what can become of it. */
#include <CUnit/CUnit.h>

#include "diagnose/diagnose.h"

/* Seen as root, nothing wrong; the same storage each time. */
struct oo_evidence *node_healthy(void);

void node_answers(struct oo_evidence *seen, enum oo_exchange_name name, int status,
		  const char *body);
void node_fails(struct oo_evidence *seen, enum oo_exchange_name name, enum oo_check_reason reason);
/* All that goes through the proxy to the Document Server ends so. */
void node_proxied(struct oo_evidence *seen, int status);
void node_proxied_fails(struct oo_evidence *seen, enum oo_check_reason reason);
/* All that goes to the Document Server directly. */
void node_direct_fails(struct oo_evidence *seen, enum oo_check_reason reason);
/* Both health checks say false; or are silent while index.html answers. */
void node_false(struct oo_evidence *seen);
void node_health_silent(struct oo_evidence *seen);

struct oo_log_line *node_logs(struct oo_evidence *seen, enum oo_log_source source,
			      const char *text);
/* nginx's line of a failed request, with the upstream it was for. */
void node_proxy_logs(struct oo_evidence *seen, const char *what, const char *upstream);
struct oo_listener *node_listener(struct oo_evidence *seen, uint16_t port);
void node_unlisten(struct oo_evidence *seen, uint16_t port);
void node_gone(struct oo_evidence *seen, enum oo_program program, const char *unit_state);
/* Not there: 502, refused. */
void node_docservice_gone(struct oo_evidence *seen, const char *unit_state);
/* Alive, and never listening: 502, refused. */
void node_docservice_mute(struct oo_evidence *seen, int64_t age_ms);
void node_result(struct oo_check_result *result, enum oo_check_reason reason, const char *seen);
struct oo_vip_evidence *node_vip(struct oo_evidence *seen);

/* The verdict's first finding is that; OO_FAULT_NONE: there is no finding at all. */
void node_first(const struct oo_evidence *seen, enum oo_fault cause, enum oo_confidence confidence);
const struct oo_finding *node_find(const struct oo_evidence *seen, enum oo_fault cause);
const struct oo_verdict *node_verdict(const struct oo_evidence *seen);

/* A story: what happens to a healthy node, and which finding comes first then. */
#define STORY(name, cause, confidence)                                                             \
	static void name##_happens(struct oo_evidence *seen);                                      \
	static void name(void)                                                                     \
	{                                                                                          \
		struct oo_evidence *seen = node_healthy();                                         \
		name##_happens(seen);                                                              \
		node_first(seen, OO_FAULT_##cause, OO_CONFIDENCE_##confidence);                    \
	}                                                                                          \
	static void name##_happens(struct oo_evidence *seen)

#define TOLD(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

extern CU_TestInfo tests_of_rules[], tests_of_start[], tests_of_documentserver[],
	tests_of_dependency[], tests_of_upstream[], tests_of_proxy[], tests_of_request[],
	tests_of_left[], tests_of_log[], tests_of_render[];

#endif
