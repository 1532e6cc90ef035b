#ifndef OO_API_ANSWER_H
#define OO_API_ANSWER_H
/* An answer on its way into libmicrohttpd. */
#include <microhttpd.h>

#include "api/api.h"

void oo_answer_init(struct oo_api_answer *answer);
void oo_answer_done(struct oo_api_answer *answer);

/*
 * Queues the answer, and takes its body. An empty one becomes a 500.
 * allow     the Allow header; NULL: none.
 * bodiless  send the status and the headers alone.
 * Returns MHD_NO when memory ran out; the connection is to be closed then.
 */
enum MHD_Result oo_answer_send(struct MHD_Connection *connection, struct oo_api_answer *answer,
			       const char *allow, bool bodiless);

#endif
