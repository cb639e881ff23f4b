/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sampler - takes a complete snapshot, from the readings of bpf_reader and the names in /proc. */
#ifndef SAMPLER_H
#define SAMPLER_H

#include <stddef.h>
#include <sys/types.h>

struct hostfs;
struct bpf_reader;
struct sampler;
struct snapshot;

struct sampler_opts {
	const struct hostfs *fs;
	struct bpf_reader *reader;
	const pid_t *pids; /* VMM processes to measure; NULL: all */
	size_t pid_cnt;
};

/*
 * Finds the running VMs. Borrows everything that opts points to. Returns 0 and *sampler, which the
 * caller frees with sampler__free(); or -errno.
 */
int sampler__new(const struct sampler_opts *opts, struct sampler **sampler);
void sampler__free(struct sampler *sampler);

/*
 * Clears and fills a snapshot: sorted, with a VM name for every vCPU, and including vCPUs that are
 * known but were not loaded yet. Threads that have exited are in one last snapshot.
 * Returns 0 or -errno, logged.
 */
int sampler__take(struct sampler *sampler, struct snapshot *snap);

/* Returns how many VMs the last snapshot found alive. */
size_t sampler__vm_cnt(const struct sampler *sampler);

#endif /* SAMPLER_H */
