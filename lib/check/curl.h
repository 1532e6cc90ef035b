#ifndef OO_CHECK_CURL_H
#define OO_CHECK_CURL_H
/*
 * What the kinds that open a connection share: one libcurl transfer a run, its phases with their
 * limits, and what its failures mean. Private to the module, but for oo_check_curl_errno, which
 * collect/ asks too.
 */
#include <curl/curl.h>
#include <stdbool.h>

#include "base/text.h"
#include "check/kind.h"

#define OO_CHECK_REDIRECTS 5

struct oo_check_curl;
/* The transfer is over. Runs from the loop, once, unless the transfer was stopped. */
typedef void oo_check_curl_fn(struct oo_check_curl *curl, CURLcode code);

/* Of oo_check_curl_begin: the kind has to set what it asks. */
#define OO_CHECK_CURL_NEW 1

/* In place, in a kind's state: begin, start, stop; done in the end. A zeroed one may be stopped. */
struct oo_check_curl {
	struct oo_check_run *run;
	oo_check_curl_fn *ended;
	CURL *easy; /* owned */
	struct curl_slist *connect_to;
	bool transferring; /* easy is in the pool */
	bool keeps;        /* and stays there once connected */
	int socket_errno;  /* of the last socket(2): 0 if it was made */
	int64_t tls_us;    /* when TLS was first spoken, after the run's start; 0: not yet */
	bool connecting;   /* the first of a name's addresses is being tried, or a later one */
	bool answered;     /* with at least one byte */
	char error[CURL_ERROR_SIZE];
};

/*
 * Makes curl->easy with the options that all share, or takes it as the last run left it, which was
 * good: no connection, name or TLS session is kept with it. It must not move until done. Returns
 * OO_CHECK_CURL_NEW, 0 (all is set already) or -ENOMEM.
 */
int oo_check_curl_begin(struct oo_check_curl *curl, struct oo_check_run *run,
			oo_check_curl_fn *ended);
/*
 * Sets where to connect, and whom to believe.
 * tls  NULL: nothing asked.
 * Returns 0 or -ENOMEM.
 */
int oo_check_curl_set_url(struct oo_check_curl *curl, const char *url,
			  const struct oo_check_tls *tls);
/* Returns 0 or -errno of oo_transfers_start, or of oo_transfers_connect. */
int oo_check_curl_start(struct oo_check_curl *curl);
int oo_check_curl_connect(struct oo_check_curl *curl);
/* Ends the run. curl->easy is kept for the next one where the result was good, else freed. */
void oo_check_curl_stop(struct oo_check_curl *curl);
void oo_check_curl_done(struct oo_check_curl *curl);

/* The first byte of the answer is here: no limit but the run's from now on. */
void oo_check_curl_answered(struct oo_check_curl *curl);

/* Sets the times of the phases that are over. */
void oo_check_curl_set_times(struct oo_check_curl *curl);
/* Says what a code other than CURLE_OK means. */
void oo_check_curl_judge(struct oo_check_curl *curl, CURLcode code);
/*
 * Says what it means that the time is up.
 * received_bytes  of the answer's body.
 */
void oo_check_curl_judge_timeout(struct oo_check_curl *curl, size_t received_bytes);

/*
 * Is the certificate good for as many days as wanted? Says what is wrong if it is not, and sets the
 * result's certificate_end_s. Only after a good answer.
 */
bool oo_check_curl_is_valid(struct oo_check_curl *curl, const struct oo_check_tls *tls);

/* Says `<what> "<the beginning of the bytes>"`. */
void oo_check_curl_say_bytes(struct oo_check_curl *curl, enum oo_check_reason reason,
			     const char *what, const struct oo_buffer *bytes);

/* Why a connection failed, as far as errno tells. */
enum oo_check_reason oo_check_curl_errno(int error_number);

/* Is text a URL that libcurl can use? Returns 0, -EINVAL or -ENOMEM; err never quotes it. */
int oo_check_url_verify(const char *text, struct oo_err *err);

#endif
