#include "etcd/base64.h"

#include <errno.h>
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int oo_etcd_base64_encode(struct oo_buffer *target, const void *data, size_t length)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < length; i += 3) {
		size_t n = length - i < 3 ? length - i : 3;
		uint32_t bits = (uint32_t)bytes[i] << 16;
		bits |= n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		bits |= n > 2 ? bytes[i + 2] : 0;
		char group[4] = {
			alphabet[bits >> 18],
			alphabet[bits >> 12 & 63],
			n > 1 ? alphabet[bits >> 6 & 63] : '=',
			n > 2 ? alphabet[bits & 63] : '=',
		};
		int r = oo_buffer_add(target, group, sizeof(group));
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* The six bits of a character, or -1. */
static int six_bits(char character)
{
	if (character >= 'A' && character <= 'Z') {
		return character - 'A';
	}
	if (character >= 'a' && character <= 'z') {
		return character - 'a' + 26;
	}
	if (character >= '0' && character <= '9') {
		return character - '0' + 52;
	}
	return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Decodes a group of four characters, the last padding of which are '='. */
static int decode_group(const char *group, size_t padding, char *target)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < 4; i++) {
		int six = i < 4 - padding ? six_bits(group[i]) : 0;
		if (six < 0) {
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t)six;
	}
	if ((bits & ((1u << 8 * padding) - 1)) != 0) {
		return -EINVAL; /* bits that no encoder sets */
	}
	for (size_t i = 0; i < 3 - padding; i++) {
		target[i] = (char)(bits >> (16 - 8 * i));
	}
	return 0;
}

int oo_etcd_base64_decode(const char *text, size_t length, char *target, size_t *ret_length)
{
	if (length % 4 != 0) {
		return -EINVAL;
	}
	size_t padding = 0;
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=') {
		padding++;
	}
	size_t written = 0;
	for (size_t i = 0; i < length; i += 4) {
		size_t here = i + 4 == length ? padding : 0;
		if (decode_group(text + i, here, target + written) < 0) {
			return -EINVAL;
		}
		written += 3 - here;
	}
	*ret_length = written;
	return 0;
}
