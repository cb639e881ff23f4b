/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * snapshot - a set of raw readings at one point in time: the input of account. Pure data.
 *
 * All counters are cumulative; only differences between two snapshots are meaningful.
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
	__u64 mperf_error_cnt; /* failed reads of MPERF: loaded time that is unmeasured */
	__u64 map_full_cnt;    /* windows of threads for which the map had no room */
	__u64 hooks_off_cnt;   /* snapshots before which the hooks did not run, or may not have */
	/* windows of threads of a process that had used up its share of the room */
	__u64 refused_window_cnt;
};

/* One vCPU thread. `seen` false: known to exist, but never loaded since this program started. */
struct vcpu_reading {
	pid_t pid; /* of the VMM process */
	pid_t tid;
	__u32 vcpu_id;
	bool seen;
	bool wait_known; /* wait_ns has been read; if not `seen`, loaded_ns too */
	/*
	 * The hooks were off, and since they run again this thread was neither
	 * loaded nor found loaded. When it is loaded next, its sums may include
	 * what it did while the hooks were off.
	 */
	bool stale;
	bool cannot_halt; /* not in guest mode, by KVM's flags: see struct vcpu_sums */
	__u64 vm_id;      /* distinguishes VMs of one process; 0: unknown */
	__u64 start_boottime_ns;
	__u64 at_ns; /* CLOCK_MONOTONIC when the counters below were complete; never 0 */
	/*
	 * Time that the thread had a CPU, in windows and outside of them, since it first ran this
	 * vCPU; if it is not `seen`, since it was created. All times below without a clock of their
	 * own are by the scheduler's clock.
	 */
	__u64 loaded_ns;
	/* Run time of the thread before; 0: unknown, or the thread had run another vCPU before. */
	__u64 ran_before_ns;
	/*
	 * Length of spans that this vCPU shared with no other guest and no idle task, and MPERF
	 * cycles in them: the missing cycles were halted by it. Other host code may also have run
	 * in them, so the sum can exceed loaded_ns.
	 */
	__u64 measured_ns;
	__u64 mperf_cycles;
	__u64 unmeasured_ns; /* length of such spans in which MPERF could not be read */
	__u64 guest_ns;      /* CLOCK_MONOTONIC */
	__u64 entry_cnt;
	__u64 wait_ns; /* run-queue delay since the thread was created */
	/* Twice the number of times that the thread went to sleep, plus 1 while it sleeps. */
	__u64 sleeps;
	bool sleeps_known;
	/* Index + 1 into snapshot.stints; 0: none of its stints was counted. */
	__u32 stint_number;
	__u32 entry; /* index of its sums; only for vcpu_map */
};

/* --histogram: how long the stints of one vCPU were halted. */
struct stint_reading {
	__u64 halted_ns; /* of all stints in cnt */
	__u64 cnt[STINT_BUCKET_CNT];
};

struct vm_reading {
	pid_t pid;
	char name[128]; /* printable; the process's comm if the VM has no name */
};

/* --check: one online CPU. The counters are of what happened on that CPU. */
struct cpu_reading {
	int cpu;
	double mperf_ratio; /* of this type of core */
	__u64 at_ns;        /* time for which the counters below have counted */
	__u64 mperf_cycles; /* of the CPU, whatever ran on it */
	__u64 window_ns;    /* of vCPUs' windows with known MPERF cycles */
	__u64 window_mperf_cycles;
	__u64 idle_ns; /* of the idle task */
	__u64 idle_mperf_cycles;
};

struct snapshot {
	struct clock_reading clock;
	enum measure_mode mode;
	bool pinned;          /* read from a measurement that --pin started */
	bool host_halts;      /* outside of its idle task: see acpi_pad.h */
	__u32 online_cpu_cnt; /* 0: unknown */
	double mperf_ratio;   /* MPERF rate over TSC rate */
	struct health health;
	/*
	 * CLOCK_MONOTONIC since when the hooks have run without a break; 0: always. Not recorded:
	 * each vcpu has the result, `stale`.
	 */
	__u64 hooked_ns;
	struct vm_reading *vms; /* sorted by pid */
	size_t vm_cnt;
	struct vcpu_reading *vcpus; /* sorted by vcpu_reading__compare() */
	size_t vcpu_cnt;
	struct cpu_reading *cpus; /* sorted by cpu; only with --check */
	size_t cpu_cnt;
	bool has_stints; /* stints were counted */
	struct stint_reading *stints;
	size_t stint_cnt;
	/* allocated elements */
	size_t vm_room, vcpu_room, cpu_room, stint_room;
};

/*
 * Defines the order of vCPUs in a snapshot: pid, vm_id, vcpu_id, tid, start. The result is 0 only
 * for the same vCPU; a difference in any of these makes it another one. It is inline so that
 * account needs no other object.
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
 * Add one reading. A zero-initialized snapshot is empty; the caller frees it with snapshot__free().
 * Return the new element, zeroed and valid until the next call; or NULL if out of memory.
 */
struct vcpu_reading *snapshot__add_vcpu(struct snapshot *snap);
struct vm_reading *snapshot__add_vm(struct snapshot *snap);
struct cpu_reading *snapshot__add_cpu(struct snapshot *snap);

/*
 * Adds a reading for the stints of this vCPU, and makes the vCPU refer to it; snapshot__sort()
 * keeps the reference.
 */
struct stint_reading *snapshot__add_stints(struct snapshot *snap, struct vcpu_reading *vcpu);

/* Sorts vms and vcpus in the orders given above. cpus must be added in order. */
void snapshot__sort(struct snapshot *snap);

/*
 * Returns the number of vCPUs of a sorted snapshot. It may be lower than vcpu_cnt, see
 * vcpu_cnt_of() in columns.h.
 */
size_t snapshot__vcpu_cnt(const struct snapshot *snap);

/* Empties the snapshot, including the clock, but keeps the memory for reuse. */
void snapshot__clear(struct snapshot *snap);

/* Frees the memory, and leaves an empty snapshot that can be used again. */
void snapshot__free(struct snapshot *snap);

#endif /* SNAPSHOT_H */
