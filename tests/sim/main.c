/*
 * Runs seeds of the simulated cluster. See usage().
 */
#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEED_DURATION (600 * SIM_SECOND)
#define KNOWN_MAX 1000

static struct {
	uint64_t first, n; /* seeds */
	double hours, minutes;
	bool one, all;
	const char *known; /* file of seeds that once failed */
} options;

/* For the abort handler: an assert in the core fails a seed like anything else. */
static struct {
	bool telling;
	char seed[24];
} running;

static void usage(void)
{
	(void)fputs("usage: sim [--known FILE] [--seed N [--all] | --seeds A N | --hours H | "
		    "--minutes M]\n"
		    "  --known FILE  first the seeds in FILE, one a line\n"
		    "  --seed N      one seed, with its story; --all: the whole of it, not only "
		    "the end\n"
		    "  --seeds A N   N seeds from A on\n"
		    "  --hours H     fresh seeds, for H hours of simulated time\n"
		    "  --minutes M   fresh seeds, for M minutes of yours\n",
		    stderr);
}

/* A failed assert: tell the story if it was kept, else run the seed again to keep it. */
static void on_abort(int number)
{
	(void)number;
	if (running.telling) {
		sim_story_print();
		(void)printf("seed %s: the core's assert failed\n", running.seed);
		(void)fflush(stdout);
		_exit(1);
	}
	(void)execl("/proc/self/exe", "sim", "--seed", running.seed, (char *)NULL);
	_exit(1);
}

static void run(struct sim *sim, uint64_t seed, bool telling)
{
	sim->options.telling = telling;
	sim->options.all = options.all;
	running.telling = telling;
	(void)snprintf(running.seed, sizeof(running.seed), "%" PRIu64, seed);
	sim_story_clear();
	sim_run(sim, seed, SEED_DURATION);
}

/* Returns whether the seed held; tells its story if not. */
static bool hold(struct sim *sim, uint64_t seed)
{
	run(sim, seed, options.one);
	if (!sim->failed) {
		return true;
	}
	if (!options.one) {
		run(sim, seed, true);
	}
	if (!options.all) {
		sim_story_print();
	}
	(void)printf("seed %" PRIu64 " failed at %.6f s: %s\n"
		     "again: sim --seed %" PRIu64 "\n",
		     seed, (double)sim->now / 1e6, sim->failure, seed);
	return false;
}

static bool hold_known(struct sim *sim)
{
	char line[256];
	FILE *file = fopen(options.known, "re");
	bool good = true;

	if (file == NULL) {
		perror(options.known);
		return false;
	}
	while (good && fgets(line, sizeof(line), file) != NULL) {
		if (line[0] >= '0' && line[0] <= '9') {
			good = hold(sim, strtoull(line, NULL, 10));
		}
	}
	(void)fclose(file);
	return good;
}

static double now_s(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_counts(const struct sim *sim, uint64_t seeds, double wall_s)
{
	static const char *const names[SIM_COUNTS] = {
		[SIM_COUNT_FREEZES] = "freezes",
		[SIM_COUNT_KILLS] = "kills",
		[SIM_COUNT_REBOOTS] = "boots",
		[SIM_COUNT_STOPS] = "stops",
		[SIM_COUNT_CUTS] = "cuts",
		[SIM_COUNT_ZONES] = "zones cut off",
		[SIM_COUNT_BLACKOUTS] = "zones without power",
		[SIM_COUNT_NIGHTS] = "zones cut off in a calm",
		[SIM_COUNT_OUTAGES] = "etcd outages",
		[SIM_COUNT_WIPES] = "etcd wiped",
		[SIM_COUNT_RESTORES] = "etcd restored",
		[SIM_COUNT_DELETIONS] = "keys changed by hand",
		[SIM_COUNT_LINKS] = "links flipped",
		[SIM_COUNT_CHECKS] = "checks flipped",
		[SIM_COUNT_SHARED] = "shared failures",
		[SIM_COUNT_PAUSES] = "pauses and resumes",
		[SIM_COUNT_WATCHES] = "watches broken",
		[SIM_COUNT_ADDRESSES] = "addresses removed",
		[SIM_COUNT_RIVALS] = "rivals seen",
		[SIM_COUNT_RELOADS] = "reloads",
		[SIM_COUNT_RETIREMENTS] = "groups retired",
		[SIM_COUNT_ORDERS] = "switchovers ordered",
		[SIM_COUNT_DRAINS] = "drains",
		[SIM_COUNT_SWITCHOVERS] = "of them ordered",
		[SIM_COUNT_WITHDRAWN] = "orders withdrawn",
		[SIM_COUNT_TAKEOVERS] = "takeovers",
		[SIM_COUNT_HANDOVERS] = "hand-overs",
		[SIM_COUNT_FAILBACKS] = "failbacks",
		[SIM_COUNT_DAMPED] = "damped moves",
		[SIM_COUNT_STRANDED] = "takeovers by the stranded",
		[SIM_COUNT_ADOPTIONS] = "adoptions",
		[SIM_COUNT_READ_BACKS] = "claims read back",
		[SIM_COUNT_FRESH_CLAIMS] = "fresh claims",
		[SIM_COUNT_OTHER_TTLS] = "shorter ttls",
		[SIM_COUNT_LOST] = "claims lost",
		[SIM_COUNT_LAPSED] = "holds lapsed",
		[SIM_COUNT_EXPIRED] = "ended by the kernel",
		[SIM_COUNT_CALMS] = "calms",
	};
	double hours = (double)seeds * (double)SEED_DURATION / 3.6e9;
	uint64_t faults = 0;

	for (int i = 0; i < SIM_COUNT_TAKEOVERS; i++) {
		faults += sim->counts[i];
	}
	(void)printf("%" PRIu64 " seeds, %.1f hours, %" PRIu64 " events in %.1f s (%.0f hours a "
		     "minute); slowest calm %.1f s\n%" PRIu64 " faults (%.0f an hour): ",
		     seeds, hours, sim->events, wall_s, hours / wall_s * 60,
		     (double)sim->slowest_calm / 1e6, faults, (double)faults / hours);
	for (int i = 0; i < SIM_COUNTS; i++) {
		const char *between = i == 0                     ? ""
				      : i == SIM_COUNT_TAKEOVERS ? "\nof them came: "
								 : ", ";
		(void)printf("%s%" PRIu64 " %s", between, sim->counts[i], names[i]);
	}
	(void)puts("");
}

static bool read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int left = argc - 1 - i;
		if (strcmp(argv[i], "--all") == 0) {
			options.all = true;
		} else if (strcmp(argv[i], "--known") == 0 && left >= 1) {
			options.known = argv[++i];
		} else if (strcmp(argv[i], "--seed") == 0 && left >= 1) {
			options.first = strtoull(argv[++i], NULL, 10);
			options.n = 1;
			options.one = true;
		} else if (strcmp(argv[i], "--seeds") == 0 && left >= 2) {
			options.first = strtoull(argv[++i], NULL, 10);
			options.n = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--hours") == 0 && left >= 1) {
			options.hours = strtod(argv[++i], NULL);
		} else if (strcmp(argv[i], "--minutes") == 0 && left >= 1) {
			options.minutes = strtod(argv[++i], NULL);
		} else {
			return false;
		}
	}
	if (options.hours > 0 || options.minutes > 0) {
		options.first = (uint64_t)time(NULL) * 1000000;
		options.n = options.hours > 0
				    ? (uint64_t)(options.hours * 3.6e9 / (double)SEED_DURATION) + 1
				    : UINT64_MAX;
		(void)printf("fresh seeds from %" PRIu64 " on\n", options.first);
		(void)fflush(stdout);
	}
	return options.n > 0 || options.known != NULL;
}

int main(int argc, char **argv)
{
	static struct sim sim;
	double began = now_s();
	uint64_t n = 0;

	if (!read_options(argc, argv)) {
		usage();
		return 2;
	}
	(void)signal(SIGABRT, on_abort);
	sim_init(&sim);
	bool good = options.known == NULL || hold_known(&sim);
	for (; good && n < options.n; n++) {
		if (options.minutes > 0 && now_s() - began >= options.minutes * 60) {
			break;
		}
		good = hold(&sim, options.first + n);
	}
	print_counts(&sim, n, now_s() - began);
	sim_done(&sim);
	return good ? 0 : 1;
}
