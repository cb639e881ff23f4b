// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "report/span.h"

/* Smaller differences may come from reading two clocks one after the other. */
#define SUSPENDED_MIN_NS 1000000

/* The changes of a vCPU's counters within the span. Signed: see span.h. */
struct growth {
	__s64 wall_ns;
	__s64 loaded_ns;
	__s64 measured_ns;
	__s64 mperf_cycles;
	__s64 unmeasured_ns;
	__s64 guest_ns;
	__s64 entry_cnt;
	__s64 wait_ns;
	bool wait_known;
	bool slept; /* or it is not known whether */
	bool cannot_halt;
};

static __u64 add_saturated(__u64 a, __u64 b)
{
	__u64 sum;

	if (__builtin_add_overflow(a, b, &sum) || sum == METRIC_UNKNOWN)
		return METRIC_UNKNOWN - 1;
	return sum;
}

/* Clamps a value to 0 .. max, and adds what this changes to *clamped_ns. */
static __u64 clamp_ns(__s64 value, __u64 max, __u64 *clamped_ns)
{
	if (value < 0) {
		*clamped_ns = add_saturated(*clamped_ns, -(__u64)value);
		return 0;
	}
	if ((__u64)value > max) {
		*clamped_ns = add_saturated(*clamped_ns, (__u64)value - max);
		return max;
	}
	return value;
}

static __s64 round_to_s64(long double value)
{
	if (value >= (long double)INT64_MAX)
		return INT64_MAX;
	if (value <= (long double)INT64_MIN)
		return INT64_MIN;
	return value < 0 ? value - 0.5L : value + 0.5L;
}

static __u64 birth_ns_of(const struct vcpu_reading *vcpu, const struct span *span)
{
	return vcpu->start_boottime_ns - span->boot_offset_ns;
}

static bool is_born_within(const struct vcpu_reading *vcpu, const struct span *span)
{
	return (__s64)(birth_ns_of(vcpu, span) - span->begin_ns) > 0;
}

/* Converts a difference of the scheduler's clock to CLOCK_MONOTONIC. */
static __s64 steered_ns(__u64 from_ns, __u64 to_ns, const struct span *span)
{
	return round_to_s64((__s64)(to_ns - from_ns) * span->mono_per_raw);
}

static bool has_slept(const struct vcpu_reading *old, const struct vcpu_reading *now)
{
	if (!old || !old->seen || !old->sleeps_known || !now->sleeps_known)
		return true;
	return old->sleeps & 1 || now->sleeps != old->sleeps;
}

/*
 * Returns how long a thread ran in the span before it first ran its vCPU. `waited` is as for
 * growth_of().
 */
static __s64 ran_before_ns(const struct vcpu_reading *waited, const struct vcpu_reading *now,
			   const struct span *span)
{
	if (!waited || waited->seen || !waited->wait_known ||
	    now->ran_before_ns <= waited->loaded_ns)
		return 0;
	return steered_ns(waited->loaded_ns, now->ran_before_ns, span);
}

/*
 * `old` is the same vCPU at the begin of the span, or NULL. `waited` is the reading of the same
 * thread there, seen or not, or NULL.
 */
static struct growth growth_of(const struct vcpu_reading *old, const struct vcpu_reading *waited,
			       const struct vcpu_reading *now, const struct span *span)
{
	const struct vcpu_reading nothing = { 0 };
	const struct vcpu_reading *base = old && old->seen ? old : &nothing;
	bool born_within = is_born_within(now, span);
	__u64 from_ns = span->begin_ns;

	if (old)
		from_ns = old->at_ns;
	else if (born_within)
		from_ns = birth_ns_of(now, span);
	if (!waited && born_within)
		waited = &nothing;
	return (struct growth){
		.wall_ns = now->at_ns - from_ns,
		.loaded_ns = steered_ns(base->loaded_ns, now->loaded_ns, span) +
			     ran_before_ns(waited, now, span),
		.measured_ns = steered_ns(base->measured_ns, now->measured_ns, span),
		.mperf_cycles = now->mperf_cycles - base->mperf_cycles,
		.unmeasured_ns = steered_ns(base->unmeasured_ns, now->unmeasured_ns, span),
		.guest_ns = now->guest_ns - base->guest_ns,
		.entry_cnt = now->entry_cnt - base->entry_cnt,
		.wait_ns = waited ? steered_ns(waited->wait_ns, now->wait_ns, span) : 0,
		.slept = has_slept(old, now),
		.cannot_halt = now->cannot_halt && (base == &nothing || base->cannot_halt),
		.wait_known =
			now->wait_known && waited && (waited->wait_known || waited == &nothing),
	};
}

/*
 * Unmeasured spans can be longer than the time loaded in them, so this only takes the smaller one;
 * it is no clamp. If nothing was measured, all of the loaded time is unmeasured.
 */
static __u64 bounded_unmeasured_ns(const struct growth *growth, const struct span *span,
				   __u64 loaded_ns)
{
	if (span->halts_unknown)
		return loaded_ns;
	/* No window at all: the thread ran outside of KVM. */
	if (!growth->measured_ns && !growth->unmeasured_ns && !growth->entry_cnt &&
	    !growth->mperf_cycles)
		return 0;
	if (growth->measured_ns <= 0)
		return loaded_ns;
	if (growth->unmeasured_ns < 0)
		return 0;
	return (__u64)growth->unmeasured_ns < loaded_ns ? (__u64)growth->unmeasured_ns : loaded_ns;
}

static void set_halted(const struct growth *growth, const struct span *span, __u64 *value)
{
	__u64 loaded_ns = value[METRIC_LOADED_NS];
	__u64 guest_ns = value[METRIC_GUEST_NS];
	__u64 unmeasured_ns = bounded_unmeasured_ns(growth, span, loaded_ns);
	__u64 max_ns = loaded_ns - unmeasured_ns;
	__s64 halted_ns;

	if (growth->cannot_halt) {
		value[METRIC_UNMEASURED_NS] = 0;
		value[METRIC_HALTED_NS] = 0;
		value[METRIC_BUSY_NS] = guest_ns;
		return;
	}
	value[METRIC_UNMEASURED_NS] = unmeasured_ns;
	value[METRIC_HALTED_NS] = METRIC_UNKNOWN;
	value[METRIC_BUSY_NS] = METRIC_UNKNOWN;
	if (loaded_ns && !max_ns)
		return;
	halted_ns =
		round_to_s64(growth->measured_ns - growth->mperf_cycles * span->ns_per_mperf_cycle);
	if (guest_ns != METRIC_UNKNOWN && guest_ns < max_ns)
		max_ns = guest_ns;
	value[METRIC_HALTED_NS] = clamp_ns(halted_ns, max_ns, &value[METRIC_CLAMPED_NS]);
	if (guest_ns != METRIC_UNKNOWN && !unmeasured_ns)
		value[METRIC_BUSY_NS] = guest_ns - value[METRIC_HALTED_NS];
}

/*
 * Returns loaded_ns, or the guest time if that is longer, because the hooks have measured both ends
 * of it. The scheduler leaves interrupts out of the run time of threads. If its clock was updated
 * within an interrupt, it subtracts the rest from the next thread (update_rq_clock_task() in
 * kernel/sched/core.c). The time added is counted in *clamped_ns.
 */
static __u64 at_least_guest_ns(const struct growth *growth, __u64 loaded_ns, __u64 wall_ns,
			       __u64 *clamped_ns)
{
	__u64 wait_ns = growth->wait_known && growth->wait_ns > 0 ? growth->wait_ns : 0;
	__u64 max_ns = wait_ns < wall_ns ? wall_ns - wait_ns : 0;
	__u64 guest_ns = growth->guest_ns > 0 ? growth->guest_ns : 0;

	if (guest_ns > max_ns)
		guest_ns = max_ns;
	if (guest_ns <= loaded_ns)
		return loaded_ns;
	*clamped_ns = add_saturated(*clamped_ns, guest_ns - loaded_ns);
	return guest_ns;
}

static void set_metrics(const struct growth *growth, const struct span *span, __u64 *value)
{
	__u64 *clamped_ns = &value[METRIC_CLAMPED_NS];
	__u64 wall_ns, loaded_ns, wait_ns;

	*clamped_ns = 0;
	wall_ns = clamp_ns(growth->wall_ns, INT64_MAX, clamped_ns);
	loaded_ns = clamp_ns(growth->loaded_ns, wall_ns, clamped_ns);
	/* A thread that did not sleep or wait had the CPU, even if the scheduler counted less. */
	if (!growth->slept && growth->wait_known && growth->wait_ns >= 0 &&
	    (__u64)growth->wait_ns < wall_ns - loaded_ns)
		loaded_ns = wall_ns - growth->wait_ns;
	if (span->entry_mode && growth->loaded_ns > 0)
		loaded_ns = at_least_guest_ns(growth, loaded_ns, wall_ns, clamped_ns);
	value[METRIC_WALL_NS] = wall_ns;
	value[METRIC_LOADED_NS] = loaded_ns;

	value[METRIC_GUEST_NS] = METRIC_UNKNOWN;
	value[METRIC_HOST_NS] = METRIC_UNKNOWN;
	value[METRIC_ENTRY_CNT] = METRIC_UNKNOWN;
	if (span->entry_mode) {
		value[METRIC_GUEST_NS] = clamp_ns(growth->guest_ns, loaded_ns, clamped_ns);
		value[METRIC_HOST_NS] = loaded_ns - value[METRIC_GUEST_NS];
		if (growth->entry_cnt >= 0)
			value[METRIC_ENTRY_CNT] = growth->entry_cnt;
	}
	set_halted(growth, span, value);

	value[METRIC_WAIT_NS] = METRIC_UNKNOWN;
	value[METRIC_BLOCKED_NS] = METRIC_UNKNOWN;
	if (growth->wait_known) {
		wait_ns = clamp_ns(growth->wait_ns, wall_ns - loaded_ns, clamped_ns);
		value[METRIC_WAIT_NS] = wait_ns;
		value[METRIC_BLOCKED_NS] = wall_ns - loaded_ns - wait_ns;
	}
	value[METRIC_IDLE_NS] = METRIC_UNKNOWN;
	if (growth->wait_known && value[METRIC_HALTED_NS] != METRIC_UNKNOWN)
		value[METRIC_IDLE_NS] = value[METRIC_HALTED_NS] + value[METRIC_BLOCKED_NS];
}

/*
 * Returns whether windows may be missing because the map was full. Such windows leave no trace, so
 * the counters of a later window are not complete.
 */
static bool may_lack_windows(const struct vcpu_reading *old, const struct vcpu_reading *now,
			     const struct span *span)
{
	if (!span->map_was_full || (old && old->seen))
		return false;
	return !now->seen || span->map_is_full || !is_born_within(now, span);
}

/*
 * Returns how long a thread that no hook has seen ran. `waited` is as for growth_of(). The sums of
 * a seen thread are of one vCPU, so they cannot be compared.
 */
static __s64 unseen_run_ns(const struct vcpu_reading *waited, const struct vcpu_reading *now,
			   const struct span *span)
{
	if (waited && waited->seen)
		return 0;
	return steered_ns(waited ? waited->loaded_ns : 0, now->loaded_ns, span);
}

bool span__is_unhooked(const struct span *span, const struct vcpu_reading *old,
		       const struct vcpu_reading *now)
{
	return span->hooks_were_off || (old && old->stale && !now->stale);
}

void span__account(const struct span *span, const struct vcpu_reading *old,
		   const struct vcpu_reading *waited, const struct vcpu_reading *now,
		   struct metrics *metrics)
{
	struct growth growth = growth_of(old, waited, now, span);
	__u64 *value = metrics->value;

	if (span__is_unhooked(span, old, now) || may_lack_windows(old, now, span)) {
		metrics__forget(metrics);
		value[METRIC_CLAMPED_NS] = 0;
		value[METRIC_WALL_NS] =
			clamp_ns(growth.wall_ns, INT64_MAX, &value[METRIC_CLAMPED_NS]);
		return;
	}
	if (!now->seen)
		growth = (struct growth){
			.wall_ns = growth.wall_ns,
			.loaded_ns = growth.wait_known ? unseen_run_ns(waited, now, span) : 0,
			.wait_ns = growth.wait_ns,
			.wait_known = growth.wait_known,
			.slept = true,
		};
	set_metrics(&growth, span, value);
	/* Without a run time, only the absence from the guest is known of an unseen thread. */
	if (!now->seen && !growth.wait_known) {
		value[METRIC_LOADED_NS] = METRIC_UNKNOWN;
		if (span->entry_mode)
			value[METRIC_HOST_NS] = METRIC_UNKNOWN;
	}
}

static bool was_suspended(const struct clock_reading *prev, const struct clock_reading *cur)
{
	__u64 interval_ns = cur->mono_ns - prev->mono_ns;
	__s64 suspended_ns = cur->boot_ns - prev->boot_ns - interval_ns;

	return suspended_ns > (__s64)(SUSPENDED_MIN_NS + interval_ns / 1000);
}

const char *span__clock_problem(const struct clock_reading *prev, const struct clock_reading *cur)
{
	/* Compare as signed: a difference above 2^63 means that the clock went back. */
	if ((__s64)(cur->mono_ns - prev->mono_ns) <= 0)
		return "clock.monotonic_ns: not later than in the previous snapshot";
	if ((__s64)(cur->tsc_cycles - prev->tsc_cycles) <= 0 && !was_suspended(prev, cur))
		return "clock.tsc_cycles: not later than in the previous snapshot, without a suspend";
	return NULL;
}

/* Returns how many windows were not kept because there was no room for them. */
static __u64 unkept_cnt(const struct health *health)
{
	return health->map_full_cnt + health->refused_window_cnt;
}

int span__init(struct span *span, const struct snapshot *prev, const struct snapshot *cur)
{
	__s64 interval_ns = cur->clock.mono_ns - prev->clock.mono_ns;
	__s64 tsc_cycles = cur->clock.tsc_cycles - prev->clock.tsc_cycles;
	__s64 raw_ns;

	if (span__clock_problem(&prev->clock, &cur->clock))
		return -EINVAL;
	if (!(cur->mperf_ratio > 0) || __builtin_isinf(cur->mperf_ratio))
		return -EINVAL;
	*span = (struct span){
		.begin_ns = prev->clock.mono_ns,
		.interval_ns = (__u64)interval_ns,
		.boot_offset_ns = cur->clock.boot_ns - cur->clock.mono_ns,
		.entry_mode = prev->mode == MODE_ENTRY && cur->mode == MODE_ENTRY,
		.map_was_full = unkept_cnt(&cur->health) > 0,
		.map_is_full = unkept_cnt(&cur->health) > unkept_cnt(&prev->health),
		.hooks_were_off = cur->health.hooks_off_cnt > prev->health.hooks_off_cnt,
		.halts_unknown = was_suspended(&prev->clock, &cur->clock) || prev->host_halts ||
				 cur->host_halts,
	};
	raw_ns = (__s64)(cur->clock.raw_ns - prev->clock.raw_ns);
	span->mono_per_raw = 1;
	if (prev->clock.raw_ns && raw_ns > 0)
		span->mono_per_raw = interval_ns / (long double)raw_ns;
	/* Unused if TSC went back, which it may do across a suspend. */
	if (tsc_cycles > 0)
		span->ns_per_mperf_cycle =
			interval_ns / ((long double)cur->mperf_ratio * tsc_cycles);
	return 0;
}
