#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "etcd/client.h"

#define SAID_AGAIN_MAX 40
#define NOBODY SIZE_MAX

/* One member being asked. */
struct
try {
	struct oo_etcd_request *request;
	struct oo_etcd_wire *wire; /* owned; NULL: not being asked */
	int64_t sent_at;
	unsigned token; /* generation of the token it carries */
};

struct oo_etcd_request {
	struct oo_etcd *etcd;
	enum oo_etcd_kind kind;
	struct oo_etcd_call call;
	struct oo_buffer body;
	int64_t hedge_after_ms;
	int64_t lease_id, ttl_s; /* GRANT */
	size_t n_success, n_failure;
	struct oo_timer timer; /* the deadline, the next member's turn, or go on now */
	int64_t started_at;
	int64_t next_at; /* when a further member is asked; OO_NEVER: none is left */
	uint32_t asked;  /* bit i: endpoint i was asked */
	size_t trial;    /* the endpoint that may be put in use again; NOBODY */
	bool waiting;    /* for the login */
	bool login_failed;
	bool logged_in_again;
	bool may_have_run;                       /* a copy may have been carried out */
	int r;                                   /* of the last failure */
	struct oo_err said;                      /* what each member said, joined */
	struct try tries[OO_ETCD_ENDPOINTS_MAX]; /* by endpoint */
	struct oo_etcd_request *next, **link;
};

static const struct {
	const char *path;
	bool needs_leader; /* no: answered by a member from what it knows itself */
	bool writes;
} kinds[] = {
	[OO_ETCD_KIND_RANGE] = {"/v3/kv/range", true, false},
	[OO_ETCD_KIND_PUT] = {"/v3/kv/put", true, true},
	[OO_ETCD_KIND_DELETE] = {"/v3/kv/deleterange", true, true},
	[OO_ETCD_KIND_TXN] = {"/v3/kv/txn", true, true},
	[OO_ETCD_KIND_GRANT] = {"/v3/lease/grant", true, true},
	[OO_ETCD_KIND_RENEW] = {"/v3/lease/keepalive", true, true},
	[OO_ETCD_KIND_REVOKE] = {"/v3/lease/revoke", true, true},
	[OO_ETCD_KIND_LOOK] = {"/v3/lease/timetolive", true, false},
	[OO_ETCD_KIND_MEMBERS] = {"/v3/cluster/member/list", false, false},
	[OO_ETCD_KIND_STATUS] = {"/v3/maintenance/status", false, false},
	[OO_ETCD_KIND_ALARMS] = {"/v3/maintenance/alarm", false, false},
	[OO_ETCD_KIND_LOGIN] = {"/v3/auth/authenticate", true, false},
};

static void destroy(struct oo_etcd_request *request)
{
	*request->link = request->next;
	if (request->next != NULL) {
		request->next->link = request->link;
	}
	for (size_t i = 0; i < OO_LENGTH(request->tries); i++) {
		oo_etcd_wire_give(request->tries[i].wire);
	}
	oo_timer_done(&request->timer);
	oo_buffer_done(&request->body);
	free(request);
}

static bool is_running(const struct oo_etcd_request *request)
{
	for (size_t i = 0; i < request->etcd->endpoints.n; i++) {
		if (request->tries[i].wire != NULL) {
			return true;
		}
	}
	return false;
}

/* Stops asking a member; what was sent may be carried out all the same. */
static void end_try(struct try *try)
{
	if (try->wire != NULL) {
		try->request->may_have_run |= oo_etcd_wire_was_sent(try->wire);
		oo_etcd_wire_give(try->wire);
		try->wire = NULL;
	}
}

/* A long text is said once: with three members it would not fit. */
static void add_said(struct oo_etcd_request *request, const char *who, const char *what)
{
	char *text = request->said.text;
	size_t length = strlen(text);
	if (strlen(what) > SAID_AGAIN_MAX && strstr(text, what) != NULL) {
		what = "the same";
	}
	snprintf(text + length, sizeof(request->said.text) - length, "%s%s%s%s",
		 length > 0 ? "; " : "", who, who[0] != '\0' ? ": " : "", what);
}

static void succeed(struct oo_etcd_request *request, const struct oo_etcd_answer *answer)
{
	struct oo_etcd *etcd = request->etcd;
	struct oo_etcd_call call = request->call;
	destroy(request);
	etcd->answered_at = oo_clock_now();
	etcd->trouble.text[0] = '\0';
	if (call.done != NULL) {
		OO_ETCD_TELL(etcd, call.done(call.user, 0, answer, NULL));
	}
}

static void fail(struct oo_etcd_request *request, int r)
{
	for (size_t i = 0; i < request->etcd->endpoints.n; i++) {
		end_try(&request->tries[i]);
	}
	if (kinds[request->kind].writes && request->may_have_run && !oo_etcd_is_unknown(r)) {
		r = -ETIMEDOUT;
	}
	struct oo_etcd *etcd = request->etcd;
	struct oo_etcd_call call = request->call;
	struct oo_err said = request->said;
	destroy(request);
	etcd->trouble = said;
	if (call.done != NULL) {
		OO_ETCD_TELL(etcd, call.done(call.user, r, NULL, &said));
	}
}

/* A later copy of a grant or a revoke finds what an earlier copy has done. */
static bool was_done_before(const struct oo_etcd_request *request, int r)
{
	if (request->kind == OO_ETCD_KIND_REVOKE) {
		return r == -ENOENT;
	}
	return request->kind == OO_ETCD_KIND_GRANT && r == -EEXIST &&
	       (request->may_have_run || is_running(request));
}

/* When to ask a further member, if there is one that was not asked. */
static int64_t next_turn(const struct oo_etcd_request *request, int64_t now)
{
	size_t n = request->etcd->endpoints.n;
	size_t unasked = n - (size_t)__builtin_popcount(request->asked);
	if (unasked == 0) {
		return OO_NEVER;
	}
	int64_t share_ms = (request->call.deadline - now) / (int64_t)(unasked + 1);
	bool hedged = request->hedge_after_ms > 0 && request->hedge_after_ms < share_ms;
	return now + (hedged ? request->hedge_after_ms : share_ms);
}

static void arm(struct oo_etcd_request *request)
{
	int64_t deadline = request->call.deadline;
	oo_timer_set(&request->timer, request->next_at < deadline ? request->next_at : deadline);
}

static oo_etcd_wire_fn on_answer;

static int start_try(struct oo_etcd_request *request, size_t i, int64_t now)
{
	struct oo_etcd *etcd = request->etcd;
	int64_t left_ms = request->call.deadline - now;
	bool hurry = etcd->endpoints.n > 1 && left_ms > OO_ETCD_CONNECT_MS;
	struct try *try = &request->tries[i];
	try->request = request;
	try->sent_at = now;
	try->token = etcd->login.generation;
	const struct oo_etcd_send send = {
		.url = etcd->endpoints.list[i].url,
		.path = kinds[request->kind].path,
		.body = request->body.data,
		.body_length = request->body.length,
		.token = request->kind != OO_ETCD_KIND_LOGIN ? etcd->login.token : NULL,
		.needs_leader = kinds[request->kind].needs_leader,
		.timeout_ms = left_ms,
		.connect_timeout_ms = hurry ? OO_ETCD_CONNECT_MS : left_ms + OO_ETCD_CONNECT_MS,
		.done = on_answer,
		.user = try,
	};
	return oo_etcd_wires_send(&etcd->wires, &send, &try->wire);
}

/* A member that was left is tried again by calls that ask another soon if it is silent. */
static size_t pick(struct oo_etcd_request *request, int64_t now)
{
	struct oo_etcd_endpoints *endpoints = &request->etcd->endpoints;
	bool can_try = request->asked == 0 && request->hedge_after_ms > 0 &&
		       request->kind != OO_ETCD_KIND_LOGIN;
	size_t i = can_try ? oo_etcd_endpoints_try(endpoints, now)
			   : oo_etcd_endpoints_pick(endpoints, request->asked, now);
	request->trial = can_try && i != endpoints->current ? i : NOBODY;
	return i;
}

/* Asks a further member; fails the request if there is none and nobody is being asked. */
static void ask_next(struct oo_etcd_request *request)
{
	struct oo_etcd *etcd = request->etcd;
	int64_t now = oo_clock_now();
	size_t i = pick(request, now);
	if (i < etcd->endpoints.n) {
		request->asked |= 1u << i;
		int r = start_try(request, i, now);
		if (r < 0) {
			add_said(request, "", "out of memory");
			fail(request, r);
			return;
		}
	} else if (!is_running(request)) {
		fail(request, request->r);
		return;
	}
	request->next_at = next_turn(request, now);
	arm(request);
}

static void overdue(struct oo_etcd_request *request)
{
	struct oo_etcd *etcd = request->etcd;
	int64_t now = oo_clock_now();
	char text[64];
	for (size_t i = 0; i < etcd->endpoints.n; i++) {
		struct try *try = &request->tries[i];
		int64_t waited_ms = now - try->sent_at;
		if (try->wire == NULL) {
			continue;
		}
		bool sent = oo_etcd_wire_was_sent(try->wire);
		snprintf(text, sizeof(text), "no %s within %" PRId64 " ms",
			 sent ? "answer" : "connection", waited_ms);
		add_said(request, etcd->endpoints.list[i].url, text);
		end_try(try);
		if (waited_ms >= OO_ETCD_BLAME_AFTER_MS) {
			oo_etcd_blame(etcd, i, text);
		}
	}
	if (request->said.text[0] == '\0') {
		add_said(request, "", "the deadline had passed, or passed while logging in");
	}
	fail(request, -ETIMEDOUT);
}

static void on_timer(struct oo_timer *timer)
{
	struct oo_etcd_request *request = oo_container_of(timer, struct oo_etcd_request, timer);
	struct oo_etcd *etcd = request->etcd;
	int64_t now = oo_clock_now();
	if (now >= request->call.deadline) {
		overdue(request);
		return;
	}
	enum oo_etcd_login_state state = OO_ETCD_LOGIN_READY;
	if (request->login_failed) {
		state = OO_ETCD_LOGIN_FAILED;
	} else if (request->kind != OO_ETCD_KIND_LOGIN) {
		state = oo_etcd_login_ask(etcd, now);
	}
	switch (state) {
	case OO_ETCD_LOGIN_READY:
		ask_next(request);
		break;
	case OO_ETCD_LOGIN_WAIT:
		request->waiting = true;
		request->next_at = OO_NEVER;
		arm(request);
		break;
	case OO_ETCD_LOGIN_FAILED:
		add_said(request, "login", etcd->login.err.text);
		fail(request, etcd->login.r);
		break;
	}
}

void oo_etcd_request_wake_all(struct oo_etcd *etcd, bool logged_in)
{
	for (struct oo_etcd_request *request = etcd->requests; request != NULL;
	     request = request->next) {
		if (request->waiting) {
			request->waiting = false;
			request->login_failed = !logged_in;
			oo_timer_set(&request->timer, 0);
		}
	}
}

/* The token was refused: a new one, and the whole round again. Once. */
static void log_in_again(struct oo_etcd_request *request, unsigned token)
{
	bool can = request->kind != OO_ETCD_KIND_LOGIN && !request->logged_in_again &&
		   oo_etcd_login_refused(request->etcd, token);
	if (!can) {
		fail(request, -EACCES);
		return;
	}
	for (size_t i = 0; i < request->etcd->endpoints.n; i++) {
		end_try(&request->tries[i]);
	}
	request->logged_in_again = true;
	request->asked = 0;
	request->said.text[0] = '\0';
	oo_timer_set(&request->timer, 0);
}

/* A member failed to answer, or refused. */
static void on_failure(struct oo_etcd_request *request, size_t i,
		       const struct oo_etcd_failure *failure)
{
	struct oo_etcd *etcd = request->etcd;
	if (was_done_before(request, failure->r)) {
		const struct oo_etcd_answer answer = {.lease_id = request->lease_id,
						      .lease_ttl_s = request->ttl_s};
		succeed(request, &answer);
		return;
	}
	request->may_have_run |= oo_etcd_is_unknown(failure->r);
	request->r = failure->r;
	add_said(request, etcd->endpoints.list[i].url, failure->text);
	switch (failure->remedy) {
	case OO_ETCD_GIVE_UP:
		fail(request, failure->r);
		break;
	case OO_ETCD_ASK_ANOTHER:
		oo_etcd_blame(etcd, i, failure->text);
		ask_next(request);
		break;
	case OO_ETCD_LOG_IN:
		log_in_again(request, request->tries[i].token);
		break;
	}
}

static void on_success(struct oo_etcd_request *request, size_t i,
		       const struct oo_etcd_answer *answer)
{
	struct oo_etcd *etcd = request->etcd;
	int64_t now = oo_clock_now();
	oo_etcd_endpoints_praise(&etcd->endpoints, i);
	size_t before = etcd->endpoints.current;
	if (i == request->trial && oo_etcd_endpoints_return(&etcd->endpoints, i, now)) {
		(void)oo_fail_text(&etcd->moved, EAGAIN, "it comes first, and answers again");
		oo_etcd_watch_leave(etcd, before, "one that comes before it answers again");
	}
	for (size_t other = 0; other < etcd->endpoints.n; other++) {
		const struct try *try = &request->tries[other];
		if (try->wire != NULL && try->sent_at < request->tries[i].sent_at &&
		    now - try->sent_at >= OO_ETCD_BLAME_AFTER_MS) {
			oo_etcd_blame(etcd, other, "silent while another member answered");
		}
	}
	succeed(request, answer);
}

static int read_answer(const struct oo_etcd_request *request, const struct oo_etcd_wire *wire,
		       struct oo_etcd_decoded *decoded, struct oo_etcd_failure *failure)
{
	const char *body = wire->answer.data != NULL ? wire->answer.data : "";
	int r = oo_etcd_decode(request->kind, oo_etcd_wire_status(wire), body, wire->answer.length,
			       decoded, failure);
	if (r < 0) {
		return r;
	}
	const struct oo_etcd_answer *answer = &decoded->answer;
	size_t expected = answer->succeeded ? request->n_success : request->n_failure;
	if (request->kind == OO_ETCD_KIND_TXN && answer->n_results != expected) {
		oo_etcd_failure_set(failure, OO_ETCD_ASK_ANOTHER, EPROTO,
				    "%zu results for %zu operations", answer->n_results, expected);
		return -EPROTO;
	}
	return 0;
}

static void on_answer(struct oo_etcd_wire *wire, CURLcode code, void *user)
{
	struct try *try = user;
	struct oo_etcd_request *request = try->request;
	size_t i = (size_t)(try - request->tries);
	OO_AUTO(oo_etcd_decoded_done) struct oo_etcd_decoded decoded = {0};
	struct oo_etcd_failure failure;
	int r = -EPROTO;
	if (code == CURLE_OK) {
		r = read_answer(request, wire, &decoded, &failure);
	} else {
		oo_etcd_wire_failure(wire, code, &failure);
	}
	oo_etcd_wire_give(
		oo_take_ptr(try->wire)); /* it has ended, so it is not counted as cut off */
	if (r == 0) {
		on_success(request, i, &decoded.answer);
	} else {
		on_failure(request, i, &failure);
	}
}

static struct oo_etcd_request *alloc(struct oo_etcd *etcd, const struct oo_etcd_call *call)
{
	struct oo_etcd_request *request = calloc(1, sizeof(*request));
	if (request == NULL || oo_timer_init(&request->timer, etcd->event, on_timer) < 0) {
		free(request);
		return NULL;
	}
	request->etcd = etcd;
	request->call = *call;
	request->next_at = OO_NEVER;
	request->link = &etcd->requests;
	request->next = etcd->requests;
	if (request->next != NULL) {
		request->next->link = &request->next;
	}
	etcd->requests = request;
	return request;
}

int oo_etcd_request_new(struct oo_etcd *etcd, const struct oo_etcd_ask *ask,
			const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	if (call->deadline > oo_clock_now() + OO_ETCD_CALL_MAX_MS) {
		return -EINVAL;
	}
	struct oo_etcd_request *request = alloc(etcd, call);
	if (request == NULL) {
		return -ENOMEM;
	}
	request->kind = ask->kind;
	request->hedge_after_ms = ask->hedge_after_ms;
	request->lease_id = ask->lease_id;
	request->ttl_s = ask->ttl_s;
	request->n_success = ask->n_success;
	request->n_failure = ask->n_failure;
	request->body = *ask->body;
	*ask->body = (struct oo_buffer){0};
	oo_timer_set(&request->timer, 0); /* from the loop, like all that comes after */
	if (ret_request != NULL) {
		*ret_request = request;
	}
	return 0;
}

void oo_etcd_request_free_all(struct oo_etcd *etcd)
{
	while (etcd->requests != NULL) {
		destroy(etcd->requests);
	}
}

void oo_etcd_cancel(struct oo_etcd_request *request)
{
	destroy(request);
}

bool oo_etcd_is_unknown(int r)
{
	return r == -ETIMEDOUT || r == -EPROTO;
}
