#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "etcd/client.h"

#define FORGET_FAILING_MS 120000 /* longer than one that is preferred is left alone */

static void free_addresses(struct ifaddrs **addresses)
{
	if (*addresses != NULL) {
		freeifaddrs(*addresses);
	}
}

/* Whether one of the addresses is this one, given in text as inet_ntop(3) writes it. */
static bool has_address(const struct ifaddrs *addresses, const char *text)
{
	for (const struct ifaddrs *at = addresses; at != NULL; at = at->ifa_next) {
		char here[NI_MAXHOST];
		int family = at->ifa_addr != NULL ? at->ifa_addr->sa_family : AF_UNSPEC;
		socklen_t length = family == AF_INET    ? sizeof(struct sockaddr_in)
				   : family == AF_INET6 ? sizeof(struct sockaddr_in6)
							: 0;
		if (length > 0 &&
		    getnameinfo(at->ifa_addr, length, here, sizeof(here), NULL, 0,
				NI_NUMERICHOST) == 0 &&
		    oo_text_equal(here, text)) {
			return true;
		}
	}
	return false;
}

/* Whether host means this host. A name that only DNS can tell counts as elsewhere. */
static bool is_local(const char *host, const struct ifaddrs *addresses)
{
	struct in_addr v4;
	struct in6_addr v6;
	char text[INET6_ADDRSTRLEN];
	if (inet_pton(AF_INET, host, &v4) == 1) {
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET || has_address(addresses, host);
	}
	if (inet_pton(AF_INET6, host, &v6) == 1) {
		inet_ntop(AF_INET6, &v6, text, sizeof(text)); /* as short as can be */
		return IN6_IS_ADDR_LOOPBACK(&v6) || has_address(addresses, text);
	}
	return oo_text_equal(host, "localhost");
}

static int set_endpoints(struct oo_etcd_endpoints *endpoints, const struct oo_etcd_options *options,
			 struct oo_err *err)
{
	if (options->n_endpoints == 0 || options->n_endpoints > OO_ETCD_ENDPOINTS_MAX) {
		return oo_fail_text(err, EINVAL, "%zu endpoints: 1 to %d are right",
				    options->n_endpoints, OO_ETCD_ENDPOINTS_MAX);
	}
	OO_AUTO(free_addresses) struct ifaddrs *addresses = NULL;
	(void)getifaddrs(&addresses); /* without them only loopback counts as local */
	for (size_t i = 0; i < options->n_endpoints; i++) {
		struct oo_etcd_endpoint *endpoint = &endpoints->list[i];
		int r = oo_etcd_endpoint_parse(options->endpoints[i], endpoint, err);
		if (r < 0) {
			return r;
		}
		endpoint->local = is_local(endpoint->host, addresses);
		for (size_t other = 0; other < i; other++) {
			if (oo_text_equal(endpoints->list[other].url, endpoint->url)) {
				return oo_fail_text(err, EINVAL, "\"%s\" is listed twice",
						    endpoint->url);
			}
		}
	}
	endpoints->n = options->n_endpoints;
	if (options->name != NULL) {
		oo_etcd_endpoints_order(endpoints, options->name);
	}
	return 0;
}

/* Whether path can be read now: better told at start than at the first failover. */
static int check_file(const char *what, const char *path, struct oo_err *err)
{
	if (path == NULL) {
		return 0;
	}
	OO_AUTO(oo_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 ? 0 : oo_fail(err, errno, "%s %s", what, path);
}

static int check_pair(const char *one_name, const char *one, const char *other_name,
		      const char *other, struct oo_err *err)
{
	if ((one == NULL) == (other == NULL)) {
		return 0;
	}
	return oo_fail_text(err, EINVAL, "%s without %s: set both or none",
			    one != NULL ? one_name : other_name,
			    one != NULL ? other_name : one_name);
}

static int check_options(const struct oo_etcd_options *options, struct oo_err *err)
{
	int r = check_pair("username", options->username, "password_file", options->password_file,
			   err);
	r = r < 0 ? r
		  : check_pair("cert_file", options->cert_file, "key_file", options->key_file, err);
	r = r < 0 ? r : check_file("password_file", options->password_file, err);
	r = r < 0 ? r : check_file("ca_file", options->ca_file, err);
	r = r < 0 ? r : check_file("cert_file", options->cert_file, err);
	return r < 0 ? r : check_file("key_file", options->key_file, err);
}

static int set_login(struct oo_etcd_login *login, const struct oo_etcd_options *options,
		     struct oo_err *err)
{
	if (options->username == NULL) {
		return 0;
	}
	login->username = strdup(options->username);
	login->password_file = strdup(options->password_file);
	if (login->username == NULL || login->password_file == NULL) {
		return oo_fail(err, ENOMEM, "etcd client");
	}
	return 0;
}

int oo_etcd_new(sd_event *event, const struct oo_etcd_options *options, struct oo_etcd **ret_etcd,
		struct oo_err *err)
{
	struct oo_etcd *etcd = calloc(1, sizeof(*etcd));
	if (etcd == NULL) {
		return oo_fail(err, ENOMEM, "etcd client");
	}
	etcd->event = sd_event_ref(event);
	etcd->hedge_after_ms = options->hedge_after_ms;
	int r = check_options(options, err);
	r = r < 0 ? r : set_endpoints(&etcd->endpoints, options, err);
	r = r < 0 ? r : set_login(&etcd->login, options, err);
	r = r < 0 ? r : oo_etcd_wires_init(&etcd->wires, event, options, err);
	if (r < 0) {
		oo_etcd_free(etcd);
		return r;
	}
	*ret_etcd = etcd;
	return 0;
}

void oo_etcd_free(struct oo_etcd *etcd)
{
	if (etcd == NULL) {
		return;
	}
	assert(etcd->calling == 0);
	oo_etcd_watch_free_all(etcd);
	oo_etcd_request_free_all(etcd);
	oo_etcd_wires_done(&etcd->wires);
	oo_etcd_login_done(&etcd->login);
	sd_event_unref(etcd->event);
	free(etcd);
}

void oo_etcd_reload(struct oo_etcd *etcd)
{
	etcd->login.again_at = 0;
}

void oo_etcd_set_hedge_after(struct oo_etcd *etcd, int64_t hedge_after_ms)
{
	etcd->hedge_after_ms = hedge_after_ms;
}

void oo_etcd_blame(struct oo_etcd *etcd, size_t i, const char *why)
{
	struct oo_etcd_endpoints *endpoints = &etcd->endpoints;
	size_t before = endpoints->current;
	oo_etcd_endpoints_blame(endpoints, i, oo_clock_now());
	if (endpoints->current != before) {
		(void)oo_fail_text(&etcd->moved, EAGAIN, "%s: %s", endpoints->list[i].url, why);
	}
	oo_etcd_watch_leave(etcd, i, why);
}

const char *oo_etcd_endpoint(const struct oo_etcd *etcd)
{
	return etcd->endpoints.list[etcd->endpoints.current].url;
}

const char *oo_etcd_endpoint_state(const struct oo_etcd *etcd, size_t i, bool *ret_failing)
{
	if (i >= etcd->endpoints.n) {
		return NULL;
	}
	const struct oo_etcd_endpoint *endpoint = &etcd->endpoints.list[i];
	*ret_failing = endpoint->sick_until != 0 &&
		       oo_clock_now() - endpoint->sick_until < FORGET_FAILING_MS;
	return endpoint->url;
}

const char *oo_etcd_moved(const struct oo_etcd *etcd)
{
	return etcd->moved.text;
}

const char *oo_etcd_trouble(const struct oo_etcd *etcd)
{
	return etcd->trouble.text;
}

int64_t oo_etcd_answered_at(const struct oo_etcd *etcd)
{
	return etcd->answered_at;
}
