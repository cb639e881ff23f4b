// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "report/account.h"
#include "report/span.h"

static __u64 cnt_since(__u64 before, __u64 now)
{
	return now > before ? now - before : 0;
}

/* If prev has no stints of this vCPU, all of them were counted since then. */
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
	/* Counted in prev but not in cur: the change is unknown. */
	if (before != &nothing && after == &nothing) {
		histogram->below_cnt = HISTOGRAM_UNKNOWN;
		return;
	}
	halted_cnt = histogram__halted_cnt(histogram);
	histogram->below_cnt =
		entry_cnt == METRIC_UNKNOWN ? HISTOGRAM_UNKNOWN : cnt_since(halted_cnt, entry_cnt);
}

/*
 * Finds the reading of a thread that was known but not seen yet. Its vm_id may have been a guess
 * then, so it is not compared.
 */
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

/*
 * Fills report->vcpus in the order of cur. Unseen vCPUs have vm_id 0, so they
 * come first in their process.
 */
static void report_vcpus(const struct snapshot *prev, const struct snapshot *cur,
			 const struct span *span, struct report *report)
{
	struct vcpu_report *vcpus = report->vcpus;
	size_t old = 0;

	for (size_t i = 0; i < cur->vcpu_cnt; i++) {
		const struct vcpu_reading *now = &cur->vcpus[i], *known = NULL;
		int order = 1;

		while (old < prev->vcpu_cnt &&
		       (order = vcpu_reading__compare(&prev->vcpus[old], now)) < 0)
			old++;
		if (order == 0)
			known = &prev->vcpus[old];
		vcpus[i].tid = now->tid;
		vcpus[i].vcpu_id = now->vcpu_id;
		if (!now->seen)
			vcpus[i].halting = HALTING_UNKNOWN;
		else
			vcpus[i].halting = now->cannot_halt ? HALTING_NEVER : HALTING_MEASURED;
		span__account(span, known, known ? known : find_unseen(prev, now), now,
			      &vcpus[i].metrics);
		vcpus[i].histogram = NULL;
		if (!cur->has_stints || span__is_unhooked(span, known, now))
			continue;
		set_histogram(prev, known, cur, now, vcpus[i].metrics.value[METRIC_ENTRY_CNT],
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

static void sum_up(const struct vcpu_report *vcpus, size_t cnt, struct metrics *sums)
{
	for (int metric = 0; metric < METRIC_CNT; metric++) {
		__u64 sum = 0;

		for (size_t i = 0; i < cnt; i++) {
			__u64 value = vcpus[i].metrics.value[metric];

			if (value == METRIC_UNKNOWN || __builtin_add_overflow(sum, value, &sum)) {
				sum = METRIC_UNKNOWN;
				break;
			}
		}
		sums->value[metric] = sum;
	}
	if (!cnt)
		metrics__forget(sums);
}

/* Adds a VM whose vCPUs are the next `cnt` vCPU reports after those of the previous VMs. */
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
	sum_up(vcpus, cnt, &vm->metrics);
	for (size_t i = 0; i < cnt; i++)
		if (vcpus[i].halting > vm->halting)
			vm->halting = vcpus[i].halting;
}

/* Adds the VMs of one process, whose vCPUs are the first `cnt` of `vcpus`. */
static void add_process(struct report *report, pid_t pid, const char *name,
			const struct vcpu_reading *vcpus, size_t cnt)
{
	size_t begin = 0, end = 0;

	/* Unseen vCPUs have an unknown vm_id (0). They go to the first VM. */
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

/* Adds all processes that have a VM or a vCPU in the snapshot, in order of PID. */
static void add_processes(struct report *report, const struct snapshot *cur)
{
	const struct vm_reading *vm = cur->vms;
	/* NULL + 0 is undefined behaviour in C. */
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

/*
 * Sums the histograms of each VM's vCPUs. A VM has none if one of its vCPUs has
 * none. Memory is reserved.
 */
static void sum_up_histograms(struct report *report)
{
	for (size_t i = 0; i < report->vm_cnt; i++) {
		struct vm_report *vm = &report->vms[i];

		report->vm_histograms[i] = (struct histogram){ 0 };
		vm->histogram = &report->vm_histograms[i];
		for (size_t j = 0; j < vm->vcpu_cnt && vm->histogram; j++) {
			if (vm->vcpus[j].histogram)
				histogram__add(&report->vm_histograms[i], vm->vcpus[j].histogram);
			else
				vm->histogram = NULL;
		}
	}
}

/* Returns the array with space for cnt elements, possibly moved; NULL if out of memory. */
static void *make_room(void *array, size_t *room, size_t cnt, size_t size)
{
	/* Allocate at least one element, so that NULL always means out of memory. */
	size_t wanted = cnt ? cnt : 1;

	if (wanted <= *room)
		return array;
	array = reallocarray(array, wanted, size);
	if (array)
		*room = wanted;
	return array;
}

/* Reserves memory for the worst case: each vCPU may belong to a VM of its own. */
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

static struct health health_of(const struct health *prev, const struct health *cur)
{
	return (struct health){
		.lost_window_cnt = cnt_since(prev->lost_window_cnt, cur->lost_window_cnt),
		.mperf_error_cnt = cnt_since(prev->mperf_error_cnt, cur->mperf_error_cnt),
		.map_full_cnt = cnt_since(prev->map_full_cnt, cur->map_full_cnt),
		.hooks_off_cnt = cnt_since(prev->hooks_off_cnt, cur->hooks_off_cnt),
		.refused_window_cnt = cnt_since(prev->refused_window_cnt, cur->refused_window_cnt),
	};
}

int account__report(const struct snapshot *prev, const struct snapshot *cur, struct report *report)
{
	struct span span;
	int err = span__init(&span, prev, cur);

	if (err)
		return err;
	err = reserve(report, cur);
	if (err) {
		report__free(report);
		return err;
	}
	report->interval_ns = span.interval_ns;
	report->begin = prev->clock;
	report->end = cur->clock;
	report->mode = span.entry_mode ? MODE_ENTRY : MODE_SWITCH;
	report->mperf_ratio = cur->mperf_ratio;
	report->pinned = cur->pinned;
	report->online_cpu_cnt = cur->online_cpu_cnt;
	report->health = health_of(&prev->health, &cur->health);
	report->vm_cnt = 0;
	report->vcpu_cnt = 0;
	report_vcpus(prev, cur, &span, report);
	add_processes(report, cur);
	sum_up(report->vcpus, report->vcpu_cnt, &report->total);
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
