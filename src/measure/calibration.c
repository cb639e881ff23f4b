// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "measure/calibration.h"
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/perf_events.h"

/*
 * A round takes READING_CNT readings, with a busy loop between each two. The loop is shorter than a
 * scheduler's slice: a longer loop makes the error of a reading matter less, but slices go down to
 * 0.7 ms where many threads compete for the CPU (sched_base_slice_ns). PAIR_CNT pairs of readings
 * are enough for a median; GIVE_UP_NS limits the time to get them.
 */
#define READING_CNT  25
#define SLICE_NS     2000000ULL
#define SLICE_MIN_NS 250000ULL
#define PAIR_CNT     5
#define GIVE_UP_NS   3000000000ULL
#define RATIO_MAX    2.0

static long switch_cnt(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nvcsw + usage.ru_nivcsw;
}

/*
 * Reads a pair twice and returns the second reading. In the first read the kernel's code and data
 * are not in the caches, and more time passes between TSC and MPERF than in others: the end of each
 * slice would differ from its beginning.
 */
static int read_warm(const struct perf_pair *pair, struct pair_reading *reading)
{
	int err = perf_pair__read(pair, reading);

	return err ? err : perf_pair__read(pair, reading);
}

static int compare_ratios(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

struct reading {
	struct pair_reading counters;
	bool preempted; /* since the previous reading */
};

/*
 * Spends some ten microseconds in C0. A loop of clock readings would be as busy, but an emulated
 * TSC that two CPUs read all the time runs fast: it is set forward whenever one of them is late.
 */
static void stay_busy(void)
{
	for (volatile int i = 0; i < 20000; i++)
		;
}

static int take_readings(const struct perf_pair *pair, __u64 slice_ns, struct reading *readings)
{
	long switches = switch_cnt();

	for (int i = 0; i < READING_CNT; i++) {
		__u64 begin_ns = clock__now_ns();
		int err;

		while (clock__now_ns() < begin_ns + slice_ns)
			stay_busy();
		err = read_warm(pair, &readings[i].counters);
		if (err)
			return err;
		readings[i].preempted = switch_cnt() != switches;
		switches = switch_cnt();
	}
	return 0;
}

/*
 * Computes the rate between two readings. Returns false if the thread was preempted between them or
 * TSC did not advance.
 */
static bool rate_between(const struct reading *from, const struct reading *to, double *ratio)
{
	for (const struct reading *reading = from + 1; reading <= to; reading++)
		if (reading->preempted)
			return false;
	/* An event that does not count does not exist; this holds for TSC too. */
	if (to->counters.tsc_cycles <= from->counters.tsc_cycles)
		return false;
	*ratio = (double)(to->counters.mperf_cycles - from->counters.mperf_cycles) /
		 (double)(to->counters.tsc_cycles - from->counters.tsc_cycles);
	return true;
}

/*
 * Computes the median of the rates between readings that are `lag` apart; returns false when there
 * are too few of them.
 */
static bool median_rate(const struct reading *readings, int lag, double *ratio)
{
	double ratios[READING_CNT];
	size_t cnt = 0;

	for (int i = 0; i + lag < READING_CNT; i++)
		cnt += rate_between(&readings[i], &readings[i + lag], &ratios[cnt]);
	if (cnt < PAIR_CNT)
		return false;
	qsort(ratios, cnt, sizeof(*ratios), compare_ratios);
	*ratio = ratios[cnt / 2];
	return true;
}

/*
 * Measures the ratio on the current CPU, to which the thread is bound. The thread keeps the CPU in
 * C0 as long as it runs. A span in which it was preempted is not used, because a vCPU may have run
 * and halted instead. Firmware or a hypervisor below can take the CPU unnoticed between the two
 * counters of a reading; this matters less the further two readings are apart, and the median
 * ignores the few that are affected. When a round was preempted too often, the next one halves the
 * time between readings.
 */
static int measure_here(const struct perf_pair *pair, double *ratio)
{
	__u64 give_up_ns = clock__now_ns() + GIVE_UP_NS;
	struct reading readings[READING_CNT];
	__u64 slice_ns = SLICE_NS;

	do {
		int err = take_readings(pair, slice_ns, readings);

		if (err)
			return err;
		for (int lag = READING_CNT / 2; lag > 0; lag--)
			if (median_rate(readings, lag, ratio))
				return 0;
		if (slice_ns > SLICE_MIN_NS)
			slice_ns /= 2;
	} while (clock__now_ns() < give_up_ns);
	return -EBUSY;
}

static int measure_pinned(const struct perf_pair *pair, int cpu, double *ratio)
{
	cpu_set_t before, one;
	int err;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	if (sched_getaffinity(0, sizeof(before), &before) ||
	    sched_setaffinity(0, sizeof(one), &one))
		return -errno;
	err = measure_here(pair, ratio);
	if (sched_setaffinity(0, sizeof(before), &before) && !err)
		err = -errno;
	return err;
}

static int measure_on(const struct perf_events *events, int cpu, double *ratio)
{
	struct perf_pair pair;
	int err = perf_pair__open(events, cpu, &pair);

	if (err)
		return err;
	err = measure_pinned(&pair, cpu, ratio);
	perf_pair__close(&pair);
	return err;
}

/* Chooses an online CPU of a kind, preferably one that this process is allowed to use; -1: none. */
static int choose_cpu(const struct perf_events *events, int cpu_cnt, const struct core_kinds *kinds,
		      int kind)
{
	cpu_set_t allowed;
	int other = -1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);
	for (int cpu = 0; cpu < cpu_cnt && cpu < CPU_SETSIZE; cpu++) {
		if (perf_events__fd(events, cpu) < 0 || core_kinds__of(kinds, cpu) != kind)
			continue;
		if (CPU_ISSET((size_t)cpu, &allowed))
			return cpu;
		if (other < 0)
			other = cpu;
	}
	return other;
}

static int measure_kind(const struct perf_events *events, int cpu, double *ratio)
{
	int err = measure_on(events, cpu, ratio);

	if (err) {
		pr_err("cannot measure the rate of MPERF: %s; set it with --mperf-ratio",
		       strerror(-err));
		return err;
	}
	pr_info("MPERF counts at %.5f times the rate of TSC on CPU %d", *ratio, cpu);
	if (*ratio > 0 && *ratio <= RATIO_MAX)
		return 0;
	pr_err("MPERF counts at %.5f times the rate of TSC on a busy CPU and cannot be used: if this "
	       "host is a VM, its hypervisor may show the register, but not its value",
	       *ratio);
	return -EOPNOTSUPP;
}

int calibration__measure(const struct hostfs *fs, const struct perf_events *events, int cpu_cnt,
			 struct calibration *out)
{
	struct calibration calibration = { 0 };
	bool measured[CORE_KINDS_MAX] = { false };
	const double *known = NULL;
	int err = core_kinds__find(fs, &calibration.kinds);

	for (int kind = 0; !err && kind < calibration.kinds.cnt; kind++) {
		int cpu = choose_cpu(events, cpu_cnt, &calibration.kinds, kind);

		if (cpu < 0)
			continue;
		err = measure_kind(events, cpu, &calibration.ratio[kind]);
		measured[kind] = !err;
		known = known ? known : &calibration.ratio[kind];
	}
	if (err)
		return err;
	if (!known) {
		pr_err("cannot measure the rate of MPERF: no online CPU has MPERF; set it with "
		       "--mperf-ratio");
		return -ENODEV;
	}
	for (int kind = 0; kind < calibration.kinds.cnt; kind++) {
		if (measured[kind])
			continue;
		calibration.ratio[kind] = *known;
		pr_warn("no CPU of %s is online: if one comes online, its MPERF rate is assumed to be "
			"that of the other CPUs",
			calibration.kinds.kinds[kind].name[0] ? calibration.kinds.kinds[kind].name
							      : "the first kind of core");
	}
	*out = calibration;
	return 0;
}
