/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * calibration - how fast MPERF counts against TSC, measured: no law says that it is 1.
 *
 * It is on AMD and on Intel's servers. On Intel's client parts TSC comes from a crystal and is off by
 * some tenths of a per cent, on Xeon Phi MPERF counts 1024 times slower, and nothing is promised for the
 * two kinds of core of a hybrid CPU (turbostat's tsc_tweak and aperf_mperf_multiplier; Intel SDM volume
 * 3, "Hardware Feedback": only the ratio of APERF to MPERF is defined).
 */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include <linux/types.h>

struct counters;
struct hostfs;

/* Core kinds of one host that are told apart. */
#define CORE_KINDS_MAX 2

struct calibration {
	/* MPERF rate over TSC rate of each kind of core; kind 0 is that of all CPUs but those below. */
	double ratio[CORE_KINDS_MAX];
	int kind_cnt;
	/* The CPUs of kind 1, as the kernel lists them ("16-23"); empty when there is one kind. */
	char kind1_cpus[256];
};

/*
 * Keeps one CPU of each kind busy for 50 ms, longer if others want it too, and sets out to the ratios.
 * The calling thread is pinned meanwhile, and put back.
 * Returns 0; -EOPNOTSUPP, logged, when MPERF does not count on a CPU that works, or too fast to be
 * MPERF (more than twice as fast as TSC); -EBUSY, logged, when too many others wanted the CPU
 * for 3 s; or another -errno, logged.
 */
int calibration__measure(const struct hostfs *fs, const struct counters *counters, int cpu_cnt,
			 struct calibration *out);

/* The kind of core that a CPU is. */
int calibration__kind(const struct calibration *calibration, int cpu);

/* Whether a list as the kernel writes it, "0-3,8,10-11", has the number. Empty lists have none. */
int cpulist__has(const char *list, int cpu);

#endif /* CALIBRATION_H */
