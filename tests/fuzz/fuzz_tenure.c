/*
 * The tenure file. Whatever is in it, the agent starts; only a claim of ours of this boot is adopted,
 * and what is then written says the same to the next one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "file.h"
#include "fuzz.h"
#include "records.h"
#include "journal.h"
#include "tenure.h"

#define DIRECTORY "/ooha"
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef\n"

/* The log, so that it says nothing ten thousand times a second. */
void oo_log_line(const char *file, enum oo_log_level level, const char *const *fields,
		 const char *format, ...)
{
	(void)file;
	(void)fields;
	(void)level;
	FUZZ_CHECK(format[0] != '\0');
}

void agent_say_line(const char *file, enum oo_log_level level, const struct agent_said *said,
		    const char *format, ...)
{
	(void)file;
	(void)level;
	(void)said;
	FUZZ_CHECK(format[0] != '\0');
}

static struct oo_config_group groups[] = {{.name = "office"}, {.name = "mail"}};
static struct oo_config config = {.cluster = "c",
				  .node = {.name = "node-a"},
				  .groups = groups,
				  .n_groups = OO_LENGTH(groups),
				  .runtime_directory = DIRECTORY};

/* Cores are large: their room is taken once. */
static void *rooms[2];

static void start(struct agent *agent, void **room)
{
	*agent = (struct agent){
		.config = &config,
		.group_names = {"office", "mail"},
		.core_config = {.node = "node-a",
				.ttl_ms = 3000,
				.renew_ms = 500,
				.margin_ms = 150,
				.retry_ms = 500,
				.n_groups = OO_LENGTH(groups)},
	};
	*room = *room != NULL ? *room : malloc(oo_core_size());
	FUZZ_CHECK(*room != NULL);
	agent->core = oo_core_init(*room, &agent->core_config, 1);
	FUZZ_CHECK(agent_tenure_new(agent, &agent->tenure, NULL) == 0);
}

static void check_adopted(const struct agent *agent, unsigned group)
{
	const struct oo_core_view view = oo_core_view(agent->core, group);
	FUZZ_CHECK(agent_tenure_is_adopted(agent->tenure, group) == (view.mine != NULL));
	if (view.mine != NULL) {
		FUZZ_CHECK(view.mine->nonce != 0 && view.mine->kind != OO_CLAIM_RELEASED);
		FUZZ_CHECK(oo_text_equal(view.mine->node, "node-a"));
	}
}

static void check_same(const struct agent *one, const struct agent *other, unsigned group)
{
	const struct oo_core_view first = oo_core_view(one->core, group);
	const struct oo_core_view second = oo_core_view(other->core, group);
	FUZZ_CHECK((first.mine == NULL) == (second.mine == NULL));
	FUZZ_CHECK(first.epoch == second.epoch);
	if (first.mine != NULL) {
		FUZZ_CHECK(first.mine->nonce == second.mine->nonce);
		FUZZ_CHECK(first.mine->value_length == second.mine->value_length);
		FUZZ_CHECK(memcmp(first.mine->value, second.mine->value,
				  first.mine->value_length) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct agent agent, next;
	OO_AUTO(oo_buffer_done) struct oo_buffer kept;

	fuzz_file_beside(BOOT_ID_PATH, BOOT_ID);
	fuzz_file_set(DIRECTORY "/tenure.json", data, length);
	start(&agent, &rooms[0]);
	oo_buffer_init(&kept, 1 << 20);
	const struct oo_buffer *written = fuzz_file_written();
	FUZZ_CHECK(oo_buffer_add(&kept, written->data, written->length) == 0);
	fuzz_file_set(DIRECTORY "/tenure.json", (const uint8_t *)kept.data, kept.length);
	start(&next, &rooms[1]);
	for (unsigned g = 0; g < OO_LENGTH(groups); g++) {
		check_adopted(&agent, g);
		check_same(&agent, &next, g);
	}
	fuzz_file_done();
	agent_tenure_free(agent.tenure);
	agent_tenure_free(next.tenure);
	return 0;
}
