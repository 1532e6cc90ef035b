#ifndef OO_ETCD_BASE64_H
#define OO_ETCD_BASE64_H
/* Standard base64 with padding (RFC 4648 section 4), the only form that etcd 3.4 takes. */
#include <stddef.h>

#include "base/text.h"

/* Appends length bytes of data, encoded. Returns 0 or oo_buffer_add's error. */
int oo_etcd_base64_encode(struct oo_buffer *target, const void *data, size_t length);

/* The most bytes that length characters decode to. */
#define OO_ETCD_BASE64_DECODED_MAX(length) ((length) / 4 * 3)

/*
 * target  has room for OO_ETCD_BASE64_DECODED_MAX(length) bytes; no NUL is added.
 * Returns 0 with *ret_length set, or -EINVAL (alphabet, length or padding) with target undefined.
 */
int oo_etcd_base64_decode(const char *text, size_t length, char *target, size_t *ret_length);

#endif
