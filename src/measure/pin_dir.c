// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/ending_signals.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "base/number.h"
#include "measure/pin_dir.h"

#define LOCK_POLL_US  50000
#define OTHERS_WRITE  (S_IWGRP | S_IWOTH)
#define OPEN_NOFOLLOW (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static bool is_owner_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Opens bpffs. Returns a descriptor, -ENOENT when no bpffs is mounted there, or another -errno. */
static int open_root(void)
{
	int fd = open(PIN_ROOT, O_PATH | OPEN_NOFOLLOW);
	struct statfs fs;

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (!fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC)
		return fd;
	close(fd);
	return -ENOENT;
}

/*
 * Checks bpffs's root directory: its owner can rename other users' files, as can anyone with write
 * permission if it is not sticky.
 */
static int check_root(int root_fd, struct pin_refusal *why)
{
	struct stat st;

	if (fstat(root_fd, &st))
		return -errno;
	if (is_owner_trusted(&st) && (!(st.st_mode & OTHERS_WRITE) || st.st_mode & S_ISVTX))
		return 0;
	snprintf(why->text, sizeof(why->text),
		 PIN_ROOT
		 " belongs to user %u and has mode %04o, so that other users can replace its"
		 " files: chown root " PIN_ROOT " && chmod 0700 " PIN_ROOT,
		 st.st_uid, st.st_mode & 07777);
	return -EPERM;
}

static void refuse(const struct stat *st, struct pin_refusal *why)
{
	const char *kind = S_ISDIR(st->st_mode)   ? "directory"
			   : S_ISLNK(st->st_mode) ? "symbolic link"
						  : "file";

	snprintf(why->text, sizeof(why->text),
		 PIN_DIR " is a %s of user %u, mode %04o, not a directory that only root can write:"
			 " find out who created it, then rm -r " PIN_DIR,
		 kind, st->st_uid, st->st_mode & 07777);
}

static bool has_about(int dir_fd)
{
	struct stat st;

	return !fstatat(dir_fd, PIN_ABOUT, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);
}

/* Opens PIN_NAME if it is a directory, regardless of its owner. how: O_PATH or O_RDONLY. */
static int open_any(struct pin_dir *dir, int how, struct pin_refusal *why)
{
	struct stat st;

	dir->fd = openat(dir->root_fd, PIN_NAME, how | OPEN_NOFOLLOW);
	if (dir->fd >= 0)
		return 0;
	if (errno != ENOTDIR && errno != ELOOP)
		return -errno;
	if (fstatat(dir->root_fd, PIN_NAME, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	refuse(&st, why);
	return -EPERM;
}

static int check_dir(const struct pin_dir *dir, mode_t unwanted, struct pin_refusal *why)
{
	struct stat st;

	if (fstat(dir->fd, &st))
		return -errno;
	if (is_owner_trusted(&st) && !(st.st_mode & unwanted))
		return 0;
	refuse(&st, why);
	return -EPERM;
}

int pin_dir__find(struct pin_dir *dir, struct pin_refusal *why)
{
	int err;

	*why = (struct pin_refusal){ 0 };
	dir->fd = -1;
	dir->root_fd = open_root();
	if (dir->root_fd < 0)
		return dir->root_fd;
	err = open_any(dir, O_PATH, why);
	if (!err)
		err = check_root(dir->root_fd, why);
	if (!err)
		err = check_dir(dir, OTHERS_WRITE, why);
	if (err == -EPERM && dir->fd >= 0)
		why->looks_pinned = has_about(dir->fd);
	if (err)
		pin_dir__close(dir);
	return err;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void pin_dir__close(struct pin_dir *dir)
{
	close_fd(&dir->fd);
	close_fd(&dir->root_fd);
}

/*
 * Checks that the locked directory still exists: the previous holder of the lock may have removed
 * it.
 */
static int check_is_there(const struct pin_dir *dir)
{
	struct stat locked, there;

	if (fstat(dir->fd, &locked) || fstatat(dir->root_fd, PIN_NAME, &there, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? -ESTALE : -errno;
	return locked.st_dev == there.st_dev && locked.st_ino == there.st_ino ? 0 : -ESTALE;
}

/*
 * Removes write permission for other users. Objects that they may have created before are
 * recognised by their owner.
 */
static int close_to_others(const struct pin_dir *dir)
{
	struct stat st;

	if (fstat(dir->fd, &st))
		return -errno;
	if (st.st_mode & OTHERS_WRITE && fchmod(dir->fd, st.st_mode & 07777 & ~OTHERS_WRITE))
		return -errno;
	return 0;
}

/*
 * Tries to lock once. Returns 0, -ENOENT, -EPERM and *why, -EAGAIN (held), -ESTALE (removed
 * meanwhile) or another -errno.
 */
static int lock_once(struct pin_dir *dir, struct pin_refusal *why)
{
	int err = open_any(dir, O_RDONLY, why);

	if (!err)
		err = check_dir(dir, 0, why);
	if (!err && flock(dir->fd, LOCK_EX | LOCK_NB))
		err = -errno;
	if (!err)
		err = check_is_there(dir);
	if (!err)
		err = close_to_others(dir);
	if (err)
		close_fd(&dir->fd);
	return err;
}

/*
 * Returns the PID of the lock's holder, from a line of /proc/locks such as "1: FLOCK  ADVISORY
 * WRITE 123 00:1a:4567 0 EOF"; 0: unknown.
 */
static __u64 find_holder(const struct pin_dir *dir, const struct hostfs *fs)
{
	FILE *file = hostfs__fopen(fs, "proc/locks");
	char line[256], file_id[64];
	__u64 pid = 0;
	struct stat st;

	if (!file)
		return 0;
	if (fstatat(dir->root_fd, PIN_NAME, &st, AT_SYMLINK_NOFOLLOW))
		st.st_ino = 0;
	snprintf(file_id, sizeof(file_id), " %02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
		 st.st_ino);
	while (!pid && fgets(line, sizeof(line), file)) {
		char *end = strstr(line, file_id), *begin;

		if (!end || !strstr(line, "FLOCK"))
			continue;
		*end = '\0';
		begin = strrchr(line, ' ');
		if (!begin || number__parse(begin + 1, INT_MAX, &pid))
			pid = 0;
	}
	fclose(file);
	return pid;
}

static int tell_holder(const struct pin_dir *dir, const struct hostfs *fs)
{
	__u64 pid = find_holder(dir, fs);

	if (pid)
		pr_err("process %llu has held the lock on " PIN_DIR
		       " for %d s: wait for it, or end it",
		       pid, PIN_LOCK_WAIT_S);
	else
		pr_err("another process has held the lock on " PIN_DIR
		       " for %d s: wait for it, or end it",
		       PIN_LOCK_WAIT_S);
	return -ETIMEDOUT;
}

static int make_dir(const struct pin_dir *dir, struct pin_refusal *why)
{
	int err = check_root(dir->root_fd, why);

	if (!err && mkdirat(dir->root_fd, PIN_NAME, 0700) && errno != EEXIST)
		err = log__failure("make " PIN_DIR, -errno);
	return err;
}

static bool passes(int err, bool create)
{
	return err == -EAGAIN || err == -ESTALE || (err == -ENOENT && create);
}

static int wait_for_lock(struct pin_dir *dir, const struct hostfs *fs, bool create,
			 struct pin_refusal *why)
{
	__u64 end_ns = clock__now_ns() + PIN_LOCK_WAIT_S * 1000000000ULL;
	int err;

	for (;;) {
		err = create ? make_dir(dir, why) : 0;
		if (!err)
			err = lock_once(dir, why);
		if (!passes(err, create))
			return err;
		if (ending_signals__is_asked())
			return -EINTR;
		if (clock__now_ns() >= end_ns)
			return tell_holder(dir, fs);
		if (err == -EAGAIN)
			usleep(LOCK_POLL_US);
	}
}

int pin_dir__lock(struct pin_dir *dir, const struct hostfs *fs, bool create,
		  struct pin_refusal *why)
{
	int err;

	*why = (struct pin_refusal){ 0 };
	dir->fd = -1;
	dir->root_fd = open_root();
	if (dir->root_fd == -ENOENT) {
		pr_err("bpffs is not mounted: mount -t bpf -o mode=0700 bpf " PIN_ROOT);
		return -EOPNOTSUPP;
	}
	if (dir->root_fd < 0)
		return log__failure("open " PIN_ROOT, dir->root_fd);
	err = wait_for_lock(dir, fs, create, why);
	if (err == -EACCES)
		log__failure("open " PIN_DIR, err);
	if (err)
		pin_dir__close(dir);
	return err;
}

int pin_dir__try_lock(struct pin_dir *dir)
{
	struct pin_refusal why;
	int err;

	dir->fd = -1;
	dir->root_fd = open_root();
	if (dir->root_fd < 0)
		return dir->root_fd;
	err = lock_once(dir, &why);
	if (err)
		pin_dir__close(dir);
	return err;
}

void pin_dir__unlock(struct pin_dir *dir)
{
	/* rmdir removes neither of them unless it is empty. */
	unlinkat(dir->fd, PIN_LINKS, AT_REMOVEDIR);
	unlinkat(dir->root_fd, PIN_NAME, AT_REMOVEDIR);
	pin_dir__close(dir);
}

int pin_dir__open_links(const struct pin_dir *dir)
{
	int fd = openat(dir->fd, PIN_LINKS, O_RDONLY | OPEN_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	if (!fstat(fd, &st) && is_owner_trusted(&st))
		return fd;
	close(fd);
	return -ENOTDIR;
}
