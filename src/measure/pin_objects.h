/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_objects - the BPF objects in PIN_DIR by name: their modes, and how they are opened.
 *
 * Nothing is read from an object before its owner, mode, kind, sizes and flags were compared with
 * those that this build gives it: the kernel copies as many bytes as the object defines, not as
 * many as the buffer holds.
 */
#ifndef PIN_OBJECTS_H
#define PIN_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bpf_loader;
struct pin_dir;

#define PIN_VCPUS       "vcpus"
#define PIN_ENDED       "ended"
#define PIN_STINTS      "stints"
#define PIN_SHARED      "shared" /* the programs' .bss */
#define PIN_EVENTS      "counter_events"
#define PIN_HEALTHS     "healths"
#define PIN_PROCESSES   "processes"
#define PIN_CPU_BEATS   "cpu_beats"
#define PIN_FORCED_READ "forced_read"
#define PIN_ACCOUNTS    "take_accounts"
#define PIN_HEARTBEAT   "heartbeat"
#define PIN_STAT        "stat"

struct pin_object {
	const char *name;
	mode_t mode;
	bool only_histogram;
};

/* Returns the i-th object in the order of pinning; NULL behind the last. */
const struct pin_object *pin_objects__at(size_t i);

enum pin_kind {
	PIN_KIND_MAP,
	PIN_KIND_PROGRAM,
	PIN_KIND_LINK,
};

/*
 * Opens the object of a name in a directory, regardless of its layout, if it is of the given kind,
 * belongs to root or to this user, and only users in `allowed` (mode bits) may write it.
 * file_flags: 0, or BPF_F_RDONLY for a map.
 * Returns its descriptor, which the caller closes; -ENOENT when there is none; -EPROTO and the
 * reason in `why` when it is not as required; or another -errno: -EACCES and -EPERM when this
 * process may not open it.
 */
int pin_objects__open_any(int dir_fd, const char *name, enum pin_kind kind, mode_t allowed,
			  unsigned int file_flags, char *why, size_t size);

/*
 * As pin_objects__open_any() for a map or program of PIN_DIR, which must also have the layout that
 * `layout` has for it (bpf_loader__new_layout()).
 */
int pin_objects__open(const struct pin_dir *dir, const struct bpf_loader *layout, const char *name,
		      unsigned int file_flags, char *why, size_t size);

/* Pins a descriptor under this name in a directory. Returns 0 or -errno, logged. */
int pin_objects__pin(int dir_fd, const char *name, int fd);

#endif /* PIN_OBJECTS_H */
