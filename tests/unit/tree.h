/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tree - a root directory for each test, in place of the host's /proc and /sys.
 *
 * It is in /dev/shm if that exists, because tests create thousands of files.
 *
 * Errors that permissions would cause are caused in ways that work for root, too: a file where a
 * directory should be, a limit on descriptors.
 */
#ifndef TREE_H
#define TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hostfs.h"
#include "test.h"

struct tree {
	char root[32];
	struct hostfs fs;
};

/* For cmocka_unit_test_setup_teardown(); sets *state to the tree. */
static inline int tree__setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	assert_non_null(tree);
	strcpy(tree->root, access("/dev/shm", W_OK) ? "/tmp/gtimehalt-unit.XXXXXX"
						    : "/dev/shm/gtimehalt-u.XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	assert_int_equal(hostfs__open(&tree->fs, tree->root), 0);
	*state = tree;
	return 0;
}

static inline int tree__remove_entry(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree__remove(const struct tree *tree, const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", tree->root, path);
	assert_int_equal(nftw(full, tree__remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int tree__teardown(void **state)
{
	struct tree *tree = *state;

	tree__remove(tree, "");
	hostfs__close(&tree->fs);
	free(tree);
	return 0;
}

static inline void tree__mkdir(const struct tree *tree, const char *path)
{
	assert_int_equal(mkdirat(tree->fs.root_fd, path, 0755), 0);
}

static inline void tree__write(const struct tree *tree, const char *path, const char *data,
			       size_t size)
{
	int fd = openat(tree->fs.root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static inline void tree__symlink(const struct tree *tree, const char *path, const char *target)
{
	assert_int_equal(symlinkat(target, tree->fs.root_fd, path), 0);
}

/* Limits the number of descriptors of the process; returns the previous limit. */
static inline rlim_t tree__limit_files(rlim_t limit)
{
	struct rlimit rlimit;
	rlim_t before;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rlimit), 0);
	before = rlimit.rlim_cur;
	rlimit.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rlimit), 0);
	return before;
}

/*
 * Makes file permissions apply to root, too, until tree__raise_rights() is called, by changing the
 * effective user to nobody, who may enter the root of the tree. Without root this has no effect.
 */
static inline void tree__lower_rights(const struct tree *tree)
{
	assert_int_equal(chmod(tree->root, 0755), 0);
	if (!getuid())
		assert_int_equal(seteuid(65534), 0);
}

static inline void tree__raise_rights(void)
{
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
}

/*
 * Returns the descriptor that the next open() will get. If the number has changed, descriptors were
 * leaked.
 */
static inline int tree__next_fd(const struct tree *tree)
{
	int fd = dup(tree->fs.root_fd);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

#endif /* TREE_H */
