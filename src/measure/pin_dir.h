/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_dir - the directory in bpffs in which a measurement is pinned, and the lock on it.
 *
 * bpffs is mode 1777 unless mounted otherwise, so any user can create the directory first, or put a symbolic link
 * there. It is therefore never reached by its path: bpffs is opened once, each component below it with O_NOFOLLOW,
 * and everything else goes through these descriptors. bpf(2) takes a descriptor of a directory since Linux 6.5
 * only (BPF_F_PATH_FD); before, /proc/self/fd/N leads it to what is open already.
 */
#ifndef PIN_DIR_H
#define PIN_DIR_H

#include <stdbool.h>
#include <stddef.h>

struct hostfs;

/* bpffs takes no dots in names. */
#define PIN_ROOT  "/sys/fs/bpf"
#define PIN_NAME  "gtimehalt"
#define PIN_DIR   PIN_ROOT "/" PIN_NAME
#define PIN_LINKS "links"
#define PIN_ABOUT "about"

/* How long --pin and --unpin wait for each other; an --unpin takes 5 s at most. */
#define PIN_LOCK_WAIT_S 20

struct pin_dir {
	int root_fd; /* of bpffs */
	int fd;      /* of PIN_DIR; opened with O_PATH unless it is locked */
};

/* What stands at PIN_DIR, whose it is and what to do, when it is not used. */
struct pin_refusal {
	char text[256];
	bool looks_pinned; /* it has an `about` that is a BPF object, which takes rights to create */
};

/*
 * Opens PIN_DIR for reading: a directory of bpffs that belongs to root or to this user, and that nobody else can
 * write, in a bpffs whose root nobody else can rename it in.
 * Returns 0, and the caller ends with pin_dir__close(); -ENOENT when there is none, or no bpffs; -EPERM and *why
 * when it may be another's; or another -errno, such as -EACCES.
 */
int pin_dir__find(struct pin_dir *dir, struct pin_refusal *why);
void pin_dir__close(struct pin_dir *dir);

/*
 * Opens PIN_DIR and locks it, so that nobody else pins, renews or removes until pin_dir__unlock(). The lock is on
 * the directory itself, which nobody else may open for reading. `create`: makes the directory where there is none,
 * and requires that nobody else can replace it later.
 * Returns 0; -ENOENT when there is none; -EPERM and *why as pin_dir__find(); -EINTR when a signal that asks for the
 * end is pending; -EOPNOTSUPP (no bpffs), -ETIMEDOUT (held by another) or another -errno, logged.
 */
int pin_dir__lock(struct pin_dir *dir, const struct hostfs *fs, bool create,
		  struct pin_refusal *why);

/* As pin_dir__lock() of what is there, but never waits: -EAGAIN when the lock is held. Logs nothing. */
int pin_dir__try_lock(struct pin_dir *dir);

/* Removes the directory if it is empty, and unlocks it. */
void pin_dir__unlock(struct pin_dir *dir);

/* A descriptor of links/, to be read; -ENOENT, or -ENOTDIR for what is no directory of the owners above. */
int pin_dir__open_links(const struct pin_dir *dir);

#endif /* PIN_DIR_H */
