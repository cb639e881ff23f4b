/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * meter - reads a measurement that is going on, whoever attached it: collector, in this process, or another
 * one that has pinned it. Knows threads and windows, not names.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <sys/types.h>
#include "measure/sums_reader.h"
#include "report/snapshot.h"

struct calibration;
struct counters;
struct meter;
struct sched_clock;

struct meter_opts {
	enum measure_mode mode;
	double mperf_ratio;      /* of CPUs of the first kind */
	double ns_per_tsc_cycle; /* by the scheduler's clock */
	const struct sched_clock
		*sched_clock; /* NULL: the measurement is pinned, and has its own */
	int cpu_cnt;          /* possible CPUs */
	/* NULL: they may not be read, nor may a read be forced. */
	const volatile struct cpu_slot *slots;
	/*
	 * -1: slots lie in the memory that the programs write. Else they are part of `shared`, a copy of the
	 * only value of this map, which is made anew for each snapshot: a map that may only be read cannot be
	 * mapped (do_mmap() drops VM_SHARED of such a file, which bpf_map_mmap() wants).
	 */
	int shared_fd;
	void *shared;
	struct sums_maps sums;
	int healths_fd;
	/* The programs that a forced read runs, and that takes the accounts of threads. -1: they may not be run. */
	int reader_fd, accounts_fd;
	int cpu_accounts_fd; /* -1: no --check; reader_fd is check_read otherwise */
	int events_fd;       /* -1: events are not reopened */
	int about_fd; /* of a pinned measurement, which may end before its readers do; else -1 */
	const struct calibration *calibration; /* NULL: one kind of core */
	struct counters *counters;             /* with events_fd */
};

/*
 * All that opts points to is borrowed. Returns 0 and *meter, which the caller ends with meter__free(); or
 * -errno, logged.
 */
int meter__new(const struct meter_opts *opts, struct meter **meter);
void meter__free(struct meter *meter);

/*
 * Has the accounts of all threads taken and every window that is open read, then fills the cleared snapshot's clock, mode, health
 * and vcpus with all that was seen since the measurement began, unsorted; and, with cpu_accounts_fd, its
 * cpus. MPERF events that no longer read are opened again. Who may not force a read gets sums that are
 * complete up to the measurement's own last read.
 * Returns 0; -ESHUTDOWN when the measurement has been unpinned; or another -errno: logged.
 */
int meter__read(struct meter *meter, struct snapshot *snap);

/*
 * Finds the vCPUs that are loaded, after a break in which the hooks saw none. since_ns: CLOCK_MONOTONIC, the hooks have
 * run since then at least. From the next meter__read() on all is measured again, but for vCPUs that are `stale`.
 * Returns 1; 0 when this process may force no read, and the timers of the CPUs have not all come round yet: then it is
 * called again before the next meter__read(); or -errno, logged.
 */
int meter__find_loaded(struct meter *meter, __u64 since_ns);

/*
 * Whether the process as it is, with what it holds, may go on reading. Returns 0; -EPERM or -EACCES; or another
 * -errno.
 */
int meter__check_rights(const struct meter *meter);

/*
 * Drops the sums of a thread that is not there, so that its place in the map is free again: of one that ended since it
 * was read, or without a word (exec(2) in another thread). What it did until its end is in its reading then, which is
 * one of the snapshot that was read last.
 */
void meter__forget(struct meter *meter, struct snapshot *snap, struct vcpu_reading *vcpu);

#endif /* METER_H */
