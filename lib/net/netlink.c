#include "net/netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"

#define ANSWER_TIMEOUT_S 1
#define REQUESTS_BUFFER_BYTES (256 * 1024)
/* Reports of some thousand addresses that come or go at once. */
#define REPORTS_BUFFER_BYTES (4 * 1024 * 1024)
#define DATAGRAM_BYTES 32768   /* the kernel fills no more at a time: not asked before each read */
#define TURN_DATAGRAMS_MAX 256 /* read in one turn of the loop */

static void free_socket(struct nl_sock **socket)
{
	nl_socket_free(*socket);
}

static void put_link(struct rtnl_link **link)
{
	rtnl_link_put(*link);
}

static int errno_of(int nl_error)
{
	switch (-nl_error) {
	case NLE_AGAIN:
		return ETIMEDOUT;
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_NODEV:
	case NLE_OBJ_NOTFOUND:
		return ENODEV;
	case NLE_PERM:
		return EPERM;
	default:
		return EIO;
	}
}

/* what may be NULL; errors of libnl are texts of their own. */
static int fail_netlink(struct oo_err *err, int nl_error, const char *what)
{
	const int error_number = errno_of(nl_error);
	if (error_number == ETIMEDOUT) {
		return oo_fail_text(err, ETIMEDOUT, "%s: the kernel did not answer within %d s",
				    what, ANSWER_TIMEOUT_S);
	}
	return oo_fail_text(err, error_number, "%s: %s", what, nl_geterror(nl_error));
}

int oo_netlink_failed(struct oo_net *net, int nl_error, struct oo_err *err, const char *what)
{
	nl_socket_free(oo_take_ptr(net->requests));
	return fail_netlink(err, nl_error, what);
}

int oo_netlink_open(struct oo_net *net, struct oo_err *err)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	if (net->requests != NULL) {
		return 0;
	}
	OO_AUTO(free_socket) struct nl_sock *requests = nl_socket_alloc();
	if (requests == NULL) {
		return oo_fail(err, ENOMEM, "netlink socket");
	}
	int r = nl_connect(requests, NETLINK_ROUTE);
	if (r < 0) {
		return fail_netlink(err, r, "netlink socket");
	}
	/* The kernel answers inside the sending, so a blocking socket does not block. */
	if (setsockopt(nl_socket_get_fd(requests), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		return oo_fail(err, errno, "netlink socket's timeout");
	}
	(void)nl_socket_set_buffer_size(requests, REQUESTS_BUFFER_BYTES, 0); /* or as it is */
	nl_socket_disable_seq_check(requests);
	nl_socket_disable_msg_peek(requests);
	nl_socket_set_msg_buf_size(requests, DATAGRAM_BYTES);
	net->requests = oo_take_ptr(requests);
	return 0;
}

void oo_netlink_batch_done(struct oo_netlink_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		nlmsg_free(batch->messages[i]);
	}
	*batch = (struct oo_netlink_batch){0};
}

static void note_result(struct oo_netlink_batch *batch, uint32_t seq, int r)
{
	const uint32_t i = seq - batch->first_seq;
	if (i < batch->n) {
		batch->results[i] = r;
		batch->answered++;
	}
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *user)
{
	(void)from;
	note_result(user, error->msg.nlmsg_seq, error->error);
	return NL_SKIP;
}

static int on_ack(struct nl_msg *message, void *user)
{
	note_result(user, nlmsg_hdr(message)->nlmsg_seq, 0);
	return NL_OK;
}

static void put_callbacks(struct nl_cb **callbacks)
{
	nl_cb_put(*callbacks);
}

static int send_batch(struct nl_sock *requests, struct oo_netlink_batch *batch)
{
	struct iovec parts[OO_NETLINK_BATCH_MAX];
	for (size_t i = 0; i < batch->n; i++) {
		struct nlmsghdr *header = nlmsg_hdr(batch->messages[i]);
		nl_complete_msg(requests, batch->messages[i]); /* REQUEST, ACK, sequence number */
		parts[i] = (struct iovec){.iov_base = header, .iov_len = header->nlmsg_len};
	}
	batch->first_seq = nlmsg_hdr(batch->messages[0])->nlmsg_seq;
	return nl_send_iovec(requests, batch->messages[0], parts, (unsigned)batch->n);
}

int oo_netlink_send(struct oo_net *net, struct oo_netlink_batch *batch, struct oo_err *err)
{
	int r = oo_netlink_open(net, err);
	if (r < 0) {
		return r;
	}
	OO_AUTO(put_callbacks)
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	if (callbacks == NULL) {
		return oo_fail(err, ENOMEM, "netlink request");
	}
	nl_cb_set(callbacks, NL_CB_SEQ_CHECK, NL_CB_DEFAULT, NULL, NULL);
	nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_ack, batch);
	nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, batch);
	r = send_batch(net->requests, batch);
	while (r >= 0 && batch->answered < batch->n) {
		r = nl_recvmsgs(net->requests, callbacks);
	}
	return r < 0 ? oo_netlink_failed(net, r, err, "netlink request") : 0;
}

bool oo_netlink_address(struct nl_addr *local, int prefix, struct oo_address *ret_address)
{
	struct oo_address address = {.prefix = (uint8_t)prefix};
	if (local == NULL) {
		return false;
	}
	address.family = nl_addr_get_family(local);
	const unsigned length = nl_addr_get_len(local);
	if (!(address.family == AF_INET && length == 4) &&
	    !(address.family == AF_INET6 && length == 16)) {
		return false;
	}
	memcpy(address.bytes, nl_addr_get_binary_addr(local), length);
	*ret_address = address;
	return true;
}

static struct oo_link describe_link(struct rtnl_link *from, bool exists)
{
	const unsigned flags = rtnl_link_get_flags(from);
	const char *name = rtnl_link_get_name(from);
	struct nl_addr *mac = rtnl_link_get_addr(from);
	struct oo_link link = {
		.index = rtnl_link_get_ifindex(from),
		.exists = exists,
		.up = (flags & IFF_UP) != 0,
		.carrier = (flags & IFF_LOWER_UP) != 0 && (flags & IFF_RUNNING) != 0,
		.mtu = rtnl_link_get_mtu(from),
	};
	oo_text_clip(link.name, sizeof(link.name), name != NULL ? name : "");
	if (mac != NULL && nl_addr_get_len(mac) == OO_MAC_LENGTH) {
		memcpy(link.mac, nl_addr_get_binary_addr(mac), OO_MAC_LENGTH);
		link.mac_length = OO_MAC_LENGTH;
	}
	return link;
}

int oo_net_link(struct oo_net *net, const char *name, struct oo_link *ret_link, struct oo_err *err)
{
	OO_AUTO(put_link) struct rtnl_link *link = NULL;
	int r = oo_netlink_open(net, err);
	if (r < 0) {
		return r;
	}
	/* A name that cannot be one is no interface's; the kernel would say ERANGE or take any. */
	if (name[0] == '\0' || strlen(name) >= IF_NAMESIZE) {
		r = -NLE_NODEV;
	} else {
		r = rtnl_link_get_kernel(net->requests, 0, name, &link);
	}
	if (r >= 0 && link == NULL) {
		r = -NLE_OBJ_NOTFOUND;
	}
	if (r >= 0) {
		*ret_link = describe_link(link, true);
		return 0;
	}
	if (errno_of(r) == ENODEV) {
		return oo_fail_text(err, ENODEV, "no such interface \"%s\"", name);
	}
	return oo_netlink_failed(net, r, err, name);
}

static void report_link(struct oo_net *net, struct rtnl_link *from, bool exists)
{
	/* A bridge reports its ports as links of a family of their own (AF_BRIDGE): that one leaves the
	 * bridge does not mean that it is gone. */
	if (rtnl_link_get_family(from) != AF_UNSPEC) {
		return;
	}
	const struct oo_link link = describe_link(from, exists);
	if (net->callbacks.link != NULL) {
		net->callbacks.link(net->user, &link);
	}
}

static void report_address(struct oo_net *net, struct rtnl_addr *from, bool present)
{
	struct oo_address address;
	if (net->callbacks.address != NULL &&
	    oo_netlink_address(rtnl_addr_get_local(from), rtnl_addr_get_prefixlen(from),
			       &address)) {
		net->callbacks.address(net->user, rtnl_addr_get_ifindex(from), &address, present);
	}
}

static void report_object(struct nl_object *object, void *user)
{
	struct oo_net *net = user;
	switch (nl_object_get_msgtype(object)) {
	case RTM_NEWLINK:
		report_link(net, (struct rtnl_link *)object, true);
		break;
	case RTM_DELLINK:
		report_link(net, (struct rtnl_link *)object, false);
		break;
	case RTM_NEWADDR:
		report_address(net, (struct rtnl_addr *)object, true);
		break;
	case RTM_DELADDR:
		report_address(net, (struct rtnl_addr *)object, false);
		break;
	}
}

static void resync(struct oo_net *net)
{
	if (net->callbacks.resync != NULL) {
		net->callbacks.resync(net->user);
	}
}

static int on_report(struct nl_msg *message, void *user)
{
	/* What libnl cannot read is a report lost. */
	if (nl_msg_parse(message, report_object, user) < 0) {
		resync(user);
	}
	return NL_OK;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_net *net = user;
	int r = 0;
	(void)source;
	(void)fd;
	(void)events;
	for (int i = 0; r >= 0 && i < TURN_DATAGRAMS_MAX; i++) {
		r = nl_recvmsgs_default(net->reports);
	}
	/* ENOBUFS, netlink(7): the kernel had more to say than the socket holds. */
	if (r < 0 && r != -NLE_AGAIN) {
		resync(net);
	}
	return 0;
}

static int open_reports(struct oo_net *net, sd_event *event, struct oo_err *err)
{
	const int buffer_bytes = REPORTS_BUFFER_BYTES;
	net->reports = nl_socket_alloc();
	if (net->reports == NULL) {
		return oo_fail(err, ENOMEM, "netlink socket");
	}
	nl_socket_disable_seq_check(net->reports);
	nl_socket_disable_msg_peek(net->reports);
	nl_socket_set_msg_buf_size(net->reports, DATAGRAM_BYTES);
	nl_socket_modify_cb(net->reports, NL_CB_VALID, NL_CB_CUSTOM, on_report, net);
	int r = nl_connect(net->reports, NETLINK_ROUTE);
	if (r < 0) {
		return fail_netlink(err, r, "netlink socket for reports");
	}
	const int fd = nl_socket_get_fd(net->reports);
	/* Past net.core.rmem_max with CAP_NET_ADMIN, else what is allowed. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)) < 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
	}
	r = nl_socket_set_nonblocking(net->reports);
	if (r < 0) {
		return fail_netlink(err, r, "netlink socket for reports");
	}
	r = nl_socket_add_memberships(net->reports, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV6_IFADDR, 0);
	if (r < 0) {
		return fail_netlink(err, r, "netlink reports");
	}
	r = sd_event_add_io(event, &net->source, fd, EPOLLIN, on_readable, net);
	return r < 0 ? oo_fail(err, -r, "netlink reports on the loop") : 0;
}

static void free_net(struct oo_net **net)
{
	oo_net_free(*net);
}

int oo_net_new(sd_event *event, const struct oo_net_callbacks *callbacks, void *user,
	       struct oo_net **ret_net, struct oo_err *err)
{
	OO_AUTO(free_net) struct oo_net *net = calloc(1, sizeof(*net));
	if (net == NULL) {
		return oo_fail(err, ENOMEM, "netlink handle");
	}
	net->callbacks = *callbacks;
	net->user = user;
	int r = oo_netlink_open(net, err);
	if (r < 0) {
		return r;
	}
	r = open_reports(net, event, err);
	if (r < 0) {
		return r;
	}
	*ret_net = oo_take_ptr(net);
	return 0;
}

void oo_net_free(struct oo_net *net)
{
	if (net == NULL) {
		return;
	}
	sd_event_source_disable_unref(net->source);
	nl_socket_free(net->reports);
	nl_socket_free(net->requests);
	free(net);
}
