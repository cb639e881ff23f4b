/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * account - two snapshots to one report. Pure arithmetic: no clock, no file, no library but libc.
 *
 * With d for the difference between the snapshots, of each vCPU:
 *
 *	wall    = d at_ns, or the vCPU's age when it is younger
 *	loaded  = d loaded_ns
 *	halted  = measured - d mperf_cycles / (mperf_ratio * tsc_per_ns), clamped to 0 .. guest
 *	guest   = d guest_ns
 *	busy    = guest - halted
 *	host    = loaded - guest
 *	wait    = d wait_ns, clamped to wall - loaded
 *	blocked = wall - loaded - wait
 *
 * where tsc_per_ns = d tsc_cycles / d mono_ns of the two snapshots: clock steering cancels.
 * loaded + wait + blocked = wall, guest + host = loaded and busy + halted = guest hold in every
 * report to the nanosecond; what it took to make them hold is in METRIC_CLAMPED_NS, not lost.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include "snapshot.h"

enum metric {
	METRIC_WALL_NS,
	METRIC_LOADED_NS,
	METRIC_HALTED_NS,
	METRIC_GUEST_NS,
	METRIC_BUSY_NS,
	METRIC_HOST_NS,
	METRIC_WAIT_NS,
	METRIC_BLOCKED_NS,
	METRIC_ENTRY_CNT,
	METRIC_CLAMPED_NS,    /* sum of what every clamp took away or added */
	METRIC_UNMEASURED_NS, /* loaded time without MPERF: its halted part is not known */
	METRIC_CNT,
};

/* Not measured. Never zero in its place; unknown in a sum makes the sum unknown. */
#define METRIC_UNKNOWN UINT64_MAX

struct metrics {
	__u64 value[METRIC_CNT];
};

struct vcpu_report {
	pid_t tid;
	__u32 vcpu_id;
	struct metrics metrics;
};

struct vm_report {
	pid_t pid;
	__u64 vm_id;
	const char *name; /* in the current snapshot */
	struct metrics metrics; /* sums over vcpus */
	const struct vcpu_report *vcpus; /* in the report's own memory */
	size_t vcpu_cnt;
};

struct report {
	__u64 interval_ns;
	struct clock_reading begin, end;
	enum measure_mode mode;
	double mperf_ratio;
	struct health health; /* failures within the interval */
	struct vm_report *vms;
	size_t vm_cnt;
	struct vcpu_report *vcpus; /* of all VMs, in the order of vms */
	size_t vcpu_cnt;
};

/*
 * Makes the report of the span from prev to cur. Both snapshots outlive the report, whose memory is
 * used again when the same struct is given (zero-initialise it before the first time) and is freed
 * by report__free().
 * Returns 0, -EINVAL (cur is not after prev, or TSC stood still), or -ENOMEM.
 */
int account__report(const struct snapshot *prev, const struct snapshot *cur, struct report *report);
void report__free(struct report *report);

#endif /* ACCOUNT_H */
