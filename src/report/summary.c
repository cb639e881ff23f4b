// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "report/summary.h"

#define UNKNOWN __builtin_nan("")

static struct vm_summary *find_vm(struct summary *summary, const struct vm_report *vm,
				  unsigned int instance)
{
	for (size_t i = 0; i < summary->vm_cnt; i++) {
		struct vm_summary *known = &summary->vms[i];

		if (known->pid == vm->pid && known->instance == instance &&
		    !strncmp(known->name, vm->name, sizeof(known->name) - 1))
			return known;
	}
	return NULL;
}

static struct vm_summary *find_or_add_vm(struct summary *summary, const struct vm_report *vm,
					 unsigned int instance)
{
	struct vm_summary *found = find_vm(summary, vm, instance), *vms;

	if (found)
		return found;
	vms = reallocarray(summary->vms, summary->vm_cnt + 1, sizeof(*vms));
	if (!vms)
		return NULL;
	summary->vms = vms;
	found = &vms[summary->vm_cnt++];
	*found = (struct vm_summary){ .pid = vm->pid, .instance = instance };
	snprintf(found->name, sizeof(found->name), "%s", vm->name);
	return found;
}

static struct summary_sample *add_sample(struct vm_summary *vm)
{
	struct summary_sample *samples;
	size_t room = vm->sample_room ? 2 * vm->sample_room : 64;

	if (vm->sample_cnt == vm->sample_room) {
		samples = reallocarray(vm->samples, room, sizeof(*samples));
		if (!samples)
			return NULL;
		vm->samples = samples;
		vm->sample_room = room;
	}
	return &vm->samples[vm->sample_cnt++];
}

static double in_vcpus(__u64 ns, __u64 interval_ns)
{
	return ns == METRIC_UNKNOWN ? UNKNOWN : (double)ns / (double)interval_ns;
}

static int add_vm(struct summary *summary, const struct report *report, const struct vm_report *vm)
{
	const __u64 *value = vm->metrics.value;
	struct vm_summary *sum = find_or_add_vm(summary, vm, instance_of(report, vm));
	struct summary_sample *sample = sum ? add_sample(sum) : NULL;
	size_t vcpu_cnt = vcpu_cnt_of(vm);

	if (!sample)
		return -ENOMEM;
	if (vcpu_cnt > sum->vcpu_cnt)
		sum->vcpu_cnt = vcpu_cnt;
	sample->interval_ns = report->interval_ns;
	sample->value[SUMMARY_BUSY] = in_vcpus(value[METRIC_BUSY_NS], report->interval_ns);
	sample->value[SUMMARY_IDLE] = in_vcpus(value[METRIC_IDLE_NS], report->interval_ns);
	sample->value[SUMMARY_WANTED] =
		in_vcpus(value[METRIC_WALL_NS], report->interval_ns) - sample->value[SUMMARY_IDLE];
	/* Idle is a lower bound then. */
	if (value[METRIC_UNMEASURED_NS] && value[METRIC_UNMEASURED_NS] != METRIC_UNKNOWN)
		sample->value[SUMMARY_WANTED] = sample->value[SUMMARY_IDLE] = UNKNOWN;
	return 0;
}

int summary__add(struct summary *summary, const struct report *report)
{
	int err = 0;

	if (!summary->interval_cnt++)
		summary->begin = report->begin;
	summary->end = report->end;
	for (size_t i = 0; i < report->vm_cnt && !err; i++)
		err = add_vm(summary, report, &report->vms[i]);
	return err;
}

void summary__free(struct summary *summary)
{
	for (size_t i = 0; i < summary->vm_cnt; i++)
		free(summary->vms[i].samples);
	free(summary->vms);
	*summary = (struct summary){ 0 };
}

/* A value, and for how long the VM had that value. */
struct step {
	double value;
	__u64 ns;
};

static int compare_steps(const void *left, const void *right)
{
	const struct step *a = left, *b = right;

	return (a->value > b->value) - (a->value < b->value);
}

/* Returns the value that is not exceeded for `permille` of the time; steps are sorted. */
static double percentile(const struct step *steps, size_t cnt, __u64 sum_ns, unsigned int permille)
{
	unsigned __int128 wanted = (unsigned __int128)sum_ns * permille;
	unsigned __int128 ns = 0;

	for (size_t i = 0; i < cnt; i++) {
		ns += (unsigned __int128)steps[i].ns * 1000;
		if (ns >= wanted)
			return steps[i].value;
	}
	return cnt ? steps[cnt - 1].value : UNKNOWN;
}

/* Returns the steps of the known time, sorted, which the caller frees; NULL if there are none. */
static struct step *make_steps(const struct vm_summary *vm, enum summary_value value, size_t *cnt,
			       __u64 *sum_ns)
{
	struct step *steps = calloc(vm->sample_cnt ? vm->sample_cnt : 1, sizeof(*steps));

	*cnt = 0;
	*sum_ns = 0;
	for (size_t i = 0; steps && i < vm->sample_cnt; i++) {
		double known = vm->samples[i].value[value];

		if (known != known)
			continue;
		steps[(*cnt)++] = (struct step){ known, vm->samples[i].interval_ns };
		*sum_ns += vm->samples[i].interval_ns;
	}
	if (*cnt)
		qsort(steps, *cnt, sizeof(*steps), compare_steps);
	return steps;
}

/*
 * Returns the mean of the first minute from a sample on; NaN if a part of it is unknown or missing.
 * The minute may be wrong by half of its last interval, because intervals have no exact length.
 */
static double minute_from(const struct vm_summary *vm, enum summary_value value, size_t first)
{
	double sum = 0;
	__u64 ns = 0;

	for (size_t i = first; i < vm->sample_cnt; i++) {
		const struct summary_sample *sample = &vm->samples[i];

		sum += sample->value[value] * (double)sample->interval_ns;
		ns += sample->interval_ns;
		if (ns + sample->interval_ns / 2 >= SUMMARY_MINUTE_NS)
			return sum / (double)ns;
	}
	return UNKNOWN;
}

static double worst_minute(const struct vm_summary *vm, enum summary_value value)
{
	double worst = UNKNOWN;

	for (size_t i = 0; i < vm->sample_cnt; i++) {
		double minute = minute_from(vm, value, i);
		bool is_worse = value == SUMMARY_IDLE ? minute < worst : minute > worst;

		if (is_worse || worst != worst)
			worst = minute;
	}
	return worst;
}

struct summary_spread summary__spread(const struct vm_summary *vm, enum summary_value value)
{
	struct summary_spread spread = { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0 };
	size_t cnt;
	__u64 sum_ns;
	struct step *steps = make_steps(vm, value, &cnt, &sum_ns);
	double sum = 0;

	for (size_t i = 0; i < vm->sample_cnt; i++)
		spread.unknown_ns += vm->samples[i].interval_ns;
	spread.unknown_ns -= sum_ns;
	if (!steps || !cnt) {
		free(steps);
		return spread;
	}
	for (size_t i = 0; i < cnt; i++)
		sum += steps[i].value * (double)steps[i].ns;
	spread.mean = sum / (double)sum_ns;
	spread.p50 = percentile(steps, cnt, sum_ns, 500);
	spread.p95 = percentile(steps, cnt, sum_ns, 950);
	spread.max = steps[cnt - 1].value;
	spread.minute = worst_minute(vm, value);
	free(steps);
	return spread;
}

size_t summary__enough_vcpus(const struct vm_summary *vm)
{
	size_t cnt, enough;
	__u64 sum_ns;
	struct step *steps = make_steps(vm, SUMMARY_WANTED, &cnt, &sum_ns);
	double wanted = steps ? percentile(steps, cnt, sum_ns, SUMMARY_ENOUGH_PERMILLE) : UNKNOWN;

	free(steps);
	if (!(wanted >= 0))
		return 0;
	for (enough = 1; (double)enough < wanted; enough++)
		;
	return enough;
}

bool summary__is_one_of_several(const struct summary *summary, const struct vm_summary *vm)
{
	for (size_t i = 0; i < summary->vm_cnt; i++) {
		if (summary->vms[i].pid == vm->pid && &summary->vms[i] != vm)
			return true;
	}
	return vm->instance > 1;
}
