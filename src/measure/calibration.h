/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * calibration - measures the ratio of MPERF's rate to TSC's, which is not always 1.
 *
 * The ratio is 1 on AMD and on Intel's servers. On Intel's client CPUs, TSC comes from a crystal
 * and is off by some tenths of a per cent; on Xeon Phi, MPERF counts 1024 times slower; and nothing
 * is specified for the kinds of core of a hybrid CPU (turbostat's tsc_tweak and
 * aperf_mperf_multiplier; Intel SDM volume 3, "Hardware Feedback": only the ratio of APERF to MPERF
 * is defined).
 */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include <linux/types.h>
#include "measure/core_kinds.h"

struct perf_events;
struct hostfs;

struct calibration {
	double ratio[CORE_KINDS_MAX]; /* MPERF rate over TSC rate of each kind of core */
	struct core_kinds kinds;
};

/*
 * Keeps one online CPU of each kind busy for 50 ms, or longer if other threads compete for it, and
 * sets *out to the ratios. The calling thread is bound to these CPUs meanwhile; its affinity is
 * restored.
 * Returns 0; -EOPNOTSUPP, logged, when MPERF does not count on a busy CPU, or counts too fast to be
 * MPERF (more than twice as fast as TSC); -EBUSY, logged, when other threads competed for the CPU
 * for 3 s; or another -errno, logged.
 */
int calibration__measure(const struct hostfs *fs, const struct perf_events *events, int cpu_cnt,
			 struct calibration *out);

#endif /* CALIBRATION_H */
