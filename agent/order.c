#include "order.h"

#include "base/cleanup.h"
#include "store.h"

#define VALUE_BYTES_MAX 4096

static void make_keys(const struct agent *agent, unsigned group,
		      char order[static AGENT_KEY_LENGTH], char leader[static AGENT_KEY_LENGTH])
{
	agent_store_key(agent->store, order, "groups/%s/request", agent->group_names[group]);
	agent_store_key(agent->store, leader, "groups/%s/leader", agent->group_names[group]);
}

int agent_order_put(struct agent *agent, unsigned group, const struct oo_order *order,
		    const struct oo_order_text *text, int64_t claim_revision,
		    const struct oo_etcd_call *call)
{
	char key[AGENT_KEY_LENGTH], leader[AGENT_KEY_LENGTH];
	OO_AUTO(oo_buffer_done) struct oo_buffer value;
	oo_buffer_init(&value, VALUE_BYTES_MAX);
	int r = oo_record_write_order(order, text, &value);
	if (r < 0) {
		return r;
	}
	make_keys(agent, group, key, leader);
	const struct oo_etcd_compare compare[] = {
		{.key = key, .target = OO_ETCD_TARGET_CREATE, .relation = OO_ETCD_EQUAL},
		{.key = leader,
		 .target = OO_ETCD_TARGET_MOD,
		 .relation = OO_ETCD_EQUAL,
		 .number = claim_revision},
	};
	const struct oo_etcd_op success = {.type = OO_ETCD_OP_PUT,
					   .key = key,
					   .value = value.data,
					   .value_length = value.length,
					   .lease = (int64_t)order->id};
	const struct oo_etcd_op failure = {.type = OO_ETCD_OP_RANGE, .key = key};
	const struct oo_etcd_txn txn = {.compare = compare,
					.n_compare = OO_LENGTH(compare),
					.success = &success,
					.n_success = 1,
					.failure = &failure,
					.n_failure = 1};
	return oo_etcd_txn(agent_store_etcd(agent->store), &txn, call, NULL);
}

int agent_order_delete(struct agent *agent, unsigned group, uint64_t id,
		       const struct oo_etcd_call *call)
{
	char key[AGENT_KEY_LENGTH], leader[AGENT_KEY_LENGTH];
	make_keys(agent, group, key, leader);
	const struct oo_etcd_compare compare = {.key = key,
						.target = OO_ETCD_TARGET_LEASE,
						.relation = OO_ETCD_EQUAL,
						.number = (int64_t)id};
	const struct oo_etcd_op success = {.type = OO_ETCD_OP_DELETE, .key = key};
	const struct oo_etcd_op failure[] = {{.type = OO_ETCD_OP_RANGE, .key = leader},
					     {.type = OO_ETCD_OP_RANGE, .key = key}};
	const struct oo_etcd_txn txn = {.compare = &compare,
					.n_compare = 1,
					.success = &success,
					.n_success = 1,
					.failure = failure,
					.n_failure = OO_LENGTH(failure)};
	return oo_etcd_txn(agent_store_etcd(agent->store), &txn, call, NULL);
}
