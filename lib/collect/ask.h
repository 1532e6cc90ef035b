#ifndef OO_ASK_H
#define OO_ASK_H
/*
 * One HTTP request and what came of it, over libcurl. Nothing is verified on the way, so that there
 * is an answer to look at; what a verification would have said is told beside it. Private to the
 * module.
 */
#include "diagnose/evidence.h"
#include "event/transfer.h"

#define OO_ASK_REDIRECTS 10

struct oo_ask;

struct oo_ask_request {
	const char *url;
	const struct oo_endpoint_text *connect_to; /* in place of the URL's host; NULL: that */
	const char *body;                          /* POSTed, as JSON; NULL: GET */
	const char *authorization;                 /* a whole header line; NULL: none */
	const char *server_name; /* that a certificate has to be for; NULL: any, but the URL's host
				    where redirects are followed */
	bool upgrades;           /* to WebSocket: the answer is over with its headers */
	bool follows;            /* redirects, at most OO_ASK_REDIRECTS */
	int64_t timeout_ms;      /* of all */
};

/* All is in the exchange; runs from the loop. The handle is gone. */
typedef void oo_ask_fn(void *user);

/*
 * Sends a request; nothing of it is kept but through copies.
 * ret_exchange  says OO_LOOK_LATE at once, and stays so until done; must live as long as the ask.
 * Returns 0, -ENOMEM or -EINVAL (curl refuses it) with ret_exchange saying so.
 */
int oo_ask_start(struct oo_transfers *transfers, const struct oo_ask_request *request,
		 struct oo_exchange *ret_exchange, oo_ask_fn *done, void *user,
		 struct oo_ask **ret_ask);
/* done will not run. NULL is accepted. */
void oo_ask_cancel(struct oo_ask *ask);

/*
 * Takes the value of a header line, if it is of that name; else target is untouched.
 * line  length bytes: "Name: value\r\n".
 */
void oo_ask_take_header(const char *line, size_t length, const char *name, char *target,
			size_t size);

/*
 * What a verification says of the chain that a server showed (CURLINFO_CERTINFO): trust, days left
 * and certificate of *ret_exchange. name: NULL: any.
 */
void oo_ask_judge_chain(const struct curl_certinfo *chain, const char *name,
			struct oo_exchange *ret_exchange);

#endif
