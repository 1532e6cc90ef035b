#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define FD 1000000 /* what the kernel gives nobody here */
#define WRITTEN_BYTES_MAX (1 << 20)

static struct {
	const char *path; /* NULL: nothing is played */
	const uint8_t *data;
	size_t length;
	const char *beside_path;
	const char *beside;
	const uint8_t *reading; /* what is open */
	size_t left;
	bool open, writing, read, renamed;
	struct oo_buffer written;
} file;

/* meson asks for 64-bit file offsets, so that is what open and fstat are called. */
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_fstat64(int fd, struct stat *status);
int __wrap_fstat64(int fd, struct stat *status);
ssize_t __real_read(int fd, void *data, size_t length);
ssize_t __wrap_read(int fd, void *data, size_t length);
ssize_t __real_write(int fd, const void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_close(int fd);
int __wrap_close(int fd);

static int open_played(bool writing)
{
	FUZZ_CHECK(!file.open);
	if (!writing && file.data == NULL) {
		errno = ENOENT;
		return -1;
	}
	file.open = true;
	file.writing = writing;
	file.reading = file.data;
	file.left = file.length;
	return FD;
}

static int open_beside(void)
{
	FUZZ_CHECK(!file.open);
	file.open = true;
	file.writing = false;
	file.reading = (const uint8_t *)file.beside;
	file.left = strlen(file.beside);
	return FD;
}

int __wrap_open64(const char *path, int flags, ...)
{
	bool writing = (flags & O_ACCMODE) == O_WRONLY;
	if (file.path != NULL &&
	    strncmp(path, file.path, writing ? strlen(file.path) : SIZE_MAX) == 0) {
		/* written under another name, or it could be seen half done */
		FUZZ_CHECK(writing == (strlen(path) > strlen(file.path)));
		return open_played(writing);
	}
	if (file.beside_path != NULL && strcmp(path, file.beside_path) == 0) {
		return open_beside();
	}
	va_list arguments;
	va_start(arguments, flags);
	int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
	va_end(arguments);
	return __real_open64(path, flags, mode);
}

int __wrap_fstat64(int fd, struct stat *status)
{
	if (fd != FD) {
		return __real_fstat64(fd, status);
	}
	*status = (struct stat){.st_mode = S_IFREG | 0600, .st_size = (off_t)file.length};
	return 0;
}

ssize_t __wrap_read(int fd, void *data, size_t length)
{
	if (fd != FD) {
		return __real_read(fd, data, length);
	}
	file.read = true;
	size_t n = file.left < length ? file.left : length;
	FUZZ_CHECK(file.open && !file.writing);
	if (n > 0) {
		memcpy(data, file.reading, n);
	}
	file.reading += n;
	file.left -= n;
	return (ssize_t)n;
}

ssize_t __wrap_write(int fd, const void *data, size_t length)
{
	if (fd != FD) {
		return __real_write(fd, data, length);
	}
	FUZZ_CHECK(file.open && file.writing);
	FUZZ_CHECK(oo_buffer_add(&file.written, data, length) == 0);
	return (ssize_t)length;
}

int __wrap_rename(const char *from, const char *to)
{
	if (file.path == NULL || strcmp(to, file.path) != 0) {
		return __real_rename(from, to);
	}
	file.renamed = true;
	return 0;
}

int __wrap_close(int fd)
{
	if (fd != FD) {
		return __real_close(fd);
	}
	FUZZ_CHECK(file.open);
	file.open = false;
	return 0;
}

void fuzz_file_set(const char *path, const uint8_t *data, size_t length)
{
	fuzz_file_done();
	file.path = path;
	file.data = data;
	file.length = length;
	file.read = false;
	file.renamed = false;
	oo_buffer_init(&file.written, WRITTEN_BYTES_MAX);
}

void fuzz_file_beside(const char *path, const char *text)
{
	file.beside_path = path;
	file.beside = text;
}

const struct oo_buffer *fuzz_file_written(void)
{
	FUZZ_CHECK(file.renamed && !file.open);
	return &file.written;
}

void fuzz_file_done(void)
{
	FUZZ_CHECK(!file.open);
	FUZZ_CHECK(file.path == NULL || file.data == NULL || file.read);
	oo_buffer_done(&file.written);
	file.path = NULL;
}
