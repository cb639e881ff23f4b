/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * collector - the BPF side: the only owner of the skeleton. Loads, attaches, forces reads, reads.
 *
 * Measures from collector__new() to collector__free(). Knows threads and windows, not names.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "report/snapshot.h"

struct collector;
struct hook_plan;
struct hostfs;
struct program_stats;

struct collector_opts {
	const struct hostfs *fs;
	const struct hook_plan *plan;
	enum measure_mode mode;
	double mperf_ratio; /* MPERF rate over TSC rate; 0: to be measured */
	const pid_t *pids;  /* VMM processes to measure; NULL: all */
	size_t pid_cnt;
	bool histogram; /* count stints by how long they were halted; only in MODE_ENTRY */
	bool check;     /* account for whole CPUs too */
	bool bpf_stats; /* let the kernel time BPF programs, all of the host's, while we run */
	/* Start a process that opens MPERF on CPUs that come online, for one that gives up its rights; see opener.h */
	bool opener;
	const char *opener_user;
};

/*
 * Loads and attaches the programs, and takes the baseline of vCPUs that are loaded already.
 * Returns 0 and *collector, which the caller ends with collector__free(); -EOPNOTSUPP when this host
 * or kernel cannot do it; or another -errno. Every failure has been logged.
 */
int collector__new(const struct collector_opts *opts, struct collector **collector);
void collector__free(struct collector *collector);

/*
 * Forces a read of every window that is open, then fills the cleared snapshot's clock, mode, health
 * and vcpus with all that was seen since collector__new(), unsorted; and, with opts.check, its cpus.
 * MPERF events that no longer read are opened again.
 * Returns 0 or -errno, logged.
 */
int collector__read(struct collector *collector, struct snapshot *snap);

/*
 * What the programs that are loaded have cost, for as many as there is room; the names are the collector's.
 * Returns how many: none while the kernel does not time BPF programs.
 */
size_t collector__program_stats(const struct collector *collector, struct program_stats *stats,
				size_t max);

/*
 * Whether the process as it is, with what it holds, may go on reading. Returns 0; -EPERM or -EACCES; or another
 * -errno.
 */
int collector__check_rights(const struct collector *collector);

/* Drops the sums of a thread that has ended, so that its place in the map is free again. */
void collector__forget(struct collector *collector, pid_t tid);

#endif /* COLLECTOR_H */
