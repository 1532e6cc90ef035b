#ifndef OO_AGENT_CONTROL_H
#define OO_AGENT_CONTROL_H
/* What operators may ask for over the API (docs/api.md): checked here, refused with what would be right. */
#include "agent.h"
#include "api/api.h"

typedef void agent_answer_fn(void *user, const struct oo_api_request *request,
			     struct oo_api_answer *answer);

/* /v1/switchover: POST, GET ?id=, DELETE ?id= */
agent_answer_fn agent_control_switch_over;
agent_answer_fn agent_control_look;
agent_answer_fn agent_control_withdraw;
/* /v1/pause: POST, DELETE */
agent_answer_fn agent_control_pause;
agent_answer_fn agent_control_resume;
/* /v1/drain: POST, DELETE ?node= */
agent_answer_fn agent_control_drain;
agent_answer_fn agent_control_undrain;
/* /v1/change: GET ?id=, what has become of a pause or a drain */
agent_answer_fn agent_control_change;

#endif
