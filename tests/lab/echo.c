/*
 * echo: answers each UDP datagram with itself, a space and the node's name. The answer comes from
 * the address that was asked, whichever of the node's that is (IPv4 and IPv6).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tool.h"

#define QUESTION_BYTES_MAX 64

/* One socket for both families: an IPv4 address comes and goes as ::ffff:a.b.c.d. */
static int open_socket(uint16_t port)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int on = 1;
	const int off = 0;
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0) {
		return -errno;
	}
	return fd;
}

/* An answer leaves by whatever route leads back: only the address asked is kept. */
static void keep_address_only(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			info.ipi6_ifindex = 0;
			memcpy(CMSG_DATA(c), &info, sizeof(info));
		}
	}
}

static void answer_one(int fd, const char *name)
{
	char text[QUESTION_BYTES_MAX + 1 + TOOL_NAME_LENGTH];
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo)) * 2] __attribute__((aligned(8)));
	struct sockaddr_in6 peer;
	struct iovec part = {.iov_base = text, .iov_len = QUESTION_BYTES_MAX};
	struct msghdr message = {.msg_name = &peer,
				 .msg_namelen = sizeof(peer),
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(fd, &message, 0);
	if (length < 0) {
		return;
	}
	keep_address_only(&message);
	size_t room = sizeof(text) - (size_t)length;
	part.iov_len = (size_t)length + (size_t)snprintf(text + length, room, " %s", name);
	/* fails when the address has gone meanwhile: then nobody is owed an answer from it */
	(void)sendmsg(fd, &message, MSG_DONTWAIT);
}

int main(int argc, char *argv[])
{
	if (argc != 3 || strlen(argv[2]) >= TOOL_NAME_LENGTH) {
		fprintf(stderr, "usage: echo PORT NAME\n");
		return 2;
	}
	int fd = open_socket((uint16_t)tool_number("PORT", argv[1], 1, 65535));
	if (fd < 0) {
		fprintf(stderr, "echo: port %s: %s\n", argv[1], strerror(-fd));
		return 1;
	}
	tool_precise();
	for (;;) {
		answer_one(fd, argv[2]);
	}
}
