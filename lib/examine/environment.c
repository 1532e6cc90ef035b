#include "examine/environment.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "examine/pages.h"
#include "examine/work.h"

#define ENVIRONMENT_BYTES_MAX 65536
#define WORDS_MAX 64
#define LINK_LENGTH 64

static void close_directory(DIR **directory)
{
	if (*directory != NULL) {
		closedir(*directory);
	}
}

static bool is_in_our_network(const char *pid)
{
	char path[64], its[LINK_LENGTH] = "", ours[LINK_LENGTH] = "";
	snprintf(path, sizeof(path), "/proc/%.16s/ns/net", pid);
	return readlink(path, its, sizeof(its) - 1) > 0 &&
	       readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 &&
	       oo_text_equal(its, ours);
}

static bool is_etcd(const char *pid)
{
	char path[64], name[32];
	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	return oo_work_read(path, name, sizeof(name)) > 0 && oo_text_equal(name, "etcd\n");
}

/* Returns whether it is the etcd that was meant. */
static bool look_at(const char *pid, const char *at, struct oo_etcd_endpoint_facts *endpoint)
{
	char path[64], text[ENVIRONMENT_BYTES_MAX];
	const char *words[WORDS_MAX];
	if (!is_etcd(pid) || !is_in_our_network(pid)) {
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%.16s/environ", pid);
	size_t length = oo_work_read(path, text, sizeof(text));
	size_t n = oo_pages_parse_environment(text, length, at, words, OO_LENGTH(words));
	if (n > 0) {
		oo_pages_read_options(words, n, endpoint);
	}
	return n > 0;
}

void oo_environment_read(struct oo_etcd_endpoint_facts *endpoint)
{
	const char *at = strstr(endpoint->url, "://");
	bool is_six = strchr(endpoint->host, ':') != NULL;
	at = at == NULL ? endpoint->url : at + strlen("://") + is_six;
	OO_AUTO(close_directory) DIR *proc = opendir("/proc");
	for (struct dirent *entry = proc == NULL ? NULL : readdir(proc); entry != NULL;
	     entry = readdir(proc)) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    look_at(entry->d_name, at, endpoint)) {
			return;
		}
	}
}
