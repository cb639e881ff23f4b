// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tree_text.h"

#define NOBODY 65534

/* Limits per input; further entries are ignored. */
#define ENTRY_MAX 512
#define DEPTH_MAX 10

void tree_text__open(struct tree_text *tree)
{
	const char *folder = getenv("TMPDIR");

	snprintf(tree->root, sizeof(tree->root), "%s/gtimehalt-fuzz.XXXXXX",
		 folder ? folder : "/tmp");
	FUZZ_ASSERT(mkdtemp(tree->root));
	tree->lowered = !geteuid();
	if (tree->lowered) {
		FUZZ_ASSERT(!chown(tree->root, NOBODY, (gid_t)-1));
		FUZZ_ASSERT(!seteuid(NOBODY));
	}
	FUZZ_ASSERT(!hostfs__open(&tree->fs, tree->root));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_text__close(struct tree_text *tree)
{
	hostfs__close(&tree->fs);
	if (tree->lowered)
		FUZZ_ASSERT(!seteuid(0));
	FUZZ_ASSERT(!nftw(tree->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS));
}

/*
 * Returns whether the path stays below the root: it has no "..". Links on the way are never
 * followed.
 */
static bool is_below(const char *path)
{
	int depth = 0;

	for (const char *part = path; *part; part += strspn(part, "/")) {
		size_t len = strcspn(part, "/");

		if (!len || len > NAME_MAX || (len <= 2 && !strncmp(part, "..", len)) ||
		    ++depth > DEPTH_MAX)
			return false;
		part += len;
	}
	return depth > 0;
}

/* A directory that exists already is fine. */
static bool make_folders(const struct tree_text *tree, char *path)
{
	struct stat st;

	for (char *slash = path; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdirat(tree->fs.root_fd, path, 0755) &&
		    (fstatat(tree->fs.root_fd, path, &st, AT_SYMLINK_NOFOLLOW) ||
		     !S_ISDIR(st.st_mode)))
			return false;
		*slash = '/';
	}
	return true;
}

static void write_file(const struct tree_text *tree, const char *path, const char *bytes,
		       size_t len)
{
	int fd = openat(tree->fs.root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return;
	FUZZ_ASSERT(write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static void make_link(const struct tree_text *tree, const char *path, const char *bytes, size_t len)
{
	char *target = fuzz__string(bytes, len);

	/* A link must not lead out of the tree. */
	target[strcspn(target, "\n")] = '\0';
	if (*target && *target != '/' && !strstr(target, ".."))
		(void)!symlinkat(target, tree->fs.root_fd, path);
	free(target);
}

static void make_entry(const struct tree_text *tree, char kind, char *path, const char *bytes,
		       size_t len)
{
	if (!is_below(path) || !make_folders(tree, path))
		return;
	switch (kind) {
	case ' ':
		write_file(tree, path, bytes, len);
		break;
	case '>':
		make_link(tree, path, bytes, len);
		break;
	case '/':
		mkdirat(tree->fs.root_fd, path, 0755);
		break;
	case '!':
		(void)!fchmodat(tree->fs.root_fd, path, 0, 0);
		break;
	case '-':
		if (unlinkat(tree->fs.root_fd, path, 0))
			unlinkat(tree->fs.root_fd, path, AT_REMOVEDIR);
		break;
	default:
		break;
	}
}

/* Returns the length of the content, which ends before the next line that begins with @. */
static size_t content_len(const struct fuzz_bytes *rest)
{
	const uint8_t *next = rest->left ? memmem(rest->at, rest->left, "\n@", 2) : NULL;

	if (rest->left && *rest->at == '@')
		return 0;
	return next ? (size_t)(next + 1 - rest->at) : rest->left;
}

bool tree_text__make(struct tree_text *tree, struct fuzz_bytes *rest)
{
	bool any = rest->left;

	for (int i = 0; i < ENTRY_MAX && rest->left; i++) {
		char *line = fuzz_bytes__take_string(rest, '\n');
		size_t len = content_len(rest);
		bool ends = !strcmp(line, "@@");

		if (!ends && line[0] == '@' && line[1])
			make_entry(tree, line[1], line + 2 + strspn(line + 2, " "),
				   (const char *)rest->at, len);
		free(line);
		rest->at += len;
		rest->left -= len;
		if (ends)
			break;
	}
	return any;
}
