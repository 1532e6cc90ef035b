/* The addresses that users come to, and their requests. */
#include <string.h>

#include "base/text.h"
#include "node.h"

STORY(test_address_that_nobody_has, VIP_NOWHERE, CERTAIN)
{
	struct oo_vip_evidence *vip = node_vip(seen);
	vip->is_here = false;
	vip->holder[0] = '\0';
	node_fails(seen, OO_EXCHANGE_VIP, OO_CHECK_REASON_UNREACHABLE);
}

STORY(test_address_on_another_node_is_fine, NONE, NONE)
{
	struct oo_vip_evidence *vip = node_vip(seen);
	vip->is_here = false;
	vip->answer_look = OO_LOOK_SEEN;
	oo_text_clip(seen->agent.role, OO_EVIDENCE_NAME, "standby");
}

STORY(test_address_that_no_sick_node_takes_is_a_consequence, DOCSERVICE_STOPPED, CERTAIN)
{
	node_vip(seen)->is_here = false;
	node_docservice_gone(seen, "inactive/dead");
}

STORY(test_address_that_is_fenced, VIP_FENCED, CERTAIN)
{
	node_vip(seen)->is_fenced = true;
	node_fails(seen, OO_EXCHANGE_VIP, OO_CHECK_REASON_CONNECT_TIMEOUT);
}

STORY(test_address_on_two_hosts, VIP_DUPLICATE, CERTAIN)
{
	struct oo_vip_evidence *vip = node_vip(seen);
	vip->answer_look = OO_LOOK_SEEN;
	vip->answered_by_other = true;
	oo_text_clip(vip->answer_mac, sizeof(vip->answer_mac), "02:00:00:00:00:07");
}

STORY(test_address_that_the_agent_did_not_bring, VIP_NOT_ANNOUNCED, LIKELY)
{
	(void)node_vip(seen);
	oo_text_clip(seen->agent.role, OO_EVIDENCE_NAME, "standby");
}

STORY(test_address_that_is_not_answered_for, VIP_NOT_ANNOUNCED, CERTAIN)
{
	node_vip(seen)->is_silenced = true;
}

STORY(test_fence_of_an_address_that_another_has_is_as_it_should, VIP_FENCED, CERTAIN)
{
	struct oo_vip_evidence *vip = node_vip(seen);
	vip->is_fenced = true;
	vip->answer_look = OO_LOOK_SEEN;
	vip->answered_by_other = true;
}

STORY(test_address_that_is_just_being_taken_is_fine, NONE, NONE)
{
	(void)node_vip(seen);
	oo_text_clip(seen->agent.role, OO_EVIDENCE_NAME, "acquiring");
}

STORY(test_interface_that_is_down, VIP_INTERFACE_DOWN, CERTAIN)
{
	struct oo_vip_evidence *vip = node_vip(seen);
	vip->interface_up = false;
	vip->is_here = false;
}

STORY(test_address_that_nobody_listens_on, VIP_NOT_LISTENED_ON, CERTAIN)
{
	node_vip(seen)->is_listened_on = false;
	oo_text_clip(node_listener(seen, 80)->at.host, OO_NAME_LENGTH, "127.0.0.1");
	node_fails(seen, OO_EXCHANGE_VIP, OO_CHECK_REASON_REFUSED);
}

STORY(test_address_behind_a_firewall, PROXY_FIREWALL_DROP, CERTAIN)
{
	(void)node_vip(seen);
	node_fails(seen, OO_EXCHANGE_VIP, OO_CHECK_REASON_CONNECT_TIMEOUT);
}

STORY(test_agent_that_is_gone, AGENT_DOWN, CERTAIN)
{
	(void)node_vip(seen);
	seen->agent = (struct oo_agent_evidence){.look = OO_LOOK_ABSENT};
}

STORY(test_agent_that_we_may_not_ask_is_not_down, NONE, NONE)
{
	(void)node_vip(seen);
	seen->agent = (struct oo_agent_evidence){.look = OO_LOOK_DENIED};
}

STORY(test_agent_without_etcd, ETCD_UNREACHABLE, CERTAIN)
{
	(void)node_vip(seen);
	seen->agent.etcd_reachable = false;
}

STORY(test_agent_that_is_gone_is_why_nobody_has_the_address, AGENT_DOWN, CERTAIN)
{
	node_vip(seen)->is_here = false;
	seen->vips[0].holder[0] = '\0';
	seen->agent = (struct oo_agent_evidence){.look = OO_LOOK_ABSENT};
}

STORY(test_etcd_that_is_gone_is_why_nobody_has_the_address, ETCD_UNREACHABLE, CERTAIN)
{
	node_vip(seen)->is_here = false;
	seen->vips[0].holder[0] = '\0';
	seen->agent.etcd_reachable = false;
}

STORY(test_welcome_page_that_is_not_installed_is_nothing, NONE, NONE)
{
	node_answers(seen, OO_EXCHANGE_USER, 404, "");
	oo_text_clip(seen->exchanges[OO_EXCHANGE_USER].location, OO_EVIDENCE_TEXT,
		     "https://office.example/welcome/");
}

STORY(test_login_for_all_is_not_a_websocket, URL_UNAUTHORIZED, CERTAIN)
{
	node_proxied(seen, 401);
}

STORY(test_login_before_the_proxy, URL_UNAUTHORIZED, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_USER, 401, "");
}

STORY(test_path_that_is_not_for_everybody, URL_FORBIDDEN, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_USER, 403, "");
}

STORY(test_path_that_is_not_there, URL_NOT_FOUND, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_USER, 404, "");
}

STORY(test_link_whose_time_is_over, LINK_EXPIRED, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_USER, 410, "");
}

STORY(test_upload_that_was_too_large_for_somebody, BODY_TOO_LARGE, CERTAIN)
{
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[error] 7#7: *3 client intended to send too large body: 209715200 bytes");
}

STORY(test_user_whose_name_is_unknown, USER_NAME_NOT_RESOLVED, CERTAIN)
{
	node_fails(seen, OO_EXCHANGE_USER, OO_CHECK_REASON_NAME_NOT_RESOLVED);
}

STORY(test_user_whose_name_leads_elsewhere, NAME_POINTS_ELSEWHERE, LIKELY)
{
	(void)node_vip(seen);
	node_answers(seen, OO_EXCHANGE_USER, 502, "");
	oo_text_clip(seen->exchanges[OO_EXCHANGE_USER].peer.host, OO_NAME_LENGTH, "203.0.113.9");
}

STORY(test_redirect_that_never_ends, REDIRECT_LOOP, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_USER, 301, "");
	seen->exchanges[OO_EXCHANGE_USER].loops = true;
}

STORY(test_redirect_to_tls_that_this_proxy_does_not_have, REDIRECT_LOOP, LIKELY)
{
	node_proxied(seen, 301);
	oo_text_clip(seen->exchanges[OO_EXCHANGE_PROXY_HEALTH].location, OO_EVIDENCE_TEXT,
		     "https://127.0.0.1/healthcheck");
}

STORY(test_redirect_to_tls_that_answers_is_fine, NONE, NONE)
{
	node_answers(seen, OO_EXCHANGE_PROXY_HEALTH, 301, "");
	oo_text_clip(seen->exchanges[OO_EXCHANGE_PROXY_HEALTH].location, OO_EVIDENCE_TEXT,
		     "https://127.0.0.1/healthcheck");
	seen->proxy.has_tls_listen = true;
	node_answers(seen, OO_EXCHANGE_PROXY_TLS, 200, "true");
}

STORY(test_files_of_the_editors_that_are_gone, FONTS_OR_FILES_MISSING, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_PROXY_STATIC, 404, "");
}

CU_TestInfo tests_of_request[] = {
	TOLD(test_address_that_nobody_has),
	TOLD(test_address_on_another_node_is_fine),
	TOLD(test_address_that_no_sick_node_takes_is_a_consequence),
	TOLD(test_address_that_is_fenced),
	TOLD(test_address_on_two_hosts),
	TOLD(test_address_that_the_agent_did_not_bring),
	TOLD(test_address_that_is_not_answered_for),
	TOLD(test_fence_of_an_address_that_another_has_is_as_it_should),
	TOLD(test_address_that_is_just_being_taken_is_fine),
	TOLD(test_interface_that_is_down),
	TOLD(test_address_that_nobody_listens_on),
	TOLD(test_address_behind_a_firewall),
	TOLD(test_agent_that_is_gone),
	TOLD(test_agent_that_we_may_not_ask_is_not_down),
	TOLD(test_agent_without_etcd),
	TOLD(test_agent_that_is_gone_is_why_nobody_has_the_address),
	TOLD(test_etcd_that_is_gone_is_why_nobody_has_the_address),
	TOLD(test_welcome_page_that_is_not_installed_is_nothing),
	TOLD(test_login_for_all_is_not_a_websocket),
	TOLD(test_login_before_the_proxy),
	TOLD(test_path_that_is_not_for_everybody),
	TOLD(test_path_that_is_not_there),
	TOLD(test_link_whose_time_is_over),
	TOLD(test_upload_that_was_too_large_for_somebody),
	TOLD(test_user_whose_name_is_unknown),
	TOLD(test_user_whose_name_leads_elsewhere),
	TOLD(test_redirect_that_never_ends),
	TOLD(test_redirect_to_tls_that_this_proxy_does_not_have),
	TOLD(test_redirect_to_tls_that_answers_is_fine),
	TOLD(test_files_of_the_editors_that_are_gone),
	CU_TEST_INFO_NULL,
};
