/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sums_reader - the maps in which BPF programs add up what vCPU threads did, as readings of a snapshot.
 *
 * Entries are written while they are read: only whole copies are taken.
 */
#ifndef SUMS_READER_H
#define SUMS_READER_H

#include <stdbool.h>
#include <sys/types.h>

struct snapshot;
struct sums_reader;
struct vcpu_reading;

/*
 * vcpus_fd is the map of struct vcpu_sums, stints_fd that of struct stint_sums, -1 when stints are not counted;
 * ended_fd that of threads that have ended, -1 when those stay in the first until they are dropped. All are borrowed.
 * Returns 0 and *reader, which the caller ends with sums_reader__free(); or -ENOMEM.
 */
int sums_reader__new(int vcpus_fd, int stints_fd, int ended_fd, struct sums_reader **reader);
void sums_reader__free(struct sums_reader *reader);

/*
 * Adds a reading for every thread that has an entry, or has ended since the last call, to the snapshot. The entry of one
 * that has ended is dropped, but where there is an ended_fd.
 * `forced`: its clock was read before the windows that were open then were read by force; else their
 * sums are as old as they say.
 * Returns 0, -ENOMEM, -EIO (an entry is not whole for a second), or what the kernel refused with.
 */
int sums_reader__read(struct sums_reader *reader, struct snapshot *snap, bool forced);

/*
 * Drops the entries of a thread that is not there any more, and puts the last of them into its reading, which is one of
 * the snapshot that was read last. Nothing happens when reading it has dropped them.
 */
void sums_reader__forget(struct sums_reader *reader, struct snapshot *snap,
			 struct vcpu_reading *vcpu);

#endif /* SUMS_READER_H */
