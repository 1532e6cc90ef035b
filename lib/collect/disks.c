/* Room and rights where the Document Server and its proxy write. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "collect/gather.h"

#define TIMEOUT_MS 2000
#define USER "ds" /* that the package's services run as */
#define LOGS "/var/log/onlyoffice/documentserver"
#define LEAST_BYTES (64u << 20) /* a conversion of one large document */
#define LEAST_PERCENT 1

struct place {
	const char *path, *what;
	bool is_written; /* by the Document Server, so that it must be able to */
};

/*
 * A test file is written (and removed) only as the user who will write there: that root can, or
 * that somebody else cannot, says nothing.
 */
static void look_at(struct oo_gather *gather, const struct place *place, const char *user)
{
	struct oo_evidence *evidence = gather->evidence;
	struct oo_disk *disk = &evidence->disks[evidence->n_disks++];
	OO_GATHER_SAY(disk->path, place->path);
	OO_GATHER_SAY(disk->what, place->what);
	disk->free_percent = -1;
	disk->free_inodes_percent = -1;
	const struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_DISK,
		.timeout_ms = TIMEOUT_MS,
		.disk = {.path = disk->path,
			 .free = {.least = LEAST_BYTES, .percent = LEAST_PERCENT},
			 .free_inodes = {.percent = LEAST_PERCENT},
			 .writable = place->is_written && user != NULL,
			 .user = place->is_written && geteuid() == 0 ? user : NULL}};
	(void)oo_gather_check(gather, &spec, &disk->result, NULL); /* the result says it */
}

/* Who writes there, if we may be that; NULL: we may not. */
static const char *find_user(void)
{
	const struct passwd *entry = getpwnam(USER);
	return entry != NULL && (geteuid() == 0 || geteuid() == entry->pw_uid) ? USER : NULL;
}

static void *start(struct oo_gather *gather)
{
	const struct oo_config *config = gather->subject->config;
	const char *logs = config != NULL ? config->documentserver.log_directory : NULL;
	const char *user = find_user();
	const struct place places[] = {
		{gather->settings.storage, "storage", true},
		{logs != NULL ? logs : LOGS, "logs", true},
		{"/tmp", "temporary files", true},
		{"/var/lib/nginx", "temporary files of nginx", false},
	};
	bool is_installed = !gather->evidence->is_docker && gather->settings.look != OO_LOOK_ABSENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool is_its_own = i < 2; /* in a container these are paths inside it */
		if (is_its_own ? is_installed : access(places[i].path, F_OK) == 0) {
			look_at(gather, &places[i], user);
		}
	}
	return gather;
}

/* What is left stands in the text alone: "120 MiB free (3 %)"; or nothing is, for a test file. */
static void stop(struct oo_gather *gather, void *state)
{
	(void)state;
	for (size_t i = 0; i < gather->evidence->n_disks; i++) {
		struct oo_disk *disk = &gather->evidence->disks[i];
		if (disk->result.reason == OO_CHECK_REASON_FULL) {
			disk->free_percent =
				strstr(disk->result.seen, "test file") != NULL ? 0 : -1;
		}
		(void)sscanf(disk->result.seen, "%*u MiB free (%d", &disk->free_percent);
		(void)sscanf(disk->result.seen, "%*u inodes free (%d", &disk->free_inodes_percent);
	}
}

const struct oo_collector oo_collect_disks = {.start = start, .stop = stop};
