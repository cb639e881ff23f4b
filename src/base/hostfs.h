/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hostfs - bounded reads of files in /proc and /sys, below a root that tests can replace.
 *
 * Only this module opens such files. Callers must not rely on a file being short, complete, or in
 * the format that it had a moment ago, because processes exit while their files are read.
 */
#ifndef HOSTFS_H
#define HOSTFS_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct hostfs {
	int root_fd; /* directory that contains proc/ and sys/ */
};

/*
 * Opens the root, "/" for the real host.
 * Returns 0 or -errno; after a failure fs->root_fd is -1, and hostfs__close() does nothing.
 */
int hostfs__open(struct hostfs *fs, const char *root);
void hostfs__close(struct hostfs *fs);

/*
 * Reads at most size - 1 bytes of a file into buf, and terminates them with a
 * NUL; longer files are truncated. The path is a format, relative to the root:
 * "proc/%d/stat". NULs within the file (cmdline) are kept.
 * Returns the number of bytes read, without the NUL; or -errno (-ENAMETOOLONG: path longer than
 * PATH_MAX; -EINVAL: absolute path, or size 0).
 */
ssize_t hostfs__read(const struct hostfs *fs, char *buf, size_t size, const char *path_format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same with a single read(), for files of one line, which the kernel returns at once. It halves
 * the cost on hosts with thousands of threads.
 */
ssize_t hostfs__read_line(const struct hostfs *fs, char *buf, size_t size, const char *path_format,
			  ...) __attribute__((format(printf, 4, 5)));

/* Reads the target of a symbolic link; otherwise like hostfs__read(). */
ssize_t hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *path_format,
			 ...) __attribute__((format(printf, 4, 5)));

/* Returns 1 if the path exists, 0 if not, or another -errno. */
int hostfs__exists(const struct hostfs *fs, const char *path_format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Opens a directory without the right to list it, for hostfs__link_cnt(). The caller closes it.
 * Returns the descriptor or -errno.
 */
int hostfs__open_dir(const struct hostfs *fs, const char *path_format, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns the link count of an open directory: 2 and one for each subdirectory; or -errno. */
long hostfs__link_cnt(int dir_fd);

/* Returns a stream that the caller closes with closedir(); NULL with errno set on failure. */
DIR *hostfs__opendir(const struct hostfs *fs, const char *path_format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Opens a file of unbounded length. Returns a stream that the caller closes with fclose(); NULL
 * with errno set on failure.
 */
FILE *hostfs__fopen(const struct hostfs *fs, const char *path_format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* HOSTFS_H */
