#ifndef OO_CERTIFICATES_H
#define OO_CERTIFICATES_H
/* What a certificate file says (PEM; the first one in it). Pure; private to the module. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole days until it expires; negative: it has. Returns whether it is a certificate. */
bool oo_certificate_days_left(const char *certificate, size_t length, int64_t *ret_days);

/* Whether the key belongs to it; true where either cannot be read, as a key with a password. */
bool oo_certificate_owns(const char *certificate, size_t length, const char *key,
			 size_t key_length);

#endif
