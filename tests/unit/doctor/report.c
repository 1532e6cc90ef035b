/* The report as a whole: its order, its limits, its text and its JSON. */
#include <errno.h>
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
	for (char *at = strstr(text.data, "\n        "); at != NULL;
	     at = strstr(at, "\n        ")) {
		memmove(at + 1, at + 9, strlen(at + 9) + 1);
		*at = ' '; /* the sentence as it was */
	}
	is_said = is_said || strstr(text.data, words) != NULL;
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

static void test_text_of_a_finding_is_whole(void)
{
	struct oo_facts *facts = node_well();
	struct oo_buffer text;
	SET(facts->etcd.username, "ooha");
	facts->etcd.write_look = OO_LOOK_DENIED;
	SET(facts->etcd.access_error, "etcdserver: permission denied");
	SET(facts->host.unit_state, "masked");
	facts->took_ms = 321;
	facts->host.unit_look = OO_LOOK_SEEN;
	facts->documentserver.proxy_look = OO_LOOK_ABSENT;
	render(&text, facts, false);
	CU_ASSERT_STRING_EQUAL(
		text.data,
		"1. critical: etcd user ooha may not write the keys under /ooha/office/\n"
		"   etcd-rights\n"
		"   why: the agent reads and writes all keys of its prefix; without that it can\n"
		"        hold nothing\n"
		"   do:  as etcd's root:\n"
		"        etcdctl role add ooha\n"
		"        etcdctl role grant-permission ooha readwrite /ooha/office/ --prefix\n"
		"        etcdctl user grant-role ooha ooha\n"
		"\n"
		"2. warning: ooha.service is masked\n"
		"   unit-not-enabled\n"
		"   why: after a reboot nobody starts the agent here\n"
		"   do:  systemctl unmask ooha && systemctl enable ooha\n"
		"\n"
		"not seen:\n"
		"  nginx's configuration: not here\n"
		"(321 ms)\n");
	oo_buffer_done(&text);
}

static void test_no_sentence_is_wider_than_a_terminal(void)
{
	for (enum oo_ailment one = 0; one < OO_AILMENT_END; one++) {
		struct oo_health_report report = {.n = 1};
		struct oo_buffer text;
		report.items[0].ailment = one;
		oo_buffer_init(&text, 1 << 16);
		CU_ASSERT_EQUAL_FATAL(oo_doctor_render_text(node_well(), &report, &text), 0);
		for (const char *line = text.data; *line != '\0';) {
			size_t length = strcspn(line, "\n");
			CU_ASSERT_TRUE(length <= 80);
			line += length + 1;
		}
		oo_buffer_done(&text);
	}
}

static void test_long_word_is_not_broken(void)
{
	struct oo_facts *facts = node_well();
	facts->config.n = 1;
	memset(facts->config.items[0].error, 'x', 120);
	strcpy(facts->config.items[0].error + 120, " end of it");
	CU_ASSERT_TRUE(says(facts, "1. critical: xxxx"));
	CU_ASSERT_TRUE(says(facts, "xxxx\n        end of it\n"));
}

static void test_report_beyond_its_room_is_an_error(void)
{
	struct oo_facts *facts = node_well();
	facts->host.is_synchronised = false;
	for (int json = 0; json < 2; json++) {
		struct oo_buffer whole, cut;
		render(&whole, facts, json != 0);
		for (size_t room = 0; room < whole.length; room++) {
			oo_buffer_init(&cut, room);
			int r = json != 0 ? oo_doctor_render_json(facts, node_report(facts), &cut)
					  : oo_doctor_render_text(facts, node_report(facts), &cut);
			CU_ASSERT_EQUAL(r, -EMSGSIZE);
			oo_buffer_done(&cut);
		}
		oo_buffer_done(&whole);
	}
}

static void test_what_there_is_not_to_look_at_is_not_listed(void)
{
	struct oo_facts *facts = node_well();
	CU_ASSERT_TRUE(says(facts, "  zones of etcd's members\n"));
	CU_ASSERT_TRUE(says(facts, "  ttl, groups, checks and MTU of the nodes\n"));
	CU_ASSERT_TRUE(says(facts, "  its JWT secret\n"));
	CU_ASSERT_FALSE(says(facts, "  hooks\n"));
	CU_ASSERT_FALSE(says(facts, "  modes of files with secrets\n"));
	facts->host.n_hooks = facts->host.n_secrets = 1;
	CU_ASSERT_TRUE(says(facts, "  hooks\n"));
	CU_ASSERT_TRUE(says(facts, "  modes of files with secrets\n"));
	facts->n_nodes = 0;
	facts->documentserver.look = OO_LOOK_ABSENT;
	CU_ASSERT_FALSE(says(facts, "  ttl, groups, checks and MTU of the nodes"));
	CU_ASSERT_FALSE(says(facts, "  its JWT secret"));
}

static void test_what_is_only_known_in_part_is_not_seen(void)
{
	struct oo_facts *facts = node_well();
	facts->nodes[1].zone[0] = facts->nodes[2].zone[0] = '\0';
	facts->nodes[1].secret[0] = '\0';
	facts->nodes[2].has_digest = false;
	facts->host.unit_look = OO_LOOK_LATE;
	CU_ASSERT_TRUE(says(facts, "  zones of etcd's members: known only of members on"));
	CU_ASSERT_TRUE(says(facts, "  JWT secrets of the nodes: not every agent may read its own"));
	CU_ASSERT_TRUE(
		says(facts, "  ttl, groups, checks and MTU of the nodes: an agent is too old"));
	CU_ASSERT_TRUE(says(facts, "  the agent's unit: systemctl does not answer"));
}

static void test_words_tell_apart_what_a_person_does_differently(void)
{
	struct oo_facts *facts = node_well();
	facts->etcd.endpoints[0].reach = OO_REACH_REJECTED;
	SET(facts->etcd.endpoints[0].error, "No route to host");
	CU_ASSERT_TRUE(says(facts, "rejected on the way, or no route: No route to host"));
	CU_ASSERT_TRUE(says(facts, "ip route get 10.0.1.11"));
	facts = node_well();
	facts->etcd.endpoints[0].reach = OO_REACH_REFUSED;
	CU_ASSERT_TRUE(says(facts, "http://10.0.1.11:2379: refused: "));
	facts = node_well();
	facts->vips[0].answer_look = OO_LOOK_SEEN;
	SET(facts->vips[0].answer_mac, "02:00:00:00:00:99");
	CU_ASSERT_TRUE(says(facts, "answers for 10.0.0.100 on eth0, and no node holds it\n"));
	SET(facts->vips[0].holder, "node-b");
	CU_ASSERT_TRUE(says(facts, "on eth0, and node-b holds it, which has another MAC\n"));
	facts = node_well();
	facts->etcd.revision = 5000000;
	CU_ASSERT_TRUE(says(facts, "it is at 5000000 and was compacted up to 890000\n"));
	facts->etcd.compact_revision = 0;
	CU_ASSERT_TRUE(says(facts, "it is at 5000000 and was never compacted\n"));
	facts = node_well();
	facts->nodes[0].mtu = 9000;
	CU_ASSERT_TRUE(says(facts, "mtu 9000, and so in"));
	facts->nodes[0].mtu = 1400;
	CU_ASSERT_TRUE(says(facts, "mtu 1500, and so in"));
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

static void test_characters_of_any_length_stay(void)
{
	static const char names[] =
		"a \xc2\x80 \xdf\xbf \xe4\xbd\xa0 \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf";
	static const struct {
		const char *from, *to;
	} rows[] = {
		{names, names},
		{"\x80 b", "\xef\xbf\xbd b"},
		{"\xc1\x81 b", "\xef\xbf\xbd\xef\xbf\xbd b"},
		{"\xe4\xbd", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_facts *facts = node_well();
		struct oo_buffer text;
		facts->config.n = 1;
		SET(facts->config.items[0].error, rows[i].from);
		render(&text, facts, true);
		json_object *whole = json_tokener_parse(text.data);
		json_object *first =
			json_object_array_get_idx(json_object_object_get(whole, "findings"), 0);
		CU_ASSERT_STRING_EQUAL(text_of(first, "what"), rows[i].to);
		json_object_put(whole);
		oo_buffer_done(&text);
	}
}

CU_TestInfo tests_of_report[] = {
	TOLD(test_every_ailment_has_a_name_of_its_own_and_a_reason),
	TOLD(test_well_node_says_so_and_what_was_looked_at),
	TOLD(test_text_of_a_finding_is_whole),
	TOLD(test_no_sentence_is_wider_than_a_terminal),
	TOLD(test_long_word_is_not_broken),
	TOLD(test_report_beyond_its_room_is_an_error),
	TOLD(test_what_there_is_not_to_look_at_is_not_listed),
	TOLD(test_what_is_only_known_in_part_is_not_seen),
	TOLD(test_words_tell_apart_what_a_person_does_differently),
	TOLD(test_characters_of_any_length_stay),
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
