#include "api/serve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "api/peer.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define ALLOW_LENGTH 128
#define NAME_SHOWN_LENGTH 32
/* What a turn of the loop may spend on answers; the last one may take longer. */
#define TURN_US 5000
/* Each change is a line in the log, and mostly a write to etcd. */
#define CHANGE_US 100000
#define CHANGES_US (50 * CHANGE_US)
/* Refusals are only logged; beyond this they are not. */
#define REFUSAL_US 1000000
#define REFUSALS_US (10 * REFUSAL_US)

/* A request whose headers are in. */
struct visit {
	struct oo_serve_place *place;
	struct MHD_Connection *connection;
	const char *path;
	const char *method;
	const struct oo_api_route *route; /* NULL: none, or OPTIONS */
	struct oo_api_request request;
	struct oo_api_answer answer;
	struct oo_buffer allow; /* the Allow header; empty: none */
	bool bodiless;          /* the answer is its status */
};

static bool is_get(const char *method)
{
	return oo_text_equal(method, MHD_HTTP_METHOD_GET);
}

static bool is_options(const char *method)
{
	return oo_text_equal(method, MHD_HTTP_METHOD_OPTIONS);
}

static bool is_here(const struct visit *visit, const struct oo_api_route *route)
{
	return (!visit->place->tcp || (route->tcp && !route->change)) &&
	       oo_text_equal(route->path, visit->path);
}

/* NULL: the path does not know the method. */
static const struct oo_api_route *find_route(const struct visit *visit, const char *method)
{
	const char *wanted =
		oo_text_equal(method, MHD_HTTP_METHOD_HEAD) ? MHD_HTTP_METHOD_GET : method;
	for (size_t i = 0; i < visit->place->options->n_routes; i++) {
		const struct oo_api_route *route = &visit->place->options->routes[i];
		if (is_here(visit, route) && oo_text_equal(route->method, wanted)) {
			return route;
		}
	}
	return NULL;
}

/* A path is in the table once for each of its methods, and one after another. */
static void refuse_path(struct visit *visit)
{
	const struct oo_api_options *options = visit->place->options;
	struct oo_buffer *body = &visit->answer.body;
	const char *last = NULL;
	visit->answer.status = MHD_HTTP_NOT_FOUND;
	/* what memory does not suffice for is made good in oo_answer_send, or by a reader of JSON */
	(void)oo_buffer_add_format(body, "{\"error\": \"no such path\", \"paths\": [");
	for (size_t i = 0; i < options->n_routes; i++) {
		const struct oo_api_route *route = &options->routes[i];
		if ((!visit->place->tcp || route->tcp) &&
		    (last == NULL || !oo_text_equal(last, route->path))) {
			(void)oo_buffer_add_format(body, "%s\"%s\"", last == NULL ? "" : ", ",
						   route->path);
			last = route->path;
		}
	}
	(void)oo_buffer_add_format(body, "]}\n");
}

/* Fills in allow. False: nothing is known by that path. */
static bool find_methods(struct visit *visit)
{
	for (size_t i = 0; i < visit->place->options->n_routes; i++) {
		const struct oo_api_route *route = &visit->place->options->routes[i];
		if (is_here(visit, route)) {
			(void)oo_buffer_add_format(&visit->allow, "%s%s, ", route->method,
						   is_get(route->method) ? ", HEAD" : "");
		}
	}
	if (visit->allow.length == 0) {
		return false;
	}
	(void)oo_buffer_add_format(&visit->allow, "%s", MHD_HTTP_METHOD_OPTIONS);
	return true;
}

static bool is_refused_for_its_place(struct visit *visit)
{
	visit->route = find_route(visit, visit->method);
	if (visit->route != NULL) {
		return false;
	}
	if (!find_methods(visit)) {
		refuse_path(visit);
		return true;
	}
	if (!is_options(visit->method)) {
		oo_api_refuse(&visit->answer, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "this path answers %s only", visit->allow.data);
		return true;
	}
	/* load balancers ask with OPTIONS for what a GET would say; elsewhere it says what is known */
	visit->bodiless = true;
	visit->route = find_route(visit, MHD_HTTP_METHOD_GET);
	if (visit->route != NULL && !visit->route->tcp) {
		visit->route = NULL;
	}
	return false;
}

/* RFC 9112, section 6: a request has a body when one of these two headers says so. */
static const char *find_header(const struct visit *visit, const char *name)
{
	return MHD_lookup_connection_value(visit->connection, MHD_HEADER_KIND, name);
}

/* Neither is read, so the client must be hung up on. */
static bool is_refused_for_its_body(struct visit *visit)
{
	const char *length = find_header(visit, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (find_header(visit, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL) {
		oo_api_refuse(&visit->answer, MHD_HTTP_LENGTH_REQUIRED,
			      "a body comes with its Content-Length here, not in chunks");
		return true;
	}
	if (length == NULL || oo_text_equal(length, "0")) {
		return false;
	}
	if (!oo_text_equal(visit->method, MHD_HTTP_METHOD_POST)) {
		oo_api_refuse(&visit->answer, MHD_HTTP_CONTENT_TOO_LARGE,
			      "only a POST carries a body here");
		return true;
	}
	size_t digits = strspn(length, "0123456789");
	if (digits == 0 || length[digits] != '\0') {
		oo_api_refuse(&visit->answer, MHD_HTTP_BAD_REQUEST, "Content-Length: no number");
		return true;
	}
	/* of a number past what fits, strtoull says the greatest that does */
	if (strtoull(length, NULL, 10) > OO_API_BODY_BYTES_MAX) {
		oo_api_refuse(&visit->answer, MHD_HTTP_CONTENT_TOO_LARGE,
			      "a body has at most %d bytes here", OO_API_BODY_BYTES_MAX);
		return true;
	}
	return false;
}

static bool may_change(const struct visit *visit, int fd, bool *ret_group_exists)
{
	const struct oo_api_peer *peer = &visit->request.peer;
	gid_t gid;
	*ret_group_exists = oo_group_find(visit->place->options->change_group, &gid);
	return peer->uid == 0 || (*ret_group_exists && oo_peer_is_member(fd, peer, gid));
}

static bool is_refused_for_its_peer(struct visit *visit)
{
	if (visit->place->tcp) {
		return false;
	}
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(visit->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info == NULL || oo_peer_read(info->connect_fd, &visit->request.peer) < 0) {
		oo_api_refuse(&visit->answer, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      "the kernel does not say who asks");
		return true;
	}
	bool group_exists;
	if (visit->route == NULL || !visit->route->change ||
	    may_change(visit, info->connect_fd, &group_exists)) {
		return false;
	}
	const char *group = visit->place->options->change_group;
	const struct oo_api_peer *peer = &visit->request.peer;
	oo_api_refuse(&visit->answer, MHD_HTTP_FORBIDDEN,
		      "only root and members of the group %s may change something, and %s (uid %u) "
		      "is neither%s",
		      group, peer->user, (unsigned)peer->uid,
		      group_exists ? "" : "; this host has no such group in /etc/group");
	return true;
}

/* A stranger's text, to be repeated in an answer. */
static void show_name(const char *name, char text[static NAME_SHOWN_LENGTH])
{
	oo_text_clip(text, NAME_SHOWN_LENGTH, name);
	for (char *c = text; *c != '\0'; c++) {
		*c = *c >= 0x20 && *c < 0x7f ? *c : '?';
	}
}

/* OO_API_PARAMETERS_MAX: the route has none of that name. */
static size_t find_parameter(const struct oo_api_route *route, const char *name)
{
	for (size_t i = 0; i < OO_API_PARAMETERS_MAX && route->parameters[i] != NULL; i++) {
		if (oo_text_equal(route->parameters[i], name)) {
			return i;
		}
	}
	return OO_API_PARAMETERS_MAX;
}

static void add_parameters(const struct oo_api_route *route, struct oo_buffer *list)
{
	for (size_t i = 0; i < OO_API_PARAMETERS_MAX && route->parameters[i] != NULL; i++) {
		(void)oo_buffer_add_format(list, "%s%s", i == 0 ? "" : ", ", route->parameters[i]);
	}
}

static void refuse_parameter(struct visit *visit, const char *name)
{
	char shown[NAME_SHOWN_LENGTH];
	OO_AUTO(oo_buffer_done) struct oo_buffer known;
	oo_buffer_init(&known, ALLOW_LENGTH);
	add_parameters(visit->route, &known);
	show_name(name, shown);
	oo_api_refuse(&visit->answer, MHD_HTTP_BAD_REQUEST,
		      "this path has no parameter \"%s\": it knows %s", shown,
		      known.length > 0 ? known.data : "none");
}

/* So are all names, numbers and ids; routes may repeat them in an answer. */
static bool is_printable(const char *text)
{
	while (*text >= 0x20 && *text < 0x7f) {
		text++;
	}
	return *text == '\0';
}

/* One name and value of the query; MHD_NO ends the look at them, with a refusal. */
static enum MHD_Result on_parameter(void *user, enum MHD_ValueKind kind, const char *name,
				    size_t name_length, const char *value, size_t value_length)
{
	struct visit *visit = user;
	(void)kind;
	size_t i = find_parameter(visit->route, name);
	if (i == OO_API_PARAMETERS_MAX || strlen(name) != name_length) {
		refuse_parameter(visit, name);
		return MHD_NO;
	}
	if (value == NULL || strlen(value) != value_length) {
		oo_api_refuse(&visit->answer, MHD_HTTP_BAD_REQUEST, "parameter %s: %s", name,
			      value == NULL ? "has no value" : "a NUL is in its value");
		return MHD_NO;
	}
	if (!is_printable(value)) {
		oo_api_refuse(&visit->answer, MHD_HTTP_BAD_REQUEST,
			      "parameter %s: has other characters than printable ASCII", name);
		return MHD_NO;
	}
	if (visit->request.values[i] != NULL) {
		oo_api_refuse(&visit->answer, MHD_HTTP_BAD_REQUEST, "parameter %s: given twice",
			      name);
		return MHD_NO;
	}
	visit->request.values[i] = value;
	return MHD_YES;
}

static bool is_refused_for_its_query(struct visit *visit)
{
	(void)MHD_get_connection_values_n(visit->connection, MHD_GET_ARGUMENT_KIND, on_parameter,
					  visit);
	return visit->answer.body.length > 0;
}

static bool is_refused_for_its_rate(struct visit *visit)
{
	int64_t wait_us = visit->route->change
				  ? oo_rate_take(&visit->place->changes, oo_clock_now_us(),
						 CHANGE_US, CHANGES_US)
				  : 0;
	if (wait_us > 0) {
		visit->place->changes.paid_at_us -= CHANGE_US; /* it is not taken */
		oo_api_refuse(&visit->answer, MHD_HTTP_TOO_MANY_REQUESTS,
			      "more than %d changes a second: wait for %lld ms",
			      1000000 / CHANGE_US, (long long)(wait_us / 1000 + 1));
	}
	return wait_us > 0;
}

/* Somebody who may change nothing must not fill the log either. */
static bool is_told(struct visit *visit)
{
	return visit->answer.status != MHD_HTTP_FORBIDDEN ||
	       oo_rate_take(&visit->place->refusals, oo_clock_now_us(), REFUSAL_US, REFUSALS_US) ==
		       0;
}

/* Lets the route answer. */
static void ask_route(struct visit *visit)
{
	const struct oo_api_options *options = visit->place->options;
	visit->request.route = visit->route;
	bool refused = is_refused_for_its_peer(visit);
	if (!refused && is_refused_for_its_rate(visit)) {
		return;
	}
	if (!refused && !is_refused_for_its_query(visit)) {
		visit->route->answer(options->user, &visit->request, &visit->answer);
	}
	if (visit->route->change && options->changed != NULL && is_told(visit)) {
		options->changed(options->user, &visit->request, visit->answer.status);
	}
}

static enum MHD_Result send_answer(struct visit *visit)
{
	return oo_answer_send(visit->connection, &visit->answer,
			      visit->allow.length > 0 ? visit->allow.data : NULL, visit->bodiless);
}

static void init_visit(struct visit *visit)
{
	oo_answer_init(&visit->answer);
	oo_buffer_init(&visit->allow, ALLOW_LENGTH);
}

static void done_visit(struct visit *visit)
{
	oo_answer_done(&visit->answer);
	oo_buffer_done(&visit->allow);
}

/* Its headers are in. An answer given now ends the connection: right for a body left unread. */
static enum MHD_Result begin(struct visit *visit, void **state)
{
	const char *length = find_header(visit, MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool body = find_header(visit, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL ||
		    (length != NULL && !oo_text_equal(length, "0"));
	if (body && (is_refused_for_its_place(visit) || is_refused_for_its_body(visit))) {
		return send_answer(visit);
	}
	struct oo_buffer *received = malloc(sizeof(*received));
	if (received == NULL) {
		return MHD_NO;
	}
	oo_buffer_init(received, OO_API_BODY_BYTES_MAX);
	*state = received;
	return MHD_YES;
}

/* All of it is in. */
static enum MHD_Result finish(struct visit *visit, const struct oo_buffer *received)
{
	visit->request.body = received->data != NULL ? received->data : "";
	visit->request.body_length = received->length;
	if (is_refused_for_its_place(visit)) {
		return send_answer(visit);
	}
	if (visit->route != NULL) {
		ask_route(visit);
	} else {
		visit->answer.status = MHD_HTTP_NO_CONTENT; /* OPTIONS: the Allow header says it */
		(void)oo_buffer_add_format(&visit->answer.body, "\n");
	}
	return send_answer(visit);
}

/* Whatever has become due meanwhile, a renewal above all, goes first. */
static bool must_wait(const struct oo_serve_place *place)
{
	return oo_clock_now_us() >= place->answers_until_us;
}

void oo_serve_begin_turn(struct oo_serve_place *place)
{
	while (place->n_waiting > 0) {
		MHD_resume_connection(place->waiting[--place->n_waiting]);
	}
	place->answers_until_us = oo_clock_now_us() + TURN_US;
}

enum MHD_Result oo_serve_request(void *user, struct MHD_Connection *connection, const char *path,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **state)
{
	(void)version;
	struct oo_serve_place *place = user;
	struct oo_buffer *received = *state;
	if (received != NULL && *upload_size > 0) {
		/* it fits, or begin would have refused it: what fails is memory */
		int r = oo_buffer_add(received, upload, *upload_size);
		*upload_size = 0;
		return r < 0 ? MHD_NO : MHD_YES;
	}
	if (received != NULL && must_wait(place)) {
		assert(place->n_waiting < OO_LENGTH(place->waiting));
		place->waiting[place->n_waiting++] = connection;
		MHD_suspend_connection(connection); /* resumed, it is asked for once more */
		return MHD_YES;
	}
	struct visit visit = {
		.place = place, .connection = connection, .path = path, .method = method};
	init_visit(&visit);
	enum MHD_Result result = received == NULL ? begin(&visit, state) : finish(&visit, received);
	done_visit(&visit);
	return result;
}

void oo_serve_end(void *user, struct MHD_Connection *connection, void **state,
		  enum MHD_RequestTerminationCode code)
{
	(void)user;
	(void)connection;
	(void)code;
	struct oo_buffer *received = *state;
	if (received != NULL) {
		oo_buffer_done(received);
		free(received);
		*state = NULL;
	}
}

const char *oo_api_parameter(const struct oo_api_request *request, const char *name)
{
	size_t i = find_parameter(request->route, name);
	assert(i < OO_API_PARAMETERS_MAX); /* the route declares it */
	return request->values[i];
}
