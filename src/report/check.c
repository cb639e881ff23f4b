// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "report/check.h"

struct check_span {
	const struct snapshot *prev, *cur;
	/*
	 * By the clock of perf's events. The 64-bit mantissa of x87 holds any count of cycles
	 * exactly; see struct span in span.h.
	 */
	long double ns_per_tsc_cycle;
	long double mono_per_raw; /* as in span.h */
};

static __s64 halted_ns(__s64 ns, __s64 mperf_cycles, double mperf_ratio,
		       const struct check_span *span)
{
	long double halted = ns - mperf_cycles * span->ns_per_tsc_cycle / mperf_ratio;

	return (__s64)(halted < 0 ? halted - 0.5L : halted + 0.5L);
}

/* Converts a difference of the scheduler's clock to CLOCK_MONOTONIC. */
static __s64 steered_ns(__u64 from_ns, __u64 to_ns, const struct check_span *span)
{
	return (__s64)((__s64)(to_ns - from_ns) * span->mono_per_raw);
}

static struct cpu_check check_cpu(const struct cpu_reading *old, const struct cpu_reading *now,
				  const struct check_span *span)
{
	__s64 cycles = (__s64)(now->mperf_cycles - old->mperf_cycles);
	double ratio = now->mperf_ratio;
	struct cpu_check check = {
		.cpu = now->cpu,
		.interval_ns = (__s64)(now->at_ns - old->at_ns),
	};

	check.halted_ns = halted_ns(check.interval_ns, cycles, ratio, span);
	if (cycles > 0) {
		check.vcpus_ns =
			halted_ns((__s64)(now->window_ns - old->window_ns),
				  (__s64)(now->window_mperf_cycles - old->window_mperf_cycles),
				  ratio, span);
		check.idle_ns = halted_ns((__s64)(now->idle_ns - old->idle_ns),
					  (__s64)(now->idle_mperf_cycles - old->idle_mperf_cycles),
					  ratio, span);
	}
	check.rest_ns = check.halted_ns - check.vcpus_ns - check.idle_ns;
	return check;
}

/* Returns by how much the lowest of three terms is below 0; 0 if none is. */
static __s64 below_zero(__s64 a, __s64 b, __s64 c)
{
	__s64 lowest = a < b ? a : b;

	lowest = lowest < c ? lowest : c;
	return lowest < 0 ? -lowest : 0;
}

static struct vcpu_check check_vcpu(const struct vcpu_reading *old, const struct vcpu_reading *now,
				    const struct check_span *span)
{
	__s64 measured_ns = (__s64)(now->measured_ns - old->measured_ns);
	__s64 unmeasured_ns = steered_ns(old->unmeasured_ns, now->unmeasured_ns, span);
	struct vcpu_check check = {
		.tid = now->tid,
		.vcpu_id = now->vcpu_id,
		.wall_ns = (__s64)(now->at_ns - old->at_ns),
		.loaded_ns = steered_ns(old->loaded_ns, now->loaded_ns, span),
		.wait_ns = steered_ns(old->wait_ns, now->wait_ns, span),
		.guest_ns = (__s64)(now->guest_ns - old->guest_ns),
		.halted_ns = halted_ns(measured_ns, (__s64)(now->mperf_cycles - old->mperf_cycles),
				       span->cur->mperf_ratio, span),
	};
	__s64 *off_ns = check.off_ns;

	if (span->cur->mode == MODE_SWITCH)
		check.guest_ns = check.loaded_ns;
	check.blocked_ns = check.wall_ns - check.loaded_ns - check.wait_ns;
	check.host_ns = check.loaded_ns - check.guest_ns;
	check.busy_ns = check.guest_ns - check.halted_ns;
	off_ns[IDENTITY_WALL] = below_zero(check.loaded_ns, check.wait_ns, check.blocked_ns);
	off_ns[IDENTITY_LOADED] = below_zero(check.guest_ns, check.host_ns, 0);
	off_ns[IDENTITY_GUEST] = below_zero(check.busy_ns, check.halted_ns, 0);
	if (unmeasured_ns > off_ns[IDENTITY_GUEST])
		off_ns[IDENTITY_GUEST] = unmeasured_ns;
	return check;
}

static void check_cpus(const struct check_span *span, struct check *check)
{
	const struct cpu_reading *old = span->prev->cpus;
	const struct cpu_reading *old_end = old + span->prev->cpu_cnt;

	for (size_t i = 0; i < span->cur->cpu_cnt; i++) {
		const struct cpu_reading *now = &span->cur->cpus[i];

		while (old < old_end && old->cpu < now->cpu)
			old++;
		if (old < old_end && old->cpu == now->cpu && now->at_ns > old->at_ns)
			check->cpus[check->cpu_cnt++] = check_cpu(old, now, span);
	}
}

static void check_vcpus(const struct check_span *span, struct check *check)
{
	const struct snapshot *prev = span->prev;
	size_t old = 0;

	for (size_t i = 0; i < span->cur->vcpu_cnt; i++) {
		const struct vcpu_reading *now = &span->cur->vcpus[i];
		int order = 1;

		if (!now->seen)
			continue;
		while (old < prev->vcpu_cnt &&
		       (order = vcpu_reading__compare(&prev->vcpus[old], now)) < 0)
			old++;
		if (order == 0 && prev->vcpus[old].seen && now->at_ns > prev->vcpus[old].at_ns)
			check->vcpus[check->vcpu_cnt++] = check_vcpu(&prev->vcpus[old], now, span);
		else
			check->skipped_vcpu_cnt++;
	}
}

static double percent(__s64 part_ns, __s64 whole_ns)
{
	return 100.0 * (double)part_ns / (double)whole_ns;
}

static double magnitude(double value)
{
	return value < 0 ? -value : value;
}

static void judge(struct check *check)
{
	for (size_t i = 0; i < check->cpu_cnt; i++) {
		const struct cpu_check *cpu = &check->cpus[i];
		double rest_percent = percent(cpu->rest_ns, cpu->interval_ns);

		if (check->worst_cpu && magnitude(rest_percent) <= magnitude(check->rest_percent))
			continue;
		check->worst_cpu = cpu;
		check->rest_percent = rest_percent;
	}
	for (size_t i = 0; i < check->vcpu_cnt; i++) {
		const struct vcpu_check *vcpu = &check->vcpus[i];

		for (enum identity identity = IDENTITY_WALL; identity < IDENTITY_CNT; identity++) {
			double off_percent = percent(vcpu->off_ns[identity], vcpu->wall_ns);

			if (check->worst_vcpu && off_percent <= check->off_percent)
				continue;
			check->worst_vcpu = vcpu;
			check->worst_identity = identity;
			check->off_percent = off_percent;
		}
	}
	check->passed = check->worst_cpu &&
			magnitude(check->rest_percent) < CHECK_REST_MAX_PERCENT &&
			check->off_percent < CHECK_IDENTITY_MAX_PERCENT && !check->lost_window_cnt;
}

int check__make(const struct snapshot *prev, const struct snapshot *cur, struct check *out)
{
	__s64 interval_ns = (__s64)(cur->clock.mono_ns - prev->clock.mono_ns);
	__s64 tsc_cycles = (__s64)(cur->clock.tsc_cycles - prev->clock.tsc_cycles);
	__s64 raw_ns = prev->clock.raw_ns ? (__s64)(cur->clock.raw_ns - prev->clock.raw_ns) : 0;
	struct check_span span = { .prev = prev, .cur = cur };
	struct check check = {
		.mode = cur->mode,
		.lost_window_cnt = cur->health.lost_window_cnt - prev->health.lost_window_cnt,
	};

	if (interval_ns <= 0 || tsc_cycles <= 0)
		return -EINVAL;
	if (raw_ns <= 0)
		raw_ns = interval_ns;
	span.ns_per_tsc_cycle = raw_ns / (long double)tsc_cycles;
	span.mono_per_raw = interval_ns / (long double)raw_ns;
	/* Allocate one element more, so that NULL always means out of memory. */
	check.cpus = calloc(cur->cpu_cnt + 1, sizeof(*check.cpus));
	check.vcpus = calloc(cur->vcpu_cnt + 1, sizeof(*check.vcpus));
	if (!check.cpus || !check.vcpus) {
		check__free(&check);
		return -ENOMEM;
	}
	check_cpus(&span, &check);
	check_vcpus(&span, &check);
	judge(&check);
	*out = check;
	return 0;
}

void check__free(struct check *check)
{
	free(check->cpus);
	free(check->vcpus);
	*check = (struct check){ 0 };
}
