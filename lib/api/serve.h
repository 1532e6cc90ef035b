#ifndef OO_API_SERVE_H
#define OO_API_SERVE_H
/* One request, from its headers to its answer: which route, whether it may be asked, what it gets. */
#include <microhttpd.h>

#include "api/api.h"

/* Where a request came in. */
struct oo_serve_place {
	const struct oo_api_options *options;
	bool tcp;
};

/* libmicrohttpd's callback for requests (MHD_AccessHandlerCallback). user: struct oo_serve_place. */
enum MHD_Result oo_serve_request(void *user, struct MHD_Connection *connection, const char *path,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **state);

/* Its callback for the end of one, answered or not (MHD_OPTION_NOTIFY_COMPLETED). */
void oo_serve_end(void *user, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode code);

#endif
