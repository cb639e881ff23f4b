/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_dir - the directory in bpffs in which a measurement is pinned, and the lock on it.
 *
 * bpffs has mode 1777 unless mounted otherwise, so any user can create the directory first, or put
 * a symbolic link there. The directory is therefore never opened by its full path: bpffs is opened
 * once, each component below it with O_NOFOLLOW, and everything else uses these descriptors. bpf(2)
 * accepts a directory's descriptor only since Linux 6.5 (BPF_F_PATH_FD); for older kernels,
 * /proc/self/fd/N names the directory that is already open.
 */
#ifndef PIN_DIR_H
#define PIN_DIR_H

#include <stdbool.h>
#include <stddef.h>

struct hostfs;

/* Names in bpffs contain no dots: the kernel rejects them. */
#define PIN_ROOT  "/sys/fs/bpf"
#define PIN_NAME  "gtimehalt"
#define PIN_DIR   PIN_ROOT "/" PIN_NAME
#define PIN_LINKS "links"
#define PIN_ABOUT "about"

/* Time that --pin and --unpin wait for each other; an --unpin takes 5 s at most. */
#define PIN_LOCK_WAIT_S 20

struct pin_dir {
	int root_fd; /* of bpffs */
	int fd;      /* of PIN_DIR; opened with O_PATH if not locked */
};

/* Why PIN_DIR is not used: what it is, who owns it, and what to do. */
struct pin_refusal {
	char text[256];
	/* it contains an `about` that is a BPF object, which needs rights to create */
	bool looks_pinned;
};

/*
 * Opens PIN_DIR for reading: a directory in bpffs that belongs to root or to this user and that no
 * other user can write, in a bpffs in whose root no other user can rename it.
 * Returns 0, and the caller closes *dir with pin_dir__close(); -ENOENT when there is no such
 * directory or no bpffs; -EPERM and *why when it may be another user's; or another -errno, such as
 * -EACCES.
 */
int pin_dir__find(struct pin_dir *dir, struct pin_refusal *why);
void pin_dir__close(struct pin_dir *dir);

/*
 * Opens PIN_DIR and locks it, so that no other process pins, renews or removes until
 * pin_dir__unlock(). The lock is on the directory itself, which other users cannot open for
 * reading. `create`: make the directory if it does not exist, and require that no other user can
 * replace it later.
 * Returns 0; -ENOENT when it does not exist; -EPERM and *why as pin_dir__find(); -EINTR when a
 * termination signal is pending; -EOPNOTSUPP (no bpffs), -ETIMEDOUT (another process holds the
 * lock) or another -errno, logged.
 */
int pin_dir__lock(struct pin_dir *dir, const struct hostfs *fs, bool create,
		  struct pin_refusal *why);

/*
 * As pin_dir__lock() without `create`, but never waits (-EAGAIN: the lock is held) and logs
 * nothing.
 */
int pin_dir__try_lock(struct pin_dir *dir);

/* Removes the directory if it is empty, and unlocks it. */
void pin_dir__unlock(struct pin_dir *dir);

/*
 * Opens links/ for reading. Returns a descriptor, which the caller closes; -ENOENT; -ENOTDIR when
 * it is not a directory or belongs to another user; or another -errno.
 */
int pin_dir__open_links(const struct pin_dir *dir);

#endif /* PIN_DIR_H */
