#ifndef OO_NGINX_VALUE_H
#define OO_NGINX_VALUE_H
/* Values as nginx's configuration writes them. Private to the module. */
#include <stdbool.h>
#include <stdint.h>

#include "documentserver/proxy.h"

/* "60", "60s", "1m30s", "500ms". Returns 0, or -EINVAL with *ret_ms untouched. */
int oo_nginx_time(const char *text, int64_t *ret_ms);
/* "4096", "8k", "100M", "1g". Returns 0, or -EINVAL with *ret_bytes untouched. */
int oo_nginx_size(const char *text, uint64_t *ret_bytes);
/*
 * "HOST", "HOST:PORT", "[IPV6]:PORT", up to the end or what cannot be part of it ('/', '$').
 * port  where none is given.
 * Returns 0, or -EINVAL (a unix socket, an empty or too long host, no number) with nothing written.
 */
int oo_nginx_endpoint(const char *text, uint16_t port, struct oo_endpoint_text *ret_endpoint);

#endif
