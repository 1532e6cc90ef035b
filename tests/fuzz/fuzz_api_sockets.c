/* The API's sockets, played: one descriptor that is none, and whoever the input says is behind it. */
#include "fuzz_api_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "api/listen.h"
#include "api/peer.h"
#include "fuzz.h"

#define FD FUZZ_API_FD

struct sockaddr_storage fuzz_api_bound;
uint8_t fuzz_api_who;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_listen(int fd, int backlog);
int __wrap_oo_listen_unix(const char *path, const char *group, int *ret_fd,
			  struct oo_socket_file *ret_file, struct oo_err *err);
int __wrap_oo_peer_read(int fd, struct oo_api_peer *ret_peer);
bool __wrap_oo_peer_is_member(int fd, const struct oo_api_peer *peer, gid_t gid);
bool __wrap_oo_group_find(const char *name, gid_t *ret_gid);
int __wrap_fcntl64(int fd, int command, ...);
int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_socket(int domain, int type, int protocol)
{
	(void)protocol;
	FUZZ_CHECK((domain == AF_INET || domain == AF_INET6) && (type & SOCK_CLOEXEC) != 0);
	return FD;
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	(void)level;
	(void)option;
	(void)value;
	(void)length;
	FUZZ_CHECK(fd == FD);
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	FUZZ_CHECK(fd == FD && length <= sizeof(fuzz_api_bound));
	memset(&fuzz_api_bound, 0, sizeof(fuzz_api_bound));
	memcpy(&fuzz_api_bound, address, length);
	return 0;
}

int __wrap_listen(int fd, int backlog)
{
	(void)backlog;
	FUZZ_CHECK(fd == FD);
	return 0;
}

int __wrap_fcntl64(int fd, int command, ...)
{
	FUZZ_CHECK(fd == FD && command == F_DUPFD_CLOEXEC);
	return FD;
}

int __wrap_close(int fd)
{
	return fd == FD ? 0 : __real_close(fd);
}

int __wrap_oo_listen_unix(const char *path, const char *group, int *ret_fd,
			  struct oo_socket_file *ret_file, struct oo_err *err)
{
	(void)path;
	(void)group;
	(void)err;
	*ret_fd = FD;
	*ret_file = (struct oo_socket_file){0};
	return 0;
}

int __wrap_oo_peer_read(int fd, struct oo_api_peer *ret_peer)
{
	FUZZ_CHECK(fd == FD);
	*ret_peer = (struct oo_api_peer){
		.known = true, .uid = fuzz_api_who == 'r' ? 0 : 1000, .user = "\"alice\""};
	return 0;
}

bool __wrap_oo_peer_is_member(int fd, const struct oo_api_peer *peer, gid_t gid)
{
	FUZZ_CHECK(fd == FD && peer->known && gid == 7);
	return fuzz_api_who == 'm';
}

bool __wrap_oo_group_find(const char *name, gid_t *ret_gid)
{
	FUZZ_CHECK(strcmp(name, "admins") == 0);
	*ret_gid = 7;
	return true;
}
