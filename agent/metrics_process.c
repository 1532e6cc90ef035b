#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "metrics.h"

static void close_file(FILE **file)
{
	if (*file != NULL) {
		fclose(*file);
	}
}

static void close_directory(DIR **directory)
{
	if (*directory != NULL) {
		closedir(*directory);
	}
}

/* Of our own process: proc never waits for anybody (proc(5)). */
static bool read_memory(int64_t *ret_virtual_bytes, int64_t *ret_resident_bytes)
{
	int64_t size, resident;
	OO_AUTO(close_file) FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL || fscanf(file, "%" SCNd64 " %" SCNd64, &size, &resident) != 2) {
		return false;
	}
	*ret_virtual_bytes = size * sysconf(_SC_PAGESIZE);
	*ret_resident_bytes = resident * sysconf(_SC_PAGESIZE);
	return true;
}

/* But for the one that looks; -1: not known. */
static int64_t count_fds(void)
{
	int64_t n = 0;
	OO_AUTO(close_directory) DIR *directory = opendir("/proc/self/fd");

	if (directory == NULL) {
		return -1;
	}
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		n += entry->d_name[0] != '.';
	}
	return n - 1;
}

void agent_metrics_process(struct oo_metrics *metrics, int64_t started_at_wall)
{
	struct timespec cpu = {0};
	struct rlimit limit;
	int64_t virtual_bytes, resident_bytes, fds = count_fds();

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu); /* fails on no Linux */
	oo_metrics_family(metrics, "process_start_time_seconds", OO_METRICS_GAUGE,
			  "When the process started, since the epoch.");
	oo_metrics_add_us(metrics, started_at_wall * 1000, NULL);
	oo_metrics_family(metrics, "process_cpu_seconds_total", OO_METRICS_COUNTER,
			  "User and system time of the process.");
	oo_metrics_add_us(metrics, (int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000, NULL);
	if (read_memory(&virtual_bytes, &resident_bytes)) {
		oo_metrics_family(metrics, "process_resident_memory_bytes", OO_METRICS_GAUGE,
				  "Memory of the process that is in RAM.");
		oo_metrics_add(metrics, resident_bytes, NULL);
		oo_metrics_family(metrics, "process_virtual_memory_bytes", OO_METRICS_GAUGE,
				  "Address space of the process.");
		oo_metrics_add(metrics, virtual_bytes, NULL);
	}
	if (fds >= 0) {
		oo_metrics_family(metrics, "process_open_fds", OO_METRICS_GAUGE,
				  "File descriptors that are open.");
		oo_metrics_add(metrics, fds, NULL);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		oo_metrics_family(metrics, "process_max_fds", OO_METRICS_GAUGE,
				  "File descriptors that may be open.");
		oo_metrics_add(metrics, (int64_t)limit.rlim_cur, NULL);
	}
}
