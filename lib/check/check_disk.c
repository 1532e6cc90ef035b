#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/probe.h"

#define TEST_NAME ".ooha-write-test"
#define TEST_BYTES 4096

struct disk {
	struct oo_check_probe probe;
	struct oo_check_question question;
};

struct answer {
	int error; /* errno of looking */
	int write_error;
	const char *write_step; /* what failed: a text of the program's */
	uint64_t bytes, free_bytes;
	uint64_t inodes, free_inodes; /* 0: the file system has no fixed number */
};

static int fail(struct answer *answer, const char *step)
{
	answer->write_step = step;
	return errno;
}

/*
 * A file of our own, written through to the medium and removed. One that is left by a probe that
 * was killed is used again: its name is always the same.
 */
static int try_to_write(const char *path, struct answer *answer)
{
	static const char data[TEST_BYTES]; /* zeros will do */
	char name[PATH_MAX];
	size_t length = strlen(path);
	if (length + sizeof(TEST_NAME) + 1 > sizeof(name)) {
		return ENAMETOOLONG;
	}
	memcpy(name, path, length);
	name[length] = '/';
	memcpy(name + length + 1, TEST_NAME, sizeof(TEST_NAME));
	OO_AUTO(oo_close)
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return fail(answer, "create");
	}
	int error = write(fd, data, sizeof(data)) < 0 ? fail(answer, "write") : 0;
	if (error == 0 && fsync(fd) < 0) {
		error = fail(answer, "sync");
	}
	if (unlink(name) < 0 && error == 0) {
		error = fail(answer, "remove");
	}
	return error;
}

static void ask(const struct oo_check_spec *spec, void *user)
{
	struct answer *answer = user;
	struct statvfs status;
	if (statvfs(spec->disk.path, &status) < 0) {
		answer->error = errno;
		return;
	}
	answer->bytes = (uint64_t)status.f_blocks * status.f_frsize;
	answer->free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	answer->inodes = status.f_files;
	answer->free_inodes = status.f_favail;
	if (spec->disk.writable) {
		answer->write_error = try_to_write(spec->disk.path, answer);
	}
}

static int percent(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (int)(100.0 * (double)part / (double)whole) : 100;
}

static bool has_room(const struct oo_check_room *room, uint64_t left, uint64_t whole)
{
	return left >= room->least && (whole == 0 || percent(left, whole) >= room->percent);
}

static void answered(struct oo_check_run *run, const void *user)
{
	const struct oo_check_disk *spec = &run->spec->disk;
	const struct answer *answer = user;
	uint64_t free_mib = answer->free_bytes >> 20;
	int free_percent = percent(answer->free_bytes, answer->bytes);
	if (answer->error != 0) {
		oo_check_run_say_errno(run, oo_check_file_errno(answer->error), answer->error);
	} else if (answer->write_error != 0) {
		oo_check_run_say(run, oo_check_file_errno(answer->write_error),
				 "%s a test file: %s", answer->write_step,
				 strerror(answer->write_error));
	} else if (!has_room(&spec->free, answer->free_bytes, answer->bytes)) {
		oo_check_run_say(run, OO_CHECK_REASON_FULL, "%" PRIu64 " MiB free (%d %%)",
				 free_mib, free_percent);
	} else if (answer->inodes > 0 &&
		   !has_room(&spec->free_inodes, answer->free_inodes, answer->inodes)) {
		oo_check_run_say(run, OO_CHECK_REASON_FULL, "%" PRIu64 " inodes free (%d %%)",
				 answer->free_inodes, percent(answer->free_inodes, answer->inodes));
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "%" PRIu64 " MiB free (%d %%)", free_mib,
				 free_percent);
	}
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	return oo_check_user_verify(spec->disk.user, err);
}

static int start(struct oo_check_run *run)
{
	struct disk *disk = run->state;
	disk->question = (struct oo_check_question){.ask = ask,
						    .answered = answered,
						    .answer_size = sizeof(struct answer),
						    .user = run->spec->disk.user};
	return oo_check_probe_start(&disk->probe, run, &disk->question);
}

static void expire(struct oo_check_run *run)
{
	struct disk *disk = run->state;
	oo_check_probe_expire(&disk->probe);
}

static void stop(struct oo_check_run *run)
{
	struct disk *disk = run->state;
	oo_check_probe_stop(&disk->probe);
}

static void done(struct oo_check_run *run)
{
	struct disk *disk = run->state;
	oo_check_probe_done(&disk->probe);
}

const struct oo_check_kind oo_check_disk = {
	.state_size = sizeof(struct disk),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
