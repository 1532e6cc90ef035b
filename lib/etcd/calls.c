#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/client.h"
#include "etcd/encode.h"

/* Makes the request once its body could be written (r). */
static int make(struct oo_etcd *etcd, struct oo_etcd_ask *ask, int r,
		const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	if (r < 0) {
		return r;
	}
	ask->hedge_after_ms = call->hedge ? etcd->hedge_after_ms : 0;
	return oo_etcd_request_new(etcd, ask, call, ret_request);
}

#define BODY(name)                                                                                 \
	OO_AUTO(oo_buffer_done) struct oo_buffer name;                                             \
	oo_buffer_init(&name, OO_ETCD_REQUEST_BYTES_MAX)

int oo_etcd_txn(struct oo_etcd *etcd, const struct oo_etcd_txn *txn,
		const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	BODY(body);
	struct oo_etcd_ask ask = {
		.kind = OO_ETCD_KIND_TXN,
		.body = &body,
		.n_success = txn->n_success,
		.n_failure = txn->n_failure,
	};
	return make(etcd, &ask, oo_etcd_encode_txn(txn, &body), call, ret_request);
}

int oo_etcd_run(struct oo_etcd *etcd, const struct oo_etcd_op *op, const struct oo_etcd_call *call,
		struct oo_etcd_request **ret_request)
{
	static const enum oo_etcd_kind kinds[] = {
		[OO_ETCD_OP_RANGE] = OO_ETCD_KIND_RANGE,
		[OO_ETCD_OP_PUT] = OO_ETCD_KIND_PUT,
		[OO_ETCD_OP_DELETE] = OO_ETCD_KIND_DELETE,
	};
	BODY(body);
	struct oo_etcd_ask ask = {.kind = kinds[op->type], .body = &body};
	return make(etcd, &ask, oo_etcd_encode_op(op, &body), call, ret_request);
}

int oo_etcd_try(struct oo_etcd *etcd, const char *key, const struct oo_etcd_call *call,
		struct oo_etcd_request **ret_request)
{
	/* a version is never below 0; rights are asked for in both branches, whichever is taken */
	const struct oo_etcd_compare never = {
		.key = key, .target = OO_ETCD_TARGET_VERSION, .relation = OO_ETCD_LESS};
	const struct oo_etcd_op put = {.type = OO_ETCD_OP_PUT, .key = key, .value = ""};
	const struct oo_etcd_op look = {.type = OO_ETCD_OP_RANGE, .key = key};
	const struct oo_etcd_txn txn = {.compare = &never,
					.n_compare = 1,
					.success = &put,
					.n_success = 1,
					.failure = &look,
					.n_failure = 1};
	return oo_etcd_txn(etcd, &txn, call, ret_request);
}

int oo_etcd_lease_grant(struct oo_etcd *etcd, int64_t id, int64_t ttl_s,
			const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	BODY(body);
	struct oo_etcd_ask ask = {
		.kind = OO_ETCD_KIND_GRANT, .body = &body, .lease_id = id, .ttl_s = ttl_s};
	return make(etcd, &ask, oo_etcd_encode_grant(id, ttl_s, &body), call, ret_request);
}

static int make_lease(struct oo_etcd *etcd, enum oo_etcd_kind kind, int64_t id,
		      const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	BODY(body);
	struct oo_etcd_ask ask = {.kind = kind, .body = &body};
	return make(etcd, &ask, oo_etcd_encode_lease(id, &body), call, ret_request);
}

int oo_etcd_lease_renew(struct oo_etcd *etcd, int64_t id, const struct oo_etcd_call *call,
			struct oo_etcd_request **ret_request)
{
	return make_lease(etcd, OO_ETCD_KIND_RENEW, id, call, ret_request);
}

int oo_etcd_lease_revoke(struct oo_etcd *etcd, int64_t id, const struct oo_etcd_call *call,
			 struct oo_etcd_request **ret_request)
{
	return make_lease(etcd, OO_ETCD_KIND_REVOKE, id, call, ret_request);
}

int oo_etcd_lease_look(struct oo_etcd *etcd, int64_t id, const struct oo_etcd_call *call,
		       struct oo_etcd_request **ret_request)
{
	return make_lease(etcd, OO_ETCD_KIND_LOOK, id, call, ret_request);
}

/* A request whose body never changes. */
static int make_fixed(struct oo_etcd *etcd, enum oo_etcd_kind kind, const char *text,
		      const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	BODY(body);
	struct oo_etcd_ask ask = {.kind = kind, .body = &body};
	return make(etcd, &ask, oo_buffer_add(&body, text, strlen(text)), call, ret_request);
}

int oo_etcd_member_list(struct oo_etcd *etcd, const struct oo_etcd_call *call,
			struct oo_etcd_request **ret_request)
{
	return make_fixed(etcd, OO_ETCD_KIND_MEMBERS, "{}", call, ret_request);
}

int oo_etcd_status_get(struct oo_etcd *etcd, const struct oo_etcd_call *call,
		       struct oo_etcd_request **ret_request)
{
	return make_fixed(etcd, OO_ETCD_KIND_STATUS, "{}", call, ret_request);
}

int oo_etcd_alarm_list(struct oo_etcd *etcd, const struct oo_etcd_call *call,
		       struct oo_etcd_request **ret_request)
{
	return make_fixed(etcd, OO_ETCD_KIND_ALARMS, "{\"action\":\"GET\"}", call, ret_request);
}
