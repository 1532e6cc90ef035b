/* The report as a whole: its order, its limits, its text and its JSON. */
#include <json-c/json.h>

#include "doctor/render.h"
#include "node.h"

static void render(struct oo_buffer *buffer, const struct oo_facts *facts, bool json)
{
	oo_buffer_init(buffer, 1 << 20);
	int r = json ? oo_doctor_render_json(facts, node_report(facts), buffer)
		     : oo_doctor_render_text(facts, node_report(facts), buffer);
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

static bool says(const struct oo_facts *facts, const char *words)
{
	struct oo_buffer text;
	render(&text, facts, false);
	bool is_said = strstr(text.data, words) != NULL;
	oo_buffer_done(&text);
	return is_said;
}

static void test_every_ailment_has_a_name_of_its_own_and_a_reason(void)
{
	for (enum oo_ailment one = 0; one < OO_AILMENT_END; one++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(oo_ailment_name(one));
		CU_ASSERT_PTR_NOT_NULL_FATAL(oo_ailment_why(one));
		for (enum oo_ailment other = 0; other < one; other++) {
			CU_ASSERT_STRING_NOT_EQUAL(oo_ailment_name(one), oo_ailment_name(other));
		}
	}
}

static void test_well_node_says_so_and_what_was_looked_at(void)
{
	struct oo_facts *facts = node_well();
	CU_ASSERT_TRUE(says(facts, "nothing wrong found\n\nlooked at:\n  the configuration\n"));
	CU_ASSERT_FALSE(says(facts, "not seen:"));
}

static void test_notes_alone_are_nothing_wrong(void)
{
	struct oo_facts *facts = node_well();
	facts->host.is_synchronised = false;
	CU_ASSERT_TRUE(says(facts, "1. note: this clock is not synchronised\n"));
	CU_ASSERT_TRUE(says(facts, "nothing wrong found"));
	facts->host.unit_preserve[0] = '\0';
	SET(facts->host.unit_state, "disabled");
	CU_ASSERT_FALSE(says(facts, "nothing wrong found"));
}

static void test_worst_comes_first_and_equals_stay_in_order(void)
{
	struct oo_facts *facts = node_well();
	facts->host.is_synchronised = false;           /* note */
	SET(facts->host.unit_state, "disabled");       /* warning */
	facts->vips[0].network_manager_manages = true; /* warning, later */
	SET(facts->nodes[1].secret, "ffff");           /* critical, last */
	const struct oo_health_report *report = node_report(facts);
	static const enum oo_ailment order[] = {
		OO_AILMENT_JWT_SECRETS_DIFFER, OO_AILMENT_UNIT_NOT_ENABLED,
		OO_AILMENT_NETWORK_MANAGER_IN_CHARGE, OO_AILMENT_CLOCK_UNSYNCHRONISED};
	CU_ASSERT_EQUAL_FATAL(report->n, OO_LENGTH(order));
	for (size_t i = 0; i < report->n; i++) {
		CU_ASSERT_EQUAL(report->items[i].ailment, order[i]);
	}
}

static void test_what_has_no_place_is_counted(void)
{
	struct oo_facts *facts = node_well();
	for (size_t i = 0; i < OO_FACTS_VIPS; i++) {
		facts->vips[i] = facts->vips[0];
		snprintf(facts->vips[i].interface, sizeof(facts->vips[i].interface), "eth%zu", i);
		SET(facts->vips[i].default_interface, facts->vips[i].interface);
		facts->vips[i].has_carrier = false;
		facts->vips[i].network_manager_manages = true;
	}
	facts->n_vips = OO_FACTS_VIPS;
	const struct oo_health_report *report = node_report(facts);
	CU_ASSERT_EQUAL(report->n, OO_DOCTOR_FINDINGS);
	CU_ASSERT_EQUAL(report->n_left_out, 2 * OO_FACTS_VIPS - OO_DOCTOR_FINDINGS);
	CU_ASSERT_TRUE(says(facts, "and 64 more\n"));
}

static void test_wrong_configuration_is_all_that_is_judged(void)
{
	struct oo_facts *facts = node_well();
	struct oo_file_list config = {.n = 1};
	SET(config.items[0].error, "ooha.yaml:3: colour: unknown key");
	memset(facts, 0, sizeof(*facts));
	facts->config = config;
	node_is_ill(facts, OO_AILMENT_CONFIGURATION_WRONG, OO_SEVERITY_CRITICAL);
	CU_ASSERT_TRUE(says(facts, "all else: takes a configuration that is right"));
}

static void test_open_password_file_is_named_as_such(void)
{
	struct oo_facts *facts = node_well();
	struct oo_file_list config = {.n = 1};
	SET(config.items[0].error,
	    "ooha.yaml:6: etcd.password_file: 'x': holds a secret and is open "
	    "to everybody (mode 0644); chmod o-rwx");
	memset(facts, 0, sizeof(*facts));
	facts->config = config;
	node_is_ill(facts, OO_AILMENT_SECRET_READABLE, OO_SEVERITY_CRITICAL);
}

static void test_what_takes_root_is_said(void)
{
	struct oo_facts *facts = node_well();
	facts->is_root = false;
	facts->host.addresses_look = facts->host.packets_look = OO_LOOK_DENIED;
	facts->host.nf_tables_look = OO_LOOK_DENIED;
	facts->vips[0].answer_look = OO_LOOK_DENIED;
	CU_ASSERT_TRUE(says(facts, "not seen:\n  who answers for the VIPs: takes root\n"));
	CU_ASSERT_TRUE(says(facts, "  nf_tables: takes root\n"));
}

static void test_what_was_not_to_be_asked_is_said(void)
{
	struct oo_facts *facts = node_well();
	memset(&facts->etcd, 0, sizeof(facts->etcd));
	facts->n_nodes = 0;
	facts->is_local = true;
	CU_ASSERT_TRUE(says(facts, "not seen:\n  etcd and the other nodes: --local\n"));
}

static const char *text_of(json_object *object, const char *name)
{
	return json_object_get_string(json_object_object_get(object, name));
}

static void test_json_has_the_same(void)
{
	struct oo_facts *facts = node_well();
	struct oo_buffer text;
	SET(facts->nodes[1].secret, "ffff");
	SET(facts->nodes[1].name, "node \"b\"\n\xff");
	facts->host.unit_look = OO_LOOK_ABSENT;
	render(&text, facts, true);
	json_object *whole = json_tokener_parse(text.data);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	CU_ASSERT_STRING_EQUAL(text_of(whole, "verdict"), "critical");
	json_object *first =
		json_object_array_get_idx(json_object_object_get(whole, "findings"), 0);
	CU_ASSERT_STRING_EQUAL(text_of(first, "severity"), "critical");
	CU_ASSERT_STRING_EQUAL(text_of(first, "id"), "jwt-secrets-differ");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(first, "what"), "node \"b\"\n\xef\xbf\xbd"));
	CU_ASSERT_TRUE(text_of(first, "why")[0] != '\0' && text_of(first, "fix")[0] != '\0');
	json_object *unseen =
		json_object_array_get_idx(json_object_object_get(whole, "not_seen"), 0);
	CU_ASSERT_STRING_EQUAL(text_of(unseen, "what"), "the agent's unit");
	json_object_put(whole);
	oo_buffer_done(&text);
}

CU_TestInfo tests_of_report[] = {
	TOLD(test_every_ailment_has_a_name_of_its_own_and_a_reason),
	TOLD(test_well_node_says_so_and_what_was_looked_at),
	TOLD(test_notes_alone_are_nothing_wrong),
	TOLD(test_worst_comes_first_and_equals_stay_in_order),
	TOLD(test_what_has_no_place_is_counted),
	TOLD(test_wrong_configuration_is_all_that_is_judged),
	TOLD(test_open_password_file_is_named_as_such),
	TOLD(test_what_takes_root_is_said),
	TOLD(test_what_was_not_to_be_asked_is_said),
	TOLD(test_json_has_the_same),
	CU_TEST_INFO_NULL,
};
