/*
 * libFuzzer: whatever comes from the wire, reading it ends inside its bytes, and what is made of it
 * is whole: a kind and the family that goes with it, or nothing at all. The first byte of an input
 * chooses a good frame that the rest is laid over (exclusive or), or none.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "net/frame.h"

#define PADDING 18
#define GOOD_LENGTH 86

static const uint8_t frames[][GOOD_LENGTH] = {
	{0},
	{[12] = 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 2, [22] = 2, [28] = 10, [38] = 10},
	{[12] = 0x86, 0xdd, 0x60, [19] = 32, 58, 255, [54] = 136, [62] = 0xfd, [78] = 2, 1},
	{[12] = 0x86, 0xdd, 0x60, [19] = 32, 58, 255, [54] = 135, [62] = 0xfd, [78] = 14, 1},
};

static int family_of(enum oo_frame_kind kind)
{
	switch (kind) {
	case OO_FRAME_OTHER:
		break;
	case OO_FRAME_ARP_CLAIM:
	case OO_FRAME_ARP_PROBE:
		return AF_INET;
	case OO_FRAME_NA:
	case OO_FRAME_DAD:
		return AF_INET6;
	}
	return 0;
}

static bool is_same(const struct oo_frame *one, const struct oo_frame *other)
{
	return one->kind == other->kind && one->address.family == other->address.family &&
	       memcmp(one->address.bytes, other->address.bytes, sizeof(one->address.bytes)) == 0 &&
	       memcmp(one->mac, other->mac, sizeof(one->mac)) == 0 &&
	       memcmp(one->answers, other->answers, sizeof(one->answers)) == 0;
}

static void check(const uint8_t *bytes, size_t length)
{
	struct oo_frame frame, padded;
	memset(&frame, 0xee, sizeof(frame));
	bool read = oo_frame_read(bytes, length, &frame);
	FUZZ_CHECK(read == (frame.kind != OO_FRAME_OTHER));
	FUZZ_CHECK(frame.address.family == family_of(frame.kind));
	FUZZ_CHECK(read || is_same(&frame, &(struct oo_frame){.kind = OO_FRAME_OTHER}));

	/* padding changes nothing that was read */
	uint8_t *longer = calloc(1, length + PADDING);
	FUZZ_CHECK(longer != NULL);
	if (length > 0) {
		memcpy(longer, bytes, length);
	}
	(void)oo_frame_read(longer, length + PADDING, &padded);
	FUZZ_CHECK(!read || is_same(&frame, &padded));
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	if (length == 0) {
		return 0;
	}
	const uint8_t *good = frames[data[0] % OO_LENGTH(frames)];
	const size_t n = length - 1;
	uint8_t *bytes = malloc(n); /* of that size, so that a read past it is seen */
	FUZZ_CHECK(bytes != NULL || n == 0);
	for (size_t i = 0; i < n; i++) {
		bytes[i] = data[i + 1] ^ (i < GOOD_LENGTH ? good[i] : 0);
	}
	check(bytes, n);
	free(bytes);
	return 0;
}
