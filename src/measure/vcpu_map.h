/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vcpu_map - reads the map `vcpus`, in which the BPF programs keep the sums of vCPU threads, and
 * converts the sums to readings of a snapshot.
 *
 * Entries are written while they are read, so only consistent copies are used.
 */
#ifndef VCPU_MAP_H
#define VCPU_MAP_H

#include <linux/types.h>
#include <sys/types.h>

struct snapshot;
struct vcpu_map;
struct vcpu_reading;

/* Descriptors of the maps and of the program drop_entry, all borrowed. */
struct vcpu_map_fds {
	int vcpus_fd;
	int stints_fd; /* -1: stints are not counted */
	/*
	 * Sums of the exited threads of a pinned measurement. -1: this reader drops the entries of
	 * exited threads, by the program drop_fd.
	 */
	int ended_fd;
	int drop_fd;
	int processes_fd;
};

/*
 * Makes a reader of the map. ns_per_tsc_cycle: by the scheduler's clock. Returns 0 and *map, which
 * the caller frees with vcpu_map__free(); or -ENOMEM.
 */
int vcpu_map__new(const struct vcpu_map_fds *fds, double ns_per_tsc_cycle, struct vcpu_map **map);
void vcpu_map__free(struct vcpu_map *map);

/*
 * Adds a reading to the snapshot for every entry, and for every thread that has exited since the
 * last call. Drops the entries of exited threads, unless there is an ended_fd. The caller has read
 * open windows and taken the accounts of the threads before; each reading has the time of its
 * account.
 * An entry that stays inconsistent is left out and counted as a lost window.
 * Returns 0, -ENOMEM or the kernel's -errno.
 */
int vcpu_map__read(struct vcpu_map *map, struct snapshot *snap);

/*
 * Drops the entry of a thread that no longer exists, and updates *vcpu, its reading in the last
 * snapshot, with the final sums. Does nothing if vcpu_map__read() has already dropped the entry.
 * Returns 0 or -errno.
 */
int vcpu_map__forget(const struct vcpu_map *map, struct snapshot *snap, struct vcpu_reading *vcpu);

/*
 * Returns the highest index of an entry that was ever read; for a pinned measurement, which frees
 * entries itself, the highest possible index.
 */
__u32 vcpu_map__highest_index(const struct vcpu_map *map);

/*
 * Calls refused() for every process with refused windows, with their number since the measurement
 * began.
 */
typedef void (*vcpu_map__refused_fn)(void *arg, pid_t pid, __u64 refused_cnt);
void vcpu_map__refused(const struct vcpu_map *map, vcpu_map__refused_fn refused, void *arg);

#endif /* VCPU_MAP_H */
