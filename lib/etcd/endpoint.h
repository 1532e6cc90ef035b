#ifndef OO_ETCD_ENDPOINT_H
#define OO_ETCD_ENDPOINT_H
/*
 * The members as we reach them: their order, which one is in use, and which are to be left alone
 * for a while. Pure: time comes in as CLOCK_BOOTTIME ms.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "etcd/etcd.h"

#define OO_ETCD_URL_LENGTH 280

struct oo_etcd_endpoint {
	char url[OO_ETCD_URL_LENGTH];  /* scheme://host:port, no slash behind it */
	char host[OO_ETCD_URL_LENGTH]; /* without the brackets of IPv6 */
	bool local;                    /* on this host */
	int64_t sick_until;            /* 0: well */
	int64_t backoff_ms;            /* the last one given; 0 once it has answered */
	int64_t back_at;               /* not put in use again before that */
	int64_t away_ms;               /* how long it was left for last; 0: never */
};

struct oo_etcd_endpoints {
	struct oo_etcd_endpoint list[OO_ETCD_ENDPOINTS_MAX];
	size_t n;
	size_t current; /* the one in use: where watches go, and calls first */
	int64_t used_since;
	bool returned; /* it was left before, and put in use again */
};

/*
 * Reads http(s)://host[:port][/]; the port is 2379 when left out.
 * Returns 0, or -EINVAL with err naming what is wrong; never with credentials in it.
 */
int oo_etcd_endpoint_parse(const char *url, struct oo_etcd_endpoint *ret_endpoint,
			   struct oo_err *err);

/* Local ones first, each group in the order of a hash of name and URL. */
void oo_etcd_endpoints_order(struct oo_etcd_endpoints *endpoints, const char *name);

/*
 * Which to ask next.
 * asked  bit i: endpoint i was asked already.
 * Returns the one in use, else the first well one, else the one that was sick longest; n: all were
 * asked.
 */
size_t oo_etcd_endpoints_pick(const struct oo_etcd_endpoints *endpoints, uint32_t asked,
			      int64_t now);
/*
 * Which to ask first, by a call that can bear to wait for another: the one in use, or one that comes
 * before it and was left long enough ago. Only one call in 5 s gets that one, as a trial.
 */
size_t oo_etcd_endpoints_try(struct oo_etcd_endpoints *endpoints, int64_t now);
/*
 * It answered its trial: puts it in use again, if it comes before the one that is. Without this all
 * agents would end up with the member that was restarted first. Returns whether it did.
 */
bool oo_etcd_endpoints_return(struct oo_etcd_endpoints *endpoints, size_t i, int64_t now);
/*
 * It failed: leaves it alone for a while (1 s, doubling to 30 s), and moves on if it was in use. It
 * is not tried before 5 s then, doubling to 1 min each time that it comes back for less than 20 s.
 */
void oo_etcd_endpoints_blame(struct oo_etcd_endpoints *endpoints, size_t i, int64_t now);
/* It answered. It is not put in use by that. */
void oo_etcd_endpoints_praise(struct oo_etcd_endpoints *endpoints, size_t i);

#endif
