#include "trim.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define AFTER_MS 5000

/* A mapping as smaps heads it. */
struct mapping {
	uintptr_t from, to;
	bool is_file, is_writable;
};

static void close_file(FILE **file)
{
	if (*file != NULL) {
		(void)fclose(*file); /* read only */
	}
}

static bool read_head(const char *line, struct mapping *ret_mapping)
{
	char rights[5];
	unsigned long inode;
	uintptr_t from;
	uintptr_t to;

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %lu", &from, &to, rights, &inode) !=
	    4) {
		return false;
	}
	*ret_mapping = (struct mapping){
		.from = from, .to = to, .is_file = inode != 0, .is_writable = rights[1] == 'w'};
	return true;
}

/* Without a page of its own (relocated, written to) it is as its file has it: nothing is lost. */
static void give_back_files(void)
{
	OO_AUTO(close_file) FILE *maps = fopen("/proc/self/smaps", "re");
	struct mapping mapping = {0};
	char line[512];

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long own_kb;
		if (read_head(line, &mapping) || sscanf(line, "Anonymous: %lu", &own_kb) != 1) {
			continue;
		}
		if (own_kb == 0 && mapping.is_file && !mapping.is_writable) {
			/* what is locked stays */
			(void)madvise((void *)mapping.from, mapping.to - mapping.from,
				      MADV_DONTNEED);
		}
	}
}

void agent_trim_now(void)
{
	(void)malloc_trim(0);
	give_back_files();
}

static void on_time(struct oo_timer *timer)
{
	(void)timer;
	agent_trim_now();
}

int agent_trim_start(struct oo_timer *timer, sd_event *event)
{
	int r = oo_timer_init(timer, event, on_time);
	if (r == 0) {
		oo_timer_set(timer, oo_clock_now() + AFTER_MS);
	}
	return r;
}
