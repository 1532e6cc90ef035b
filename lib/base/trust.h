#ifndef OO_TRUST_H
#define OO_TRUST_H
/* Opens what nobody but root and our own user could have changed. */
#include <limits.h>
#include <sys/stat.h>

#include "base/error.h"

/* An opened path. In place: start from OO_TRUSTED_FILE_NONE, end with oo_trusted_done. */
struct oo_trusted_file {
	int fd; /* O_PATH; owned */
	struct stat status;
	char resolved[PATH_MAX]; /* its path without links */
};

#define OO_TRUSTED_FILE_NONE                                                                       \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Walks path from the root and looks at the owner and mode of every directory passed, those on the
 * way of symbolic links too, and of what it ends at. As only root and our own user can change
 * anything on that way, nobody else can make resolved name anything but what fd has open.
 * Returns 0, -EPERM (somebody else owns it or may write to it), -EINVAL (not absolute), or -errno
 * of openat(2), -ENOENT among them; err names the part of the path.
 */
int oo_trusted_open(struct oo_trusted_file *file, const char *path, struct oo_err *err);
void oo_trusted_done(struct oo_trusted_file *file);

/* Returns 0, or -EACCES when it is no regular file or nobody may execute it. */
int oo_trusted_can_run(const struct oo_trusted_file *file, struct oo_err *err);

#endif
