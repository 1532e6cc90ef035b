/*
 * What a doctor reads of others: etcd's metrics, its command line, its environment, agents' records
 * and claims. The first byte says which. Whatever they say, the report of it is JSON.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "doctor/doctor.h"
#include "doctor/render.h"
#include "examine/nodes.h"
#include "examine/pages.h"
#include "fuzz.h"

#define WORDS 16

static char *take_text(const struct fuzz_input *input)
{
	char *text = malloc(input->length + 1);
	FUZZ_CHECK(text != NULL);
	memcpy(text, input->data, input->length);
	text[input->length] = '\0';
	return text;
}

static void check_report(const struct oo_facts *facts)
{
	static struct oo_health_report report;
	OO_AUTO(oo_buffer_done) struct oo_buffer text, json;
	oo_buffer_init(&text, 1 << 20);
	oo_buffer_init(&json, 1 << 20);
	oo_doctor_judge(facts, &report);
	FUZZ_CHECK(report.n <= OO_DOCTOR_FINDINGS);
	FUZZ_CHECK(oo_doctor_render_text(facts, &report, &text) == 0);
	FUZZ_CHECK(oo_doctor_render_json(facts, &report, &json) == 0);
	json_object *object = json_tokener_parse(json.data);
	FUZZ_CHECK(json_object_is_type(object, json_type_object));
	json_object_put(object);
}

static void try_records(struct fuzz_input *input, struct oo_facts *facts)
{
	facts->nodes_look = OO_LOOK_SEEN;
	while (input->length > 0 && facts->n_nodes < 4) {
		char name[OO_FACTS_NAME], line[2048];
		struct oo_node_facts *node = &facts->nodes[facts->n_nodes];
		fuzz_take_line(input, name, sizeof(name));
		fuzz_take_line(input, line, sizeof(line));
		if (oo_nodes_read(name, line, node)) {
			FUZZ_CHECK(memchr(node->zone, '\0', sizeof(node->zone)) != NULL);
			FUZZ_CHECK(node->n_macs <= OO_FACTS_MACS && node->ttl_ms >= 0);
			facts->n_nodes++;
		}
	}
}

static void try_environment(char *text, size_t length, struct oo_etcd_endpoint_facts *endpoint)
{
	const char *words[WORDS];
	size_t n = oo_pages_parse_environment(text, length, "10.0.1.11:2379", words, WORDS);
	FUZZ_CHECK(n <= WORDS);
	for (size_t i = 1; i < n; i++) {
		FUZZ_CHECK(words[i] >= text && words[i] < text + length);
	}
	if (n > 0) {
		oo_pages_read_options(words, n, endpoint);
	}
}

static void try_options(char *text, struct oo_etcd_endpoint_facts *endpoint)
{
	const char *words[WORDS];
	size_t n = 0;
	for (char *word = strsep(&text, "\n"); word != NULL && n < WORDS;
	     word = strsep(&text, "\n")) {
		words[n++] = word;
	}
	oo_pages_read_options(words, n, endpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct oo_facts facts;
	struct fuzz_input input = {data, length};
	struct oo_etcd_endpoint_facts *endpoint = &facts.etcd.endpoints[0];
	memset(&facts, 0, sizeof(facts));
	facts.ttl_ms = 3000;
	facts.etcd.n_endpoints = facts.etcd.n_members = 1;
	facts.n_vips = 1;
	endpoint->look = OO_LOOK_SEEN;
	uint8_t kind = fuzz_take_byte(&input);
	OO_AUTO(oo_free) char *text = take_text(&input);
	switch (kind % 5) {
	case 0:
		oo_pages_read(text, endpoint);
		break;
	case 1:
		try_options(text, endpoint);
		break;
	case 2:
		try_environment(text, input.length, endpoint);
		break;
	case 3:
		oo_nodes_read_holder(text, facts.vips[0].holder);
		break;
	case 4:
		try_records(&input, &facts);
		break;
	}
	if (kind % 5 >= 3) { /* the rest is numbers */
		check_report(&facts);
	}
	return 0;
}
