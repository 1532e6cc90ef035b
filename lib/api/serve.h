#ifndef OO_API_SERVE_H
#define OO_API_SERVE_H
/* One request, from its headers to its answer: which route, whether it may be asked, what it gets. */
#include <microhttpd.h>

#include "api/api.h"
#include "api/rate.h"

/* Where requests come in. */
struct oo_serve_place {
	const struct oo_api_options *options;
	bool tcp;
	int64_t answers_until_us; /* of a turn: those that would be later wait for the next one */
	struct MHD_Connection *waiting[OO_API_CONNECTIONS_MAX];
	size_t n_waiting;
	struct oo_rate changes, refusals;
};

/* A turn of the loop begins: lets those go on that the last one has kept waiting. */
void oo_serve_begin_turn(struct oo_serve_place *place);

/* libmicrohttpd's callback for requests (MHD_AccessHandlerCallback). user: struct oo_serve_place. */
enum MHD_Result oo_serve_request(void *user, struct MHD_Connection *connection, const char *path,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **state);

/* Its callback for the end of one, answered or not (MHD_OPTION_NOTIFY_COMPLETED). */
void oo_serve_end(void *user, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode code);

#endif
