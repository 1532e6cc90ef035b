#ifndef OO_PROXY_PASS_H
#define OO_PROXY_PASS_H
/* The part of proxy.h that is about proxy_pass. Private to the module. */
#include "documentserver/nginx_tree.h"
#include "documentserver/proxy.h"

/* Adds the passes of all servers of an http block (http: its directives), with what is in force. */
void oo_proxy_passes_read(struct oo_proxy_config *proxy, const struct oo_nginx_directive *http);

/* The first thing that is wrong stays. */
void oo_proxy_complain(struct oo_proxy_config *proxy, const char *what);

#endif
