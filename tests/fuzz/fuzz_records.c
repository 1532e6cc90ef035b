/*
 * The values that others wrote into etcd: claim, beat, member, pause. The first byte says which; a
 * member's key is the line before its value. What is understood, written and read again is the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "records.h"

static const char *const groups[] = {"office", "mail"};

static void check_terminated(const char *text, size_t size)
{
	FUZZ_CHECK(memchr(text, '\0', size) != NULL);
}

static void check_claim_text(const struct oo_claim *claim)
{
	struct oo_claim_text text;
	oo_record_read_claim_text(claim, &text);
	check_terminated(text.zone, sizeof(text.zone));
	check_terminated(text.acquired_at, sizeof(text.acquired_at));
	check_terminated(text.reason, sizeof(text.reason));
}

/* Writes what was read as we would, and reads that. */
static void check_rewritten(const struct oo_claim *claim)
{
	struct oo_request request = {.op = OO_REQUEST_CLAIM,
				     .kind = claim->kind,
				     .nonce = claim->nonce,
				     .ends = claim->ends,
				     .epoch = claim->epoch,
				     .ttl_ms = claim->ttl_ms};
	struct oo_claim again;
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	memcpy(request.node, claim->node, sizeof(request.node));
	const struct oo_claim_record record = {.node = "node-a",
					       .zone = "az-1",
					       .reason = "a \"reason\"\n",
					       .acquired_at = (int64_t)(claim->nonce >> 1),
					       .request = &request};
	oo_buffer_init(&buffer, OO_CORE_VALUE_LENGTH);
	FUZZ_CHECK(oo_record_write_claim(&record, &buffer) == 0);
	oo_record_read_claim(buffer.data, buffer.length, &again);
	FUZZ_CHECK(again.nonce == claim->nonce && again.ends == claim->ends);
	FUZZ_CHECK(again.epoch == claim->epoch && again.ttl_ms == claim->ttl_ms);
	FUZZ_CHECK(again.kind == claim->kind && oo_text_equal(again.node, claim->node));
	FUZZ_CHECK(memcmp(again.value, buffer.data, buffer.length) == 0);
	check_claim_text(&again);
}

static void try_claim(const struct fuzz_input *input)
{
	struct oo_claim claim;
	oo_record_read_claim((const char *)input->data, input->length, &claim);
	FUZZ_CHECK(claim.value_length == input->length || claim.value_length == 0);
	FUZZ_CHECK(memcmp(claim.value, input->data, claim.value_length) == 0);
	check_terminated(claim.node, sizeof(claim.node));
	check_claim_text(&claim);
	if (claim.nonce == 0) {
		FUZZ_CHECK(claim.ttl_ms == 0 && claim.epoch == 0 && claim.node[0] == '\0');
	} else {
		FUZZ_CHECK(claim.ttl_ms >= OO_RECORD_TTL_MIN_MS &&
			   claim.ttl_ms <= OO_RECORD_TTL_MAX_MS);
		check_rewritten(&claim);
	}
}

static void try_beat(struct fuzz_input *input)
{
	struct oo_beat beat;
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_record_read_beat((const char *)input->data, input->length, &beat);
	FUZZ_CHECK(beat.value_length == input->length || beat.value_length == 0);
	FUZZ_CHECK(memcmp(beat.value, input->data, beat.value_length) == 0);
	oo_buffer_init(&buffer, OO_CORE_BEAT_LENGTH);
	uint64_t nonce = fuzz_take_number(input);
	FUZZ_CHECK(oo_record_write_beat(nonce, fuzz_take_number(input), &buffer) == 0);
	oo_record_read_beat(buffer.data, buffer.length, &beat);
	FUZZ_CHECK(beat.value_length == buffer.length);
}

static char *take_text(const struct fuzz_input *input)
{
	char *text = malloc(input->length + 1);
	FUZZ_CHECK(text != NULL);
	memcpy(text, input->data, input->length);
	text[input->length] = '\0';
	return text;
}

static void try_member(struct fuzz_input *input)
{
	char node[128];
	struct oo_member member;
	struct oo_err err = {""};
	fuzz_take_line(input, node, sizeof(node));
	OO_AUTO(oo_free) char *value = take_text(input);
	memset(&member, 0x5a, sizeof(member));
	int r = oo_record_read_member(node, value, groups, OO_LENGTH(groups), &member, &err);
	if (r < 0) {
		FUZZ_CHECK(r == -EPROTO && strncmp(err.text, "members/", 8) == 0);
		fuzz_check_text(err.text, sizeof(err.text));
		return;
	}
	FUZZ_CHECK(oo_text_equal(member.node, node));
	FUZZ_CHECK(member.priority >= 0 && member.priority <= 1000);
	FUZZ_CHECK(member.groups >> OO_LENGTH(groups) == 0);
	check_terminated(member.zone, sizeof(member.zone));
	check_terminated(member.reason, sizeof(member.reason));
	check_terminated(member.agent_version, sizeof(member.agent_version));
	check_terminated(member.api, sizeof(member.api));
}

static void try_pause(const struct fuzz_input *input)
{
	struct oo_decree pause;
	OO_AUTO(oo_free) char *value = take_text(input);
	oo_record_read_decree(value, &pause);
	check_terminated(pause.by, sizeof(pause.by));
	check_terminated(pause.at, sizeof(pause.at));
	check_terminated(pause.reason, sizeof(pause.reason));
}

static void try_order(struct fuzz_input *input)
{
	struct oo_order order;
	struct oo_order_text text;
	int64_t lease = fuzz_take_byte(input);
	OO_AUTO(oo_free) char *value = take_text(input);
	oo_record_read_order(value, lease, &order, &text);
	FUZZ_CHECK(order.id == 0 ||
		   (order.id == (uint64_t)lease && order.valid_ms > 0 && order.from[0] != '\0'));
	check_terminated(order.from, sizeof(order.from));
	check_terminated(order.target, sizeof(order.target));
	check_terminated(text.by, sizeof(text.by));
	check_terminated(text.at, sizeof(text.at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct fuzz_input input = {data, length};
	switch (fuzz_take_byte(&input)) {
	case 'c':
		try_claim(&input);
		break;
	case 'b':
		try_beat(&input);
		break;
	case 'm':
		try_member(&input);
		break;
	case 'o':
		try_order(&input);
		break;
	case 'p':
		try_pause(&input);
		break;
	default:
		return -1;
	}
	return 0;
}
