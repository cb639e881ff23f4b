/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sums_reader - the maps in which BPF programs add up what vCPU threads did, as readings of a snapshot.
 *
 * Entries are written while they are read: only whole copies are taken.
 */
#ifndef SUMS_READER_H
#define SUMS_READER_H

#include <linux/types.h>
#include <sys/types.h>

struct snapshot;
struct sums_reader;
struct vcpu_reading;

/* Descriptors of the maps, all borrowed. */
struct sums_maps {
	int vcpus_fd;
	int stints_fd; /* -1: stints are not counted */
	/*
	 * Of a pinned measurement, the sums of threads that have ended. -1: the reader drops what has ended; then the
	 * maps below are needed.
	 */
	int ended_fd;
	int objects_fd, places_fd, free_indexes_fd;
	int processes_fd;
};

/* ns_per_tsc_cycle: by the scheduler's clock. Returns 0 and *reader, which the caller ends with sums_reader__free(); or -ENOMEM. */
int sums_reader__new(const struct sums_maps *maps, double ns_per_tsc_cycle,
		     struct sums_reader **reader);
void sums_reader__free(struct sums_reader *reader);

/*
 * Adds a reading for every entry, and for those that have ended since the last call, to the snapshot. The entry of a thread
 * that has ended is dropped, but where there is an ended_fd. Windows that are open, and the accounts of the threads, have
 * been read before: sums are as old as they say.
 * Returns 0, -ENOMEM, -EIO (an entry is not whole for a second), or what the kernel refused with.
 */
int sums_reader__read(struct sums_reader *reader, struct snapshot *snap);

/*
 * Drops the entries of a thread that is not there any more, and puts the last of them into its reading, which is one of
 * the snapshot that was read last. Nothing happens when reading it has dropped them.
 */
void sums_reader__forget(struct sums_reader *reader, struct snapshot *snap,
			 struct vcpu_reading *vcpu);

/* The highest index of an entry that was ever read; of a pinned measurement, which frees entries by itself, of any. */
__u32 sums_reader__highest_index(const struct sums_reader *reader);

/* Calls tell() for every process of which windows were refused, with how many since the measurement began. */
typedef void (*sums_reader__tell_fn)(void *arg, pid_t pid, __u64 refused_cnt);
void sums_reader__refused(const struct sums_reader *reader, sums_reader__tell_fn tell, void *arg);

#endif /* SUMS_READER_H */
