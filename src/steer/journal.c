// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/number.h"
#include "steer/group.h"
#include "steer/journal.h"

/*
 * One line for each cgroup: its inode, the list of its original CPUs ("-": the empty set), its
 * name. A name may contain blanks but no newline, because cgroup_mkdir() refuses newlines.
 */
#define LINE_FORMAT "%" PRIu64 " %s %s\n"

static int tell(const char *what, int err)
{
	pr_err("cannot %s %s: %s", what, JOURNAL_DIR, strerror(-err));
	return err;
}

/*
 * Opens the directory, and creates it if necessary. Returns its descriptor; -EACCES when another
 * user owns it or may write in it; or another -errno.
 */
static int open_dir(const char *dir)
{
	struct stat st;
	int fd;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & 022))
		return fd;
	close(fd);
	return -EACCES;
}

static int open_file(int dir_fd, const char *name, int *fd)
{
	*fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? -errno : 0;
}

int journal__open(const char *dir, struct journal *journal)
{
	int dir_fd = open_dir(dir), err;

	*journal = JOURNAL_CLOSED;
	if (dir_fd < 0)
		return tell("use", dir_fd);
	err = open_file(dir_fd, "lock", &journal->lock_fd);
	if (!err && flock(journal->lock_fd, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (!err)
		err = open_file(dir_fd, "originals", &journal->originals_fd);
	if (!err)
		err = open_file(dir_fd, "status", &journal->status_fd);
	close(dir_fd);
	if (err == -EBUSY)
		pr_err("another gtimehalt-steer is running: end it first, or pass all cgroups to one run");
	else if (err)
		tell("open files in", err);
	return err;
}

void journal__close(struct journal *journal)
{
	const int fds[] = { journal->status_fd, journal->originals_fd, journal->lock_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*journal = JOURNAL_CLOSED;
}

bool journal__is_empty(const struct journal *journal)
{
	struct stat st;

	return !fstat(journal->originals_fd, &st) && !st.st_size;
}

static int replace(int fd, const char *text, size_t len)
{
	/*
	 * Overwrite, then truncate: a crash in between leaves surplus lines, which only restore a
	 * cgroup twice. In the reverse order, lines would be lost.
	 */
	ssize_t written = pwrite(fd, text, len, 0);

	if (written < 0)
		return -errno;
	if ((size_t)written != len)
		return -ENOSPC;
	return ftruncate(fd, (off_t)len) || fsync(fd) ? -errno : 0;
}

int journal__write(const struct journal *journal, const struct group *const groups[], size_t cnt)
{
	char cpus[CPUS_TEXT_MAX], name[PATH_MAX + 1], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err;

	if (!out)
		return tell("write to", -errno);
	for (size_t i = 0; i < cnt; i++) {
		cpus__format(&groups[i]->original, cpus);
		group__name(groups[i], name);
		fprintf(out, LINE_FORMAT, (uint64_t)groups[i]->cpuset.inode, *cpus ? cpus : "-",
			name);
	}
	err = ferror(out) ? -ENOMEM : 0;
	if (fclose(out) && !err)
		err = -errno;
	if (!err)
		err = replace(journal->originals_fd, text, size);
	free(text);
	return err ? tell("write to", err) : 0;
}

/* Splits one line into its fields; *name points into the line. Returns 0 or -EPROTO. */
static int parse(char *line, __u64 *inode, struct cpus *original, const char **name)
{
	const char *number = strsep(&line, " "), *cpus = strsep(&line, " ");

	if (!line || number__parse(number, UINT64_MAX, inode) ||
	    cpus__parse(strcmp(cpus, "-") ? cpus : "", original))
		return -EPROTO;
	*name = line;
	return 0;
}

/* Returns 1 when the cgroup is restored; 0 when it is gone or was replaced; or -errno. */
static int restore_one(const struct group_host *host, __u64 inode, const struct cpus *original,
		       const char *name, struct group *group)
{
	int err = group__open(host, name, true, group);

	/* A cgroup that was removed or has lost its cpuset controller needs no restoring. */
	if (err)
		return err == -ENOENT || err == -ENODATA ? 0 : err;
	/*
	 * A unit is restored in any case, because systemd applies its set when it recreates the
	 * cgroup.
	 */
	if (group->is_unit || group->cpuset.inode == inode) {
		group->original = *original;
		err = group__restore(host, group);
		err = err ? err : 1;
	}
	group__close(group);
	return err;
}

int journal__restore(const struct journal *journal, const struct group_host *host)
{
	struct group *group = malloc(sizeof(*group));
	int copy_fd = dup(journal->originals_fd), cnt = 0, failed = 0;
	FILE *in = copy_fd < 0 ? NULL : fdopen(copy_fd, "r");
	char *line = NULL;
	size_t room = 0;

	if (!group || !in) {
		free(group);
		if (!in && copy_fd >= 0)
			close(copy_fd);
		return tell("read from", -ENOMEM);
	}
	rewind(in);
	while (!failed && getline(&line, &room, in) > 0) {
		struct cpus original;
		const char *name = line;
		__u64 inode;
		int done;

		line[strcspn(line, "\n")] = '\0';
		done = parse(line, &inode, &original, &name);
		if (!done)
			done = restore_one(host, inode, &original, name, group);
		if (done < 0) {
			pr_err("cannot restore the CPUs of %s: %s", name, strerror(-done));
			failed = done;
		} else {
			cnt += done;
		}
	}
	fclose(in);
	free(line);
	free(group);
	/* Keep the whole journal after a failure, because restoring a cgroup twice is harmless. */
	if (!failed)
		failed = journal__write(journal, NULL, 0);
	return failed ? failed : cnt;
}
