#include "net/sockets.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"

#define ANSWER_TIMEOUT_S 1
#define DUMP_BYTES 32768 /* the kernel fills no more at a time */
/* What one pass remembers: about 350,000 connections. More are found by the next pass. */
#define FOUND_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define PASSES_MAX 5
/* All that still can hang: not LISTEN, CLOSE and TIME_WAIT. SYN_RECV covers half-open ones. */
#define CONNECTED_STATES                                                                           \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_SYN_RECV | 1u << TCP_FIN_WAIT1 |   \
	 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)

struct search {
	struct oo_address *list; /* owned; in order */
	size_t n;
	struct oo_buffer found; /* struct inet_diag_req_v2, ready to be sent */
};

static void close_socket(struct mnl_socket **diag)
{
	if (*diag != NULL) {
		(void)mnl_socket_close(*diag); /* nothing is left to be done about it */
	}
}

static int open_socket(struct mnl_socket **ret_diag, struct oo_err *err)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	OO_AUTO(close_socket)
	struct mnl_socket *diag = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (diag == NULL) {
		return oo_fail(err, errno, "sock_diag socket");
	}
	/* The kernel answers inside the sending, so a blocking socket does not block. */
	if (mnl_socket_bind(diag, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(diag), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		return oo_fail(err, errno, "sock_diag socket");
	}
	*ret_diag = oo_take_ptr(diag);
	return 0;
}

static int request(struct mnl_socket *diag, uint16_t type, uint16_t flags, const void *body,
		   size_t length)
{
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(mnl_nlmsg_put_extra_header(header, length), body, length);
	return mnl_socket_sendto(diag, header, header->nlmsg_len) < 0 ? -errno : 0;
}

/* Reads up to the acknowledgement or the end of the dump; handle may be NULL. */
static int answer(struct mnl_socket *diag, mnl_cb_t handle, void *user)
{
	char buffer[DUMP_BYTES];
	int r = MNL_CB_OK;
	while (r > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(diag, buffer, sizeof(buffer));
		if (length < 0) {
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		r = mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(diag), handle,
			       user);
	}
	return r < 0 ? -errno : 0;
}

static int compare(const void *one, const void *other)
{
	const struct oo_address *a = one;
	const struct oo_address *b = other;
	return a->family != b->family ? a->family - b->family
				      : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* The local address; of an IPv4 connection of an IPv6 socket that of IPv4 (RFC 4291 2.5.5.2). */
static struct oo_address local_address(const struct inet_diag_msg *connection)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *source = (const uint8_t *)connection->id.idiag_src;
	const bool is_mapped =
		connection->idiag_family == AF_INET6 && memcmp(source, mapped, sizeof(mapped)) == 0;
	struct oo_address address = {.family = is_mapped ? AF_INET : connection->idiag_family};
	memcpy(address.bytes, is_mapped ? source + sizeof(mapped) : source,
	       address.family == AF_INET ? 4 : 16);
	return address;
}

static bool is_wanted(const struct inet_diag_msg *connection, const struct search *search)
{
	const struct oo_address address = local_address(connection);
	return bsearch(&address, search->list, search->n, sizeof(address), compare) != NULL;
}

static int on_connection(const struct nlmsghdr *header, void *user)
{
	struct search *search = user;
	const struct inet_diag_msg *connection = mnl_nlmsg_get_payload(header);
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*connection) ||
	    !is_wanted(connection, search)) {
		return MNL_CB_OK;
	}
	const struct inet_diag_req_v2 destroy = {
		.sdiag_family = connection->idiag_family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1u << connection->idiag_state,
		.id = connection->id, /* with the cookie: this connection and no later one */
	};
	int r = oo_buffer_add(&search->found, &destroy, sizeof(destroy));
	if (r < 0 && r != -EMSGSIZE) {
		errno = -r;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

/* The older request lists both families in one walk through all connections; the newer needs two. */
static int find(struct mnl_socket *diag, struct search *search, struct oo_err *err)
{
	const struct inet_diag_req list = {.idiag_states = CONNECTED_STATES};
	int r = request(diag, TCPDIAG_GETSOCK, NLM_F_DUMP, &list, sizeof(list));
	if (r == 0) {
		r = answer(diag, on_connection, search);
	}
	if (r == -ENOENT) {
		return oo_fail_text(err, ENOENT,
				    "list TCP connections: the kernel has no CONFIG_INET_TCP_DIAG");
	}
	return r < 0 ? oo_fail(err, -r, "list TCP connections") : 0;
}

/* Returns 1, 0 (it had gone by itself), or -errno. */
static int destroy(struct mnl_socket *diag, const struct inet_diag_req_v2 *connection,
		   struct oo_err *err)
{
	int r = request(diag, SOCK_DESTROY, NLM_F_ACK, connection, sizeof(*connection));
	if (r == 0) {
		r = answer(diag, NULL, NULL);
	}
	/* Kernels before 6.9 cannot abort an orphan in FIN_WAIT2, whose process has closed it already. */
	if (r == -ENOENT || (r == -EOPNOTSUPP && connection->idiag_states == 1u << TCP_FIN_WAIT2)) {
		return 0;
	}
	if (r == -EOPNOTSUPP) {
		return oo_fail_text(
			err, EOPNOTSUPP,
			"reset TCP connections: the kernel has no CONFIG_INET_DIAG_DESTROY");
	}
	if (r < 0) {
		return oo_fail(err, -r, "reset TCP connections%s",
			       r == -EPERM ? " (needs CAP_NET_ADMIN)" : "");
	}
	return 1;
}

static int destroy_found(struct mnl_socket *diag, const struct oo_buffer *found,
			 unsigned *ret_count, struct oo_err *err)
{
	struct inet_diag_req_v2 connection;
	for (size_t at = 0; at < found->length; at += sizeof(connection)) {
		memcpy(&connection, found->data + at, sizeof(connection));
		int r = destroy(diag, &connection, err);
		if (r < 0) {
			return r;
		}
		*ret_count += (unsigned)r;
	}
	return 0;
}

static void search_done(struct search *search)
{
	oo_buffer_done(&search->found);
	free(search->list);
}

int oo_sockets_reset_all(const struct oo_address *list, size_t n, unsigned *ret_count,
			 struct oo_err *err)
{
	OO_AUTO(close_socket) struct mnl_socket *diag = NULL;
	OO_AUTO(search_done) struct search search = {.n = n};
	*ret_count = 0;
	oo_buffer_init(&search.found, FOUND_BYTES_MAX);
	search.list = calloc(n + 1, sizeof(*list)); /* calloc(0) may be NULL */
	if (search.list == NULL) {
		return oo_fail(err, ENOMEM, "reset TCP connections");
	}
	memcpy(search.list, list, n * sizeof(*list));
	qsort(search.list, n, sizeof(*list), compare);
	int r = open_socket(&diag, err);
	/* A list that is read while connections come and go may miss some. */
	for (int pass = 0; r == 0 && pass < PASSES_MAX; pass++) {
		oo_buffer_clear(&search.found);
		r = find(diag, &search, err);
		if (search.found.length == 0) {
			break;
		}
		if (r == 0) {
			r = destroy_found(diag, &search.found, ret_count, err);
		}
	}
	return r;
}

int oo_sockets_reset(const struct oo_address *address, unsigned *ret_count, struct oo_err *err)
{
	return oo_sockets_reset_all(address, 1, ret_count, err);
}
