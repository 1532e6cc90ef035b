#include "place.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

const char *place_make(void)
{
	strcpy(folder, "/tmp/ooha-test-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		abort();
	}
	return folder;
}

const char *place_path(const char *name)
{
	static char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

void place_write(const char *name, const char *text)
{
	char path[512];
	strcpy(path, place_path(name));
	char *slash = strrchr(path, '/');
	*slash = '\0';
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		abort();
	}
	*slash = '/';
	if (text == NULL) {
		(void)unlink(path);
		return;
	}
	FILE *file = fopen(path, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		abort();
	}
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

void place_remove(void)
{
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
