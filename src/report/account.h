/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * account - two snapshots to one report. Pure arithmetic: no clock, no file, no library but libc.
 *
 * With d for the difference between the snapshots, of each vCPU:
 *
 *	wall    = d at_ns, or the vCPU's age when it is younger
 *	loaded  = d loaded_ns, clamped to 0 .. wall
 *	halted  = d measured_ns - d mperf_cycles / (mperf_ratio * tsc_per_ns), clamped to 0 .. guest
 *	guest   = d guest_ns, clamped to 0 .. loaded
 *	busy    = guest - halted
 *	host    = loaded - guest
 *	wait    = d wait_ns, clamped to 0 .. wall - loaded
 *	blocked = wall - loaded - wait
 *
 * where tsc_per_ns = d tsc_cycles / d mono_ns of the two snapshots: clock steering cancels.
 * loaded + wait + blocked = wall, guest + host = loaded and busy + halted = guest hold in every
 * report to the nanosecond, in the sums of a VM too, wherever all three are known; what it took to
 * make them hold is in METRIC_CLAMPED_NS, not lost. The differences are signed: a counter that goes
 * back is clamped at 0 like any other, it does not come out as 2^64.
 *
 * vCPUs are told apart by vcpu_reading__compare(). One that prev does not have has gathered all of
 * its sums since prev, for the hooks were there before prev was taken; d is then the sum itself, and
 * wall begins at prev or at its birth. The exception is wait_ns, which the kernel counts from the
 * birth of the thread.
 *
 * What is unknown, and why:
 *
 *	MODE_SWITCH		guest, host, busy, entries; halted is clamped to 0 .. loaded instead
 *	no time measured	halted and busy, if any time was loaded
 *	the host was suspended	the same: TSC's rate is not known then
 *	some of it unmeasured	busy; halted is that of the measured part, so it is a lower bound that
 *				falls short by METRIC_UNMEASURED_NS at most
 *	no wait_ns at prev	wait and blocked, unless the thread is younger than prev. A thread that
 *				was not `seen` at prev may have one all the same
 *	not `seen`		nothing: the hooks would have seen it, so it is a measured 0. Not so when
 *				the map of vCPUs is or was full (map_full_cnt): then all but wall is
 *				unknown
 *	first `seen` in cur	the same, if the map was full in the interval, or was before and the vCPU
 *				is older: it may have had windows before for which there was no room
 *	entry_cnt went back	entries; there are no nanoseconds to count it in
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include "report/histogram.h"
#include "report/snapshot.h"

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
	METRIC_UNMEASURED_NS, /* loaded time without MPERF, at most: its halted part is not known */
	METRIC_CNT,
};

/*
 * Not measured. Never zero in its place. Unknown in a sum makes the sum unknown, and so does a sum
 * that does not fit.
 */
#define METRIC_UNKNOWN UINT64_MAX

struct metrics {
	__u64 value[METRIC_CNT];
};

struct vcpu_report {
	pid_t tid;
	__u32 vcpu_id;
	struct metrics metrics;
	const struct histogram *histogram; /* NULL: stints were not counted */
};

struct vm_report {
	pid_t pid;
	__u64 vm_id;
	const char *name;                  /* in the current snapshot; "?" when that has none */
	struct metrics metrics;            /* sums over vcpus; all unknown when there are none */
	const struct histogram *histogram; /* sum over vcpus; NULL as theirs */
	const struct vcpu_report *vcpus;   /* by vcpu_id, tid; in the report's own memory */
	size_t vcpu_cnt;
};

struct report {
	__u64 interval_ns;
	struct clock_reading begin, end;
	enum measure_mode mode;
	double mperf_ratio;
	struct health health; /* failures within the interval */
	/*
	 * By pid, vm_id. A process with several VMs has one report for each, all of the same name; its
	 * vCPUs that were not seen count to the first. A VM of which no vCPU is known is there too.
	 */
	struct vm_report *vms;
	size_t vm_cnt;
	struct vcpu_report *vcpus; /* of all VMs, in the order of vms */
	size_t vcpu_cnt;
	/* What vcpus and vms point to. */
	struct histogram *vcpu_histograms, *vm_histograms;
	/* elements for which there is memory */
	size_t vm_room, vcpu_room, vcpu_histogram_room, vm_histogram_room;
};

/*
 * Makes the report of the span from prev to cur, both in the order that snapshot__sort() makes. They
 * outlive the report, whose memory is used again when the same struct is given (zero-initialise it
 * before the first time) and is freed by report__free().
 * Returns 0, -EINVAL (cur is not after prev, TSC stood still or went back without a suspend, or mperf_ratio is not a
 * finite number above 0), and the report is left as it was; or -ENOMEM, and it is
 * freed.
 */
int account__report(const struct snapshot *prev, const struct snapshot *cur, struct report *report);
void report__free(struct report *report);

#endif /* ACCOUNT_H */
