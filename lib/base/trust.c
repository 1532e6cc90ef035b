#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

/* As the kernel's own limit (path_resolution(7)). */
#define LINKS_MAX 40

struct walk {
	struct oo_trusted_file *file; /* where it stands */
	char rest[PATH_MAX];          /* what is still to go */
	int links;
};

static const char *name_of(const struct oo_trusted_file *file)
{
	return file->resolved[0] != '\0' ? file->resolved : "/";
}

static int check(const struct oo_trusted_file *file, struct oo_err *err)
{
	const struct stat *status = &file->status;
	if (status->st_uid != 0 && status->st_uid != geteuid()) {
		return oo_fail_text(err, EPERM,
				    "%s is owned by user %u: it must be owned by root or by the "
				    "agent's own user (%u)",
				    name_of(file), status->st_uid, geteuid());
	}
	if (status->st_mode & (S_IWGRP | S_IWOTH)) {
		return oo_fail_text(err, EPERM,
				    "%s is writable by %s (mode %04o): only its owner may be able "
				    "to write to it (chmod go-w)",
				    name_of(file),
				    status->st_mode & S_IWOTH ? "others" : "its group",
				    status->st_mode & 07777u);
	}
	return 0;
}

/* Takes the fd as where the walk stands now. */
static int stand(struct oo_trusted_file *file, int *fd, const struct stat *status,
		 struct oo_err *err)
{
	oo_close(&file->fd);
	file->fd = oo_take_fd(fd);
	file->status = *status;
	return check(file, err);
}

static int stand_at_root(struct oo_trusted_file *file, struct oo_err *err)
{
	struct stat status;
	OO_AUTO(oo_close) int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return oo_fail(err, errno, "/");
	}
	file->resolved[0] = '\0';
	return stand(file, &fd, &status, err);
}

/* Moves the first component of rest to name. Returns 1, 0 if there is none, or -ENAMETOOLONG. */
static int next_component(struct walk *walk, char name[static NAME_MAX + 1], struct oo_err *err)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");
	if (length > NAME_MAX) {
		return oo_fail(err, ENAMETOOLONG, "%s/%.64s...", walk->file->resolved, start);
	}
	oo_text_clip(name, length + 1, start);
	memmove(walk->rest, start + length, strlen(start + length) + 1);
	return length > 0;
}

/* Goes on where the link at fd points, before the rest of the path. */
static int follow(struct walk *walk, int fd, struct oo_err *err)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlinkat(fd, "", target, sizeof(target) - 1);
	if (length < 0) {
		return oo_fail(err, errno, "link in %s", name_of(walk->file));
	}
	target[length] = '\0';
	if (++walk->links > LINKS_MAX) {
		return oo_fail(err, ELOOP, "link in %s", name_of(walk->file));
	}
	memcpy(rest, walk->rest, strlen(walk->rest) + 1);
	int needed = snprintf(walk->rest, sizeof(walk->rest), "%s%s", target, rest);
	if (needed < 0 || (size_t)needed >= sizeof(walk->rest)) {
		return oo_fail(err, ENAMETOOLONG, "link in %s", name_of(walk->file));
	}
	return target[0] == '/' ? stand_at_root(walk->file, err) : 0;
}

/* resolved holds no links, so that ".." is its last component's removal. */
static int append(struct oo_trusted_file *file, const char *name, struct oo_err *err)
{
	size_t length = strlen(file->resolved);
	if (oo_text_equal(name, "..")) {
		char *last = strrchr(file->resolved, '/');
		if (last != NULL) {
			*last = '\0';
		}
		return 0;
	}
	if (length + 1 + strlen(name) >= sizeof(file->resolved)) {
		return oo_fail(err, ENAMETOOLONG, "%s", name_of(file));
	}
	file->resolved[length] = '/';
	return oo_text_copy(file->resolved + length + 1, sizeof(file->resolved) - length - 1, name);
}

static int step(struct walk *walk, const char *name, struct oo_err *err)
{
	struct stat status;
	OO_AUTO(oo_close)
	int fd = openat(walk->file->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return oo_fail(err, errno, "%s/%s", walk->file->resolved, name);
	}
	if (S_ISLNK(status.st_mode)) {
		return follow(walk, fd, err);
	}
	int r = append(walk->file, name, err);
	return r < 0 ? r : stand(walk->file, &fd, &status, err);
}

int oo_trusted_open(struct oo_trusted_file *file, const char *path, struct oo_err *err)
{
	struct walk walk = {.file = file};
	char name[NAME_MAX + 1];
	if (path[0] != '/') {
		return oo_fail_text(err, EINVAL, "%s: must be an absolute path", path);
	}
	if (oo_text_copy(walk.rest, sizeof(walk.rest), path) < 0) {
		return oo_fail(err, ENAMETOOLONG, "%.64s...", path);
	}
	int r = stand_at_root(file, err);
	while (r == 0 && (r = next_component(&walk, name, err)) > 0) {
		r = step(&walk, name, err);
	}
	return r;
}

void oo_trusted_done(struct oo_trusted_file *file)
{
	oo_close(&file->fd);
}

int oo_trusted_can_run(const struct oo_trusted_file *file, struct oo_err *err)
{
	if (!S_ISREG(file->status.st_mode)) {
		return oo_fail_text(err, EACCES, "%s is not a file", name_of(file));
	}
	if (!(file->status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))) {
		return oo_fail_text(err, EACCES, "%s is not executable (chmod +x)", name_of(file));
	}
	return 0;
}
