/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_reader - reads a running measurement, which was attached by bpf_loader in this process, or
 * pinned by another process. Knows threads and windows, not names.
 */
#ifndef BPF_READER_H
#define BPF_READER_H

#include <stdbool.h>
#include <sys/types.h>
#include "measure/vcpu_map.h"
#include "report/snapshot.h"

struct calibration;
struct perf_events;
struct bpf_reader;
struct sched_clock;

struct bpf_reader_opts {
	enum measure_mode mode;
	double mperf_ratio;      /* MPERF rate over TSC rate of CPUs of the first kind */
	double ns_per_tsc_cycle; /* by the scheduler's clock */
	const struct sched_clock
		*sched_clock; /* NULL: a pinned measurement, which has its own clock */
	int cpu_cnt;          /* possible CPUs */
	/* NULL: this process may not read the slots, and may force no read. */
	const volatile struct cpu_slot *slots;
	/*
	 * -1: `slots` is the memory that the BPF programs write. Otherwise `slots` is part of
	 * `shared`, a copy of the only value of this map, made for each snapshot: a map with
	 * read-only permission cannot be mapped (do_mmap() drops VM_SHARED for such a file, which
	 * bpf_map_mmap() requires).
	 */
	int shared_fd;
	void *shared;
	struct vcpu_map_fds sums;
	int healths_fd;
	/*
	 * The programs for forced reads and for the accounts of threads. -1: this process may not
	 * run them.
	 */
	int forced_read_fd, accounts_fd;
	int cpu_accounts_fd; /* -1: no --check; forced_read_fd is check_read otherwise */
	int events_fd;       /* -1: events are not reopened */
	int about_fd; /* of a pinned measurement, which may end before its readers; -1 otherwise */
	const struct calibration *calibration; /* NULL: one kind of core */
	struct perf_events *perf_events;       /* needed with events_fd */
};

/*
 * Borrows everything that opts points to. Returns 0 and *reader, which the caller frees with
 * bpf_reader__free(); or -errno, logged.
 */
int bpf_reader__new(const struct bpf_reader_opts *opts, struct bpf_reader **reader);
void bpf_reader__free(struct bpf_reader *reader);

/*
 * Reads all open windows and takes the accounts of all threads, then fills the cleared snapshot's
 * clock, mode, health and vcpus (everything that was seen since the measurement began, unsorted)
 * and, with cpu_accounts_fd, its cpus. Reopens MPERF events that can no longer be read. If this
 * process may force no read, the sums are complete up to the measurement's own last read.
 * Returns 0; -ESHUTDOWN when the measurement was unpinned; or another -errno: logged.
 */
int bpf_reader__read(struct bpf_reader *reader, struct snapshot *snap);

/*
 * Finds the loaded vCPUs after a break in which the hooks saw no loads. The hooks have run at least
 * since since_ns (CLOCK_MONOTONIC). The next bpf_reader__read() measures everything again except
 * vCPUs that are `stale`.
 * Returns 1; 0 when this process may force no read and not all CPU timers have fired since, so that
 * the caller must call again before the next bpf_reader__read(); or -errno, logged.
 */
int bpf_reader__find_loaded(struct bpf_reader *reader, __u64 since_ns);

/*
 * Checks whether this process can go on reading with its current rights and descriptors. Returns 0;
 * -EPERM or -EACCES; or another -errno.
 */
int bpf_reader__check_rights(const struct bpf_reader *reader);

/*
 * Drops the sums of a thread that no longer exists, so that its entry is free again: the thread
 * exited after it was read, or without the exit hook (exec(2) in another thread). Updates *vcpu,
 * its reading in the last snapshot, with what the thread did until its end. Returns 0 or -errno,
 * logged.
 */
int bpf_reader__forget(struct bpf_reader *reader, struct snapshot *snap, struct vcpu_reading *vcpu);

#endif /* BPF_READER_H */
