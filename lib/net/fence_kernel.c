#include "net/fence_kernel.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

#define ANSWER_TIMEOUT_S 1
#define RECEIVE_BYTES 65536 /* the kernel fills no more at a time */
/* Of a request for a dump: two names. */
#define REQUEST_BYTES 512
#define DUMP_TRIES_MAX 5
/* Also NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE: one number. */
#define TABLE_OF_ANY NFTA_TABLE_NAME

static void close_socket(struct mnl_socket **requests)
{
	if (*requests != NULL) {
		(void)mnl_socket_close(*requests); /* nothing is left to be done about it */
	}
}

int oo_fence_kernel_open(struct oo_fence_kernel *kernel, size_t send_bytes, struct oo_err *err)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	const int buffer_bytes = (int)send_bytes + RECEIVE_BYTES;
	const int on = 1;
	OO_AUTO(close_socket)
	struct mnl_socket *requests = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (requests == NULL && errno == EPROTONOSUPPORT) {
		return oo_fail_text(
			err, EOPNOTSUPP,
			"the kernel has no CONFIG_NETFILTER_NETLINK (module nfnetlink)");
	}
	/* The kernel answers inside the sending, so a blocking socket does not block. */
	if (requests == NULL || mnl_socket_bind(requests, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(requests), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    /* errors without the message that they are about, which may be long */
	    mnl_socket_setsockopt(requests, NETLINK_CAP_ACK, (void *)&on, sizeof(on)) < 0) {
		return oo_fail(err, errno, "nfnetlink socket");
	}
	/* Past net.core.wmem_max with CAP_NET_ADMIN; without, what is too long is refused. */
	(void)setsockopt(mnl_socket_get_fd(requests), SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes,
			 sizeof(buffer_bytes));
	kernel->requests = oo_take_ptr(requests);
	kernel->seq = 1;
	return 0;
}

void oo_fence_kernel_close(struct oo_fence_kernel *kernel)
{
	close_socket(&kernel->requests);
	kernel->requests = NULL;
}

/* The messages that were sent: [first, last]. What is left of earlier ones has other numbers. */
struct exchange {
	uint32_t first;
	uint32_t last;
	mnl_cb_t handle; /* of a dump's messages; may be NULL */
	void *user;
	uint32_t refused; /* the number of the message that failed */
	bool interrupted; /* the dump is not of one moment */
	bool over;
};

#define ERRNO_MAX 4095 /* of the kernel, linux/err.h */

/* Returns 0, or the -errno that the kernel answers. */
static int take_message(struct exchange *exchange, const struct nlmsghdr *header)
{
	if (header->nlmsg_seq < exchange->first || header->nlmsg_seq > exchange->last) {
		return 0;
	}
	exchange->interrupted |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
		int r = 0; /* both begin with it, netlink(7) */
		if (mnl_nlmsg_get_payload_len(header) >= sizeof(r)) {
			memcpy(&r, mnl_nlmsg_get_payload(header), sizeof(r));
		}
		r = r > 0 || r < -ERRNO_MAX ? -EBADMSG : r;
		exchange->over = r < 0 || header->nlmsg_seq == exchange->last;
		exchange->refused = header->nlmsg_seq;
		return r;
	}
	if (exchange->handle != NULL) {
		(void)exchange->handle(header, exchange->user); /* they only take notes */
	}
	return 0;
}

/* libmnl takes a length beyond 2 GB for a negative one, and so for short enough. */
static bool is_complete(const struct nlmsghdr *header, int left)
{
	return mnl_nlmsg_ok(header, left) && header->nlmsg_len <= (uint32_t)left;
}

/* Reads up to the first error, the acknowledgement of the last message, or a dump's end. */
static int finish(struct oo_fence_kernel *kernel, struct exchange *exchange)
{
	char buffer[RECEIVE_BYTES];
	int r = 0;
	while (!exchange->over) {
		ssize_t got = mnl_socket_recvfrom(kernel->requests, buffer, sizeof(buffer));
		if (got < 0) {
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		int left = (int)got;
		for (const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
		     !exchange->over && is_complete(header, left);
		     header = mnl_nlmsg_next(header, &left)) {
			r = take_message(exchange, header);
		}
	}
	return r;
}

static int commit(struct oo_fence_kernel *kernel, const struct oo_fence_batch *batch,
		  const struct nlmsghdr **ret_refused)
{
	/* the end of a batch is not acknowledged, so the last is the one before */
	struct exchange exchange = {.first = batch->first_seq,
				    .last = batch->first_seq + batch->n - 2};
	kernel->seq += batch->n;
	int r = 0;
	if (mnl_socket_sendto(kernel->requests, batch->bytes, batch->length) < 0) {
		r = -errno;
	} else {
		r = finish(kernel, &exchange);
	}
	*ret_refused = oo_fence_batch_find(batch, exchange.refused);
	return r;
}

/* Nothing in particular was refused. */
static bool is_whole(const struct nlmsghdr *refused)
{
	return refused == NULL || refused->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
}

/* What a message was to change; refused may be NULL. */
static const char *part_of(const struct nlmsghdr *refused)
{
	if (is_whole(refused)) {
		return "the transaction";
	}
	switch (NFNL_MSG_TYPE(refused->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
		return "a table";
	case NFT_MSG_DELTABLE:
		return "the tables before";
	case NFT_MSG_NEWSET:
		return "a set";
	case NFT_MSG_NEWCHAIN:
		return "a chain";
	case NFT_MSG_NEWRULE:
		return "a rule";
	default:
		return "an element";
	}
}

static int refuse(struct oo_err *err, int r, const struct nlmsghdr *refused)
{
	if (r == -ETIMEDOUT) {
		return oo_fail_text(err, ETIMEDOUT,
				    "nf_tables: the kernel did not answer within %d s",
				    ANSWER_TIMEOUT_S);
	}
	return oo_fail(err, -r, "nf_tables, %s%s", part_of(refused),
		       r == -EPERM ? " (needs CAP_NET_ADMIN)" : "");
}

int oo_fence_kernel_commit(struct oo_fence_kernel *kernel, const struct oo_fence_batch *batch,
			   struct oo_err *err)
{
	const struct nlmsghdr *refused = NULL;
	int r = commit(kernel, batch, &refused);
	return r < 0 && r != -ENOENT ? refuse(err, r, refused) : r;
}

/* The kernel's option without which refused is not known. */
static const char *option_of(const struct nlmsghdr *refused)
{
	if (is_whole(refused)) {
		return "CONFIG_NF_TABLES (module nf_tables)";
	}
	if (NFNL_MSG_TYPE(refused->nlmsg_type) == NFT_MSG_NEWRULE) {
		return "CONFIG_NFT_FIB_INET (module nft_fib_inet)";
	}
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(refused);
	return generic->nfgen_family == OO_FENCE_ARP ? "CONFIG_NF_TABLES_ARP"
						     : "CONFIG_NF_TABLES_INET";
}

int oo_fence_kernel_create(struct oo_fence_kernel *kernel, const struct oo_fence_batch *batch,
			   struct oo_err *err)
{
	const struct nlmsghdr *refused = NULL;
	int r = commit(kernel, batch, &refused);
	if (r == -EOPNOTSUPP || r == -ENOENT || r == -EAFNOSUPPORT) {
		return oo_fail_text(err, EOPNOTSUPP, "nf_tables, %s: the kernel has no %s",
				    part_of(refused), option_of(refused));
	}
	return r < 0 ? refuse(err, r, refused) : 0;
}

static int dump_once(struct oo_fence_kernel *kernel, const struct oo_fence_dump *dump)
{
	char request[REQUEST_BYTES] = {0}; /* libmnl leaves padding as it is */
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | dump->type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = kernel->seq++;
	generic->nfgen_family = dump->family;
	generic->version = NFNETLINK_V0;
	mnl_attr_put_strz(header, TABLE_OF_ANY, dump->name);
	if (dump->set != NULL) {
		mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, dump->set);
	}
	struct exchange exchange = {.first = header->nlmsg_seq,
				    .last = header->nlmsg_seq,
				    .handle = dump->handle,
				    .user = dump->user};
	if (mnl_socket_sendto(kernel->requests, header, header->nlmsg_len) < 0) {
		return -errno;
	}
	int r = finish(kernel, &exchange);
	return r == 0 && exchange.interrupted ? -EINTR : r;
}

int oo_fence_kernel_dump(struct oo_fence_kernel *kernel, const struct oo_fence_dump *dump,
			 struct oo_err *err)
{
	int r = -EINTR;
	for (int i = 0; r == -EINTR && i < DUMP_TRIES_MAX; i++) {
		dump->restart(dump->user);
		r = dump_once(kernel, dump);
	}
	return r < 0 && r != -ENOENT ? oo_fail(err, -r, "nf_tables, read table %s", dump->name) : r;
}

const struct nlattr *oo_fence_attribute(const struct nlmsghdr *header, uint16_t number)
{
	const struct nlattr *attribute;
	mnl_attr_for_each(attribute, header, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attribute) == number) {
			return attribute;
		}
	}
	return NULL;
}

bool oo_fence_is_of(const struct nlmsghdr *header, uint8_t family, const char *name)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
	const size_t size = strlen(name) + 1;
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*generic) ||
	    generic->nfgen_family != family) {
		return false;
	}
	const struct nlattr *table = oo_fence_attribute(header, TABLE_OF_ANY);
	return table != NULL && mnl_attr_get_payload_len(table) == size &&
	       memcmp(mnl_attr_get_payload(table), name, size) == 0;
}
