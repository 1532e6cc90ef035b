/*
 * The processes of a Document Server's node, by /proc. Those of another network namespace are not
 * this node's; where that may not be seen they are taken for ours.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/procfs.h"
#include "event/timer.h"

#define SAMPLE_MS 200
#define TRACKED_MAX 512 /* processes of ours; a database has one a connection */
#define LIMITS_LENGTH 2048

/* One process, seen twice. */
struct tracked {
	pid_t pid;
	enum oo_program program;
	uint64_t cpu_ticks;
};

struct oo_collect_processes {
	struct oo_gather *gather;
	struct oo_timer timer;
	int proc;
	int64_t sampled_at;
	long ticks_per_s;
	struct tracked tracked[TRACKED_MAX];
	size_t n_tracked;
	uint64_t oldest_ticks[OO_PROGRAM_END];
};

static int64_t age_ms(const struct oo_collect_processes *processes, uint64_t started_ticks)
{
	int64_t age = oo_clock_now() - (int64_t)started_ticks * 1000 / processes->ticks_per_s;
	return age > 0 ? age : 0;
}

/* The one that stands for all of them: nginx's master, else the oldest. */
static void consider_main(struct oo_collect_processes *processes, pid_t pid,
			  const struct oo_procfs_role *role, const struct oo_procfs_stat *stat)
{
	struct oo_process *process = &processes->gather->evidence->processes[role->program];
	uint64_t *oldest = &processes->oldest_ticks[role->program];
	if (process->pid != 0 && *oldest <= stat->started_ticks) {
		return;
	}
	*oldest = stat->started_ticks;
	process->pid = pid;
	process->age_ms = age_ms(processes, stat->started_ticks);
	processes->gather->started_at_s[role->program] = (oo_clock_wall() - process->age_ms) / 1000;
}

static void count_one(struct oo_collect_processes *processes, pid_t pid,
		      const struct oo_procfs_role *role, char state)
{
	struct oo_process *process = &processes->gather->evidence->processes[role->program];
	process->look = OO_LOOK_SEEN;
	if (role->program == OO_PROGRAM_PROXY && !role->is_worker) {
		return;
	}
	process->n++;
	process->n_stopped += state == 'T' || state == 't' ? 1 : 0;
	/* version 1's freezer shows its own as D, version 2's as S; what runs is not frozen */
	bool is_frozen = state != 'R' && oo_procfs_is_frozen(processes->proc, pid);
	process->n_frozen += is_frozen ? 1 : 0;
	process->n_blocked += state == 'D' && !is_frozen ? 1 : 0;
	process->n_leaving += role->is_leaving ? 1 : 0;
}

static void count_descriptors(struct oo_collect_processes *processes, pid_t pid,
			      enum oo_program program)
{
	struct oo_process *process = &processes->gather->evidence->processes[program];
	char path[32], text[LIMITS_LENGTH];
	uint32_t n = oo_procfs_count_descriptors(processes->proc, pid);
	snprintf(path, sizeof(path), "%d/limits", pid);
	if (n > process->descriptors &&
	    oo_procfs_read(processes->proc, path, text, sizeof(text)) > 0) {
		process->descriptors = n;
		process->descriptors_max = oo_procfs_parse_limits(text);
	}
}

static void take_process(struct oo_collect_processes *processes, pid_t pid,
			 const struct oo_procfs_role *role, const struct oo_procfs_stat *stat)
{
	if (processes->n_tracked < TRACKED_MAX) {
		processes->tracked[processes->n_tracked++] = (struct tracked){
			.pid = pid, .program = role->program, .cpu_ticks = stat->cpu_ticks};
	}
	count_one(processes, pid, role, stat->state);
	consider_main(processes, pid, role, stat);
	if (role->program == OO_PROGRAM_PROXY || role->program == OO_PROGRAM_DOCSERVICE ||
	    role->program == OO_PROGRAM_CONVERTER) {
		count_descriptors(processes, pid, role->program);
	}
}

/*
 * What the master of nginx was started with, unless the configuration says it. Anybody may call a
 * process nginx: root reads no file because another user has named it.
 */
static void note_proxy_config(const struct oo_collect_processes *processes, pid_t pid,
			      const char *title)
{
	struct oo_gather *gather = processes->gather;
	const struct oo_config *config = gather->subject->config;
	bool is_trusted = geteuid() != 0 || oo_procfs_is_roots(processes->proc, pid);
	if (is_trusted && (config == NULL || config->documentserver.proxy_config == NULL)) {
		(void)oo_procfs_parse_proxy(title, gather->proxy_config);
	}
}

static void look_at_process(struct oo_collect_processes *processes, pid_t pid)
{
	struct oo_procfs_stat stat;
	char command[OO_PROCFS_COMMAND] = "";
	if (oo_procfs_stat(processes->proc, pid, &stat) < 0 || stat.state == 'Z' ||
	    stat.state == 'X') {
		return;
	}
	/* the command is in the process's own memory: one that is blocked may keep us from it */
	size_t length = stat.state != 'D' ? oo_procfs_command(processes->proc, pid, command) : 0;
	struct oo_procfs_role role = oo_procfs_classify(stat.name, command, length);
	if (role.program == OO_PROGRAM_END || oo_procfs_is_elsewhere(processes->proc, pid)) {
		return;
	}
	take_process(processes, pid, &role, &stat);
	if (role.program == OO_PROGRAM_PROXY && !role.is_worker &&
	    processes->gather->evidence->processes[OO_PROGRAM_PROXY].pid == pid) {
		note_proxy_config(processes, pid, command);
	}
}

void oo_gather_adopt_docservice(struct oo_gather *gather, pid_t pid)
{
	struct oo_collect_processes *processes = gather->processes;
	const struct oo_procfs_role role = {.program = OO_PROGRAM_DOCSERVICE};
	struct oo_procfs_stat stat;
	char command[OO_PROCFS_COMMAND];
	if (processes == NULL ||
	    gather->evidence->processes[OO_PROGRAM_DOCSERVICE].look == OO_LOOK_SEEN ||
	    oo_procfs_stat(processes->proc, pid, &stat) < 0) {
		return;
	}
	size_t length = oo_procfs_command(processes->proc, pid, command);
	if (oo_procfs_may_be_docservice(stat.name, command, length)) {
		take_process(processes, pid, &role, &stat);
	}
}

/* Whether processes of others are shown at all (proc(5), hidepid). */
static bool sees_others(int proc)
{
	struct oo_procfs_stat stat;
	return oo_procfs_stat(proc, 1, &stat) == 0;
}

static int look_at_all(struct oo_collect_processes *processes)
{
	int fd = dup(processes->proc);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		oo_close(&fd);
		return -errno;
	}
	const struct dirent *entry;
	while ((entry = readdir(directory)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0])) {
			look_at_process(processes, (pid_t)strtol(entry->d_name, NULL, 10));
		}
	}
	closedir(directory);
	return 0;
}

/* No process where some were looked for: is it not there, or not for us to see? */
static void settle(struct oo_collect_processes *processes, int r)
{
	struct oo_evidence *evidence = processes->gather->evidence;
	enum oo_look absent = r < 0                           ? OO_LOOK_FAILED
			      : !sees_others(processes->proc) ? OO_LOOK_DENIED
							      : OO_LOOK_ABSENT;
	for (int i = 0; i < OO_PROGRAM_END; i++) {
		struct oo_process *process = &evidence->processes[i];
		if (process->look != OO_LOOK_SEEN) {
			process->age_ms = -1;
			/* in a container it is in a network namespace of its own */
			process->look = evidence->is_docker ? OO_LOOK_NONE : absent;
		}
	}
}

static void on_sample(struct oo_timer *timer)
{
	struct oo_collect_processes *processes =
		oo_container_of(timer, struct oo_collect_processes, timer);
	int64_t passed_ms = oo_clock_now() - processes->sampled_at;
	for (size_t i = 0; i < processes->n_tracked && passed_ms > 0; i++) {
		const struct tracked *tracked = &processes->tracked[i];
		struct oo_process *process =
			&processes->gather->evidence->processes[tracked->program];
		struct oo_procfs_stat stat;
		if (oo_procfs_stat(processes->proc, tracked->pid, &stat) == 0 &&
		    stat.cpu_ticks > tracked->cpu_ticks) {
			uint64_t ms = (stat.cpu_ticks - tracked->cpu_ticks) * 1000 /
				      (uint64_t)processes->ticks_per_s;
			unsigned percent = (unsigned)(ms * 100 / (uint64_t)passed_ms);
			process->cpu_percent =
				percent > process->cpu_percent ? percent : process->cpu_percent;
		}
	}
	oo_gather_release(processes->gather);
}

static void *start(struct oo_gather *gather)
{
	struct oo_collect_processes *processes = calloc(1, sizeof(*processes));
	if (processes == NULL) {
		return NULL;
	}
	gather->processes = processes;
	processes->gather = gather;
	processes->ticks_per_s = sysconf(_SC_CLK_TCK);
	processes->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = processes->proc < 0 ? -errno : look_at_all(processes);
	settle(processes, r);
	/* what others have open is not for every root (ptrace(2)) */
	gather->evidence->is_root = oo_procfs_may(processes->proc, UINT64_C(1) << CAP_SYS_PTRACE);
	if (r == 0 && oo_timer_init(&processes->timer, gather->event, on_sample) == 0) {
		processes->sampled_at = oo_clock_now();
		oo_timer_set(&processes->timer, processes->sampled_at + SAMPLE_MS);
		oo_gather_hold(gather);
	}
	return processes;
}

static void stop(struct oo_gather *gather, void *state)
{
	struct oo_collect_processes *processes = state;
	gather->processes = NULL;
	oo_timer_done(&processes->timer);
	oo_close(&processes->proc);
	free(processes);
}

const struct oo_collector oo_collect_processes = {.start = start, .stop = stop};
