/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * core_kinds - the kinds of core of a host, as perf tells them apart: a hybrid CPU has a PMU for each, whose device
 * lists its CPUs (/sys/devices/cpu_core/cpus, cpu_atom, cpu_lowpower; arch/x86/events/intel/core.c). Other CPUs have no
 * such device.
 */
#ifndef CORE_KINDS_H
#define CORE_KINDS_H

struct hostfs;

#define CORE_KINDS_MAX 8

struct core_kinds {
	struct {
		char name[32];   /* of the device; empty: all CPUs that no other kind has */
		char cpus[256];  /* as the kernel lists them: "16-23" */
	} kinds[CORE_KINDS_MAX]; /* cpu_core is the first, the others are by name */
	int cnt;                 /* one at least */
};

/* Returns 0; or -E2BIG, logged, where there are more kinds than that, or a list is too long. */
int core_kinds__find(const struct hostfs *fs, struct core_kinds *kinds);

/* The kind of core that a CPU is; one that no kind has is taken for the first. */
int core_kinds__of(const struct core_kinds *kinds, int cpu);

/* Whether a list as the kernel writes it, "0-3,8,10-11", has the number. Empty lists have none. */
int cpulist__has(const char *list, int cpu);

#endif /* CORE_KINDS_H */
