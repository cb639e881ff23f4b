// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "report/spent.h"
#include "report/timeline.h"

static void add_cell(struct timeline_cell *to, const struct timeline_cell *from)
{
	for (int part = 0; part < PART_CNT; part++)
		to->ns[part] += from->ns[part];
	to->unknown_parts |= from->unknown_parts;
}

/* Joins the cells of a row by pairs, and gives it room for column_max. */
static int join_cells(const struct timeline *timeline, struct timeline_cell **cells)
{
	struct timeline_cell *old = *cells, *fewer;

	for (size_t i = 0; i < timeline->column_cnt; i++) {
		struct timeline_cell cell = old[i];

		old[i] = (struct timeline_cell){ 0 };
		add_cell(&old[i / 2], &cell);
	}
	fewer = reallocarray(old, timeline->column_max, sizeof(*old));
	if (!fewer)
		return -ENOMEM;
	*cells = fewer;
	return 0;
}

/* Halves the columns. column_max is what is allowed afterwards. */
static int join_columns(struct timeline *timeline)
{
	struct timeline_column *columns = timeline->columns;
	bool is_odd = timeline->column_cnt % 2;
	int err = 0;

	for (size_t i = 0; i < timeline->vm_cnt && !err; i++) {
		struct timeline_vm *vm = &timeline->vms[i];

		err = join_cells(timeline, &vm->cells);
		for (size_t j = 0; j < vm->vcpu_cnt && !err; j++)
			err = join_cells(timeline, &vm->vcpus[j].cells);
	}
	for (size_t i = 0; i < timeline->column_cnt; i++) {
		if (i % 2)
			columns[i / 2].end_ns = columns[i].end_ns;
		else
			columns[i / 2] = columns[i];
	}
	if (timeline->column_cnt && !is_odd)
		timeline->last_cnt += timeline->joined_cnt;
	timeline->column_cnt = (timeline->column_cnt + 1) / 2;
	timeline->joined_cnt *= 2;
	return err;
}

/* Makes the interval a part of the last column, or of a new one. */
static int add_column(struct timeline *timeline, const struct report *report)
{
	bool is_new = !timeline->column_cnt || timeline->last_cnt == timeline->joined_cnt;
	int err = 0;

	if (is_new && timeline->column_cnt == timeline->column_max) {
		err = join_columns(timeline);
		is_new = timeline->last_cnt == timeline->joined_cnt;
	}
	if (err)
		return err;
	if (is_new) {
		timeline->columns[timeline->column_cnt++].begin_ns = report->begin.mono_ns;
		timeline->last_cnt = 0;
	}
	timeline->columns[timeline->column_cnt - 1].end_ns = report->end.mono_ns;
	timeline->last_cnt++;
	return 0;
}

/* Returns the cells of a new row; NULL if there is no room, or if out of memory: *err. */
static struct timeline_cell *new_row(struct timeline *timeline, int *err)
{
	struct timeline_cell *cells;

	if (timeline->row_cnt == TIMELINE_ROWS_MAX) {
		timeline->left_out_cnt++;
		return NULL;
	}
	while ((timeline->row_cnt + 1) * timeline->column_max > TIMELINE_CELLS_MAX && !*err) {
		timeline->column_max /= 2;
		while (timeline->column_cnt > timeline->column_max && !*err)
			*err = join_columns(timeline);
	}
	cells = *err ? NULL : calloc(timeline->column_max, sizeof(*cells));
	if (!cells)
		*err = -ENOMEM;
	timeline->row_cnt += !!cells;
	return cells;
}

/* Returns the array with room for one element more; NULL if out of memory. */
static void *grow(void *array, size_t cnt, size_t size)
{
	/* There is room up to the next power of two. */
	if (cnt & (cnt - 1))
		return array;
	return reallocarray(array, cnt ? 2 * cnt : 1, size);
}

/*
 * Returns the VM; NULL as new_row(). *hint: where to look first; becomes the place behind the VM.
 */
static struct timeline_vm *find_or_add_vm(struct timeline *timeline, const struct vm_report *vm,
					  unsigned int instance, size_t *hint, int *err)
{
	struct timeline_vm *vms, *found;
	struct timeline_cell *cells;
	size_t start = *hint;

	for (size_t i = 0; i < timeline->vm_cnt; i++) {
		size_t at = (start + i) % timeline->vm_cnt;

		found = &timeline->vms[at];
		*hint = at + 1;
		if (found->pid == vm->pid && found->instance == instance &&
		    !strncmp(found->name, vm->name, sizeof(found->name) - 1))
			return found;
	}
	cells = new_row(timeline, err);
	vms = cells ? grow(timeline->vms, timeline->vm_cnt, sizeof(*vms)) : NULL;
	if (!vms) {
		if (cells)
			*err = -ENOMEM;
		free(cells);
		return NULL;
	}
	timeline->vms = vms;
	found = &vms[timeline->vm_cnt++];
	*found = (struct timeline_vm){ .pid = vm->pid, .instance = instance, .cells = cells };
	snprintf(found->name, sizeof(found->name), "%s", vm->name);
	return found;
}

static struct timeline_vcpu *find_or_add_vcpu(struct timeline *timeline, struct timeline_vm *vm,
					      const struct vcpu_report *vcpu, size_t *hint,
					      int *err)
{
	struct timeline_vcpu *vcpus, *found;
	struct timeline_cell *cells;
	size_t start = *hint;

	for (size_t i = 0; i < vm->vcpu_cnt; i++) {
		size_t at = (start + i) % vm->vcpu_cnt;

		found = &vm->vcpus[at];
		*hint = at + 1;
		if (found->tid == vcpu->tid && found->vcpu_id == vcpu->vcpu_id)
			return found;
	}
	cells = new_row(timeline, err);
	vcpus = cells ? grow(vm->vcpus, vm->vcpu_cnt, sizeof(*vcpus)) : NULL;
	if (!vcpus) {
		if (cells)
			*err = -ENOMEM;
		free(cells);
		return NULL;
	}
	vm->vcpus = vcpus;
	found = &vcpus[vm->vcpu_cnt++];
	*found = (struct timeline_vcpu){ vcpu->tid, vcpu->vcpu_id, cells };
	return found;
}

static __u32 unknown_parts(const __u64 *value)
{
	__u32 unknown = 0;

	/* Halted is a lower bound where some time is unmeasured. */
	if (value[METRIC_HALTED_NS] == METRIC_UNKNOWN || value[METRIC_UNMEASURED_NS])
		unknown |= 1U << PART_HALTED;
	if (value[METRIC_BLOCKED_NS] == METRIC_UNKNOWN)
		unknown |= 1U << PART_BLOCKED;
	if (value[METRIC_BUSY_NS] == METRIC_UNKNOWN)
		unknown |= 1U << PART_BUSY;
	if (value[METRIC_HOST_NS] == METRIC_UNKNOWN)
		unknown |= 1U << PART_HOST;
	if (value[METRIC_WAIT_NS] == METRIC_UNKNOWN)
		unknown |= 1U << PART_WAIT;
	return unknown;
}

static struct timeline_cell cell_of(const struct vcpu_report *vcpu, enum measure_mode mode)
{
	const __u64 *value = vcpu->metrics.value;
	struct timeline_cell cell = { .unknown_parts = unknown_parts(value) };
	struct spent spent = { 0 };

	spent__add(&spent, value, mode);
	cell.ns[PART_BUSY] = (float)spent.busy_ns;
	cell.ns[PART_HOST] = (float)spent.host_ns;
	cell.ns[PART_USED] = mode == MODE_SWITCH ? (float)spent.used_ns : 0;
	cell.ns[PART_WAIT] = (float)spent.wait_ns;
	cell.ns[PART_UNKNOWN] = (float)spent.unknown_ns;
	cell.ns[PART_HALTED] = (float)spent.halted_ns;
	cell.ns[PART_BLOCKED] = (float)(spent.idle_ns - spent.halted_ns);
	return cell;
}

static int add_vm(struct timeline *timeline, const struct report *report,
		  const struct vm_report *vm, size_t *hint)
{
	size_t vcpu_hint = 0, vcpu_cnt = vcpu_cnt_of(vm);
	int err = 0;
	struct timeline_vm *row = find_or_add_vm(timeline, vm, instance_of(report, vm), hint, &err);

	if (!row)
		return err;
	row->vcpu_max = vcpu_cnt > row->vcpu_max ? vcpu_cnt : row->vcpu_max;
	for (size_t i = 0; i < vm->vcpu_cnt && !err; i++) {
		struct timeline_cell cell = cell_of(&vm->vcpus[i], report->mode);
		struct timeline_vcpu *vcpu =
			timeline->has_vcpus
				? find_or_add_vcpu(timeline, row, &vm->vcpus[i], &vcpu_hint, &err)
				: NULL;

		/* A new row may have joined columns. */
		add_cell(&row->cells[timeline->column_cnt - 1], &cell);
		if (vcpu)
			add_cell(&vcpu->cells[timeline->column_cnt - 1], &cell);
	}
	return err;
}

int timeline__add(struct timeline *timeline, const struct report *report)
{
	size_t hint = 0;
	int err;

	if (!timeline->interval_cnt) {
		timeline->begin = report->begin;
		timeline->column_max = TIMELINE_COLUMNS_MAX;
		timeline->joined_cnt = 1;
	}
	err = add_column(timeline, report);
	if (err)
		return err;
	timeline->interval_cnt++;
	timeline->end = report->end;
	timeline->mode = report->mode;
	for (size_t i = 0; i < report->vm_cnt && !err; i++)
		err = add_vm(timeline, report, &report->vms[i], &hint);
	return err;
}

void timeline__free(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->vm_cnt; i++) {
		struct timeline_vm *vm = &timeline->vms[i];

		for (size_t j = 0; j < vm->vcpu_cnt; j++)
			free(vm->vcpus[j].cells);
		free(vm->vcpus);
		free(vm->cells);
	}
	free(timeline->vms);
	*timeline = (struct timeline){ 0 };
}

float timeline__wall_ns(const struct timeline_cell *cell)
{
	float wall_ns = 0;

	for (int part = 0; part < PART_CNT; part++)
		wall_ns += cell->ns[part];
	return wall_ns;
}

bool timeline__is_one_of_several(const struct timeline *timeline, const struct timeline_vm *vm)
{
	for (size_t i = 0; i < timeline->vm_cnt; i++) {
		if (timeline->vms[i].pid == vm->pid && &timeline->vms[i] != vm)
			return true;
	}
	return vm->instance > 1;
}
