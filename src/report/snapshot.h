/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * snapshot - one timestamped set of raw readings: what account needs, and nothing else. Pure data.
 *
 * All counters are cumulative; only their difference between two snapshots means anything.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>
#include "base/clock.h"
#include "gtimehalt.h"

/* Where the counters are read. */
enum measure_mode {
	MODE_ENTRY,  /* windows and stints: guest, host, busy and entries are known */
	MODE_SWITCH, /* windows only */
};

/* Failures since the programs were loaded, over all CPUs. */
struct health {
	__u64 lost_window_cnt; /* windows whose end was not seen: their time is missing */
	__u64 mperf_error_cnt; /* MPERF reads that failed: time loaded, but not measured */
	__u64 map_full_cnt;    /* windows of threads for which there was no room */
	__u64 hooks_off_cnt;   /* snapshots before which the hooks did not run, or may not have */
	/* windows of threads of a process that had used up its share of the room */
	__u64 refused_window_cnt;
};

/* One vCPU thread. `seen` false: known to exist, but not loaded since the tool started. */
struct vcpu_reading {
	pid_t pid; /* of the VMM process */
	pid_t tid;
	__u32 vcpu_id;
	bool seen;
	bool wait_known; /* wait_ns has been read */
	/*
	 * Since the hooks run again this thread was neither loaded nor found loaded: with its next load comes what
	 * it did while they did not run.
	 */
	bool stale;
	__u64 vm_id; /* tells the VMs of one process apart; 0 when not known */
	__u64 start_boottime_ns;
	__u64 at_ns; /* CLOCK_MONOTONIC at which the counters below were complete; never 0 */
	/* What the thread ran, in its windows and outside of them; by the scheduler's clock, as all that has no other. */
	__u64 loaded_ns;
	/*
	 * Spans that no other guest and no idle task shared with this vCPU, and the MPERF cycles in them:
	 * what those lack was halted by it. Host code may have run there too, so the sum can be more
	 * than loaded_ns.
	 */
	__u64 measured_ns;
	__u64 mperf_cycles;
	__u64 unmeasured_ns; /* of such spans in which MPERF did not read */
	__u64 guest_ns;      /* CLOCK_MONOTONIC */
	__u64 entry_cnt;
	__u64 wait_ns; /* run-queue delay since the thread's birth */
	/* Twice how often the thread went to sleep, and 1 more while it is asleep; where it is known. */
	__u64 sleeps;
	bool sleeps_known;
	/* Of snapshot.stints, counted from 1; 0: none of its stints has been counted there. */
	__u32 stint_number;
};

/* --histogram: how long the stints of one vCPU were halted. */
struct stint_reading {
	__u64 halted_ns; /* of all that are counted */
	__u64 cnt[STINT_BUCKET_CNT];
};

struct vm_reading {
	pid_t pid;
	char name[128]; /* printable; the process's name when the VM has none of its own */
};

/* --check: one CPU that is online. All counters are of what happened on it. */
struct cpu_reading {
	int cpu;
	double mperf_ratio; /* of its kind of core */
	__u64 at_ns;        /* the time in which the counters below have counted */
	__u64 mperf_cycles; /* of the CPU, whatever ran */
	__u64 window_ns;    /* of vCPUs' windows with known MPERF cycles */
	__u64 window_mperf_cycles;
	__u64 idle_ns; /* of the idle task */
	__u64 idle_mperf_cycles;
};

struct snapshot {
	struct clock_reading clock;
	enum measure_mode mode;
	bool host_halts;    /* outside of its idle task: see acpi_pad.h */
	double mperf_ratio; /* MPERF rate over TSC rate */
	struct health health;
	/* CLOCK_MONOTONIC since when the hooks run without a break; 0: they always did. Not recorded: vcpus have it. */
	__u64 hooked_ns;
	struct vm_reading *vms; /* sorted by pid */
	size_t vm_cnt;
	struct vcpu_reading *vcpus; /* sorted by vcpu_reading__compare() */
	size_t vcpu_cnt;
	struct cpu_reading *cpus; /* by cpu; none but for --check */
	size_t cpu_cnt;
	bool has_stints; /* they were counted */
	struct stint_reading *stints;
	size_t stint_cnt;
	/* elements for which there is memory */
	size_t vm_room, vcpu_room, cpu_room, stint_room;
};

/*
 * The order of vCPUs in a snapshot: pid, vm_id, vcpu_id, tid, start. 0: the same vCPU; whatever is
 * unlike makes it another one. In the header so that account needs nothing to be linked.
 */
static inline int vcpu_reading__compare(const struct vcpu_reading *a, const struct vcpu_reading *b)
{
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->vm_id != b->vm_id)
		return a->vm_id < b->vm_id ? -1 : 1;
	if (a->vcpu_id != b->vcpu_id)
		return a->vcpu_id < b->vcpu_id ? -1 : 1;
	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	if (a->start_boottime_ns != b->start_boottime_ns)
		return a->start_boottime_ns < b->start_boottime_ns ? -1 : 1;
	return 0;
}

/*
 * Adds one reading; a zero-initialised snapshot is an empty one. The caller owns the snapshot and
 * ends it with snapshot__free().
 * Returns the new element, zeroed, valid until the next call; NULL when memory is short.
 */
struct vcpu_reading *snapshot__add_vcpu(struct snapshot *snap);
struct vm_reading *snapshot__add_vm(struct snapshot *snap);
struct cpu_reading *snapshot__add_cpu(struct snapshot *snap);

/*
 * The same for the stints of one of its vCPUs, which refers to them from then on, also when it is moved by
 * snapshot__sort().
 */
struct stint_reading *snapshot__add_stints(struct snapshot *snap, struct vcpu_reading *vcpu);

/* Puts vms and vcpus into the order stated above; cpus are added in theirs. */
void snapshot__sort(struct snapshot *snap);

/* How many vCPUs a sorted one has: one may be there more than once, as vcpu_cnt_of() in columns.h says. */
size_t snapshot__vcpu_cnt(const struct snapshot *snap);

/* Empties the snapshot, clock and all, and keeps its memory for the next one. */
void snapshot__clear(struct snapshot *snap);

/* Leaves a snapshot that is empty and may be used again. */
void snapshot__free(struct snapshot *snap);

#endif /* SNAPSHOT_H */
