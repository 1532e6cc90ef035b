#ifndef OO_API_LISTEN_H
#define OO_API_LISTEN_H
/* The sockets that the API listens on: made, bound and listening, CLOEXEC and NONBLOCK. */
#include <sys/types.h>

#include "base/error.h"

/* A socket file, so that its maker removes it and never a successor's. */
struct oo_socket_file {
	char *path; /* owned; NULL: none */
	dev_t device;
	ino_t inode;
};

/*
 * Listens on a unix socket at path, mode 0660. A socket file that refuses connections is replaced.
 * group     the file's, if /etc/group has it and we may give it; NULL: our own.
 * ret_file  to be given to oo_socket_file_remove.
 * Returns 0 or an error of oo_api_new (api.h).
 */
int oo_listen_unix(const char *path, const char *group, int *ret_fd,
		   struct oo_socket_file *ret_file, struct oo_err *err);

/* Unlinks the file unless something else has taken its place. A zeroed one is accepted. */
void oo_socket_file_remove(struct oo_socket_file *file);

/*
 * Listens on "127.0.0.1:8009" or "[::1]:8009"; names are not looked up, port 0 is refused.
 * Returns 0, -EINVAL (not of that form), or what socket(2), bind(2), listen(2) said.
 */
int oo_listen_tcp(const char *text, int *ret_fd, struct oo_err *err);

#endif
