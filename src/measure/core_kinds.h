/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * core_kinds - the kinds of core of a host, as perf distinguishes them: a hybrid CPU has one PMU
 * for each kind, whose device lists its CPUs (/sys/devices/cpu_core/cpus, cpu_atom, cpu_lowpower;
 * arch/x86/events/intel/core.c). Other CPUs have no such device.
 */
#ifndef CORE_KINDS_H
#define CORE_KINDS_H

struct hostfs;

#define CORE_KINDS_MAX 8

struct core_kinds {
	struct {
		char name[32];   /* of the device; empty: all CPUs without a kind */
		char cpus[256];  /* as the kernel lists them: "16-23" */
	} kinds[CORE_KINDS_MAX]; /* cpu_core first, then by name */
	int cnt;                 /* at least 1 */
};

/*
 * Returns 0; or -E2BIG, logged, when there are more than CORE_KINDS_MAX kinds or a list is too
 * long.
 */
int core_kinds__find(const struct hostfs *fs, struct core_kinds *kinds);

/* Returns the kind of a CPU as an index; a CPU without a kind counts as the first. */
int core_kinds__of(const struct core_kinds *kinds, int cpu);

/*
 * Returns whether a list in the kernel's format ("0-3,8,10-11") contains the CPU. An empty list has
 * none.
 */
int cpulist__has(const char *list, int cpu);

#endif /* CORE_KINDS_H */
