/*
 * without_nft COMMAND [ARGUMENT...]: runs a command on a kernel that has no nf_tables, as far as the
 * command can tell: its sockets of NETLINK_NETFILTER are refused with EPROTONOSUPPORT.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The lower half of an argument; both machines that we run on are little-endian. */
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

static int refuse_netfilter(void)
{
	struct sock_filter code[] = {
		LOAD(nr),
		UNLESS(SYS_socket, 5),
		LOAD(args[0]),
		UNLESS(AF_NETLINK, 3),
		LOAD(args[2]),
		UNLESS(NETLINK_NETFILTER, 1),
		RETURN(SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = OO_LENGTH(code), .filter = code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0
		       ? -errno
		       : 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: without_nft COMMAND [ARGUMENT...]\n");
		return 64;
	}
	int r = refuse_netfilter();
	if (r < 0) {
		fprintf(stderr, "without_nft: seccomp: %s\n", strerror(-r));
		return 70;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "without_nft: %s: %s\n", argv[1], strerror(errno));
	return 127;
}
