#include "hook/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "hook/hook.h"

/* What run-parts(8) accepts by default, and dots. */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

void oo_hook_strings_free(char **strings)
{
	for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
		free(strings[i]);
	}
	free(strings);
}

static void free_strings_pointer(char ***strings)
{
	oo_hook_strings_free(*strings);
}

static void close_directory(DIR **directory)
{
	if (*directory != NULL) {
		(void)closedir(*directory); /* only read from */
	}
}

static int compare(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Why name is no hook, or NULL. What cannot be looked at is one: running it will say why. */
static const char *why_not(int directory, const char *name)
{
	struct stat status;
	if (name[0] == '.' || strstr(name, ".dpkg-") != NULL ||
	    name[strspn(name, NAME_CHARACTERS)] != '\0') {
		return "its name is not a hook's";
	}
	if (fstatat(directory, name, &status, 0) < 0) {
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		return "not a file";
	}
	if (!(status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))) {
		return "not executable";
	}
	return NULL;
}

static DIR *open_directory(const struct oo_trusted_file *file)
{
	OO_AUTO(oo_close) int fd = openat(file->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory != NULL) {
		(void)oo_take_fd(&fd); /* the stream's now */
	}
	return directory;
}

int oo_hook_list(const struct oo_trusted_file *file, oo_hook_skipped_fn *skipped, void *user,
		 char ***ret_names, struct oo_err *err)
{
	OO_AUTO(free_strings_pointer) char **names = calloc(OO_HOOKS_LIST_MAX + 1, sizeof(*names));
	OO_AUTO(close_directory) DIR *directory = open_directory(file);
	size_t n = 0;
	if (names == NULL || directory == NULL) {
		return oo_fail(err, names == NULL ? ENOMEM : errno, "%s", file->resolved);
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (entry == NULL) {
			break;
		}
		const char *why = why_not(file->fd, entry->d_name);
		if (why != NULL) {
			if (skipped != NULL && strspn(entry->d_name, ".") < strlen(entry->d_name)) {
				skipped(user, entry->d_name, why);
			}
			continue;
		}
		if (n == OO_HOOKS_LIST_MAX) {
			return oo_fail_text(err, E2BIG, "%s holds more than %d hooks",
					    file->resolved, OO_HOOKS_LIST_MAX);
		}
		names[n] = strdup(entry->d_name);
		if (names[n++] == NULL) {
			return oo_fail(err, ENOMEM, "%s", file->resolved);
		}
	}
	if (errno != 0) {
		return oo_fail(err, errno, "%s", file->resolved);
	}
	qsort(names, n, sizeof(*names), compare);
	*ret_names = oo_take_ptr(names);
	return 0;
}
