// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hostfs.h"

/*
 * O_NONBLOCK: never wait, neither for the writer of a FIFO at this path nor for data, for which a
 * read of /proc/kmsg would wait.
 */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int hostfs__open(struct hostfs *fs, const char *root)
{
	fs->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fs->root_fd < 0 ? -errno : 0;
}

void hostfs__close(struct hostfs *fs)
{
	if (fs->root_fd >= 0)
		close(fs->root_fd);
	fs->root_fd = -1;
}

static int format_path(char path[PATH_MAX], const char *format, va_list args)
{
	int len = vsnprintf(path, PATH_MAX, format, args);

	if (len < 0)
		return -EINVAL;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	/* openat() would ignore root_fd and leave the root of a test. */
	if (path[0] == '/')
		return -EINVAL;
	return 0;
}

/*
 * Reads until the buffer is full or the file ends: one read() of /proc may
 * return less than there is.
 */
static ssize_t read_up_to(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int open_path(const struct hostfs *fs, const char *format, va_list args, int flags)
{
	char path[PATH_MAX];
	int err = format_path(path, format, args);
	int fd;

	if (err)
		return err;
	fd = openat(fs->root_fd, path, OPEN_FLAGS | flags);
	return fd < 0 ? -errno : fd;
}

ssize_t hostfs__read(const struct hostfs *fs, char *buf, size_t size, const char *path_format, ...)
{
	va_list args;
	ssize_t len;
	int fd;

	if (size == 0)
		return -EINVAL;
	va_start(args, path_format);
	fd = open_path(fs, path_format, args, 0);
	va_end(args);
	if (fd < 0)
		return fd;
	len = read_up_to(fd, buf, size - 1);
	close(fd);
	if (len >= 0)
		buf[len] = '\0';
	return len;
}

ssize_t hostfs__read_line(const struct hostfs *fs, char *buf, size_t size, const char *path_format,
			  ...)
{
	va_list args;
	ssize_t len;
	int fd;

	if (size == 0)
		return -EINVAL;
	va_start(args, path_format);
	fd = open_path(fs, path_format, args, 0);
	va_end(args);
	if (fd < 0)
		return fd;
	do
		len = read(fd, buf, size - 1);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len >= 0)
		buf[len] = '\0';
	return len;
}

ssize_t hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *path_format,
			 ...)
{
	char path[PATH_MAX];
	va_list args;
	ssize_t len;
	int err;

	if (size == 0)
		return -EINVAL;
	va_start(args, path_format);
	err = format_path(path, path_format, args);
	va_end(args);
	if (err)
		return err;

	/* Pass the whole buffer and drop the last byte: readlinkat() rejects a size of 0. */
	len = readlinkat(fs->root_fd, path, buf, size);
	if (len < 0)
		return -errno;
	if ((size_t)len == size)
		len--;
	buf[len] = '\0';
	return len;
}

int hostfs__exists(const struct hostfs *fs, const char *path_format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int err;

	va_start(args, path_format);
	err = format_path(path, path_format, args);
	va_end(args);
	if (err)
		return err;

	/*
	 * AT_EACCESS: use the effective IDs and capabilities. Without it, the kernel would check
	 * with the real user ID.
	 */
	if (faccessat(fs->root_fd, path, F_OK, AT_EACCESS) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

int hostfs__open_dir(const struct hostfs *fs, const char *path_format, ...)
{
	va_list args;
	int fd;

	va_start(args, path_format);
	fd = open_path(fs, path_format, args, O_PATH | O_DIRECTORY);
	va_end(args);
	return fd;
}

long hostfs__link_cnt(int dir_fd)
{
	struct stat stat;

	return fstat(dir_fd, &stat) ? -errno : (long)stat.st_nlink;
}

DIR *hostfs__opendir(const struct hostfs *fs, const char *path_format, ...)
{
	va_list args;
	int err, fd;
	DIR *dir;

	va_start(args, path_format);
	fd = open_path(fs, path_format, args, O_DIRECTORY);
	va_end(args);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	dir = fdopendir(fd);
	if (!dir) {
		err = errno;
		close(fd);
		errno = err;
	}
	return dir;
}

FILE *hostfs__fopen(const struct hostfs *fs, const char *path_format, ...)
{
	va_list args;
	FILE *file;
	int err, fd;

	va_start(args, path_format);
	fd = open_path(fs, path_format, args, 0);
	va_end(args);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	file = fdopen(fd, "r");
	if (!file) {
		err = errno;
		close(fd);
		errno = err;
	}
	return file;
}
