/* Lack of memory while our records are written and read: never a record that says something else. */
#include <CUnit/Basic.h>
#include <dlfcn.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#include "../etcd/run.h"
#include "../support/faults.h"
#include "base/cleanup.h"
#include "records.h"

/* All that json-c can be trusted with to fail. */
struct json_tokener *json_tokener_new_ex(int depth)
{
	struct json_tokener *(*real)(int) = NULL;
	void *symbol = dlsym(RTLD_NEXT, "json_tokener_new_ex");
	memcpy(&real, &symbol, sizeof(real));
	return fault_refuses(FAULT_OTHER) ? NULL : real(depth);
}

static const struct oo_request request = {.op = OO_REQUEST_CLAIM,
					  .kind = OO_CLAIM_TAKEN,
					  .nonce = 0xaa,
					  .ends = 0xa9,
					  .epoch = 7,
					  .ttl_ms = 3000,
					  .node = "node-a"};

/* Long, so that the text is made in several pieces. */
static const char reason[] =
	"check proxy down: HTTP 502 from http://127.0.0.1/healthcheck, \"false\" "
	"instead of \"true\", for 6 s, while node-b is well and near";

static int write_claim(struct oo_buffer *buffer)
{
	const struct oo_claim_record record = {.node = "node-a",
					       .zone = "az-1",
					       .reason = reason,
					       .acquired_at = 1700000000123,
					       .request = &request};
	oo_buffer_init(buffer, OO_CORE_VALUE_LENGTH);
	return oo_record_write_claim(&record, buffer);
}

static int try_write_claim(void *user, struct oo_err *err)
{
	(void)err;
	const struct oo_buffer *whole = user;
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	fault_go();
	int r = write_claim(&buffer);
	fault_stop();
	if (r == 0) {
		CU_ASSERT_STRING_EQUAL(buffer.data, whole->data);
	} else {
		CU_ASSERT_EQUAL(r, -ENOMEM);
	}
	return r;
}

static void test_a_claim_is_written_whole_or_not_at_all(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer whole;
	CU_ASSERT_EQUAL_FATAL(write_claim(&whole), 0);
	struct fault_swept swept = fault_sweep_silent(FAULT_MEMORY, try_write_claim, &whole);
	CU_ASSERT(swept.failed >= 2);
	CU_ASSERT_EQUAL(swept.failed, swept.refused);
}

/* What cannot be read for lack of memory is a stranger's claim, and so waited for. */
static int try_read_claim(void *user, struct oo_err *err)
{
	(void)err;
	const struct oo_buffer *whole = user;
	struct oo_claim claim;
	struct oo_claim_text text;
	fault_go();
	oo_record_read_claim(whole->data, whole->length, &claim);
	fault_stop();
	CU_ASSERT_EQUAL(claim.value_length, whole->length);
	CU_ASSERT(claim.nonce == 0 || (claim.nonce == 0xaa && claim.ends == 0xa9 &&
				       claim.epoch == 7 && strcmp(claim.node, "node-a") == 0));
	fault_go();
	oo_record_read_claim_text(&claim, &text);
	fault_stop();
	CU_ASSERT(text.reason[0] == '\0' || strcmp(text.reason, reason) == 0);
	return claim.nonce == 0 || text.reason[0] == '\0' ? -ENOMEM : 0;
}

static void test_a_claim_is_read_as_it_is_or_as_a_strangers(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer whole;
	CU_ASSERT_EQUAL_FATAL(write_claim(&whole), 0);
	struct fault_swept swept =
		fault_sweep_silent(FAULT_MEMORY | FAULT_OTHER, try_read_claim, &whole);
	CU_ASSERT_EQUAL(swept.failed, 2);
}

static int try_read_member(void *user, struct oo_err *err)
{
	static const char value[] =
		"{\"node\":\"node-b\",\"zone\":\"az-2\",\"priority\":90,\"groups\":{\"office\":"
		"{\"eligible\":true}},\"eligible\":true,\"reason\":\"\",\"agent_version\":\"1\"}";
	static const char *const groups[] = {"office"};
	(void)user;
	struct oo_member member = {.priority = -7};
	fault_go();
	int r = oo_record_read_member("node-b", value, groups, 1, &member, err);
	fault_stop();
	CU_ASSERT_EQUAL(member.priority, r == 0 ? 90 : -7);
	CU_ASSERT_EQUAL(member.groups, r == 0 ? 1 : 0);
	return r;
}

static void test_a_member_is_read_whole_or_not_at_all(void)
{
	struct fault_swept swept = fault_sweep(FAULT_MEMORY | FAULT_OTHER, try_read_member, NULL);
	CU_ASSERT_EQUAL(swept.failed, 1);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_a_claim_is_written_whole_or_not_at_all),
		OO_TEST(test_a_claim_is_read_as_it_is_or_as_a_strangers),
		OO_TEST(test_a_member_is_read_whole_or_not_at_all),
	};
	return run_tests("records faults", tests, OO_LENGTH(tests));
}
