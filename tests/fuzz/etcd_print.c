#include "etcd_print.h"

#include <inttypes.h>
#include <string.h>

#include "etcd/base64.h"
#include "fuzz.h"

#define ADD(...) FUZZ_CHECK(oo_buffer_add_format(buffer, __VA_ARGS__) == 0)

static void print_text(const char *name, const char *text, struct oo_buffer *buffer)
{
	ADD("\"%s\":", name);
	fuzz_add_json_text(buffer, text, strlen(text));
}

void print_kv(const struct oo_etcd_kv *kv, struct oo_buffer *buffer)
{
	FUZZ_CHECK(kv->key != NULL && kv->key[0] != '\0');
	FUZZ_CHECK(kv->value != NULL && kv->value[kv->value_length] == '\0');
	ADD("{\"key\":\"");
	FUZZ_CHECK(oo_etcd_base64_encode(buffer, kv->key, strlen(kv->key)) == 0);
	ADD("\",\"value\":\"");
	FUZZ_CHECK(oo_etcd_base64_encode(buffer, kv->value, kv->value_length) == 0);
	ADD("\",\"create_revision\":\"%" PRId64 "\",\"mod_revision\":%" PRId64
	    ",\"version\":\"%" PRId64 "\",\"lease\":\"%" PRId64 "\"}",
	    kv->create_revision, kv->mod_revision, kv->version, kv->lease);
}

static void print_result(const struct oo_etcd_result *result, struct oo_buffer *buffer)
{
	ADD("\"count\":\"%" PRId64 "\",\"deleted\":\"%" PRId64 "\",\"kvs\":[", result->count,
	    result->deleted);
	FUZZ_CHECK(result->kvs != NULL);
	for (size_t i = 0; i < result->n_kvs; i++) {
		ADD("%s", i > 0 ? "," : "");
		print_kv(&result->kvs[i], buffer);
	}
	ADD("]");
}

static void print_txn(const struct oo_etcd_answer *answer, struct oo_buffer *buffer)
{
	ADD(",\"succeeded\":%s,\"responses\":[", answer->succeeded ? "true" : "false");
	for (size_t i = 0; i < answer->n_results; i++) {
		ADD("%s{\"response_range\":{", i > 0 ? "," : "");
		print_result(&answer->results[i], buffer);
		ADD("}}");
	}
	ADD("]");
}

static void print_members(const struct oo_etcd_answer *answer, struct oo_buffer *buffer)
{
	ADD(",\"members\":[");
	for (size_t i = 0; i < answer->n_members; i++) {
		const struct oo_etcd_member *member = &answer->members[i];
		ADD("%s{\"ID\":\"%" PRIu64 "\",\"isLearner\":%s,", i > 0 ? "," : "", member->id,
		    member->is_learner ? "true" : "false");
		print_text("name", member->name, buffer);
		ADD(",\"clientURLs\":[");
		for (size_t j = 0; j < member->n_client_urls; j++) {
			ADD("%s", j > 0 ? "," : "");
			fuzz_add_json_text(buffer, member->client_urls[j],
					   strlen(member->client_urls[j]));
		}
		ADD("]}");
	}
	ADD("]");
}

static void print_alarms(const struct oo_etcd_answer *answer, struct oo_buffer *buffer)
{
	ADD(",\"alarms\":[");
	for (size_t i = 0; i < answer->n_alarms; i++) {
		ADD("%s{\"memberID\":\"%" PRIu64 "\",", i > 0 ? "," : "",
		    answer->alarms[i].member_id);
		print_text("alarm", answer->alarms[i].name, buffer);
		ADD("}");
	}
	ADD("]");
}

static void print_status(const struct oo_etcd_status *status, struct oo_buffer *buffer)
{
	FUZZ_CHECK(status != NULL);
	ADD(",");
	print_text("version", status->version, buffer);
	ADD(",\"dbSize\":\"%" PRId64 "\",\"dbSizeInUse\":\"%" PRId64 "\",\"leader\":\"%" PRIu64
	    "\",\"raftTerm\":\"%" PRIu64 "\",\"isLearner\":%s,\"errors\":[",
	    status->db_size_bytes, status->db_size_in_use_bytes, status->leader_id,
	    status->raft_term, status->is_learner ? "true" : "false");
	for (size_t i = 0; i < status->n_errors; i++) {
		ADD("%s", i > 0 ? "," : "");
		fuzz_add_json_text(buffer, status->errors[i], strlen(status->errors[i]));
	}
	ADD("]");
}

static void print_kind(enum oo_etcd_kind kind, const struct oo_etcd_decoded *decoded,
		       struct oo_buffer *buffer)
{
	const struct oo_etcd_answer *answer = &decoded->answer;
	switch (kind) {
	case OO_ETCD_KIND_RANGE:
	case OO_ETCD_KIND_PUT:
	case OO_ETCD_KIND_DELETE:
		FUZZ_CHECK(answer->n_results == 1);
		ADD(",");
		print_result(&answer->results[0], buffer);
		break;
	case OO_ETCD_KIND_TXN:
		print_txn(answer, buffer);
		break;
	case OO_ETCD_KIND_GRANT:
	case OO_ETCD_KIND_RENEW:
	case OO_ETCD_KIND_LOOK:
		ADD(",\"ID\":\"%" PRId64 "\",\"TTL\":\"%" PRId64 "\"", answer->lease_id,
		    answer->lease_ttl_s);
		break;
	case OO_ETCD_KIND_REVOKE:
		break;
	case OO_ETCD_KIND_MEMBERS:
		print_members(answer, buffer);
		break;
	case OO_ETCD_KIND_STATUS:
		print_status(answer->status, buffer);
		break;
	case OO_ETCD_KIND_ALARMS:
		print_alarms(answer, buffer);
		break;
	case OO_ETCD_KIND_LOGIN:
		ADD(",");
		print_text("token", decoded->token, buffer);
		break;
	}
}

void print_answer(enum oo_etcd_kind kind, const struct oo_etcd_decoded *decoded,
		  struct oo_buffer *buffer)
{
	const struct oo_etcd_answer *answer = &decoded->answer;
	ADD("{\"header\":{\"cluster_id\":\"%" PRIu64 "\",\"member_id\":%" PRIu64
	    ",\"revision\":\"%" PRId64 "\"}",
	    answer->cluster_id, answer->member_id, answer->revision);
	print_kind(kind, decoded, buffer);
	ADD("}");
}
