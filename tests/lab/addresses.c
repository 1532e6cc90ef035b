#include "addresses.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define RECEIVE_BYTES (16 * 1024 * 1024)
#define MESSAGE_BYTES 32768
#define DUMP_TIMEOUT_S 2

/* What a parse of one datagram needs to know. */
struct reading {
	struct addresses_event event; /* at_us and node filled in */
	addresses_fn *found;
	void *user;
	int n_events;
};

static int open_netlink(int flags, unsigned groups)
{
	OO_AUTO(oo_close)
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
	if (fd < 0) {
		return -errno;
	}
	const struct sockaddr_nl here = {.nl_family = AF_NETLINK, .nl_groups = groups};
	const int bytes = RECEIVE_BYTES;
	const int on = 1;
	const struct timeval patience = {.tv_sec = DUMP_TIMEOUT_S};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    (groups != 0 &&
	     setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &on, sizeof(on)) < 0) ||
	    bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		return -errno;
	}
	return oo_take_fd(&fd);
}

/* A socket inside the namespace; the process is back where it was afterwards. */
static int open_inside(int namespace)
{
	OO_AUTO(oo_close) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || setns(namespace, CLONE_NEWNET) < 0) {
		return -errno;
	}
	int fd = open_netlink(0, 0);
	if (setns(home, CLONE_NEWNET) < 0) {
		oo_close(&fd);
		return -errno;
	}
	return fd;
}

/* Gives the namespace a number in ours: only namespaces with a number are heard. */
static int number_namespace(int namespace, unsigned number)
{
	OO_AUTO(oo_close) int fd = open_netlink(0, 0);
	if (fd < 0) {
		return fd;
	}
	char request[MNL_ALIGN(sizeof(struct nlmsghdr)) + 64] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	header->nlmsg_type = RTM_NEWNSID;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	struct rtgenmsg *general = mnl_nlmsg_put_extra_header(header, sizeof(*general));
	general->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(header, NETNSA_NSID, number);
	mnl_attr_put_u32(header, NETNSA_FD, (uint32_t) namespace);
	if (send(fd, header, header->nlmsg_len, 0) < 0) {
		return -errno;
	}
	char answer[1024] __attribute__((aligned(8)));
	ssize_t length = recv(fd, answer, sizeof(answer), 0);
	if (length < 0) {
		return -errno;
	}
	return mnl_cb_run(answer, (size_t)length, 0, 0, NULL, NULL) < 0 ? -errno : 0;
}

int addresses_open(struct addresses *addresses, struct oo_err *err)
{
	*addresses = (struct addresses){.fd = -1};
	if (unshare(CLONE_NEWNET) < 0) {
		return oo_fail(err, errno, "network namespace of our own");
	}
	int fd = open_netlink(SOCK_NONBLOCK, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	if (fd < 0) {
		return oo_fail(err, -fd, "netlink socket for all namespaces");
	}
	addresses->fd = fd;
	return 0;
}

void addresses_close(struct addresses *addresses)
{
	oo_close(&addresses->fd);
	for (unsigned i = 0; i < addresses->n_nodes; i++) {
		oo_close(&addresses->dump_fds[i]);
	}
}

int addresses_add(struct addresses *addresses, const char *path, struct oo_err *err)
{
	if (addresses->n_nodes == ADDRESSES_NODES_MAX) {
		return oo_fail_text(err, E2BIG, "more than %d namespaces", ADDRESSES_NODES_MAX);
	}
	OO_AUTO(oo_close) int namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0) {
		return oo_fail(err, errno, "namespace %s", path);
	}
	int r = number_namespace(namespace, addresses->n_nodes);
	if (r < 0) {
		return oo_fail(err, -r, "numbering namespace %s", path);
	}
	int fd = open_inside(namespace);
	if (fd < 0) {
		return oo_fail(err, -fd, "netlink socket in %s", path);
	}
	addresses->dump_fds[addresses->n_nodes++] = fd;
	return 0;
}

static int on_attribute(const struct nlattr *attribute, void *user)
{
	const struct nlattr **attributes = user;
	int type = mnl_attr_get_type(attribute);
	if (type == IFA_LOCAL || type == IFA_ADDRESS) {
		attributes[type] = attribute;
	}
	return MNL_CB_OK;
}

static int on_message(const struct nlmsghdr *header, void *user)
{
	struct reading *reading = user;
	if (header->nlmsg_type != RTM_NEWADDR && header->nlmsg_type != RTM_DELADDR) {
		return MNL_CB_OK;
	}
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attributes[IFA_MAX + 1] = {0};
	(void)mnl_attr_parse(header, sizeof(*message), on_attribute, attributes);
	/* IFA_ADDRESS is the peer's on a point-to-point link, so IFA_LOCAL goes first */
	const struct nlattr *address =
		attributes[IFA_LOCAL] != NULL ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (address == NULL || mnl_attr_get_payload_len(address) > sizeof(reading->event.bytes)) {
		return MNL_CB_OK;
	}
	struct addresses_event event = reading->event;
	event.family = message->ifa_family;
	event.ifindex = message->ifa_index;
	event.up = header->nlmsg_type == RTM_NEWADDR;
	memcpy(event.bytes, mnl_attr_get_payload(address), mnl_attr_get_payload_len(address));
	reading->n_events++;
	if (reading->found != NULL) {
		reading->found(&event, reading->user);
	}
	return MNL_CB_OK;
}

/* The number of the namespace that a datagram came from, or -1 for our own. */
static int sender_number(struct msghdr *message)
{
	int number = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_LISTEN_ALL_NSID) {
			memcpy(&number, CMSG_DATA(c), sizeof(number));
		}
	}
	return number;
}

int addresses_read(struct addresses *addresses, addresses_fn *found, void *user)
{
	char buffer[MESSAGE_BYTES] __attribute__((aligned(8)));
	struct reading reading = {.found = found, .user = user};
	for (;;) {
		char control[CMSG_SPACE(sizeof(int)) * 2] __attribute__((aligned(8)));
		struct iovec part = {.iov_base = buffer, .iov_len = sizeof(buffer)};
		struct msghdr message = {.msg_iov = &part,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		ssize_t length = recvmsg(addresses->fd, &message, 0);
		if (length < 0) {
			return errno == EAGAIN ? reading.n_events : -errno;
		}
		int number = sender_number(&message);
		if (number < 0 || (unsigned)number >= addresses->n_nodes) {
			continue;
		}
		reading.event = (struct addresses_event){.at_us = oo_clock_now_us(),
							 .node = (unsigned)number};
		(void)mnl_cb_run(buffer, (size_t)length, 0, 0, on_message, &reading);
	}
}

static int dump_node(int fd, struct reading *reading)
{
	char buffer[MESSAGE_BYTES] __attribute__((aligned(8))) = {0};
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = RTM_GETADDR;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	struct rtgenmsg *general = mnl_nlmsg_put_extra_header(header, sizeof(*general));
	general->rtgen_family = AF_UNSPEC;
	if (send(fd, header, header->nlmsg_len, 0) < 0) {
		return -errno;
	}
	int r;
	do {
		ssize_t length = recv(fd, buffer, sizeof(buffer), 0);
		if (length < 0) {
			return -errno;
		}
		r = mnl_cb_run(buffer, (size_t)length, 0, 0, on_message, reading);
		if (r < 0) {
			return -errno;
		}
	} while (r > MNL_CB_STOP);
	return 0;
}

int addresses_dump(struct addresses *addresses, addresses_fn *found, void *user)
{
	for (unsigned i = 0; i < addresses->n_nodes; i++) {
		struct reading reading = {.event = {.at_us = oo_clock_now_us(), .node = i},
					  .found = found,
					  .user = user};
		int r = dump_node(addresses->dump_fds[i], &reading);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}
