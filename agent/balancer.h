#ifndef OO_AGENT_BALANCER_H
#define OO_AGENT_BALANCER_H
/*
 * What load balancers ask (docs/api.md): yes is 200, no is 503, the body says why. The agent is the
 * routes' user; each but live knows the parameter "group", and means all groups without it.
 */
#include "api/api.h"

/* This node holds it, and its addresses are up. */
void agent_balancer_answer_leader(void *user, const struct oo_api_request *request,
				  struct oo_api_answer *answer);
/* It could take over now: fit, not the holder, and etcd answers. */
void agent_balancer_answer_standby(void *user, const struct oo_api_request *request,
				   struct oo_api_answer *answer);
/* The node is fit to hold it. */
void agent_balancer_answer_health(void *user, const struct oo_api_request *request,
				  struct oo_api_answer *answer);
/* The agent can do its work: etcd answers, and the checks have been heard. */
void agent_balancer_answer_ready(void *user, const struct oo_api_request *request,
				 struct oo_api_answer *answer);
/* The loop turns; never no. */
void agent_balancer_answer_live(void *user, const struct oo_api_request *request,
				struct oo_api_answer *answer);

#endif
