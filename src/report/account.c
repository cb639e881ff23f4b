// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "report/account.h"

/* Less is the distance between two clocks that are read one after the other. */
#define SUSPENDED_MIN_NS 1000000

/* What is the same for all vCPUs of a report. */
struct span {
	__u64 begin_ns;       /* CLOCK_MONOTONIC */
	__u64 boot_offset_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	/*
	 * Of x87's 64 bits of mantissa every count of cycles is exact, and what the conversion adds
	 * is far below 1 ns for any interval that fits an integer. A double errs by 1 ns at 3 months.
	 */
	long double ns_per_mperf_cycle;
	bool entry_mode;
	bool map_was_full; /* up to its end */
	bool map_is_full;  /* within it */
	bool was_suspended; /* TSC has counted, or has not, time that CLOCK_MONOTONIC does not know */
};

/* What a vCPU has gathered within the span. Signed: see account.h. */
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
};

static __u64 add_saturated(__u64 a, __u64 b)
{
	__u64 sum;

	if (__builtin_add_overflow(a, b, &sum) || sum == METRIC_UNKNOWN)
		return METRIC_UNKNOWN - 1;
	return sum;
}

/* value within 0 .. max; what that takes away or adds goes to *clamped_ns. */
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

static __u64 cnt_since(__u64 before, __u64 now)
{
	return now > before ? now - before : 0;
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

/*
 * `old` is the same vCPU at the begin of the span, or NULL; `waited` the reading of the same thread
 * there, whether it was seen then or not, or NULL.
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
		.loaded_ns = now->loaded_ns - base->loaded_ns,
		.measured_ns = now->measured_ns - base->measured_ns,
		.mperf_cycles = now->mperf_cycles - base->mperf_cycles,
		.unmeasured_ns = now->unmeasured_ns - base->unmeasured_ns,
		.guest_ns = now->guest_ns - base->guest_ns,
		.entry_cnt = now->entry_cnt - base->entry_cnt,
		.wait_ns = waited ? now->wait_ns - waited->wait_ns : 0,
		.wait_known =
			now->wait_known && waited && (waited->wait_known || waited == &nothing),
	};
}

/*
 * Spans that were not measured can be longer than the vCPU was loaded in them: a bound, no clamp. Without
 * a span that was, none of it is.
 */
static __u64 bounded_unmeasured_ns(const struct growth *growth, const struct span *span,
				   __u64 loaded_ns)
{
	if (growth->measured_ns <= 0 || span->was_suspended)
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

static void set_metrics(const struct growth *growth, const struct span *span, __u64 *value)
{
	__u64 *clamped_ns = &value[METRIC_CLAMPED_NS];
	__u64 wall_ns, loaded_ns, wait_ns;

	*clamped_ns = 0;
	wall_ns = clamp_ns(growth->wall_ns, INT64_MAX, clamped_ns);
	loaded_ns = clamp_ns(growth->loaded_ns, wall_ns, clamped_ns);
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
}

/* Where prev has none of this vCPU's stints, all have been counted since. */
static void set_histogram(const struct snapshot *prev, const struct vcpu_reading *old,
			  const struct snapshot *cur, const struct vcpu_reading *now,
			  __u64 entry_cnt, struct histogram *histogram)
{
	const struct stint_reading nothing = { 0 }, *before = &nothing, *after = &nothing;
	__u64 halted_cnt;

	if (old && old->stint_number)
		before = &prev->stints[old->stint_number - 1];
	if (now->stint_number)
		after = &cur->stints[now->stint_number - 1];
	histogram->halted_ns = cnt_since(before->halted_ns, after->halted_ns);
	for (size_t i = 0; i < STINT_BUCKET_CNT; i++)
		histogram->cnt[i] = cnt_since(before->cnt[i], after->cnt[i]);
	/* Counted before, and not any more: what there was since is not known. */
	if (before != &nothing && after == &nothing) {
		histogram->below_cnt = HISTOGRAM_UNKNOWN;
		return;
	}
	halted_cnt = histogram__halted_cnt(histogram);
	histogram->below_cnt =
		entry_cnt == METRIC_UNKNOWN ? HISTOGRAM_UNKNOWN : cnt_since(halted_cnt, entry_cnt);
}

static void set_all_unknown(struct metrics *metrics)
{
	for (int i = 0; i < METRIC_CNT; i++)
		metrics->value[i] = METRIC_UNKNOWN;
}

/* Windows for which there was no room have left no trace: what came behind them is not all there was. */
static bool may_lack_windows(const struct vcpu_reading *old, const struct vcpu_reading *now,
			     const struct span *span)
{
	if (!span->map_was_full || (old && old->seen))
		return false;
	return !now->seen || span->map_is_full || !is_born_within(now, span);
}

static void report_vcpu(const struct vcpu_reading *old, const struct vcpu_reading *waited,
			const struct vcpu_reading *now, const struct span *span,
			struct vcpu_report *vcpu)
{
	struct growth growth = growth_of(old, waited, now, span);
	__u64 *value = vcpu->metrics.value;

	vcpu->tid = now->tid;
	vcpu->vcpu_id = now->vcpu_id;
	if (may_lack_windows(old, now, span)) {
		set_all_unknown(&vcpu->metrics);
		value[METRIC_CLAMPED_NS] = 0;
		value[METRIC_WALL_NS] =
			clamp_ns(growth.wall_ns, INT64_MAX, &value[METRIC_CLAMPED_NS]);
		return;
	}
	if (!now->seen)
		growth = (struct growth){
			.wall_ns = growth.wall_ns,
			.wait_ns = growth.wait_ns,
			.wait_known = growth.wait_known,
		};
	set_metrics(&growth, span, value);
}

/* The reading of a thread that had not been seen yet, whatever its VM was thought to be then. */
static const struct vcpu_reading *find_unseen(const struct snapshot *snap,
					      const struct vcpu_reading *now)
{
	size_t low = 0, high = snap->vcpu_cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snap->vcpus[middle].pid < now->pid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < snap->vcpu_cnt; low++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[low];

		if (vcpu->pid != now->pid)
			break;
		if (vcpu->tid == now->tid && !vcpu->seen)
			return vcpu;
	}
	return NULL;
}

/* In the order of cur, that is with the vCPUs that were not seen at the front of their process. */
static void report_vcpus(const struct snapshot *prev, const struct snapshot *cur,
			 const struct span *span, struct report *report)
{
	struct vcpu_report *vcpus = report->vcpus;
	size_t old = 0;

	for (size_t i = 0; i < cur->vcpu_cnt; i++) {
		const struct vcpu_reading *now = &cur->vcpus[i];
		int order = 1;

		while (old < prev->vcpu_cnt &&
		       (order = vcpu_reading__compare(&prev->vcpus[old], now)) < 0)
			old++;
		if (order == 0)
			report_vcpu(&prev->vcpus[old], &prev->vcpus[old], now, span, &vcpus[i]);
		else
			report_vcpu(NULL, find_unseen(prev, now), now, span, &vcpus[i]);
		vcpus[i].histogram = NULL;
		if (!cur->has_stints)
			continue;
		set_histogram(prev, order == 0 ? &prev->vcpus[old] : NULL, cur, now,
			      vcpus[i].metrics.value[METRIC_ENTRY_CNT],
			      &report->vcpu_histograms[i]);
		vcpus[i].histogram = &report->vcpu_histograms[i];
	}
}

static int compare_vcpus(const void *left, const void *right)
{
	const struct vcpu_report *a = left, *b = right;

	if (a->vcpu_id != b->vcpu_id)
		return a->vcpu_id < b->vcpu_id ? -1 : 1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

static void sum_up(struct vm_report *vm)
{
	for (int metric = 0; metric < METRIC_CNT; metric++) {
		__u64 sum = 0;

		for (size_t i = 0; i < vm->vcpu_cnt; i++) {
			__u64 value = vm->vcpus[i].metrics.value[metric];

			if (value == METRIC_UNKNOWN || __builtin_add_overflow(sum, value, &sum)) {
				sum = METRIC_UNKNOWN;
				break;
			}
		}
		vm->metrics.value[metric] = sum;
	}
	if (!vm->vcpu_cnt)
		set_all_unknown(&vm->metrics);
}

/* Adds the VM of the next `cnt` vCPU reports that no VM has yet. */
static void add_vm(struct report *report, pid_t pid, __u64 vm_id, const char *name, size_t cnt)
{
	struct vm_report *vm = &report->vms[report->vm_cnt++];
	struct vcpu_report *vcpus = report->vcpus + report->vcpu_cnt;

	*vm = (struct vm_report){
		.pid = pid,
		.vm_id = vm_id,
		.name = name,
		.vcpus = vcpus,
		.vcpu_cnt = cnt,
	};
	report->vcpu_cnt += cnt;
	if (cnt)
		qsort(vcpus, cnt, sizeof(*vcpus), compare_vcpus);
	sum_up(vm);
}

/* Adds the VMs of one process, whose vCPUs are the first `cnt` of `vcpus`. */
static void add_process(struct report *report, pid_t pid, const char *name,
			const struct vcpu_reading *vcpus, size_t cnt)
{
	size_t begin = 0, end = 0;

	/* Not seen: no vm_id is known. They go with the first VM. */
	while (end < cnt && !vcpus[end].vm_id)
		end++;
	do {
		__u64 vm_id = end < cnt ? vcpus[end].vm_id : 0;

		while (end < cnt && vcpus[end].vm_id == vm_id)
			end++;
		add_vm(report, pid, vm_id, name, end - begin);
		begin = end;
	} while (begin < cnt);
}

/* Walks the processes, in order of pid, of which a VM or a vCPU is known. */
static void add_processes(struct report *report, const struct snapshot *cur)
{
	const struct vm_reading *vm = cur->vms;
	/* To a pointer to nothing not even 0 may be added. */
	const struct vm_reading *vm_end = cur->vm_cnt ? vm + cur->vm_cnt : vm;
	const struct vcpu_reading *vcpu = cur->vcpus;
	const struct vcpu_reading *vcpu_end = cur->vcpu_cnt ? vcpu + cur->vcpu_cnt : vcpu;

	while (vm < vm_end || vcpu < vcpu_end) {
		const struct vcpu_reading *first = vcpu;
		const char *name = "?";
		pid_t pid;

		if (vcpu == vcpu_end || (vm < vm_end && vm->pid < vcpu->pid))
			pid = vm->pid;
		else
			pid = vcpu->pid;
		if (vm < vm_end && vm->pid == pid)
			name = vm++->name;
		while (vcpu < vcpu_end && vcpu->pid == pid)
			vcpu++;
		add_process(report, pid, name, first, vcpu - first);
	}
}

/* Sums over the vCPUs of each VM. The memory is there. */
static void sum_up_histograms(struct report *report)
{
	for (size_t i = 0; i < report->vm_cnt; i++) {
		struct vm_report *vm = &report->vms[i];

		report->vm_histograms[i] = (struct histogram){ 0 };
		for (size_t j = 0; j < vm->vcpu_cnt; j++)
			histogram__add(&report->vm_histograms[i], vm->vcpus[j].histogram);
		vm->histogram = &report->vm_histograms[i];
	}
}

/* Returns the array with room for cnt elements, moved or not; NULL when memory is short. */
static void *make_room(void *array, size_t *room, size_t cnt, size_t size)
{
	/* One at least, so that NULL is no memory and not nothing. */
	size_t wanted = cnt ? cnt : 1;

	if (wanted <= *room)
		return array;
	array = reallocarray(array, wanted, size);
	if (array)
		*room = wanted;
	return array;
}

/* Every vCPU may be of a VM of its own. */
static int reserve(struct report *report, const struct snapshot *cur)
{
	size_t vm_cnt = cur->vm_cnt + cur->vcpu_cnt;
	struct histogram *histograms;
	struct vcpu_report *vcpus;
	struct vm_report *vms;

	vms = make_room(report->vms, &report->vm_room, vm_cnt, sizeof(*vms));
	if (!vms)
		return -ENOMEM;
	report->vms = vms;
	vcpus = make_room(report->vcpus, &report->vcpu_room, cur->vcpu_cnt, sizeof(*vcpus));
	if (!vcpus)
		return -ENOMEM;
	report->vcpus = vcpus;
	if (!cur->has_stints)
		return 0;
	histograms = make_room(report->vm_histograms, &report->vm_histogram_room, vm_cnt,
			       sizeof(*histograms));
	if (!histograms)
		return -ENOMEM;
	report->vm_histograms = histograms;
	histograms = make_room(report->vcpu_histograms, &report->vcpu_histogram_room, cur->vcpu_cnt,
			       sizeof(*histograms));
	if (!histograms)
		return -ENOMEM;
	report->vcpu_histograms = histograms;
	return 0;
}

static bool was_suspended(const struct clock_reading *prev, const struct clock_reading *cur)
{
	__u64 interval_ns = cur->mono_ns - prev->mono_ns;
	__s64 suspended_ns = cur->boot_ns - prev->boot_ns - interval_ns;

	return suspended_ns > (__s64)(SUSPENDED_MIN_NS + interval_ns / 1000);
}

static struct health health_of(const struct health *prev, const struct health *cur)
{
	return (struct health){
		.lost_window_cnt = cnt_since(prev->lost_window_cnt, cur->lost_window_cnt),
		.mperf_error_cnt = cnt_since(prev->mperf_error_cnt, cur->mperf_error_cnt),
		.map_full_cnt = cnt_since(prev->map_full_cnt, cur->map_full_cnt),
	};
}

int account__report(const struct snapshot *prev, const struct snapshot *cur, struct report *report)
{
	__s64 interval_ns = cur->clock.mono_ns - prev->clock.mono_ns;
	__s64 tsc_cycles = cur->clock.tsc_cycles - prev->clock.tsc_cycles;
	struct span span = {
		.begin_ns = prev->clock.mono_ns,
		.boot_offset_ns = cur->clock.boot_ns - cur->clock.mono_ns,
		.entry_mode = prev->mode == MODE_ENTRY && cur->mode == MODE_ENTRY,
		.map_was_full = cur->health.map_full_cnt > 0,
		.map_is_full = cur->health.map_full_cnt > prev->health.map_full_cnt,
		.was_suspended = was_suspended(&prev->clock, &cur->clock),
	};
	int err;

	if (interval_ns <= 0 || (tsc_cycles <= 0 && !span.was_suspended))
		return -EINVAL;
	if (!(cur->mperf_ratio > 0) || __builtin_isinf(cur->mperf_ratio))
		return -EINVAL;
	err = reserve(report, cur);
	if (err) {
		report__free(report);
		return err;
	}
	/* Not used where TSC went back with a suspend. */
	if (tsc_cycles > 0)
		span.ns_per_mperf_cycle =
			interval_ns / ((long double)cur->mperf_ratio * tsc_cycles);

	report->interval_ns = interval_ns;
	report->begin = prev->clock;
	report->end = cur->clock;
	report->mode = span.entry_mode ? MODE_ENTRY : MODE_SWITCH;
	report->mperf_ratio = cur->mperf_ratio;
	report->health = health_of(&prev->health, &cur->health);
	report->vm_cnt = 0;
	report->vcpu_cnt = 0;
	report_vcpus(prev, cur, &span, report);
	add_processes(report, cur);
	if (cur->has_stints)
		sum_up_histograms(report);
	return 0;
}

void report__free(struct report *report)
{
	free(report->vms);
	free(report->vcpus);
	free(report->vm_histograms);
	free(report->vcpu_histograms);
	*report = (struct report){ 0 };
}
