/* open and open64 are two functions here, and both are taken over. */
#undef _FILE_OFFSET_BITS
#include "faults.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRIES_MAX 3000 /* an operation that asks for more never ends */

static _Thread_local bool counting; /* only what the test's own thread asks for */
static unsigned refusing;
static int left; /* that many from now is refused */
static bool fired;

/* Whether the program itself, not a library, is what asks. */
static bool is_ours(const void *caller)
{
	extern const char __executable_start[], etext[];
	return (const char *)caller >= __executable_start && (const char *)caller < etext;
}

bool fault_refuses(unsigned kind)
{
	if (!counting || (refusing & kind) == 0 || fired || --left > 0) {
		return false;
	}
	fired = true;
	errno = kind == FAULT_CALLS ? EIO : ENOMEM;
	return true;
}

static bool is_dry(const void *caller)
{
	return fault_refuses(is_ours(caller) ? FAULT_MEMORY : FAULT_LIBRARIES);
}

/* The sanitizer's where there is one. */
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	if (is_dry(__builtin_return_address(0))) {
		return NULL;
	}
	return __interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	if (is_dry(__builtin_return_address(0))) {
		return NULL;
	}
	return __interceptor_calloc != NULL ? __interceptor_calloc(n, size)
					    : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	if (is_dry(__builtin_return_address(0))) {
		return NULL;
	}
	return __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
					     : __libc_realloc(old, size);
}

static char *copy_text(const char *text, size_t length)
{
	char *copy = __interceptor_malloc != NULL ? __interceptor_malloc(length + 1)
						  : __libc_malloc(length + 1);
	if (copy != NULL) {
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

char *strndup(const char *text, size_t most)
{
	return is_dry(__builtin_return_address(0)) ? NULL : copy_text(text, strnlen(text, most));
}

char *strdup(const char *text)
{
	return is_dry(__builtin_return_address(0)) ? NULL : copy_text(text, strlen(text));
}

/* System calls, straight to the kernel. */
#define CALL(type, name, parameters, ...)                                                          \
	type name parameters                                                                       \
	{                                                                                          \
		return fault_refuses(FAULT_CALLS) ? -1 : (type)syscall(__VA_ARGS__);               \
	}

CALL(int, socket, (int domain, int type, int protocol), SYS_socket, domain, type, protocol)
CALL(int, bind, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length), SYS_bind, fd,
     address.__sockaddr__, length)
CALL(int, listen, (int fd, int backlog), SYS_listen, fd, backlog)
CALL(int, connect, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length), SYS_connect, fd,
     address.__sockaddr__, length)
CALL(int, accept4, (int fd, __SOCKADDR_ARG address, socklen_t *length, int flags), SYS_accept4, fd,
     address.__sockaddr__, length, flags)
CALL(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t length),
     SYS_setsockopt, fd, level, option, value, length)
CALL(ssize_t, sendto,
     (int fd, const void *data, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t length),
     SYS_sendto, fd, data, n, flags, to.__sockaddr__, length)
CALL(ssize_t, send, (int fd, const void *data, size_t n, int flags), SYS_sendto, fd, data, n, flags,
     NULL, 0)
CALL(ssize_t, recv, (int fd, void *data, size_t n, int flags), SYS_recvfrom, fd, data, n, flags,
     NULL, NULL)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), SYS_sendmsg, fd, message,
     flags)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), SYS_recvmsg, fd, message, flags)
CALL(ssize_t, read, (int fd, void *data, size_t n), SYS_read, fd, data, n)
CALL(ssize_t, write, (int fd, const void *data, size_t n), SYS_write, fd, data, n)
CALL(int, rename, (const char *from, const char *to), SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
     0)
CALL(int, fsync, (int fd), SYS_fsync, fd)
CALL(int, pipe2, (int fds[2], int flags), SYS_pipe2, fds, flags)
CALL(int, epoll_create1, (int flags), SYS_epoll_create1, flags)
CALL(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), SYS_epoll_ctl,
     epoll, operation, fd, event)
CALL(int, timerfd_create, (clockid_t clock, int flags), SYS_timerfd_create, clock, flags)

static int open_now(const char *path, int flags, va_list arguments)
{
	int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
	return fault_refuses(FAULT_CALLS) ? -1
					  : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	int fd = open_now(path, flags, arguments);
	va_end(arguments);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	int fd = open_now(path, flags, arguments);
	va_end(arguments);
	return fd;
}

void fault_go(void)
{
	counting = true;
}

void fault_stop(void)
{
	counting = false;
}

bool fault_fired(void)
{
	return fired;
}

int fault_open_fds(void)
{
	int n = 0;
	DIR *fds = opendir("/proc/self/fd");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fds);
	while (readdir(fds) != NULL) {
		n++;
	}
	closedir(fds);
	return n;
}

/* nth 0: nothing is refused. */
static int try_once(unsigned kinds, int nth, fault_try_fn *try, void *user, struct oo_err *err)
{
	int before = fault_open_fds();
	err->text[0] = '\0';
	refusing = nth > 0 ? kinds : 0;
	left = nth;
	fired = false;
	int r = try(user, err);
	CU_ASSERT_FALSE(counting);
	counting = false;
	CU_ASSERT_EQUAL(fault_open_fds(), before);
	return r;
}

static struct fault_swept sweep(unsigned kinds, fault_try_fn *try, void *user, bool told)
{
	struct fault_swept swept = {0};
	struct oo_err err = {""};
	refusing = 0;
	CU_ASSERT_EQUAL_FATAL(try(user, &err), 0); /* what is made on the first use stays open */
	for (int nth = 1; nth < TRIES_MAX; nth++) {
		int r = try_once(kinds, nth, try, user, &err);
		CU_ASSERT(r <= 0);
		if (!fired) {
			CU_ASSERT_EQUAL(r, 0);
			return swept;
		}
		if (told && (r < 0) != (err.text[0] != '\0')) {
			fprintf(stderr, "\n  refusal %d: %d, \"%s\"\n", nth, r, err.text);
			CU_FAIL("an error has a text, and nothing else has");
		}
		swept.refused++;
		swept.failed += r < 0;
		if (try_once(kinds, 0, try, user, &err) != 0) {
			fprintf(stderr, "\n  after refusal %d: \"%s\"\n", nth, err.text);
			CU_FAIL("what failed once succeeds the next time");
		}
	}
	CU_FAIL("no end of the sweep");
	return swept;
}

struct fault_swept fault_sweep(unsigned kinds, fault_try_fn *try, void *user)
{
	return sweep(kinds, try, user, true);
}

struct fault_swept fault_sweep_silent(unsigned kinds, fault_try_fn *try, void *user)
{
	return sweep(kinds, try, user, false);
}
