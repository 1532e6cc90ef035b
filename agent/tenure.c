#include "tenure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "journal.h"
#include "records.h"

#define TENURE_VERSION 1
#define RETRY_MS 1000
#define DEPTH_MAX 8 /* of what we write: 3 */
#define FILE_BYTES_MAX (64 << 10)
#define BOOT_ID_LENGTH 37
#define PATH_LENGTH 1100 /* a configured directory is at most 1024 */

struct agent_tenure {
	struct agent *agent;
	char path[PATH_LENGTH], draft_path[PATH_LENGTH];
	char boot_id[BOOT_ID_LENGTH];
	bool adopted[OO_CORE_GROUPS_MAX];
	struct {
		uint64_t nonce, epoch;
	} written[OO_CORE_GROUPS_MAX]; /* what the file says */
	bool failed;                   /* to write; said */
	int64_t retry_at;              /* then; a disk that is full is not tried at every event */
};

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* Reads all of path, at most what buffer may hold. */
static int read_file(const char *path, struct oo_buffer *buffer)
{
	char part[4096];
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));
		if (n <= 0) {
			return n < 0 ? -errno : 0;
		}
		int r = oo_buffer_add(buffer, part, (size_t)n);
		if (r < 0) {
			return r;
		}
	}
}

static int read_boot_id(char boot_id[static BOOT_ID_LENGTH], struct oo_err *err)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, 64);
	int r = read_file("/proc/sys/kernel/random/boot_id", &buffer);
	if (r < 0 || buffer.length < BOOT_ID_LENGTH - 1) {
		return oo_fail(err, r < 0 ? -r : EPROTO, "/proc/sys/kernel/random/boot_id");
	}
	memcpy(boot_id, buffer.data, BOOT_ID_LENGTH - 1);
	boot_id[BOOT_ID_LENGTH - 1] = '\0';
	return 0;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *member;
	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string)) {
		return "";
	}
	return json_object_get_string(member);
}

/* Only a claim of ours of this very boot is worth anything: a boot took the addresses. */
static bool adopt_group(struct agent_tenure *tenure, unsigned group, struct json_object *entry,
			bool same_boot)
{
	struct json_object *number;
	struct oo_claim claim;
	const char *value = text_of(entry, "claim");
	int64_t epoch = 0;

	if (json_object_object_get_ex(entry, "epoch", &number)) {
		epoch = json_object_get_int64(number);
	}
	oo_record_read_claim(value, strlen(value), &claim);
	bool ours = same_boot && claim.nonce != 0 && claim.kind != OO_CLAIM_RELEASED &&
		    oo_text_equal(claim.node, tenure->agent->config->node.name);
	oo_core_adopt(tenure->agent->core, group, epoch < 0 ? 0 : (uint64_t)epoch,
		      ours ? &claim : NULL);
	return ours;
}

static void adopt(struct agent_tenure *tenure, struct json_object *object)
{
	struct json_object *groups, *entry;
	const struct oo_config *config = tenure->agent->config;
	bool same_boot = oo_text_equal(text_of(object, "boot_id"), tenure->boot_id);

	if (!oo_text_equal(text_of(object, "cluster"), config->cluster) ||
	    !oo_text_equal(text_of(object, "node"), config->node.name) ||
	    !json_object_object_get_ex(object, "groups", &groups)) {
		return;
	}
	for (unsigned g = 0; g < config->n_groups; g++) {
		if (json_object_object_get_ex(groups, config->groups[g].name, &entry)) {
			tenure->adopted[g] = adopt_group(tenure, g, entry, same_boot);
		}
	}
}

/* *ret_object stays NULL when text is no JSON. Returns 0 or -ENOMEM: that is no reason to forget. */
static int parse(const char *text, struct json_object **ret_object)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (tokener == NULL) {
		return -ENOMEM;
	}
	*ret_object = json_tokener_parse_ex(tokener, text, -1);
	json_tokener_free(tokener);
	return 0;
}

static int load(struct agent_tenure *tenure, struct oo_err *err)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, FILE_BYTES_MAX);
	int r = read_file(tenure->path, &buffer);
	if (r == -ENOENT) {
		return 0;
	}
	if (r < 0 && r != -EMSGSIZE) {
		return oo_fail(err, -r, "%s", tenure->path);
	}
	OO_AUTO(put_json) struct json_object *object = NULL;
	r = r < 0 || buffer.data == NULL ? 0 : parse(buffer.data, &object);
	if (r < 0) {
		return oo_fail(err, -r, "%s", tenure->path);
	}
	if (!json_object_is_type(object, json_type_object)) {
		oo_log(OO_LOG_WARNING, "%s makes no sense: nothing is adopted", tenure->path);
		return 0;
	}
	adopt(tenure, object);
	return 0;
}

static int add_text(struct oo_buffer *buffer, const char *name, const char *text)
{
	int r = oo_buffer_add_format(buffer, "\"%s\":", name);
	r = r < 0 ? r : oo_buffer_add_json(buffer, text, strlen(text));
	return r < 0 ? r : oo_buffer_add(buffer, ",", 1);
}

static int add_group(struct oo_buffer *buffer, const char *name, const struct oo_core_view *view)
{
	int r = oo_buffer_add_json(buffer, name, strlen(name));
	r = r < 0 ? r
		  : oo_buffer_add_format(buffer, ":{\"epoch\":%" PRIu64 ",\"claim\":", view->epoch);
	if (view->mine == NULL) {
		r = r < 0 ? r : oo_buffer_add_format(buffer, "null}");
	} else {
		r = r < 0 ? r
			  : oo_buffer_add_json(buffer, view->mine->value, view->mine->value_length);
		r = r < 0 ? r : oo_buffer_add(buffer, "}", 1);
	}
	return r;
}

/* Not with json-c: without memory it leaves out what it cannot hold, and that is another tenure. */
static int write_text(const struct agent_tenure *tenure, struct oo_buffer *buffer)
{
	const struct agent *agent = tenure->agent;
	int r = oo_buffer_add_format(buffer, "{\"version\":%d,", TENURE_VERSION);
	r = r < 0 ? r : add_text(buffer, "boot_id", tenure->boot_id);
	r = r < 0 ? r : add_text(buffer, "cluster", agent->config->cluster);
	r = r < 0 ? r : add_text(buffer, "node", agent->config->node.name);
	r = r < 0 ? r : oo_buffer_add_format(buffer, "\"groups\":{");
	for (unsigned g = 0; r == 0 && g < agent->core_config.n_groups; g++) {
		struct oo_core_view view = oo_core_view(agent->core, g);
		r = g > 0 ? oo_buffer_add(buffer, ",", 1) : 0;
		r = r < 0 ? r : add_group(buffer, agent->group_names[g], &view);
	}
	return r < 0 ? r : oo_buffer_add_format(buffer, "}}\n");
}

/* No fsync: the directory is gone after a boot, and so is the worth of the file. */
static int write_file(const struct agent_tenure *tenure, const char *text, struct oo_err *err)
{
	OO_AUTO(oo_close)
	int fd = open(tenure->draft_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		return oo_fail(err, errno, "%s", tenure->draft_path);
	}
	size_t length = strlen(text);
	ssize_t n = write(fd, text, length);
	if (n != (ssize_t)length) {
		return oo_fail(err, n < 0 ? errno : ENOSPC, "%s", tenure->draft_path);
	}
	if (rename(tenure->draft_path, tenure->path) < 0) {
		return oo_fail(err, errno, "%s", tenure->path);
	}
	return 0;
}

static int save(struct agent_tenure *tenure, struct oo_err *err)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, FILE_BYTES_MAX);
	int r = write_text(tenure, &buffer);
	return r < 0 ? oo_fail(err, -r, "tenure") : write_file(tenure, buffer.data, err);
}

static uint64_t nonce_of(const struct oo_core_view *view)
{
	return view->mine == NULL ? 0 : view->mine->nonce;
}

static void note_written(struct agent_tenure *tenure)
{
	for (unsigned g = 0; g < tenure->agent->core_config.n_groups; g++) {
		struct oo_core_view view = oo_core_view(tenure->agent->core, g);
		tenure->written[g].nonce = nonce_of(&view);
		tenure->written[g].epoch = view.epoch;
	}
}

static void note_failure(struct agent_tenure *tenure, const struct oo_err *err)
{
	agent_say(OO_LOG_ERROR, &(struct agent_said){.message = AGENT_MESSAGE_TENURE},
		  "tenure not saved, a restart will cost a failover: %s", err->text);
	tenure->failed = true;
}

void agent_tenure_apply(struct agent_tenure *tenure)
{
	const struct agent *agent = tenure->agent;
	bool changed = false;
	struct oo_err err;

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		struct oo_core_view view = oo_core_view(agent->core, g);
		changed = changed || tenure->written[g].nonce != nonce_of(&view) ||
			  tenure->written[g].epoch != view.epoch;
	}
	if (!changed || (tenure->failed && oo_clock_now() < tenure->retry_at)) {
		return;
	}
	int r = save(tenure, &err);
	if (r < 0 && !tenure->failed) {
		note_failure(tenure, &err);
	}
	if (r == 0 && tenure->failed) {
		agent_say(OO_LOG_NOTICE, &(struct agent_said){.message = AGENT_MESSAGE_TENURE},
			  "tenure saved again");
	}
	tenure->failed = r < 0;
	tenure->retry_at = oo_clock_now() + RETRY_MS;
	if (r == 0) {
		note_written(tenure);
	}
}

bool agent_tenure_is_adopted(const struct agent_tenure *tenure, unsigned group)
{
	return tenure->adopted[group];
}

/*
 * What cannot be read or written later is found now. A disk that is full, or read-only after an
 * error, is nothing that was set wrong: a crash while it lasts must not cost the node its agent.
 */
static int try_directory(struct agent_tenure *tenure, struct oo_err *err)
{
	int r = load(tenure, err);
	r = r < 0 ? r : save(tenure, err);
	if (r == -ENOSPC || r == -EDQUOT || r == -EROFS) {
		note_failure(tenure, err);
		return 0;
	}
	if (r < 0) {
		oo_err_wrap(err, "runtime_directory");
	}
	return r;
}

int agent_tenure_new(struct agent *agent, struct agent_tenure **ret_tenure, struct oo_err *err)
{
	struct agent_tenure *tenure = calloc(1, sizeof(*tenure));
	if (tenure == NULL) {
		return oo_fail(err, ENOMEM, "tenure");
	}
	tenure->agent = agent;
	snprintf(tenure->path, sizeof(tenure->path), "%s/tenure.json",
		 agent->config->runtime_directory);
	snprintf(tenure->draft_path, sizeof(tenure->draft_path), "%s/tenure.json.new",
		 agent->config->runtime_directory);
	int r = read_boot_id(tenure->boot_id, err);
	r = r < 0 ? r : try_directory(tenure, err);
	if (r < 0) {
		free(tenure);
		return r;
	}
	*ret_tenure = tenure;
	return 0;
}

void agent_tenure_free(struct agent_tenure *tenure)
{
	free(tenure);
}
