#ifndef OO_API_PEER_H
#define OO_API_PEER_H
/*
 * Who is at the other end of a unix socket. All of it is what the kernel noted when the peer called
 * connect(2), so it cannot be outrun: /proc/PID may belong to another process by now, and a user
 * database tells what groups somebody could have, not what the process has, and may block.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "api/api.h"

/* Returns 0, or -errno of getsockopt(2). */
int oo_peer_read(int fd, struct oo_api_peer *ret_peer);

/*
 * gid is the peer's own or one of its supplementary groups (SO_PEERGROUPS, Linux 4.13).
 * False, too, when the kernel or memory does not let us know.
 */
bool oo_peer_is_member(int fd, const struct oo_api_peer *peer, gid_t gid);

/* Looks in /etc/group, which does not block. False: there is none of that name. */
bool oo_group_find(const char *name, gid_t *ret_gid);

#endif
