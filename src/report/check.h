/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * check - whether the sums of two snapshots close: over each CPU, and of each vCPU. Pure arithmetic.
 *
 * It works on the raw sums, beside account and not behind it: nothing is clamped here, so that what is
 * wrong shows. With d for the difference between the snapshots, of each CPU:
 *
 *	interval = d at_ns, of the CPU's own readings
 *	halted   = interval - d mperf_cycles / (mperf_ratio * tsc_per_ns)
 *	vcpus    = d window_ns - d window_mperf_cycles / (mperf_ratio * tsc_per_ns)
 *	idle     = the same of idle_ns and idle_mperf_cycles
 *	rest     = halted - vcpus - idle
 *
 * The rest is what the CPU halted while neither a window nor the idle task was seen on it: nothing, if
 * no hook misses anything. MPERF that stood still shows a CPU that halted all along; there, nothing
 * counts as an explanation, since a stale counter would explain itself. Of each vCPU:
 *
 *	blocked = wall - loaded - wait
 *	host    = loaded - guest
 *	busy    = guest - halted	(loaded - halted in MODE_SWITCH, where guest and host are unknown)
 *
 * By these, loaded + wait + blocked = wall, guest + host = loaded and busy + halted = guest hold of
 * themselves. They mean something only while no term is below 0: an identity is off by the most that one
 * of its terms is; the last one also by the part of loaded that was not measured, if that is more.
 *
 * What it cannot tell: time that was missed and in which nothing was halted looks like blocked time.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "report/snapshot.h"

/*
 * Of the CPU's interval, and of the vCPU's wall time. Both are for what reading takes: a window's two
 * clocks and two counters are read one after the other, and the scheduler's clock is another one.
 */
#define CHECK_REST_MAX_PERCENT     1.0
#define CHECK_IDENTITY_MAX_PERCENT 0.1

struct cpu_check {
	int cpu;
	/* Signed, as all that follows. */
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
	__s64 guest_ns; /* not in MODE_SWITCH, as host_ns */
	__s64 host_ns;
	__s64 halted_ns;
	__s64 busy_ns;
	__s64 off_ns[IDENTITY_CNT]; /* never below 0 */
};

struct check {
	enum measure_mode mode;
	struct cpu_check *cpus; /* those with a reading in both snapshots, by cpu */
	size_t cpu_cnt;
	struct vcpu_check *vcpus; /* those seen in both, in the snapshots' order */
	size_t vcpu_cnt;
	size_t skipped_vcpu_cnt; /* seen in one: they came, went, or slept until now */
	__u64 lost_window_cnt;   /* within the interval */
	/* The worst of each kind, in per cent; NULL: there is none. */
	const struct cpu_check *worst_cpu;
	double rest_percent; /* signed */
	const struct vcpu_check *worst_vcpu;
	enum identity worst_identity;
	double off_percent;
	/* There was a CPU to check, nothing is above its limit, and no window was lost. */
	bool passed;
};

/*
 * Checks the span from prev to cur, both sorted. The caller ends the check with check__free().
 * Returns 0, -EINVAL as account__report() does, or -ENOMEM; nothing is owned then.
 */
int check__make(const struct snapshot *prev, const struct snapshot *cur, struct check *check);
void check__free(struct check *check);

#endif /* CHECK_H */
