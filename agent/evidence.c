#include "evidence.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define FILE_BYTES_MAX 4096

/* As /proc/<pid>/comm shows them: cut to 15 bytes. */
static const struct {
	const char *comm;
	enum agent_suspect suspect;
} names[] = {
	{"systemd-network", AGENT_SUSPECT_NETWORKD},
	{"NetworkManager", AGENT_SUSPECT_NETWORK_MANAGER},
	{"dhclient", AGENT_SUSPECT_DHCLIENT},
	{"dhcpcd", AGENT_SUSPECT_DHCPCD},
	{"ifup", AGENT_SUSPECT_IFUPDOWN},
	{"ifdown", AGENT_SUSPECT_IFUPDOWN},
	{"ifreload", AGENT_SUSPECT_IFUPDOWN},
};

static void close_directory(DIR **directory)
{
	if (*directory != NULL) {
		closedir(*directory);
	}
}

/* The beginning of a file of directory (AT_FDCWD), NUL-terminated. Returns its length; 0: unreadable. */
static size_t read_start(int directory, const char *path, char text[static FILE_BYTES_MAX])
{
	OO_AUTO(oo_close) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, text, FILE_BYTES_MAX - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* The value of the line "name=value". Returns whether there is one. */
static bool find_value(const char *text, const char *name, char *value, size_t size)
{
	const size_t length = strlen(name);

	for (const char *line = text; line != NULL;) {
		if (strncmp(line, name, length) == 0 && line[length] == '=') {
			const char *start = line + length + 1;
			snprintf(value, size, "%.*s", (int)strcspn(start, "\n"), start);
			return true;
		}
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return false;
}

static void read_networkd(const char *root, int ifindex, struct agent_evidence *evidence)
{
	char path[512], text[FILE_BYTES_MAX], state[32];

	snprintf(path, sizeof(path), "%s/run/systemd/netif/links/%d", root, ifindex);
	if (read_start(AT_FDCWD, path, text) == 0 ||
	    !find_value(text, "ADMIN_STATE", state, sizeof(state)) ||
	    oo_text_equal(state, "unmanaged")) {
		return;
	}
	evidence->programs[AGENT_SUSPECT_NETWORKD].manages = true;
	if (!find_value(text, "NETWORK_FILE", evidence->network_file,
			sizeof(evidence->network_file))) {
		evidence->network_file[0] = '\0';
	}
}

static void read_network_manager(const char *root, int ifindex, struct agent_evidence *evidence)
{
	char path[512], text[FILE_BYTES_MAX], managed[16];

	snprintf(path, sizeof(path), "%s/run/NetworkManager/devices/%d", root, ifindex);
	evidence->programs[AGENT_SUSPECT_NETWORK_MANAGER].manages =
		read_start(AT_FDCWD, path, text) > 0 &&
		find_value(text, "managed", managed, sizeof(managed)) &&
		(oo_text_equal(managed, "true") || oo_text_equal(managed, "1"));
}

/* proc(5), stat: the 22nd field, in ticks since boot; what is before ')' may have spaces in it. */
static int64_t age_of(int process)
{
	char text[FILE_BYTES_MAX];
	const long per_s = sysconf(_SC_CLK_TCK);
	const char *at = read_start(process, "stat", text) == 0 ? NULL : strrchr(text, ')');

	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	if (at == NULL || per_s <= 0) {
		return INT64_MAX;
	}
	int64_t age_ms = oo_clock_now() - strtoll(at + 1, NULL, 10) * 1000 / per_s;
	return age_ms < 0 ? 0 : age_ms;
}

/* Whether one of the arguments is interface; ret_none: no argument but options. */
static bool is_told_of(int process, const char *interface, bool *ret_none)
{
	char text[FILE_BYTES_MAX];
	const size_t length = read_start(process, "cmdline", text);
	bool found = false;

	*ret_none = true;
	for (size_t at = strlen(text) + 1; at < length; at += strlen(text + at) + 1) {
		found = found || oo_text_equal(text + at, interface);
		*ret_none = *ret_none && text[at] == '-';
	}
	return found;
}

static bool manages(int process, enum agent_suspect suspect, const char *interface)
{
	bool none = false;
	const bool told = is_told_of(process, interface, &none);
	/* dhcpcd without interfaces takes all; ifup and its kin act on all with -a */
	return told || (none && suspect != AGENT_SUSPECT_DHCLIENT);
}

static void note_process(int process, enum agent_suspect suspect, const char *interface,
			 struct agent_evidence *evidence)
{
	struct agent_evidence_program *program = &evidence->programs[suspect];
	const int64_t age_ms = age_of(process);

	if (suspect != AGENT_SUSPECT_NETWORKD && suspect != AGENT_SUSPECT_NETWORK_MANAGER) {
		if (!manages(process, suspect, interface)) {
			return;
		}
		program->manages = true;
	}
	program->age_ms = !program->runs || age_ms < program->age_ms ? age_ms : program->age_ms;
	program->runs = true;
}

static void look_at(int proc, const char *pid, const char *interface,
		    struct agent_evidence *evidence)
{
	char comm[FILE_BYTES_MAX];
	OO_AUTO(oo_close)
	int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (process < 0 || read_start(process, "comm", comm) == 0) {
		return; /* it has just ended */
	}
	comm[strcspn(comm, "\n")] = '\0';
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		if (oo_text_equal(comm, names[i].comm)) {
			note_process(process, names[i].suspect, interface, evidence);
		}
	}
}

void agent_evidence_collect(const char *root, const char *interface, int ifindex,
			    struct agent_evidence *ret_evidence)
{
	const int64_t until = oo_clock_now() + AGENT_EVIDENCE_MS;
	struct agent_evidence evidence = {0};
	char path[512];

	read_networkd(root, ifindex, &evidence);
	read_network_manager(root, ifindex, &evidence);
	snprintf(path, sizeof(path), "%s/proc", root);
	OO_AUTO(close_directory) DIR *proc = opendir(path);
	for (struct dirent *entry = proc == NULL ? NULL : readdir(proc);
	     entry != NULL && oo_clock_now() < until; entry = readdir(proc)) {
		if (isdigit((unsigned char)entry->d_name[0])) {
			look_at(dirfd(proc), entry->d_name, interface, &evidence);
		}
	}
	*ret_evidence = evidence;
}
