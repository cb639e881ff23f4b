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
#include "measure/counters.h"
#include "base/hostfs.h"
#include "base/log.h"

/*
 * A round of readings, with a busy loop between two that is shorter than a scheduler's slice: the longer it is the
 * less a reading's own error matters, but where many want the CPU, slices are down to 0.7 ms (sched_base_slice_ns).
 * As many pairs of readings as are needed for a median, and how long it may take to get those.
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
 * The first read of a pair finds the kernel's code and data gone from the caches, and has more time between
 * TSC and MPERF than others: it would make the end of each slice unlike its beginning.
 */
static int read_warm(const struct counter_pair *pair, struct pair_reading *reading)
{
	int err = counter_pair__read(pair, reading);

	return err ? err : counter_pair__read(pair, reading);
}

static int compare_ratios(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

struct reading {
	struct pair_reading counters;
	bool preempted; /* since the reading before */
};

/*
 * Some ten microseconds of C0. A loop of nothing but clock readings would be as busy, but an emulated TSC that
 * two CPUs read all the time runs fast: each time one comes late it is set forward.
 */
static void stay_busy(void)
{
	for (volatile int i = 0; i < 20000; i++)
		;
}

static int take_readings(const struct counter_pair *pair, __u64 slice_ns, struct reading *readings)
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

/* The rate between two readings. Returns whether it says something. */
static bool rate_between(const struct reading *from, const struct reading *to, double *ratio)
{
	for (const struct reading *reading = from + 1; reading <= to; reading++)
		if (reading->preempted)
			return false;
	/* An event that counts nothing, TSC included, is not there. */
	if (to->counters.tsc_cycles <= from->counters.tsc_cycles)
		return false;
	*ratio = (double)(to->counters.mperf_cycles - from->counters.mperf_cycles) /
		 (double)(to->counters.tsc_cycles - from->counters.tsc_cycles);
	return true;
}

/* The median of the rates between readings that are so far apart; false when they are too few. */
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
 * This thread is on the CPU already, and keeps it in C0 as long as it runs. A time in which it was preempted
 * says nothing: what ran instead may have been a vCPU, and that may have halted. What is not seen to take the
 * CPU away, firmware or a hypervisor below, can come between the two counters of a reading. The further
 * two readings are apart the less that matters, and the median does not follow the few that it spoils.
 * When a round was too often preempted, the next takes half the time between two.
 */
static int measure_here(const struct counter_pair *pair, double *ratio)
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

static int measure_pinned(const struct counter_pair *pair, int cpu, double *ratio)
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

static int measure_on(const struct counters *counters, int cpu, double *ratio)
{
	struct counter_pair pair;
	int err = counter_pair__open(counters, cpu, &pair);

	if (err)
		return err;
	err = measure_pinned(&pair, cpu, ratio);
	counter_pair__close(&pair);
	return err;
}

/* A CPU of the kind that is online and not kept free of us: one of ours if there is one. */
static int choose_cpu(const struct counters *counters, int cpu_cnt, const struct core_kinds *kinds,
		      int kind)
{
	cpu_set_t allowed;
	int other = -1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);
	for (int cpu = 0; cpu < cpu_cnt && cpu < CPU_SETSIZE; cpu++) {
		if (counters__fd(counters, cpu) < 0 || core_kinds__of(kinds, cpu) != kind)
			continue;
		if (CPU_ISSET((size_t)cpu, &allowed))
			return cpu;
		if (other < 0)
			other = cpu;
	}
	return other;
}

static int measure_kind(const struct counters *counters, int cpu, double *ratio)
{
	int err = measure_on(counters, cpu, ratio);

	if (err) {
		pr_err("cannot measure the rate of MPERF: %s; --mperf-ratio can give it",
		       strerror(-err));
		return err;
	}
	pr_info("MPERF counts at %.5f times the rate of TSC on CPU %d", *ratio, cpu);
	if (*ratio > 0 && *ratio <= RATIO_MAX)
		return 0;
	pr_err("MPERF counts at %.5f times the rate of TSC on a busy CPU: that is not MPERF, or "
	       "a hypervisor below this host shows the register, but not its value",
	       *ratio);
	return -EOPNOTSUPP;
}

int calibration__measure(const struct hostfs *fs, const struct counters *counters, int cpu_cnt,
			 struct calibration *out)
{
	struct calibration calibration = { 0 };
	bool measured[CORE_KINDS_MAX] = { false };
	const double *known = NULL;
	int err = core_kinds__find(fs, &calibration.kinds);

	for (int kind = 0; !err && kind < calibration.kinds.cnt; kind++) {
		int cpu = choose_cpu(counters, cpu_cnt, &calibration.kinds, kind);

		if (cpu < 0)
			continue;
		err = measure_kind(counters, cpu, &calibration.ratio[kind]);
		measured[kind] = !err;
		known = known ? known : &calibration.ratio[kind];
	}
	if (err)
		return err;
	if (!known) {
		pr_err("cannot measure the rate of MPERF: no CPU has it; --mperf-ratio can give it");
		return -ENODEV;
	}
	for (int kind = 0; kind < calibration.kinds.cnt; kind++) {
		if (measured[kind])
			continue;
		calibration.ratio[kind] = *known;
		pr_warn("no CPU of %s is online: if one comes, its MPERF is taken to count as that of the others",
			calibration.kinds.kinds[kind].name[0] ? calibration.kinds.kinds[kind].name
							      : "the first kind of core");
	}
	*out = calibration;
	return 0;
}
