/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* snapshot_taker - takes complete snapshots, from readings of bpf_reader and names in /proc. */
#ifndef SNAPSHOT_TAKER_H
#define SNAPSHOT_TAKER_H

#include <stddef.h>
#include <sys/types.h>

struct hostfs;
struct bpf_reader;
struct snapshot_taker;
struct snapshot;

struct snapshot_taker_opts {
	const struct hostfs *fs;
	struct bpf_reader *reader;
	const pid_t *pids; /* VMM processes to measure; NULL: all */
	size_t pid_cnt;
};

/*
 * Finds the running VMs. Borrows everything that opts points to. Returns 0 and *taker, which the
 * caller frees with snapshot_taker__free(); or -errno.
 */
int snapshot_taker__new(const struct snapshot_taker_opts *opts, struct snapshot_taker **taker);
void snapshot_taker__free(struct snapshot_taker *taker);

/*
 * Clears and fills a snapshot: sorted, with a VM name for every vCPU, and including vCPUs that are
 * known but were not loaded yet. Threads that have exited are in one last snapshot.
 * Returns 0 or -errno, logged.
 */
int snapshot_taker__take(struct snapshot_taker *taker, struct snapshot *snap);

/* Returns how many VMs the last snapshot found alive. */
size_t snapshot_taker__vm_cnt(const struct snapshot_taker *taker);

#endif /* SNAPSHOT_TAKER_H */
