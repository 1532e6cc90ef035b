#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/curl.h"

#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"
/* RFC 1035, 2.3.4 */
#define HOST_MAX 255
#define URL_LENGTH (HOST_MAX + 32)

static void write_url(char url[static URL_LENGTH], const struct oo_check_address *address)
{
	bool six = strchr(address->host, ':') != NULL;
	snprintf(url, URL_LENGTH, "http://%s%s%s:%d/", six ? "[" : "", address->host,
		 six ? "]" : "", address->port);
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	const struct oo_check_address *address = &spec->tcp.address;
	const char *host = address->host;
	char url[URL_LENGTH];
	if (address->port == 0) {
		return oo_fail_text(err, EINVAL, "port 0: must be 1 to 65535");
	}
	if (host != NULL && host[0] != '\0' && strlen(host) <= HOST_MAX &&
	    host[strspn(host, HOST_CHARACTERS)] == '\0') {
		write_url(url, address);
		return oo_check_url_verify(url, err);
	}
	return oo_fail_text(err, EINVAL, "host: must be a name, or an address without brackets");
}

static void on_end(struct oo_check_curl *curl, CURLcode code)
{
	oo_check_curl_set_times(curl);
	if (code == CURLE_OK) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_OK, "connected");
	} else {
		oo_check_curl_judge(curl, code);
	}
	oo_check_run_finish(curl->run);
}

/*
 * The connection is opened by libcurl too (CURLOPT_CONNECT_ONLY), so that names, address families
 * and causes of failure are those of an HTTP check. Not a byte is sent.
 */
static int start(struct oo_check_run *run)
{
	struct oo_check_curl *curl = run->state;
	char url[URL_LENGTH];
	int r = oo_check_curl_begin(curl, run, on_end);
	if (r < 0) {
		return r;
	}
	write_url(url, &run->spec->tcp.address);
	curl_easy_setopt(curl->easy, CURLOPT_CONNECT_ONLY, 1L);
	if (curl_easy_setopt(curl->easy, CURLOPT_URL, url) != CURLE_OK) {
		return -ENOMEM;
	}
	return oo_check_curl_start(curl);
}

static void expire(struct oo_check_run *run)
{
	struct oo_check_curl *curl = run->state;
	oo_check_curl_judge_timeout(curl, 0);
	oo_check_curl_set_times(curl);
}

static void stop(struct oo_check_run *run)
{
	oo_check_curl_stop(run->state);
}

const struct oo_check_kind oo_check_tcp = {
	.state_size = sizeof(struct oo_check_curl),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
};
