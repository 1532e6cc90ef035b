#ifndef OO_FUZZ_ETCD_PRINT_H
#define OO_FUZZ_ETCD_PRINT_H
/* What was decoded, as JSON that etcd might have sent: decoded again it must mean the same. */
#include "base/text.h"
#include "etcd/decode.h"

void print_kv(const struct oo_etcd_kv *kv, struct oo_buffer *buffer);
void print_answer(enum oo_etcd_kind kind, const struct oo_etcd_decoded *decoded,
		  struct oo_buffer *buffer);

#endif
