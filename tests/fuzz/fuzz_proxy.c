/*
 * Whatever nginx's configuration is, reading it ends, stays within what it fills, and what is wrong
 * is said in one printable line. A file that it may include stands beside it.
 */
#include <glob.h>
#include <string.h>

#include "documentserver/proxy.h"
#include "file.h"
#include "fuzz.h"

#define PATH "/ooha/nginx.conf"
#define BESIDE "/ooha/ds.conf"

int __wrap_glob64(const char *pattern, int flags, int (*failed)(const char *, int),
		  glob64_t *found);

/* What matches a pattern is not the file system's to say here. */
int __wrap_glob64(const char *pattern, int flags, int (*failed)(const char *, int), glob64_t *found)
{
	(void)pattern;
	(void)flags;
	(void)failed;
	(void)found;
	return GLOB_NOMATCH;
}

static void check_text(const char *text, size_t size)
{
	FUZZ_CHECK(memchr(text, '\0', size) != NULL);
}

static void check_pass(const struct oo_proxy_pass *pass)
{
	check_text(pass->target, sizeof(pass->target));
	check_text(pass->location, sizeof(pass->location));
	check_text(pass->host_header, sizeof(pass->host_header));
	FUZZ_CHECK(pass->n_peers <= OO_PROXY_PEERS);
	FUZZ_CHECK(pass->read_timeout_ms >= 0 && pass->connect_timeout_ms >= 0);
	for (size_t i = 0; i < pass->n_peers; i++) {
		check_text(pass->peers[i].host, sizeof(pass->peers[i].host));
		FUZZ_CHECK(pass->peers[i].host[0] != '\0' && pass->peers[i].port != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct oo_proxy_config proxy;
	fuzz_file_set(PATH, data, length);
	fuzz_file_beside(BESIDE, "server { listen 80; location / { proxy_pass http://a; } }\n"
				 "include nginx.conf;\n");
	FUZZ_CHECK(oo_proxy_read(PATH, &proxy) == 0);
	FUZZ_CHECK(proxy.n_passes <= OO_PROXY_PASSES && proxy.n_listens <= OO_PROXY_LISTENS);
	FUZZ_CHECK(proxy.n_error_logs <= OO_PROXY_LOGS && proxy.n_certificates <= OO_PROXY_LOGS);
	FUZZ_CHECK(proxy.worker_connections > 0);
	check_text(proxy.error, sizeof(proxy.error));
	for (size_t i = 0; i < proxy.n_passes; i++) {
		check_pass(&proxy.passes[i]);
	}
	fuzz_file_done();
	return 0;
}
