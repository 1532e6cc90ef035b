#ifndef OO_RUN_H
#define OO_RUN_H
/* One run of a check on libcurl, and what its end means. Private to the module. */
#include <curl/curl.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "check/check.h"

/* Why we took no more of the answer. */
enum oo_check_stop {
	OO_CHECK_STOP_NONE = 0,
	OO_CHECK_STOP_NOT_HTTP,
	OO_CHECK_STOP_TOO_LONG,
	OO_CHECK_STOP_NO_MEMORY,
};

/* In place: begin, end. A zeroed one may be ended. */
struct oo_check_run {
	CURL *easy; /* owned */
	struct curl_slist *headers;
	struct oo_buffer body;
	enum oo_check_stop stop;
	int socket_errno; /* of the last socket(2): 0 if it was made */
	int64_t began_us; /* CLOCK_BOOTTIME us */
	int64_t tls_us;   /* when TLS was first spoken, after began_us; 0: not yet */
	char error[CURL_ERROR_SIZE];
};

/* Prepares run->easy for spec; the run must not move until its end. Returns 0 or -ENOMEM. */
int oo_check_run_begin(struct oo_check_run *run, const struct oo_check_spec *spec);
void oo_check_run_end(struct oo_check_run *run);

/*
 * Fills ret_result but for total_us and at.
 * code  of the transfer; CURLE_OPERATION_TIMEDOUT when it was cancelled at its deadline.
 */
void oo_check_run_judge(struct oo_check_run *run, const struct oo_check_spec *spec, CURLcode code,
			struct oo_check_result *ret_result);
/* The result of a run that could not even be started. error_number: positive. */
void oo_check_run_judge_local(int error_number, struct oo_check_result *ret_result);

/* The kinds. verify: 0 or -EINVAL. prepare: after the options that all share; 0 or -ENOMEM. */
int oo_check_http_verify(const struct oo_check_spec *spec, struct oo_err *err);
int oo_check_http_prepare(struct oo_check_run *run, const struct oo_check_spec *spec);
/* Of the answer; 0 while none has come. */
int oo_check_http_status(const struct oo_check_run *run);
/* Decides by the answer, http_status being set: what came is whole, or was stopped by us. */
void oo_check_http_judge(const struct oo_check_run *run, const struct oo_check_spec *spec,
			 struct oo_check_result *result);
int oo_check_tcp_verify(const struct oo_check_spec *spec, struct oo_err *err);
int oo_check_tcp_prepare(struct oo_check_run *run, const struct oo_check_spec *spec);

/* Is text a URL that libcurl can use? Returns 0, -EINVAL or -ENOMEM; err never quotes it. */
int oo_check_url_verify(const char *text, struct oo_err *err);

#endif
