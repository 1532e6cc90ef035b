/* The tenure file, with everything refused that can be: the old one or the new one is there, whole. */
#include <CUnit/Basic.h>
#include <dlfcn.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../etcd/run.h"
#include "../support/faults.h"
#include "base/cleanup.h"
#include "records.h"
#include "tenure.h"

#define TEXT_LENGTH 4096
#define FILE_NAME "tenure.json"

static char directory[] = "/tmp/ooha-tenure-XXXXXX";
static struct oo_config_group groups[] = {{.name = "office"}, {.name = "mail"}};
static struct oo_config config = {.cluster = "c",
				  .node = {.name = "node-a"},
				  .groups = groups,
				  .n_groups = OO_LENGTH(groups),
				  .runtime_directory = directory};

/* What json-c can be trusted with to fail. */
struct json_tokener *json_tokener_new_ex(int depth)
{
	struct json_tokener *(*real)(int) = NULL;
	void *symbol = dlsym(RTLD_NEXT, "json_tokener_new_ex");
	memcpy(&real, &symbol, sizeof(real));
	return fault_refuses(FAULT_OTHER) ? NULL : real(depth);
}

/* As the core has it: whether node-a holds office, and in which epoch. */
static struct oo_claim mine;
static uint64_t epoch;

static void hold(uint64_t nonce, uint64_t new_epoch)
{
	int n = snprintf(mine.value, sizeof(mine.value),
			 "{\"node\":\"node-a\",\"nonce\":\"%016llx\",\"kind\":\"taken\","
			 "\"epoch\":%llu,\"ttl_ms\":3000}",
			 (unsigned long long)nonce, (unsigned long long)new_epoch);
	mine.value_length = (uint16_t)n;
	mine.nonce = nonce;
	epoch = new_epoch;
}

static struct {
	bool claim;
	uint64_t nonce, epoch;
} adopted;

/* The time goes on only as far as a test says. */
static int64_t now_ms = 5000;

int64_t oo_clock_now(void)
{
	return now_ms;
}

/* The core, as far as the tenure asks it. */

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group)
{
	(void)core;
	return (struct oo_core_view){.mine = group == 0 && mine.nonce != 0 ? &mine : NULL,
				     .epoch = group == 0 ? epoch : 3};
}

void oo_core_adopt(struct oo_core *core, unsigned group, uint64_t seen,
		   const struct oo_claim *claim)
{
	(void)core;
	if (group == 0) {
		adopted.claim = claim != NULL;
		adopted.nonce = claim != NULL ? claim->nonce : 0;
		adopted.epoch = seen;
	}
}

static void in_directory(const char *name, char path[static TEXT_LENGTH])
{
	snprintf(path, TEXT_LENGTH, "%s/%s", directory, name);
}

static void read_text(char text[static TEXT_LENGTH])
{
	char path[TEXT_LENGTH];
	in_directory(FILE_NAME, path);
	FILE *file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, TEXT_LENGTH - 1, file)] = '\0';
	fclose(file);
}

static void forget(void)
{
	static const char *const names[] = {FILE_NAME, FILE_NAME ".new"};
	char path[TEXT_LENGTH];
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		in_directory(names[i], path);
		(void)unlink(path); /* it may not be there */
	}
	hold(0, 0);
}

static void start(struct agent *agent)
{
	*agent = (struct agent){.config = &config,
				.group_names = {"office", "mail"},
				.core_config = {.n_groups = OO_LENGTH(groups)}};
	memset(&adopted, 0, sizeof(adopted));
	CU_ASSERT_EQUAL_FATAL(agent_tenure_new(agent, &agent->tenure, NULL), 0);
}

/* A file of one claim is replaced by one of the next. */
static int try_apply(void *user, struct oo_err *err)
{
	(void)user;
	(void)err;
	struct agent agent;
	char old[TEXT_LENGTH], new[TEXT_LENGTH], now[TEXT_LENGTH];
	forget();
	start(&agent);
	hold(0xbb, 8);
	agent_tenure_apply(agent.tenure);
	read_text(new);
	hold(0xaa, 7);
	agent_tenure_apply(agent.tenure);
	read_text(old);
	hold(0xbb, 8);
	fault_go();
	agent_tenure_apply(agent.tenure);
	fault_stop();
	read_text(now);
	bool saved = strcmp(now, new) == 0;
	CU_ASSERT(saved || (fault_fired() && strcmp(now, old) == 0));
	now_ms += 999;
	agent_tenure_apply(agent.tenure); /* a disk that is full is left alone */
	read_text(now);
	CU_ASSERT_STRING_EQUAL(now, saved ? new : old);
	now_ms++;
	agent_tenure_apply(agent.tenure); /* what failed is tried again */
	read_text(now);
	CU_ASSERT_STRING_EQUAL(now, new);
	agent_tenure_free(agent.tenure);
	start(&agent);
	CU_ASSERT_EQUAL(adopted.nonce, 0xbb);
	CU_ASSERT_EQUAL(adopted.epoch, 8);
	agent_tenure_free(agent.tenure);
	return saved ? 0 : -EIO;
}

static void test_what_cannot_be_saved_leaves_the_old_tenure_whole(void)
{
	struct fault_swept swept = fault_sweep_silent(FAULT_MEMORY | FAULT_CALLS, try_apply, NULL);
	CU_ASSERT(swept.refused >= 5); /* room, open, write, rename */
	CU_ASSERT_EQUAL(swept.failed, swept.refused);
}

/*
 * An agent that cannot read what is there must not replace it by nothing, and must not go on; only a
 * claim that cannot be read for lack of memory is as good as none: then the address goes, for safety.
 */
static int try_new(void *user, struct oo_err *err)
{
	(void)user;
	struct agent agent;
	struct agent next = {0};
	char old[TEXT_LENGTH], now[TEXT_LENGTH];
	forget();
	start(&agent);
	hold(0xaa, 7);
	agent_tenure_apply(agent.tenure);
	read_text(old);
	next = agent;
	next.tenure = NULL;
	fault_go();
	int r = agent_tenure_new(&next, &next.tenure, err);
	fault_stop();
	CU_ASSERT_EQUAL(r == 0, next.tenure != NULL);
	CU_ASSERT(r < 0 || adopted.epoch == 7);
	CU_ASSERT(r < 0 || fault_fired() || adopted.claim);
	CU_ASSERT(!adopted.claim || adopted.nonce == 0xaa);
	read_text(now);
	CU_ASSERT_STRING_EQUAL(now, old);
	agent_tenure_free(next.tenure);
	agent_tenure_free(agent.tenure);
	return r;
}

static void test_what_cannot_be_read_ends_the_start_and_stays(void)
{
	struct fault_swept swept =
		fault_sweep(FAULT_MEMORY | FAULT_CALLS | FAULT_OTHER, try_new, NULL);
	CU_ASSERT(swept.refused >= 10);
	CU_ASSERT_EQUAL(swept.failed, swept.refused - 2); /* the claims of two groups */
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_what_cannot_be_saved_leaves_the_old_tenure_whole),
		OO_TEST(test_what_cannot_be_read_ends_the_start_and_stays),
	};
	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	int bad = run_tests("tenure faults", tests, OO_LENGTH(tests));
	forget();
	(void)rmdir(directory); /* litter is no failure */
	return bad;
}
