// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "export/total_list.h"
#include "export/totals.h"
#include "report/columns.h"
#include "text/utf8.h"

static int compare_vms(const void *left, const void *right)
{
	const struct vm_total *a = left, *b = right;

	if (a->total.pid != b->total.pid)
		return a->total.pid < b->total.pid ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int compare_vcpus(const void *left, const void *right)
{
	const struct total *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->vm_number != b->vm_number)
		return a->vm_number < b->vm_number ? -1 : 1;
	return (a->vcpu_id > b->vcpu_id) - (a->vcpu_id < b->vcpu_id);
}

void totals__init(struct totals *totals)
{
	*totals = (struct totals){
		.vms = { .item_size = sizeof(struct vm_total), .compare = compare_vms },
		.vcpus = { .item_size = sizeof(struct total), .compare = compare_vcpus },
	};
	metrics__forget(&totals->node);
}

void totals__free(struct totals *totals)
{
	free(totals->vms.items);
	free(totals->vcpus.items);
	totals__init(totals);
}

__u64 totals__stint_bound_ns(unsigned int i)
{
	return 1ULL << (TOTALS_BOUND_MIN_SHIFT + 2 * i);
}

static void add_stints(struct stint_totals *stints, const struct histogram *histogram)
{
	unsigned int bound = 0;

	if (!histogram)
		return;
	stints->known = true;
	stints->halted_ns += histogram->halted_ns;
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++) {
		__u64 low_ns, high_ns;

		histogram__bounds(i, &low_ns, &high_ns);
		while (bound < TOTALS_BOUND_CNT && low_ns >= totals__stint_bound_ns(bound))
			bound++;
		stints->cnt[bound] += histogram->cnt[i];
	}
}

/*
 * Copies the name in printable form, so that names which look the same when exported are the same.
 */
static void copy_name(char *to, size_t size, const char *name)
{
	size_t len = 0;

	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		if (len + glyph.len >= size)
			break;
		memcpy(to + len, glyph.bytes, glyph.len);
		len += glyph.len;
	}
	to[len] = '\0';
}

static struct vm_total *take_vm(struct totals *totals, const struct vm_report *vm)
{
	struct vm_total key = { .total.pid = vm->pid, .total.vm_number = totals->vm_number + 1 };
	struct vm_total *found;

	copy_name(key.name, sizeof(key.name), vm->name);
	metrics__forget(&key.total.sums);
	found = (struct vm_total *)total_list__find_or_add(&totals->vms, &key);
	if (found->total.vm_number > totals->vm_number)
		totals->vm_number = found->total.vm_number;
	if (!found->total.seen)
		found->vcpu_cnt = 0;
	found->total.seen = true;
	return found;
}

/*
 * Adds a vCPU to all levels. A level sums the known values: an unknown value of one vCPU does not
 * make the sum unknown.
 */
static void add_vcpu(struct totals *totals, struct vm_total *vm, const struct vcpu_report *vcpu)
{
	struct total key = {
		.pid = vm->total.pid,
		.vm_number = vm->total.vm_number,
		.vcpu_id = vcpu->vcpu_id,
	};
	struct total *found;

	metrics__forget(&key.sums);
	found = total_list__find_or_add(&totals->vcpus, &key);
	found->seen = true;
	total__add_metrics(&found->sums, &vcpu->metrics);
	total__add_metrics(&vm->total.sums, &vcpu->metrics);
	total__add_metrics(&totals->node, &vcpu->metrics);
}

static void add_vms(struct totals *totals, const struct report *report)
{
	struct vm_total *vm = NULL;

	for (size_t i = 0; i < report->vm_cnt; i++) {
		const struct vm_report *next = &report->vms[i];

		/* VMs of one process are adjacent and have the same name. */
		if (!vm || vm->total.pid != next->pid)
			vm = take_vm(totals, next);
		vm->vcpu_cnt += vcpu_cnt_of(next);
		add_stints(&vm->stints, next->histogram);
		for (size_t j = 0; j < next->vcpu_cnt; j++)
			add_vcpu(totals, vm, &next->vcpus[j]);
	}
}

/* Reserves all space first, so that a report is added completely or not at all. */
static int reserve(struct totals *totals, const struct report *report)
{
	int err = total_list__reserve(&totals->vms, report->vm_cnt);

	return err ? err : total_list__reserve(&totals->vcpus, report->vcpu_cnt);
}

int totals__add(struct totals *totals, const struct report *report)
{
	__u64 now_ns = report->end.mono_ns;
	int err = reserve(totals, report);

	if (err)
		return err;
	totals->dropped_cnt += total_list__drop_ended(&totals->vms, now_ns);
	totals->dropped_cnt += total_list__drop_ended(&totals->vcpus, now_ns);
	total_list__begin(&totals->vms);
	total_list__begin(&totals->vcpus);
	add_vms(totals, report);
	total_list__end(&totals->vms, now_ns);
	total_list__end(&totals->vcpus, now_ns);
	totals->health.lost_window_cnt += report->health.lost_window_cnt;
	totals->health.mperf_error_cnt += report->health.mperf_error_cnt;
	totals->health.map_full_cnt += report->health.map_full_cnt;
	totals->health.hooks_off_cnt += report->health.hooks_off_cnt;
	totals->health.refused_window_cnt += report->health.refused_window_cnt;
	totals->mperf_ratio = report->mperf_ratio;
	return 0;
}

const struct vm_total *totals__vm_of(const struct totals *totals, const struct total *vcpu)
{
	const struct vm_total key = { .total.pid = vcpu->pid };
	size_t low = 0, high = totals->vms.cnt;

	/* Find the first VM of the process: the empty name of the key sorts before all others. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_vms(totals__vm(totals, middle), &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < totals->vms.cnt && totals__vm(totals, low)->total.pid == vcpu->pid; low++) {
		if (totals__vm(totals, low)->total.vm_number == vcpu->vm_number)
			return totals__vm(totals, low);
	}
	return NULL;
}

size_t totals__live_vm_cnt(const struct totals *totals)
{
	return totals->vms.cnt - totals->vms.ended_cnt;
}
