/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hostfs - bounded reads of /proc and /sys below a root that a test can put elsewhere.
 *
 * The only place that opens files there. Nothing is trusted to be short, whole or of the form that
 * it had a moment ago: processes end while they are read.
 */
#ifndef HOSTFS_H
#define HOSTFS_H

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct hostfs {
	int root_fd; /* directory below which proc/ and sys/ lie */
};

/*
 * Opens the root, "/" for the host itself.
 * Returns 0 or -errno; on failure fs->root_fd is -1, and hostfs__close() does nothing.
 */
int hostfs__open(struct hostfs *fs, const char *root);
void hostfs__close(struct hostfs *fs);

/*
 * Reads at most size - 1 bytes of a file into buf and ends them with a NUL; what goes beyond is
 * cut. The path is a format, relative to the root: "proc/%d/stat". NULs inside (cmdline) are kept.
 * Returns the number of bytes read, without the NUL, or -errno (-ENAMETOOLONG: path over PATH_MAX;
 * -EINVAL: absolute path, or size 0).
 */
ssize_t hostfs__read(const struct hostfs *fs, char *buf, size_t size, const char *path_format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same with a single read(), for files of one line: the kernel gives those at once. Half the price of
 * what a host with thousands of threads is asked for.
 */
ssize_t hostfs__read_line(const struct hostfs *fs, char *buf, size_t size, const char *path_format,
			  ...) __attribute__((format(printf, 4, 5)));

/* The target of a symbolic link, as hostfs__read(). */
ssize_t hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *path_format,
			 ...) __attribute__((format(printf, 4, 5)));

/* 1 when the path exists, 0 when not; other errors are -errno. */
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

/* A directory stream that the caller ends with closedir(); NULL and errno on failure. */
DIR *hostfs__opendir(const struct hostfs *fs, const char *path_format, ...)
	__attribute__((format(printf, 2, 3)));

/* A stream to read a file from that has no bound, closed with fclose(); NULL and errno on failure. */
FILE *hostfs__fopen(const struct hostfs *fs, const char *path_format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* HOSTFS_H */
