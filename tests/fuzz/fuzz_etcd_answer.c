/*
 * Answers of etcd's gateway, or of whatever else answers there. The first byte says what was asked,
 * the second the HTTP status (2: 200, 4: 404, else 5xx), the rest is the body.
 */
#include <string.h>

#include "base/cleanup.h"
#include "etcd_print.h"
#include "fuzz.h"

#define PRINTED_BYTES_MAX (1 << 20)

/* By enum oo_etcd_kind: range, put, delete, txn, grant, reNew, revoKe, Look, members, ... */
static const char letters[] = "rpdtgnklmsao";

static void check_failure(const struct oo_etcd_failure *failure, int r)
{
	FUZZ_CHECK(r < 0 && failure->r == r);
	fuzz_check_text(failure->text, sizeof(failure->text));
}

/* What was read, written and read again is the same. */
static void check_decoded(enum oo_etcd_kind kind, const struct oo_etcd_decoded *decoded)
{
	OO_AUTO(oo_etcd_decoded_done) struct oo_etcd_decoded again = {0};
	OO_AUTO(oo_buffer_done) struct oo_buffer first, second;
	struct oo_etcd_failure failure;
	oo_buffer_init(&first, PRINTED_BYTES_MAX);
	oo_buffer_init(&second, PRINTED_BYTES_MAX);
	print_answer(kind, decoded, &first);
	FUZZ_CHECK(oo_etcd_decode(kind, 200, first.data, first.length, &again, &failure) == 0);
	print_answer(kind, &again, &second);
	FUZZ_CHECK(oo_text_equal(first.data, second.data));
}

static long status_of(uint8_t byte)
{
	return byte == '2' ? 200 : byte == '4' ? 404 : 500 + byte;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	if (length < 2) {
		return 0;
	}
	const char *letter = strchr(letters, data[0]);
	if (letter == NULL || *letter == '\0') {
		return -1;
	}
	enum oo_etcd_kind kind = (enum oo_etcd_kind)(letter - letters);
	OO_AUTO(oo_etcd_decoded_done) struct oo_etcd_decoded decoded = {0};
	struct oo_etcd_failure failure = {.text = ""};
	int r = oo_etcd_decode(kind, status_of(data[1]), (const char *)data + 2, length - 2,
			       &decoded, &failure);
	if (r < 0) {
		check_failure(&failure, r);
		FUZZ_CHECK(decoded.arena.blocks == NULL);
	} else {
		check_decoded(kind, &decoded);
	}
	return 0;
}
