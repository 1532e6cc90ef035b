#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/netlink.h"

#define LABEL_SUFFIX ":vip"
#define FOR_EVER UINT32_MAX /* INFINITY_LIFE_TIME of the kernel */

/* An address that the kernel has. */
struct row {
	struct oo_address address;
	int ifindex;
	struct rtnl_addr *from; /* the table's */
};

/* What the kernel has, at the time of one dump. */
struct table {
	struct nl_cache *cache; /* owned */
	struct row *rows;       /* owned; by address, for there may be a thousand */
	size_t n;
};

/* A number of messages of one purpose under way; the first failure is kept. */
struct change {
	struct oo_net *net;
	const struct oo_address_set *set;
	bool removes;
	struct oo_netlink_batch batch;
	struct row rows[OO_NETLINK_BATCH_MAX]; /* what each message is about, for the text */
	int r;
	struct oo_err *err;
};

static void table_done(struct table *table)
{
	nl_cache_free(table->cache);
	free(table->rows);
}

static void change_done(struct change *change)
{
	oo_netlink_batch_done(&change->batch);
}

static void put_rtnl_addr(struct rtnl_addr **address)
{
	rtnl_addr_put(*address);
}

static void put_nl_addr(struct nl_addr **address)
{
	nl_addr_put(*address);
}

static void add_row(struct nl_object *object, void *user)
{
	struct table *table = user;
	struct row row = {.from = (struct rtnl_addr *)object};
	row.ifindex = rtnl_addr_get_ifindex(row.from);
	if (oo_netlink_address(rtnl_addr_get_local(row.from), rtnl_addr_get_prefixlen(row.from),
			       &row.address)) {
		table->rows[table->n++] = row;
	}
}

static int compare_rows(const void *one, const void *other)
{
	const struct oo_address *a = &((const struct row *)one)->address;
	const struct oo_address *b = &((const struct row *)other)->address;
	return a->family != b->family ? a->family - b->family
				      : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* The first row that has address, or where it would be: those that have it follow each other. */
static size_t find_row(const struct table *table, const struct oo_address *address)
{
	const struct row wanted = {.address = *address};
	size_t low = 0;
	for (size_t high = table->n; low < high;) {
		const size_t middle = low + (high - low) / 2;
		if (compare_rows(&table->rows[middle], &wanted) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* table is zeroed before, and for table_done to free in any case. */
static int read_table(struct oo_net *net, struct table *table, struct oo_err *err)
{
	int r = oo_netlink_open(net, err);
	if (r < 0) {
		return r;
	}
	r = rtnl_addr_alloc_cache(net->requests, &table->cache);
	if (r < 0) {
		table->cache = NULL;
		return oo_netlink_failed(net, r, err, "list addresses");
	}
	table->rows = calloc((size_t)nl_cache_nitems(table->cache) + 1, sizeof(*table->rows));
	if (table->rows == NULL) {
		return oo_fail(err, ENOMEM, "list addresses");
	}
	nl_cache_foreach(table->cache, add_row, table);
	qsort(table->rows, table->n, sizeof(*table->rows), compare_rows);
	return 0;
}

/* The next row from *at on that is address i of set, or NULL; *at is then behind it. */
static const struct row *next_row(const struct table *table, const struct oo_address_set *set,
				  size_t i, size_t *at)
{
	while (*at < table->n && oo_address_equal(&table->rows[*at].address, &set->list[i])) {
		const struct row *row = &table->rows[(*at)++];
		if (set->ifindex == 0 || set->ifindex == row->ifindex) {
			return row;
		}
	}
	return NULL;
}

static const char *verb_of(const struct change *change)
{
	return change->removes ? "remove" : "add";
}

static void keep_failure(struct change *change, const struct row *row, int r)
{
	char name[IF_NAMESIZE] = "";
	char text[OO_ADDRESS_LENGTH];
	if (change->r < 0) {
		return;
	}
	if (if_indextoname((unsigned)row->ifindex, name) == NULL) {
		snprintf(name, sizeof(name), "%d", row->ifindex);
	}
	const char *hint = r == -EPERM    ? " (needs CAP_NET_ADMIN)"
			   : r == -EACCES ? " (is IPv6 disabled on the interface?)"
					  : "";
	change->r = oo_fail_text(change->err, -r, "%s %s on interface %s: %s%s", verb_of(change),
				 oo_address_format(&row->address, text), name, strerror(-r), hint);
}

static void flush(struct change *change)
{
	struct oo_netlink_batch *batch = &change->batch;
	if (batch->n == 0) {
		return;
	}
	int r = oo_netlink_send(change->net, batch, change->r < 0 ? NULL : change->err);
	if (r < 0 && change->r == 0) {
		change->r = r;
		oo_err_wrap(change->err, "%s addresses", verb_of(change));
	}
	for (size_t i = 0; r == 0 && i < batch->n; i++) {
		const int result = batch->results[i];
		const bool gone = result == -EADDRNOTAVAIL || result == -ENODEV;
		if (result < 0 && !(change->removes && gone)) {
			keep_failure(change, &change->rows[i], result);
		}
	}
	oo_netlink_batch_done(batch);
}

/* Takes message, which may be NULL: there was no memory for it. */
static void push(struct change *change, struct nl_msg *message, const struct row *row)
{
	if (message == NULL) {
		keep_failure(change, row, -ENOMEM);
		return;
	}
	change->rows[change->batch.n] = *row;
	change->batch.messages[change->batch.n++] = message;
	if (change->batch.n == OO_NETLINK_BATCH_MAX) {
		flush(change);
	}
}

/* Arms an address that the kernel has, or a new one. See the header for what is set, and why. */
static struct nl_msg *build_add(struct rtnl_addr *address, uint32_t valid_s)
{
	struct nl_msg *message = NULL;
	const bool ipv6 = rtnl_addr_get_family(address) == AF_INET6;
	rtnl_addr_set_flags(address, IFA_F_NOPREFIXROUTE | (ipv6 ? IFA_F_NODAD : 0));
	rtnl_addr_set_valid_lifetime(address, valid_s);
	rtnl_addr_set_preferred_lifetime(address, ipv6 ? 0 : valid_s);
	return rtnl_addr_build_add_request(address, NLM_F_REPLACE, &message) < 0 ? NULL : message;
}

static struct nl_msg *build_delete(struct rtnl_addr *address)
{
	struct nl_msg *message = NULL;
	return rtnl_addr_build_delete_request(address, 0, &message) < 0 ? NULL : message;
}

/* Whether both are IPv4 addresses of one subnet, as the kernel sees it: same mask, same network. */
static bool share_subnet(const struct oo_address *one, const struct oo_address *other)
{
	uint32_t a;
	uint32_t b;
	if (one->family != AF_INET || other->family != AF_INET || one->prefix != other->prefix) {
		return false;
	}
	memcpy(&a, one->bytes, sizeof(a));
	memcpy(&b, other->bytes, sizeof(b));
	return one->prefix == 0 || (ntohl(a) ^ ntohl(b)) >> (32 - one->prefix) == 0;
}

/* The prefix length that keeps address from becoming the primary of others. */
static uint8_t safe_prefix(const struct table *table, int ifindex, const struct oo_address *address)
{
	if (address->family != AF_INET) {
		return address->prefix;
	}
	for (size_t i = 0; i < table->n; i++) {
		if (table->rows[i].ifindex == ifindex &&
		    share_subnet(&table->rows[i].address, address)) {
			return address->prefix;
		}
	}
	return 32;
}

static struct rtnl_addr *new_address(const struct row *row, const char *label)
{
	const struct oo_address *address = &row->address;
	OO_AUTO(put_nl_addr)
	struct nl_addr *local =
		nl_addr_build(address->family, address->bytes, address->family == AF_INET ? 4 : 16);
	OO_AUTO(put_rtnl_addr) struct rtnl_addr *new = rtnl_addr_alloc();
	if (local == NULL || new == NULL) {
		return NULL;
	}
	nl_addr_set_prefixlen(local, address->prefix);
	rtnl_addr_set_ifindex(new, row->ifindex);
	rtnl_addr_set_scope(new, RT_SCOPE_UNIVERSE);
	if (rtnl_addr_set_local(new, local) < 0 ||
	    (address->family == AF_INET && label[0] != '\0' &&
	     rtnl_addr_set_label(new, label) < 0)) {
		return NULL;
	}
	return oo_take_ptr(new);
}

/* Re-arms every row of address i: none may outlive the others. Returns whether there is one. */
static bool rearm(struct change *change, const struct table *table, size_t i, uint32_t valid_s)
{
	size_t at = find_row(table, &change->set->list[i]);
	bool found = false;
	for (const struct row *row; (row = next_row(table, change->set, i, &at)) != NULL;) {
		push(change, build_add(row->from, valid_s), row);
		found = true;
	}
	return found;
}

/* "eth0:vip", or "" where that is too long for a label. */
static int make_label(int ifindex, char label[static IF_NAMESIZE + sizeof(LABEL_SUFFIX)],
		      struct oo_err *err)
{
	if (ifindex <= 0 || if_indextoname((unsigned)ifindex, label) == NULL) {
		return oo_fail_text(err, ENODEV, "no such interface: number %d", ifindex);
	}
	strcat(label, LABEL_SUFFIX);
	if (strlen(label) >= IF_NAMESIZE) {
		label[0] = '\0';
	}
	return 0;
}

int oo_net_addresses_add(struct oo_net *net, const struct oo_address_set *set, uint32_t valid_s,
			 struct oo_err *err)
{
	char label[IF_NAMESIZE + sizeof(LABEL_SUFFIX)];
	bool is_labelled = false;
	OO_AUTO(table_done) struct table table = {0};
	OO_AUTO(change_done) struct change change = {.net = net, .set = set, .err = err};
	if (valid_s == 0 || valid_s == FOR_EVER) {
		return oo_fail_text(err, EINVAL, "a lifetime of %s is refused",
				    valid_s == 0 ? "0 s" : "for ever");
	}
	int r = read_table(net, &table, err);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < set->n; i++) {
		if (set->ifindex > 0 && rearm(&change, &table, i, valid_s)) {
			continue; /* the rule, twice a second: the name of the interface is not asked */
		}
		r = is_labelled ? 0 : make_label(set->ifindex, label, err);
		if (r < 0) {
			return r;
		}
		is_labelled = true;
		struct row row = {.address = set->list[i], .ifindex = set->ifindex};
		row.address.prefix = safe_prefix(&table, set->ifindex, &row.address);
		OO_AUTO(put_rtnl_addr) struct rtnl_addr *new = new_address(&row, label);
		push(&change, new != NULL ? build_add(new, valid_s) : NULL, &row);
	}
	flush(&change);
	return change.r;
}

int oo_net_addresses_remove(struct oo_net *net, const struct oo_address_set *set,
			    struct oo_err *err)
{
	OO_AUTO(table_done) struct table table = {0};
	OO_AUTO(change_done)
	struct change change = {.net = net, .set = set, .removes = true, .err = err};
	int r = read_table(net, &table, err);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < set->n; i++) {
		size_t at = find_row(&table, &set->list[i]);
		for (const struct row *row; (row = next_row(&table, set, i, &at)) != NULL;) {
			push(&change, build_delete(row->from), row);
		}
	}
	flush(&change);
	return change.r;
}

int oo_net_check_rights(struct oo_net *net, struct oo_err *err)
{
	/* rtnetlink_rcv_msg asks for the capability before it looks for the interface, number 0 */
	const struct row nothing = {.address = {.family = AF_INET, .prefix = 32}};
	OO_AUTO(oo_netlink_batch_done) struct oo_netlink_batch batch = {0};
	OO_AUTO(put_rtnl_addr) struct rtnl_addr *address = new_address(&nothing, "");
	struct nl_msg *message = address != NULL ? build_delete(address) : NULL;
	if (message == NULL) {
		return oo_fail(err, ENOMEM, "addresses");
	}
	batch.messages[batch.n++] = message;
	int r = oo_netlink_send(net, &batch, err);
	if (r == 0 && batch.results[0] == -EPERM) {
		return oo_fail_text(err, EPERM,
				    "addresses cannot be changed: %s (needs CAP_NET_ADMIN)",
				    strerror(EPERM));
	}
	return r;
}

int oo_net_addresses_present(struct oo_net *net, const struct oo_address_set *set,
			     bool *ret_present, struct oo_err *err)
{
	OO_AUTO(table_done) struct table table = {0};
	int r = read_table(net, &table, err);
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < set->n; i++) {
		size_t at = find_row(&table, &set->list[i]);
		ret_present[i] = next_row(&table, set, i, &at) != NULL;
	}
	return 0;
}
