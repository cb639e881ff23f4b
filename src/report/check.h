/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * check - check that the sums of two snapshots close, for each CPU and each vCPU. Pure arithmetic.
 *
 * It uses the raw sums, not a report: nothing is clamped here, so that errors show. With d for the
 * difference between the snapshots, for each CPU:
 *
 *	interval = d at_ns, of the CPU's own readings
 *	halted   = interval - d mperf_cycles / (mperf_ratio * tsc_per_ns)
 *	vcpus    = d window_ns - d window_mperf_cycles / (mperf_ratio * tsc_per_ns)
 *	idle     = the same with idle_ns and idle_mperf_cycles
 *	rest     = halted - vcpus - idle
 *
 * The rest is time that the CPU was halted while neither a window nor the idle task was seen on it.
 * It is 0 if the hooks miss nothing. If MPERF stopped, the CPU seems to have been halted all the
 * time; then vcpus and idle count as 0, because the same stale counter would explain its own error.
 *
 * For each vCPU:
 *
 *	blocked = wall - loaded - wait
 *	host    = loaded - guest
 *	busy    = guest - halted	(MODE_SWITCH: loaded - halted; guest and host are unknown)
 *
 * By these definitions the identities loaded + wait + blocked = wall, guest + host = loaded and
 * busy + halted = guest always hold. They mean something only if no term is negative: the error of
 * an identity is the magnitude of its most negative term. For the last identity it is the
 * unmeasured part of loaded, if that is larger.
 *
 * This check cannot notice missed time in which nothing was halted: it looks like blocked time.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "report/snapshot.h"

/*
 * Limits in per cent of the CPU's interval and of the vCPU's wall time. They allow for the time
 * between the reads of two clocks and two counters of a window, and for the scheduler's clock,
 * which is a third one.
 */
#define CHECK_REST_MAX_PERCENT     1.0
#define CHECK_IDENTITY_MAX_PERCENT 0.1

struct cpu_check {
	int cpu;
	/* Signed, like all times below. */
	__s64 interval_ns;
	__s64 halted_ns;
	__s64 vcpus_ns;
	__s64 idle_ns;
	__s64 rest_ns;
};

enum identity {
	IDENTITY_WALL,   /* loaded + wait + blocked = wall */
	IDENTITY_LOADED, /* guest + host = loaded */
	IDENTITY_GUEST,  /* busy + halted = guest */
	IDENTITY_CNT,
};

struct vcpu_check {
	pid_t tid;
	__u32 vcpu_id;
	__s64 wall_ns;
	__s64 loaded_ns;
	__s64 wait_ns;
	__s64 blocked_ns;
	__s64 guest_ns; /* unknown in MODE_SWITCH, like host_ns */
	__s64 host_ns;
	__s64 halted_ns;
	__s64 busy_ns;
	__s64 off_ns[IDENTITY_CNT]; /* never negative */
};

struct check {
	enum measure_mode mode;
	struct cpu_check *cpus; /* CPUs read in both snapshots, sorted by cpu */
	size_t cpu_cnt;
	struct vcpu_check *vcpus; /* vCPUs seen in both snapshots, in their order */
	size_t vcpu_cnt;
	size_t skipped_vcpu_cnt; /* seen in one only: they are new, exited, or slept until now */
	__u64 lost_window_cnt;   /* within the interval */
	/* The worst of each kind, in per cent; NULL: there is none. */
	const struct cpu_check *worst_cpu;
	double rest_percent; /* signed */
	const struct vcpu_check *worst_vcpu;
	enum identity worst_identity;
	double off_percent;
	/* At least one CPU was checked, no limit is exceeded, and no window was lost. */
	bool passed;
};

/*
 * Checks the interval from prev to cur; both must be sorted.
 * Returns 0, and the caller must call check__free(); -EINVAL as account__report() does; or -ENOMEM.
 */
int check__make(const struct snapshot *prev, const struct snapshot *cur, struct check *check);
void check__free(struct check *check);

#endif /* CHECK_H */
