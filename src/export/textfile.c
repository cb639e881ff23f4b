// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "export/textfile.h"

struct textfile {
	const char *path; /* borrowed, for messages */
	const char *name; /* file name within the directory */
	/* Hidden and not named *.prom, so that node_exporter ignores it. */
	char *new_name;
	int dir_fd;
	int last_err;
};

static int open_dir(struct textfile *file)
{
	size_t dir_len = (size_t)(file->name - file->path);
	char *dir = dir_len ? strndup(file->path, dir_len) : strdup(".");

	if (!dir)
		return -ENOMEM;
	file->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return file->dir_fd < 0 ? -errno : 0;
}

static int fill(struct textfile *file, const char *path)
{
	const char *slash = strrchr(path, '/');

	file->path = path;
	file->name = slash ? slash + 1 : path;
	if (!*file->name)
		return -EISDIR;
	if (asprintf(&file->new_name, ".%s.new", file->name) < 0) {
		file->new_name = NULL;
		return -ENOMEM;
	}
	return open_dir(file);
}

/* Refuses to replace anything but a regular file, such as /dev/stdout or a symbolic link. */
static int check_old(const struct textfile *file)
{
	struct stat st;

	if (fstatat(file->dir_fd, file->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -EMEDIUMTYPE;
}

static void tell(const char *path, int err)
{
	pr_err("cannot write %s: %s", path,
	       err == -EMEDIUMTYPE ? "it exists and is not a regular file" : strerror(-err));
}

int textfile__new(const char *path, struct textfile **textfile)
{
	struct textfile *file = calloc(1, sizeof(*file));
	int err = -ENOMEM;

	if (file) {
		file->dir_fd = -1;
		err = fill(file, path);
	}
	if (!err)
		err = check_old(file);
	if (err) {
		tell(path, err);
		textfile__free(file);
		return err;
	}
	*textfile = file;
	return 0;
}

void textfile__free(struct textfile *file)
{
	if (!file)
		return;
	if (file->dir_fd >= 0)
		close(file->dir_fd);
	free(file->new_name);
	free(file);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t written = write(fd, text, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		len -= (size_t)written;
	}
	return 0;
}

/*
 * Creates the new file. Removes what has its name: the rest of a run that was
 * killed, or somebody's link.
 */
static int write_new(const struct textfile *file, const char *text, size_t len)
{
	int fd, err;

	if (unlinkat(file->dir_fd, file->new_name, 0) && errno != ENOENT)
		return -errno;
	fd = openat(file->dir_fd, file->new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, len);
	/* Set the mode explicitly, because of the umask. */
	if (!err && (fchmod(fd, 0644) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int textfile__write(struct textfile *file, const char *text, size_t len)
{
	int err = write_new(file, text, len);

	if (!err)
		err = check_old(file);
	if (!err && renameat(file->dir_fd, file->new_name, file->dir_fd, file->name))
		err = -errno;
	if (err)
		unlinkat(file->dir_fd, file->new_name, 0);
	if (err && err != file->last_err)
		tell(file->path, err);
	if (!err && file->last_err)
		pr_info("writing %s works again", file->path);
	file->last_err = err;
	return err;
}
