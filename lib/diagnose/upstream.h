#ifndef OO_UPSTREAM_H
#define OO_UPSTREAM_H
/* What the rules between proxy and Document Server have in common. Private to the module. */
#include "diagnose/rule.h"

#define BEHIND_PROXY                                                                               \
	(OO_EXCHANGE_BIT(PROXY_HEALTH) | OO_EXCHANGE_BIT(PROXY_TLS) | OO_EXCHANGE_BIT(USER))

/* Says it with what both ways showed; from likely on it explains what fails behind the proxy. */
struct oo_finding *oo_upstream_say(struct oo_rules *rules, enum oo_fault cause,
				   enum oo_confidence confidence, const char *summary);
/* Where nginx's files say it; nothing if pass is NULL. */
void oo_upstream_ground_pass(struct oo_finding *finding, const struct oo_proxy_pass *pass);

#endif
