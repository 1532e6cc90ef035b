#include "collect/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

#define ANSWER_TIMEOUT_S 1
#define DUMP_BYTES 32768 /* the kernel fills no more at a time */

struct search {
	oo_diag_fn *found;
	void *user;
};

static int on_attribute(const struct nlattr *attribute, void *user)
{
	struct oo_diag_socket *ret_socket = user;
	if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY &&
	    mnl_attr_get_payload_len(attribute) >= 1) {
		ret_socket->v6only = mnl_attr_get_u8(attribute) != 0;
	}
	return MNL_CB_OK;
}

bool oo_diag_parse(const struct nlmsghdr *header, struct oo_diag_socket *ret_socket)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
	struct oo_diag_socket entry = {0};
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*message) ||
	    inet_ntop(message->idiag_family, message->id.idiag_src, entry.at.host,
		      sizeof(entry.at.host)) == NULL) {
		return false;
	}
	entry.at.port = ntohs(message->id.idiag_sport);
	entry.peer_port = ntohs(message->id.idiag_dport);
	entry.state = message->idiag_state;
	entry.queued = message->idiag_rqueue;
	entry.backlog = message->idiag_wqueue;
	entry.inode = message->idiag_inode;
	(void)mnl_attr_parse(header, sizeof(*message), on_attribute, &entry); /* never stops */
	*ret_socket = entry;
	return true;
}

static int on_message(const struct nlmsghdr *header, void *user)
{
	const struct search *search = user;
	struct oo_diag_socket entry;
	if (oo_diag_parse(header, &entry)) {
		search->found(search->user, &entry);
	}
	return MNL_CB_OK;
}

static void close_socket(struct mnl_socket **diag)
{
	if (*diag != NULL) {
		(void)mnl_socket_close(*diag); /* nothing is left to be done about it */
	}
}

static int ask(struct mnl_socket *diag, uint8_t family, uint32_t states)
{
	char buffer[256];
	const struct inet_diag_req_v2 body = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = states,
	};
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(mnl_nlmsg_put_extra_header(header, sizeof(body)), &body, sizeof(body));
	return mnl_socket_sendto(diag, header, header->nlmsg_len) < 0 ? -errno : 0;
}

static int answer(struct mnl_socket *diag, struct search *search)
{
	char buffer[DUMP_BYTES];
	int r = MNL_CB_OK;
	while (r > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(diag, buffer, sizeof(buffer));
		if (length < 0) {
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
		r = mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(diag), on_message,
			       search);
	}
	return r < 0 ? -errno : 0;
}

int oo_diag_list(uint32_t states, oo_diag_fn *found, void *user)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	struct search search = {.found = found, .user = user};
	OO_AUTO(close_socket)
	struct mnl_socket *diag = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	/* the kernel answers inside the sending, so a blocking socket does not block */
	if (diag == NULL || mnl_socket_bind(diag, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(diag), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		return -errno;
	}
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int r = 0;
	for (size_t i = 0; i < OO_LENGTH(families) && r == 0; i++) {
		r = ask(diag, families[i], states);
		if (r == 0) {
			r = answer(diag, &search);
		}
	}
	return r;
}
