#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "check/probe.h"

#define READ_MAX (1 << 20)
#define BLOCK 16384
#define TEXT_MAX 1024 /* more than a configuration can ask for */

struct answer {
	int error; /* errno */
	int64_t changed_ms;
	bool has_text;
};

/* Is text somewhere in the first READ_MAX bytes? Returns 0 or -errno. */
static int search(int fd, const char *text, bool *ret_found)
{
	char data[TEXT_MAX + BLOCK];
	size_t length = strlen(text), kept = 0, total = 0;
	ssize_t n;
	while (total < READ_MAX && (n = read(fd, data + kept, BLOCK)) != 0) {
		if (n < 0) {
			return -errno;
		}
		total += (size_t)n;
		kept += (size_t)n;
		if (memmem(data, kept, text, length) != NULL) {
			*ret_found = true;
			return 0;
		}
		/* it may go on in the next block */
		size_t tail = kept < length - 1 ? kept : length - 1;
		memmove(data, data + kept - tail, tail);
		kept = tail;
	}
	return 0;
}

static int look(const struct oo_check_file *spec, struct answer *answer)
{
	struct stat status;
	if (stat(spec->path, &status) < 0) {
		return -errno;
	}
	answer->changed_ms = status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	if (spec->contains == NULL) {
		return 0;
	}
	OO_AUTO(oo_close) int fd = open(spec->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : search(fd, spec->contains, &answer->has_text);
}

static void ask(const struct oo_check_spec *spec, void *user)
{
	struct answer *answer = user;
	answer->error = -look(&spec->file, answer);
}

static void answered(struct oo_check_run *run, const void *user)
{
	const struct oo_check_file *spec = &run->spec->file;
	const struct answer *answer = user;
	int64_t age_ms = oo_clock_wall() - answer->changed_ms;
	char age[OO_DURATION_LENGTH];
	age_ms = age_ms > 0 ? age_ms / 1000 * 1000 : 0;
	oo_duration_format(age_ms, age);
	if (answer->error != 0) {
		oo_check_run_say_errno(run, oo_check_file_errno(answer->error), answer->error);
	} else if (spec->age_ms > 0 && age_ms > spec->age_ms) {
		oo_check_run_say(run, OO_CHECK_REASON_STALE, "changed %s ago", age);
	} else if (spec->contains != NULL && !answer->has_text) {
		oo_check_run_say(run, OO_CHECK_REASON_CONTENT, "without \"%.64s\"", spec->contains);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "changed %s ago", age);
	}
}

static int start(struct oo_check_run *run)
{
	static const struct oo_check_question question = {
		.ask = ask, .answered = answered, .answer_size = sizeof(struct answer)};
	return oo_check_probe_start(run->state, run, &question);
}

static void expire(struct oo_check_run *run)
{
	oo_check_probe_expire(run->state);
}

static void stop(struct oo_check_run *run)
{
	oo_check_probe_stop(run->state);
}

static void done(struct oo_check_run *run)
{
	oo_check_probe_done(run->state);
}

const struct oo_check_kind oo_check_file = {
	.state_size = sizeof(struct oo_check_probe),
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
