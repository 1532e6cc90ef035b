#include "api/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

void oo_answer_init(struct oo_api_answer *answer)
{
	*answer = (struct oo_api_answer){.status = MHD_HTTP_OK, .content_type = "application/json"};
	oo_buffer_init(&answer->body, OO_API_ANSWER_BYTES_MAX);
}

void oo_answer_done(struct oo_api_answer *answer)
{
	oo_buffer_done(&answer->body);
}

void oo_api_refuse(struct oo_api_answer *answer, unsigned status, const char *format, ...)
{
	char text[OO_ERR_LENGTH];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	oo_answer_done(answer);
	oo_answer_init(answer);
	answer->status = status;
	if (oo_buffer_add_format(&answer->body, "{\"error\": ") < 0 ||
	    oo_buffer_add_json(&answer->body, text, strlen(text)) < 0 ||
	    oo_buffer_add_format(&answer->body, "}\n") < 0) {
		oo_answer_done(answer); /* no half of it: it becomes a 500 */
	}
}

/* Takes the body. */
static struct MHD_Response *make_response(struct oo_api_answer *answer, bool bodiless)
{
	static char failed[] = "{\"error\": \"no answer could be made: out of memory\"}\n";
	if (answer->body.length == 0) {
		oo_answer_done(answer);
		oo_answer_init(answer);
		answer->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		return MHD_create_response_from_buffer(bodiless ? 0 : sizeof(failed) - 1, failed,
						       MHD_RESPMEM_PERSISTENT);
	}
	if (bodiless) {
		return MHD_create_response_from_buffer(0, failed, MHD_RESPMEM_PERSISTENT);
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body.length, answer->body.data, MHD_RESPMEM_MUST_FREE);
	if (response != NULL) {
		answer->body.data = NULL;
	}
	return response;
}

enum MHD_Result oo_answer_send(struct MHD_Connection *connection, struct oo_api_answer *answer,
			       const char *allow, bool bodiless)
{
	struct MHD_Response *response = make_response(answer, bodiless);
	if (response == NULL) {
		return MHD_NO;
	}
	enum MHD_Result sent = MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type) ==
		    MHD_YES &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
		    MHD_YES &&
	    (allow == NULL ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow) == MHD_YES)) {
		sent = MHD_queue_response(connection, answer->status, response);
	}
	MHD_destroy_response(response);
	return sent;
}
