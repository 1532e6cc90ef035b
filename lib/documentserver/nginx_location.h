#ifndef OO_NGINX_LOCATION_H
#define OO_NGINX_LOCATION_H
/* Which location takes a request: nginx's order of matching. Private to the module. */
#include "documentserver/nginx_tree.h"

/*
 * Among the locations of a server (first: its directives): an exact one (=) before all; else the
 * longest prefix, unless that has ^~ the first regular expression that matches; then the same among
 * those inside. What server and location rewrites would make of the path is not looked at.
 * Regular expressions are understood as far as POSIX has the same (look-around and back references
 * match nothing, a count is taken for "some").
 * Returns the location's directive, or NULL.
 */
const struct oo_nginx_directive *oo_nginx_location_find(const struct oo_nginx_directive *first,
							const char *path);

/* The named location (@name) of a server, or NULL. */
const struct oo_nginx_directive *oo_nginx_location_named(const struct oo_nginx_directive *first,
							 const char *name);

#endif
