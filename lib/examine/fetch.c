#include "examine/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 1000L
#define BODY_BYTES_MAX (2 << 20)

static size_t on_data(char *data, size_t one, size_t n, void *user)
{
	struct oo_fetch *fetch = user;
	(void)one; /* always 1 */
	return oo_buffer_add(&fetch->body, data, n) == 0 ? n : 0;
}

static void on_done(CURL *easy, CURLcode code, void *user)
{
	struct oo_fetch *fetch = user;
	(void)easy;
	fetch->is_running = false;
	fetch->done(fetch, code);
	oo_work_release(fetch->work);
}

static bool set_tls(CURL *easy, const struct oo_config_etcd *etcd)
{
	return (etcd->ca_file == NULL ||
		curl_easy_setopt(easy, CURLOPT_CAINFO, etcd->ca_file) == CURLE_OK) &&
	       (etcd->cert_file == NULL ||
		(curl_easy_setopt(easy, CURLOPT_SSLCERT, etcd->cert_file) == CURLE_OK &&
		 curl_easy_setopt(easy, CURLOPT_SSLKEY, etcd->key_file) == CURLE_OK));
}

static bool prepare(struct oo_fetch *fetch, const char *address)
{
	CURL *easy = fetch->easy;
	return curl_easy_setopt(easy, CURLOPT_URL, address) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)oo_work_left_ms(fetch->work)) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
	       set_tls(easy, &fetch->work->config->etcd);
}

void oo_fetch_start(struct oo_fetch *fetch, struct oo_work *work, const char *url, const char *path)
{
	char address[OO_FACTS_TEXT + 32];
	snprintf(address, sizeof(address), "%s%s", url, path);
	fetch->work = work;
	oo_buffer_init(&fetch->body, BODY_BYTES_MAX);
	fetch->easy = curl_easy_init();
	if (fetch->easy != NULL && prepare(fetch, address) &&
	    oo_transfers_start(work->transfers, fetch->easy, on_done, fetch) == 0) {
		fetch->is_running = true;
		oo_work_hold(work);
	}
}

void oo_fetch_end(struct oo_fetch *fetch)
{
	if (fetch->work == NULL) {
		return;
	}
	if (fetch->is_running) {
		oo_transfers_cancel(fetch->work->transfers, fetch->easy);
	}
	curl_easy_cleanup(fetch->easy);
	oo_buffer_done(&fetch->body);
}

bool oo_fetch_is_good(const struct oo_fetch *fetch, CURLcode code)
{
	long status = 0;
	(void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	return code == CURLE_OK && status == 200 && fetch->body.length > 0;
}

static enum oo_reach reach_of_errno(long error_number)
{
	switch (error_number) {
	case ECONNREFUSED:
		return OO_REACH_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EACCES:
	case EPERM:
		return OO_REACH_REJECTED;
	case ETIMEDOUT:
		return OO_REACH_SILENT;
	default:
		return OO_REACH_FAILED;
	}
}

static bool is_connected(const struct oo_fetch *fetch)
{
	curl_off_t connect_us = 0;
	(void)curl_easy_getinfo(fetch->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	return connect_us > 0;
}

static bool is_tls(CURLcode code)
{
	static const CURLcode codes[] = {
		CURLE_SSL_CONNECT_ERROR,   CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
		CURLE_SSL_CACERT_BADFILE,  CURLE_SSL_ISSUER_ERROR,         CURLE_SSL_CIPHER,
		CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_CRL_BADFILE,          CURLE_SSL_CLIENTCERT,
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == code) {
			return true;
		}
	}
	return false;
}

enum oo_reach oo_fetch_reach(const struct oo_fetch *fetch, CURLcode code,
			     char error[static OO_FACTS_TEXT])
{
	long error_number = 0;
	(void)curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &error_number);
	oo_text_clip(error, OO_FACTS_TEXT,
		     code == CURLE_COULDNT_CONNECT && error_number != 0
			     ? strerror((int)error_number)
			     : curl_easy_strerror(code));
	if (code == CURLE_OK) {
		error[0] = '\0';
		return OO_REACH_ANSWERED;
	}
	if (code == CURLE_COULDNT_RESOLVE_HOST) {
		return OO_REACH_UNRESOLVED;
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		return is_connected(fetch) ? OO_REACH_UNANSWERED : OO_REACH_SILENT;
	}
	return is_tls(code)                    ? OO_REACH_TLS
	       : code == CURLE_COULDNT_CONNECT ? reach_of_errno(error_number)
					       : OO_REACH_FAILED;
}
