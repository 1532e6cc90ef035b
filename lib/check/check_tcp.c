#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check/run.h"

#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"
/* RFC 1035, 2.3.4 */
#define HOST_MAX 255
#define URL_LENGTH (HOST_MAX + 32)

static void write_url(char url[static URL_LENGTH], const struct oo_check_spec *spec)
{
	bool six = strchr(spec->host, ':') != NULL;
	snprintf(url, URL_LENGTH, "http://%s%s%s:%d/", six ? "[" : "", spec->host, six ? "]" : "",
		 spec->port);
}

int oo_check_tcp_verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	const char *host = spec->host;
	char url[URL_LENGTH];
	if (spec->port < 1 || spec->port > 65535) {
		return oo_fail_text(err, EINVAL, "port %d: must be 1 to 65535", spec->port);
	}
	if (host != NULL && host[0] != '\0' && strlen(host) <= HOST_MAX &&
	    host[strspn(host, HOST_CHARACTERS)] == '\0') {
		write_url(url, spec);
		return oo_check_url_verify(url, err);
	}
	return oo_fail_text(err, EINVAL, "host: must be a name, or an address without brackets");
}

/*
 * The connection is opened by libcurl too (CURLOPT_CONNECT_ONLY), so that names, address families
 * and causes of failure are those of an HTTP check. Not a byte is sent.
 */
int oo_check_tcp_prepare(struct oo_check_run *run, const struct oo_check_spec *spec)
{
	char url[URL_LENGTH];
	write_url(url, spec);
	curl_easy_setopt(run->easy, CURLOPT_CONNECT_ONLY, 1L);
	return curl_easy_setopt(run->easy, CURLOPT_URL, url) == CURLE_OK ? 0 : -ENOMEM;
}
