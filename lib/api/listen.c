#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/peer.h"
#include "base/cleanup.h"
#include "base/text.h"

#define SOCKET_MODE 0660 /* the user and the group of the agent: root and operators */
#define PORT_DIGITS_MAX 5

static int open_socket(int family, int *ret_fd, struct oo_err *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return oo_fail(err, errno, "API socket");
	}
	*ret_fd = fd;
	return 0;
}

/* 0 when path is free now. */
static int clear_stale(const char *path, const struct sockaddr_un *address, struct oo_err *err)
{
	struct stat status;
	if (lstat(path, &status) < 0) {
		return errno == ENOENT ? 0 : oo_fail(err, errno, "look at %s", path);
	}
	if (!S_ISSOCK(status.st_mode)) {
		return oo_fail_text(err, EEXIST, "%s is there and is not a socket: move it away",
				    path);
	}
	OO_AUTO(oo_close) int fd = -1;
	int r = open_socket(AF_UNIX, &fd, err);
	if (r < 0) {
		return r;
	}
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN) { /* EAGAIN: somebody listens, with a full queue (unix(7)) */
		return oo_fail_text(err, EADDRINUSE, "another agent answers on %s", path);
	}
	if (errno != ECONNREFUSED) {
		return oo_fail(err, errno, "ask whether an agent answers on %s", path);
	}
	if (unlink(path) < 0 && errno != ENOENT) {
		return oo_fail(err, errno, "remove the stale socket %s", path);
	}
	return 0;
}

static int bind_unix(int fd, const char *path, const struct sockaddr_un *address,
		     struct oo_err *err)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0) {
		return 0;
	}
	if (errno == ENOENT) {
		return oo_fail_text(err, ENOENT,
				    "socket %s: its directory does not exist; create it with "
				    "RuntimeDirectory=ooha in the unit, or by hand",
				    path);
	}
	return oo_fail(err, errno, "socket %s", path);
}

void oo_socket_file_remove(struct oo_socket_file *file)
{
	struct stat status;
	if (file->path != NULL && lstat(file->path, &status) == 0 &&
	    status.st_dev == file->device && status.st_ino == file->inode) {
		(void)unlink(file->path); /* what stays is stale, and replaced at the next start */
	}
	free(file->path);
	*file = (struct oo_socket_file){0};
}

/* Makes the bound file ours: its identity, its mode; only then may clients come. */
static int finish_unix(int fd, const char *group, struct oo_socket_file *file, struct oo_err *err)
{
	struct stat status;
	gid_t gid;
	if (lstat(file->path, &status) < 0) {
		return oo_fail(err, errno, "look at %s", file->path);
	}
	file->device = status.st_dev;
	file->inode = status.st_ino;
	/* -EPERM: an agent that is neither root nor a member; its own group is as good as it gets */
	if (group != NULL && oo_group_find(group, &gid) && gid != status.st_gid &&
	    lchown(file->path, (uid_t)-1, gid) < 0 && errno != EPERM) {
		return oo_fail(err, errno, "give %s to the group %s", file->path, group);
	}
	if (chmod(file->path, SOCKET_MODE) < 0) {
		return oo_fail(err, errno, "mode of %s", file->path);
	}
	if (listen(fd, SOMAXCONN) < 0) {
		return oo_fail(err, errno, "listen on %s", file->path);
	}
	return 0;
}

int oo_listen_unix(const char *path, const char *group, int *ret_fd,
		   struct oo_socket_file *ret_file, struct oo_err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (oo_text_copy(address.sun_path, sizeof(address.sun_path), path) < 0) {
		return oo_fail_text(err, ENAMETOOLONG,
				    "socket %s: the path is longer than %zu characters", path,
				    sizeof(address.sun_path) - 1);
	}
	OO_AUTO(oo_close) int fd = -1;
	int r = open_socket(AF_UNIX, &fd, err);
	if (r < 0) {
		return r;
	}
	r = clear_stale(path, &address, err);
	if (r < 0) {
		return r;
	}
	OO_AUTO(oo_socket_file_remove) struct oo_socket_file file = {.path = strdup(path)};
	if (file.path == NULL) {
		return oo_fail(err, ENOMEM, "socket %s", path);
	}
	r = bind_unix(fd, path, &address, err);
	if (r < 0) {
		return r;
	}
	r = finish_unix(fd, group, &file, err);
	if (r < 0) {
		return r;
	}
	*ret_fd = oo_take_fd(&fd);
	*ret_file = file;
	file.path = NULL;
	return 0;
}

/* "8009" to 8009; 0 when it is no port. */
static in_port_t parse_port(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length > PORT_DIGITS_MAX || strspn(text, "0123456789") != length) {
		return 0;
	}
	unsigned long port = strtoul(text, NULL, 10);
	return port <= UINT16_MAX ? (in_port_t)port : 0;
}

/* Cuts "127.0.0.1" or "::1" out of text; false when it is not of either form. */
static bool cut_host(const char *text, const char *colon, char host[static INET6_ADDRSTRLEN])
{
	const char *start = text;
	const char *end = colon;
	if (*text == '[') {
		if (colon[-1] != ']') {
			return false;
		}
		start++;
		end--;
	}
	size_t length = (size_t)(end - start);
	if (end < start || length >= INET6_ADDRSTRLEN) {
		return false;
	}
	memcpy(host, start, length);
	host[length] = '\0';
	return true;
}

static bool parse_listen(const char *text, struct sockaddr_storage *address, socklen_t *length)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	if (colon == NULL || colon == text || !cut_host(text, colon, host)) {
		return false;
	}
	in_port_t port = parse_port(colon + 1);
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	if (*text != '[' && inet_pton(AF_INET, host, &four.sin_addr) == 1) {
		memcpy(address, &four, sizeof(four));
		*length = sizeof(four);
	} else if (*text == '[' && inet_pton(AF_INET6, host, &six.sin6_addr) == 1) {
		memcpy(address, &six, sizeof(six));
		*length = sizeof(six);
	} else {
		return false;
	}
	return port != 0;
}

static int fail_bind(const char *text, int error_number, struct oo_err *err)
{
	if (error_number == EADDRINUSE) {
		return oo_fail_text(err, EADDRINUSE, "listen on %s: another program listens there",
				    text);
	}
	if (error_number == EADDRNOTAVAIL) {
		return oo_fail_text(err, EADDRNOTAVAIL,
				    "listen on %s: this host does not have that address", text);
	}
	return oo_fail(err, error_number, "listen on %s", text);
}

int oo_listen_tcp(const char *text, int *ret_fd, struct oo_err *err)
{
	struct sockaddr_storage address = {0};
	socklen_t length = 0;
	if (!parse_listen(text, &address, &length)) {
		return oo_fail_text(err, EINVAL,
				    "listen on \"%s\": not an address and a port, such as "
				    "127.0.0.1:8009 or [::1]:8009",
				    text);
	}
	OO_AUTO(oo_close) int fd = -1;
	int r = open_socket(address.ss_family, &fd, err);
	if (r < 0) {
		return r;
	}
	/* a restart must not wait for the connections of the run before it to leave TIME_WAIT */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0) {
		return oo_fail(err, errno, "listen on %s: SO_REUSEADDR", text);
	}
	/* for those accepted: with TLS an answer would wait for an acknowledgement, 40 ms */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0) {
		return oo_fail(err, errno, "listen on %s: TCP_NODELAY", text);
	}
	if (bind(fd, (const struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0) {
		return fail_bind(text, errno, err);
	}
	*ret_fd = oo_take_fd(&fd);
	return 0;
}
