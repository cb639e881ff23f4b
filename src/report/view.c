// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "report/view.h"

static const struct metrics *metrics_of(const struct view_row *row)
{
	return row->vcpu ? &row->vcpu->metrics : &row->vm->metrics;
}

/* As in the table, a share of a wall time that is 0 or unknown is unknown. */
static bool is_known(const struct metrics *metrics, enum column column)
{
	__u64 wall_ns = metrics->value[METRIC_WALL_NS];

	return metrics->value[column_defs[column].metric] != METRIC_UNKNOWN &&
	       (column_defs[column].unit != UNIT_SHARE || (wall_ns && wall_ns != METRIC_UNKNOWN));
}

/* Returns a negative number if a is shown first. */
static int compare_metrics(const struct metrics *a, const struct metrics *b, enum column column)
{
	unsigned __int128 a_value = a->value[column_defs[column].metric];
	unsigned __int128 b_value = b->value[column_defs[column].metric];

	if (!is_known(a, column) || !is_known(b, column))
		return is_known(b, column) - is_known(a, column);
	/* Compare a / a_wall with b / b_wall without dividing. */
	if (column_defs[column].unit == UNIT_SHARE) {
		a_value *= b->value[METRIC_WALL_NS];
		b_value *= a->value[METRIC_WALL_NS];
	}
	return (a_value < b_value) - (a_value > b_value);
}

static int compare_rows(const void *left, const void *right, void *column)
{
	const struct view_row *a = left, *b = right;
	int order = compare_metrics(metrics_of(a), metrics_of(b), *(const enum column *)column);

	if (order)
		return order;
	/* Both point into the report's arrays, so comparing addresses gives the report's order. */
	if (a->vm != b->vm)
		return a->vm < b->vm ? -1 : 1;
	return (a->vcpu > b->vcpu) - (a->vcpu < b->vcpu);
}

static void sort_rows(struct view_row *rows, size_t cnt, const struct view_opts *opts)
{
	enum column column = opts->sort;

	/* qsort_r() must not get NULL, which an empty array may be. */
	if (opts->sorted && cnt)
		qsort_r(rows, cnt, sizeof(*rows), compare_rows, &column);
}

static void add_vcpus(struct view *view, const struct vm_report *vm)
{
	for (size_t i = 0; i < vm->vcpu_cnt; i++)
		view->rows[view->row_cnt++] = (struct view_row){ vm, &vm->vcpus[i] };
}

/* Drops rows beyond row_max. */
static void cut_rows(struct view *view, const struct view_opts *opts)
{
	view->left_out_cnt = 0;
	view->lacks_vms = false;
	if (!opts->row_max || view->row_cnt <= opts->row_max)
		return;
	view->left_out_cnt = view->row_cnt - opts->row_max;
	view->lacks_vms = true;
	view->row_cnt = opts->row_max;
}

/*
 * Inserts the vCPUs of each VM below its row, from the end, so that no row is
 * overwritten before it is moved.
 */
static void spread_vcpus(struct view *view, const struct view_opts *opts)
{
	size_t vm_cnt = view->row_cnt, end;

	for (size_t i = 0; i < vm_cnt; i++)
		view->row_cnt += view->rows[i].vm->vcpu_cnt;
	end = view->row_cnt;
	for (size_t i = vm_cnt; i-- > 0;) {
		const struct vm_report *vm = view->rows[i].vm;

		for (size_t j = vm->vcpu_cnt; j-- > 0;)
			view->rows[--end] = (struct view_row){ vm, &vm->vcpus[j] };
		sort_rows(&view->rows[end], vm->vcpu_cnt, opts);
		view->rows[--end] = (struct view_row){ vm, NULL };
	}
}

static int reserve(struct view *view, size_t cnt)
{
	struct view_row *rows;

	if (cnt <= view->row_room)
		return 0;
	rows = reallocarray(view->rows, cnt, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	view->rows = rows;
	view->row_room = cnt;
	return 0;
}

int view__make(const struct report *report, const struct view_opts *opts, struct view *view)
{
	int err = reserve(view, report->vm_cnt + report->vcpu_cnt);

	if (err)
		return err;
	view->level = opts->level;
	view->row_cnt = 0;
	for (size_t i = 0; i < report->vm_cnt; i++) {
		if (opts->level == VIEW_VCPUS)
			add_vcpus(view, &report->vms[i]);
		else
			view->rows[view->row_cnt++] = (struct view_row){ &report->vms[i], NULL };
	}
	sort_rows(view->rows, view->row_cnt, opts);
	cut_rows(view, opts);
	if (opts->level == VIEW_VMS_AND_VCPUS)
		spread_vcpus(view, opts);
	return 0;
}

void view__free(struct view *view)
{
	free(view->rows);
	*view = (struct view){ 0 };
}
