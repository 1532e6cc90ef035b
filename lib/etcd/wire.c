#include "etcd/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define KEEPALIVE_S 1L
#define USER_TIMEOUT_MS 1500 /* with it, keepalive finds a dead peer in about 2 s */
#define TIMEOUT_MORE_MS 1000
#define KEPT_BYTES_MAX (16 << 10) /* of the answer buffer of a wire that is kept */
#define HEADER_LENGTH 4200        /* "Authorization: " and the longest token */

static void free_wire(struct oo_etcd_wire *wire)
{
	curl_easy_cleanup(wire->easy);
	curl_slist_free_all(wire->headers);
	oo_buffer_done(&wire->answer);
	free(wire);
}

/* CURLOPT_WRITEFUNCTION; less than n ends the transfer with CURLE_WRITE_ERROR */
static size_t on_data(char *data, size_t size, size_t n, void *user)
{
	struct oo_etcd_wire *wire = user;
	if (oo_buffer_add(&wire->answer, data, size * n) < 0) {
		return 0;
	}
	if (wire->arrived != NULL) {
		wire->arrived(wire->user);
	}
	return n;
}

/* CURLOPT_SOCKOPTFUNCTION: libcurl has no option of its own for this one */
static int on_new_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	(void)user;
	(void)purpose;
	unsigned timeout_ms = USER_TIMEOUT_MS;
	/* without it a dead peer is only found later, by the calls */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	return CURL_SOCKOPT_OK;
}

static void on_done(CURL *easy, CURLcode code, void *user)
{
	(void)easy;
	struct oo_etcd_wire *wire = user;
	wire->running = false;
	wire->done(wire, code, wire->user);
}

static struct oo_etcd_wire *take_wire(struct oo_etcd_wires *wires)
{
	struct oo_etcd_wire *wire = wires->kept;
	if (wire != NULL) {
		wires->kept = wire->next;
		wires->n_kept--;
		return wire;
	}
	wire = calloc(1, sizeof(*wire));
	if (wire == NULL) {
		return NULL;
	}
	wire->wires = wires;
	oo_buffer_init(&wire->answer, OO_ETCD_ANSWER_BYTES_MAX);
	wire->easy = curl_easy_init();
	if (wire->easy == NULL) {
		free_wire(wire);
		return NULL;
	}
	return wire;
}

static int add_header(struct oo_etcd_wire *wire, const char *header)
{
	struct curl_slist *longer = curl_slist_append(wire->headers, header);
	if (longer == NULL) {
		return -ENOMEM;
	}
	wire->headers = longer;
	return 0;
}

/* The member gives up a little before we do: an answer that says so is better than a cut. */
static int64_t server_timeout(int64_t timeout_ms)
{
	int64_t slack = timeout_ms / 8 < 100 ? timeout_ms / 8 : 100;
	return timeout_ms - slack;
}

static int add_headers(struct oo_etcd_wire *wire, const struct oo_etcd_send *send)
{
	char text[HEADER_LENGTH];
	int r = add_header(wire, "Content-Type: application/json");
	r = r < 0 ? r : add_header(wire, "Expect:");
	if (r == 0 && send->needs_leader) {
		r = add_header(wire, "Grpc-Metadata-hasleader: true");
	}
	if (r == 0 && send->timeout_ms > 0) {
		snprintf(text, sizeof(text), "Grpc-Timeout: %lldm",
			 (long long)server_timeout(send->timeout_ms));
		r = add_header(wire, text);
	}
	if (r == 0 && send->token != NULL) {
		snprintf(text, sizeof(text), "Authorization: %s", send->token);
		r = add_header(wire, text);
	}
	return r;
}

/* Sets option unless one failed before. */
#define SET(option, value)                                                                         \
	(code = code != CURLE_OK ? code : curl_easy_setopt(wire->easy, (option), (value)))

static CURLcode set_tls(struct oo_etcd_wire *wire)
{
	const struct oo_etcd_wires *wires = wire->wires;
	CURLcode code = CURLE_OK;
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (wires->ca_file != NULL) {
		SET(CURLOPT_CAINFO, wires->ca_file);
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_CA_CACHE_TIMEOUT, 0L); /* a day, else: a CA may be replaced */
	}
	if (wires->cert_file != NULL) {
		SET(CURLOPT_SSLCERT, wires->cert_file);
		SET(CURLOPT_SSLKEY, wires->key_file);
	}
	return code;
}

static CURLcode set_connection(struct oo_etcd_wire *wire, const struct oo_etcd_send *send)
{
	CURLcode code = CURLE_OK;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_NOPROXY, "*");
	/* over HTTP/2 one dead connection takes the watch and every call with it, for long */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)send->connect_timeout_ms);
	/* the caller's own deadline comes first: who ends it decides what it means */
	SET(CURLOPT_TIMEOUT_MS,
	    (long)(send->timeout_ms > 0 ? send->timeout_ms + TIMEOUT_MORE_MS : 0));
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
	SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
	SET(CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	return code;
}

static CURLcode set_up(struct oo_etcd_wire *wire, const struct oo_etcd_send *send)
{
	char url[512];
	snprintf(url, sizeof(url), "%s%s", send->url, send->path);
	curl_easy_reset(wire->easy);
	CURLcode code = set_tls(wire);
	code = code != CURLE_OK ? code : set_connection(wire, send);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_POSTFIELDSIZE, (long)send->body_length);
	SET(CURLOPT_POSTFIELDS, send->body);
	SET(CURLOPT_HTTPHEADER, wire->headers);
	SET(CURLOPT_ERRORBUFFER, wire->error);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, wire);
	return code;
}

int oo_etcd_wires_init(struct oo_etcd_wires *wires, sd_event *event,
		       const struct oo_etcd_options *options, struct oo_err *err)
{
	wires->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
	wires->cert_file = options->cert_file != NULL ? strdup(options->cert_file) : NULL;
	wires->key_file = options->key_file != NULL ? strdup(options->key_file) : NULL;
	if ((options->ca_file != NULL && wires->ca_file == NULL) ||
	    (options->cert_file != NULL && wires->cert_file == NULL) ||
	    (options->key_file != NULL && wires->key_file == NULL)) {
		return oo_fail(err, ENOMEM, "etcd client");
	}
	return oo_transfers_new(event, &wires->transfers, err);
}

void oo_etcd_wires_done(struct oo_etcd_wires *wires)
{
	while (wires->kept != NULL) {
		struct oo_etcd_wire *wire = wires->kept;
		wires->kept = wire->next;
		free_wire(wire);
	}
	oo_transfers_free(wires->transfers);
	free(wires->ca_file);
	free(wires->cert_file);
	free(wires->key_file);
}

int oo_etcd_wires_send(struct oo_etcd_wires *wires, const struct oo_etcd_send *send,
		       struct oo_etcd_wire **ret_wire)
{
	struct oo_etcd_wire *wire = take_wire(wires);
	if (wire == NULL) {
		return -ENOMEM;
	}
	wire->done = send->done;
	wire->arrived = send->arrived;
	wire->user = send->user;
	wire->error[0] = '\0';
	if (add_headers(wire, send) < 0 || set_up(wire, send) != CURLE_OK ||
	    oo_transfers_start(wires->transfers, wire->easy, on_done, wire) < 0) {
		oo_etcd_wire_give(wire);
		return -ENOMEM; /* all that can fail there: the options are constants and copies */
	}
	wire->running = true;
	*ret_wire = wire;
	return 0;
}

void oo_etcd_wire_give(struct oo_etcd_wire *wire)
{
	if (wire == NULL) {
		return;
	}
	struct oo_etcd_wires *wires = wire->wires;
	if (wire->running) {
		oo_transfers_cancel(wires->transfers, wire->easy);
		wire->running = false;
	}
	if (wires->n_kept == OO_ETCD_WIRES_KEPT) {
		free_wire(wire);
		return;
	}
	curl_easy_reset(wire->easy); /* nothing may point at the old body and headers */
	curl_slist_free_all(wire->headers);
	wire->headers = NULL;
	if (wire->answer.capacity > KEPT_BYTES_MAX) {
		oo_buffer_done(&wire->answer);
	}
	oo_buffer_clear(&wire->answer);
	wire->next = wires->kept;
	wires->kept = wire;
	wires->n_kept++;
}

long oo_etcd_wire_status(const struct oo_etcd_wire *wire)
{
	long status = 0;
	curl_easy_getinfo(wire->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

bool oo_etcd_wire_was_sent(const struct oo_etcd_wire *wire)
{
	curl_off_t ready_us = 0; /* when it was about to be sent; 0: never came to that */
	curl_easy_getinfo(wire->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	return ready_us > 0;
}

void oo_etcd_wire_failure(const struct oo_etcd_wire *wire, CURLcode code,
			  struct oo_etcd_failure *ret_failure)
{
	long error_number = 0;
	curl_off_t handshaken_us = 0; /* 0: no TLS, or its handshake failed */
	curl_off_t took_us = 0;
	curl_easy_getinfo(wire->easy, CURLINFO_OS_ERRNO, &error_number);
	curl_easy_getinfo(wire->easy, CURLINFO_APPCONNECT_TIME_T, &handshaken_us);
	curl_easy_getinfo(wire->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	const struct oo_etcd_broken broken = {
		.code = code,
		.error_number = (int)error_number,
		.sent = oo_etcd_wire_was_sent(wire),
		.tls = handshaken_us > 0,
		.took_ms = took_us / 1000,
		.theirs = wire->error,
		.cert_file = wire->wires->cert_file,
	};
	oo_etcd_failure_from_broken(&broken, ret_failure);
}
