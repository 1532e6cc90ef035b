#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "hook/hook.h"

static char root[PATH_MAX];

/* By what is tested: that it refuses what it must is for the tests to show. */
static bool is_fit(const char *directory)
{
	return oo_hooks_verify(&directory, 1, NULL) == 0;
}

bool scratch_make(void)
{
	char here[PATH_MAX - 64];
	const char *places[] = {getcwd(here, sizeof(here)), getenv("HOME"), "/run"};
	for (size_t i = 0; i < OO_LENGTH(places); i++) {
		if (places[i] == NULL || strlen(places[i]) >= sizeof(here) || !is_fit(places[i])) {
			continue;
		}
		snprintf(root, sizeof(root), "%s/ooha-test.XXXXXX", places[i]);
		if (mkdtemp(root) != NULL && chmod(root, 0755) == 0) {
			return true;
		}
	}
	fprintf(stderr, "no directory here that nobody else may write to\n");
	return false;
}

static int on_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	return at->level > 0 ? remove(path) : 0;
}

void scratch_empty(void)
{
	(void)nftw(root, on_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void scratch_remove(void)
{
	scratch_empty();
	(void)rmdir(root);
}

struct scratch_path scratch_at(const char *name)
{
	struct scratch_path path;
	(void)!snprintf(path.text, sizeof(path.text), "%.3000s/%s", root, name);
	return path;
}

void scratch_mode(const char *name, unsigned int mode)
{
	if (chmod(scratch_at(name).text, mode) < 0) {
		abort();
	}
}

void scratch_directory(const char *name)
{
	if (mkdir(scratch_at(name).text, 0755) < 0) {
		abort();
	}
	scratch_mode(name, 0755);
}

void scratch_hook(const char *name, const char *script)
{
	OO_AUTO(oo_close)
	int fd = open(scratch_at(name).text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (dprintf(fd, "#!/bin/sh\n%s\n", script) < 0) {
		abort();
	}
	scratch_mode(name, 0755);
}

void scratch_link(const char *name, const char *target)
{
	if (symlink(target, scratch_at(name).text) < 0) {
		abort();
	}
}
