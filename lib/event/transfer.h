#ifndef OO_TRANSFER_H
#define OO_TRANSFER_H
/*
 * libcurl transfers on the loop (curl's multi socket interface on sd-event; libcurl-multi(3)).
 * One oo_transfers holds one connection pool. An easy handle is the caller's before and after its
 * transfer, and must not be touched (but by cancel) while it runs.
 */
#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "base/error.h"

struct oo_transfers;

/*
 * The one answer of a transfer; runs from the loop, never inside start. code: CURLE_OK or why not.
 * The handle is already out of the pool (but see oo_transfers_connect): it may be started again,
 * cleaned up, or left.
 */
typedef void oo_transfer_fn(CURL *easy, CURLcode code, void *user);

/* Returns 0, -ENOMEM or sd-event's error. Keeps event. curl_global_init is the caller's. */
int oo_transfers_new(sd_event *event, struct oo_transfers **ret_transfers, struct oo_err *err);
/* Cancels what runs, closes the connections. NULL is accepted. Must not be called in an answer. */
void oo_transfers_free(struct oo_transfers *transfers);

/*
 * Starts easy. CURLOPT_PRIVATE, NOSIGNAL and QUICK_EXIT are set here (QUICK_EXIT: a cancelled
 * transfer does not wait for its name lookup). CURLOPT_CAPATH is cleared where libcurl has a
 * default CAINFO: the file is parsed once then, not (40 ms, blocking) for each connection.
 * Returns 0, -ENOMEM, or -EINVAL if curl refuses the handle; done runs only after 0.
 */
int oo_transfers_start(struct oo_transfers *transfers, CURL *easy, oo_transfer_fn *done,
		       void *user);
/*
 * The same for an easy with CURLOPT_CONNECT_ONLY: after a good answer it stays in the pool with its
 * connection open, for curl_easy_send(3) and curl_easy_recv(3), until oo_transfers_cancel.
 */
int oo_transfers_connect(struct oo_transfers *transfers, CURL *easy, oo_transfer_fn *done,
			 void *user);
/* Takes a running easy out: its done will not run. Its connection is closed. */
void oo_transfers_cancel(struct oo_transfers *transfers, CURL *easy);

#endif
