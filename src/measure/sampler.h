/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sampler - one whole snapshot from what the meter shows and what /proc calls it.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include <stddef.h>
#include <sys/types.h>

struct hostfs;
struct meter;
struct sampler;
struct snapshot;

struct sampler_opts {
	const struct hostfs *fs;
	struct meter *meter;
	const pid_t *pids; /* VMM processes to look at; NULL: all */
	size_t pid_cnt;
};

/*
 * Finds the VMs that run. Returns 0 and *sampler, which borrows all that opts points to and is ended
 * with sampler__free(); or -errno.
 */
int sampler__new(const struct sampler_opts *opts, struct sampler **sampler);
void sampler__free(struct sampler *sampler);

/*
 * Fills a snapshot, clearing it first: sorted, every VM of a vCPU named, vCPUs that are known but were
 * not loaded yet included. Threads that have ended are in one last snapshot.
 * Returns 0 or -errno, logged.
 */
int sampler__take(struct sampler *sampler, struct snapshot *snap);

/* How many VMs the last snapshot found alive. */
size_t sampler__vm_cnt(const struct sampler *sampler);

#endif /* SAMPLER_H */
