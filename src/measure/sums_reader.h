/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sums_reader - converts the sums that the BPF programs keep for vCPU threads in maps to readings
 * of a snapshot.
 *
 * Entries are written while they are read, so only consistent copies are used.
 */
#ifndef SUMS_READER_H
#define SUMS_READER_H

#include <linux/types.h>
#include <sys/types.h>

struct snapshot;
struct sums_reader;
struct vcpu_reading;

/* Descriptors of the maps and of the program drop_entry, all borrowed. */
struct sums_maps {
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
 * Makes a reader. ns_per_tsc_cycle: by the scheduler's clock. Returns 0 and *reader, which the
 * caller frees with sums_reader__free(); or -ENOMEM.
 */
int sums_reader__new(const struct sums_maps *maps, double ns_per_tsc_cycle,
		     struct sums_reader **reader);
void sums_reader__free(struct sums_reader *reader);

/*
 * Adds a reading to the snapshot for every entry, and for every thread that has exited since the
 * last call. Drops the entries of exited threads, unless there is an ended_fd. The caller has read
 * open windows and taken the accounts of the threads before; each reading has the time of its
 * account.
 * An entry that stays inconsistent is left out and counted as a lost window.
 * Returns 0, -ENOMEM or the kernel's -errno.
 */
int sums_reader__read(struct sums_reader *reader, struct snapshot *snap);

/*
 * Drops the entry of a thread that no longer exists, and updates *vcpu, its reading in the last
 * snapshot, with the final sums. Does nothing if sums_reader__read() has already dropped the entry.
 * Returns 0 or -errno.
 */
int sums_reader__forget(const struct sums_reader *reader, struct snapshot *snap,
			struct vcpu_reading *vcpu);

/*
 * Returns the highest index of an entry that was ever read; for a pinned measurement, which frees
 * entries itself, the highest possible index.
 */
__u32 sums_reader__highest_index(const struct sums_reader *reader);

/*
 * Calls tell() for every process with refused windows, with their number since the measurement
 * began.
 */
typedef void (*sums_reader__tell_fn)(void *arg, pid_t pid, __u64 refused_cnt);
void sums_reader__refused(const struct sums_reader *reader, sums_reader__tell_fn tell, void *arg);

#endif /* SUMS_READER_H */
