/* What listens on this node, who does, and what waits there. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "collect/diag.h"
#include "collect/gather.h"
#include "collect/procfs.h"

#define PATH_LENGTH 48
#define LINK_LENGTH 64
/* Looking through what all processes have open is done with then: the rest stays unknown. */
#define OWNERS_MS 400

struct sockets {
	struct oo_evidence *evidence;
	uint32_t inodes[OO_EVIDENCE_LISTENERS];
	size_t n_unknown; /* owners */
};

static void on_listener(void *user, const struct oo_diag_socket *entry)
{
	struct sockets *sockets = user;
	struct oo_evidence *evidence = sockets->evidence;
	if (evidence->n_listeners == OO_EVIDENCE_LISTENERS) {
		return;
	}
	struct oo_listener *listener = &evidence->listeners[evidence->n_listeners];
	*listener = (struct oo_listener){.at = entry->at,
					 .v6only = entry->v6only,
					 .queued = entry->queued,
					 .backlog = entry->backlog};
	sockets->inodes[evidence->n_listeners] = entry->inode;
	sockets->n_unknown += entry->inode != 0 ? 1 : 0;
	evidence->n_listeners++;
}

static void on_close_wait(void *user, const struct oo_diag_socket *entry)
{
	struct sockets *sockets = user;
	for (size_t i = 0; i < sockets->evidence->n_listeners; i++) {
		struct oo_listener *listener = &sockets->evidence->listeners[i];
		listener->close_wait += listener->at.port == entry->at.port ? 1 : 0;
	}
}

static void note_owner(struct sockets *sockets, uint32_t inode, pid_t pid, const char *name)
{
	for (size_t i = 0; i < sockets->evidence->n_listeners; i++) {
		struct oo_listener *listener = &sockets->evidence->listeners[i];
		if (sockets->inodes[i] == inode && listener->pid == 0) {
			listener->pid = pid;
			OO_GATHER_SAY(listener->process, name);
			sockets->n_unknown--;
		}
	}
}

static void look_at_links(struct sockets *sockets, DIR *directory, pid_t pid, const char *name)
{
	const struct dirent *entry;
	while (sockets->n_unknown > 0 && (entry = readdir(directory)) != NULL) {
		char link[LINK_LENGTH];
		unsigned inode;
		ssize_t n = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%u]", &inode) == 1 && inode != 0) {
			note_owner(sockets, inode, pid, name);
		}
	}
}

static void look_at_process(struct sockets *sockets, int proc, pid_t pid)
{
	char path[PATH_LENGTH];
	struct oo_procfs_stat stat;
	snprintf(path, sizeof(path), "%d/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		oo_close(&fd);
		return;
	}
	if (oo_procfs_stat(proc, pid, &stat) == 0) {
		look_at_links(sockets, directory, pid, stat.name);
	}
	closedir(directory);
}

static void find_owners(struct sockets *sockets)
{
	int64_t until = oo_clock_now() + OWNERS_MS;
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	while (proc != NULL && sockets->n_unknown > 0 && oo_clock_now() < until &&
	       (entry = readdir(proc)) != NULL) {
		if (isdigit((unsigned char)entry->d_name[0])) {
			look_at_process(sockets, dirfd(proc),
					(pid_t)strtol(entry->d_name, NULL, 10));
		}
	}
	if (proc != NULL) {
		closedir(proc);
	}
}

static void *start(struct oo_gather *gather)
{
	struct sockets sockets = {.evidence = gather->evidence};
	int r = oo_diag_list(1u << TCP_LISTEN, on_listener, &sockets);
	if (r == 0) {
		r = oo_diag_list(1u << TCP_CLOSE_WAIT, on_close_wait, &sockets);
	}
	gather->evidence->listeners_look = r == 0                        ? OO_LOOK_SEEN
					   : r == -EACCES || r == -EPERM ? OO_LOOK_DENIED
					   : r == -ETIMEDOUT             ? OO_LOOK_LATE
									 : OO_LOOK_FAILED;
	find_owners(&sockets);
	for (size_t i = 0; i < gather->evidence->n_listeners; i++) {
		const struct oo_listener *listener = &gather->evidence->listeners[i];
		if (listener->at.port == gather->docservice.port && listener->pid != 0) {
			oo_gather_adopt_docservice(gather, listener->pid);
		}
	}
	return NULL;
}

const struct oo_collector oo_collect_sockets = {.start = start};
