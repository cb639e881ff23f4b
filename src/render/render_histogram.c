// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "report/account.h"
#include "report/columns.h"
#include "text/line.h"
#include "render/render.h"
#include "render/render_histogram.h"
#include "render/render_notes.h"
#include "text/stream.h"
#include "text/time_text.h"
#include "report/view.h"
#include "render/vm_label.h"

#define ROW_CNT     (STINT_MAX_SHIFT - STINT_MIN_SHIFT)
#define COUNT_WIDTH 8 /* as in libbpf-tools; larger counts shorten the bars */
#define BAR_WIDTH   40

static const struct unit_def {
	const char *name;
	__u64 ns;
	int digits; /* after the decimal point, at least */
	int bound_width;
} units[] = {
	[HISTOGRAM_US] = { "usecs", 1000, 1, 10 },
	[HISTOGRAM_MS] = { "msecs", 1000000, 1, 10 },
	[HISTOGRAM_NS] = { "nsecs", 1, 0, 11 },
};

/* A row shows one power of two. */
struct row {
	__u64 low_ns, high_ns, cnt;
};

struct rows {
	struct row rows[ROW_CNT];
	size_t first, end; /* range of rows that are shown */
	__u64 max_cnt;
};

static const char *format_ns(__u64 ns, const struct unit_def *unit,
			     char text[static TIME_TEXT_SIZE])
{
	time_text__in_unit(ns, unit->ns, unit->digits, text);
	return text;
}

static void add_bucket(const struct histogram *histogram, unsigned int bucket, struct row *row)
{
	__u64 low_ns;

	histogram__bounds(bucket, &low_ns, &row->high_ns);
	if (!row->low_ns)
		row->low_ns = low_ns;
	if (__builtin_add_overflow(row->cnt, histogram->cnt[bucket], &row->cnt))
		row->cnt = UINT64_MAX;
}

static void make_rows(const struct histogram *histogram, struct rows *rows)
{
	*rows = (struct rows){ .first = ROW_CNT };
	for (unsigned int i = 0; i < STINT_BUCKET_CNT; i++) {
		size_t to = i >> STINT_SUB_SHIFT;
		struct row *row = &rows->rows[to];

		add_bucket(histogram, i, row);
		if (!row->cnt)
			continue;
		rows->first = rows->first < to ? rows->first : to;
		rows->end = to + 1;
		rows->max_cnt = rows->max_cnt > row->cnt ? rows->max_cnt : row->cnt;
	}
}

static int count_width(const struct rows *rows)
{
	int width = snprintf(NULL, 0, "%llu", rows->max_cnt);

	return width > COUNT_WIDTH ? width : COUNT_WIDTH;
}

static int write_heading(const struct rows *rows, const struct unit_def *unit, FILE *out)
{
	const int bounds_width = 2 * unit->bound_width + (int)strlen(" -> ");
	struct line line = { 0 };

	line__pad(&line, 5);
	line__add(&line, unit->name);
	line__pad(&line, bounds_width);
	line__add(&line, " : count");
	line__pad(&line, bounds_width + 3 + count_width(rows) + 1);
	line__add(&line, "distribution");
	return line__write(&line, out);
}

static int write_row(const struct rows *rows, const struct row *row, const struct unit_def *unit,
		     FILE *out)
{
	bool is_last = row == &rows->rows[ROW_CNT - 1];
	struct line line = { 0 };
	char text[TIME_TEXT_SIZE];
	int end, bar;

	line__add_right(&line, format_ns(row->low_ns, unit, text), unit->bound_width);
	line__add(&line, " -> ");
	end = line.width + unit->bound_width;
	line__add(&line, is_last ? "and more" : format_ns(row->high_ns, unit, text));
	line__pad(&line, end);
	line__add(&line, " : ");
	end = line.width + count_width(rows);
	snprintf(text, sizeof(text), "%llu", row->cnt);
	line__add(&line, text);
	line__pad(&line, end);
	line__add(&line, " |");
	bar = LINE_WIDTH - 1 - line.width;
	bar = bar < BAR_WIDTH ? bar : BAR_WIDTH;
	end = line.width + bar;
	for (int stars = (int)((unsigned __int128)row->cnt * bar / rows->max_cnt); stars; stars--)
		line__add(&line, "*");
	line__pad(&line, end);
	line__add(&line, "|");
	return line__write(&line, out);
}

static int write_figures(const struct histogram *histogram, const struct unit_def *unit, FILE *out)
{
	static const struct {
		const char *name;
		unsigned int permille;
	} quantiles[] = { { "p50", 500 }, { ", p90", 900 }, { ", p99", 990 }, { ", max", 1000 } };
	char text[TIME_TEXT_SIZE];
	struct line line = { 0 };

	if (fprintf(out, "count %llu, sum %s %s\n", histogram__halted_cnt(histogram),
		    format_ns(histogram->halted_ns, unit, text), unit->name) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		__u64 ns;

		if (!histogram__quantile(histogram, quantiles[i].permille, &ns))
			return 0;
		line__add(&line, quantiles[i].name);
		line__add(&line, " ");
		line__add(&line, format_ns(ns, unit, text));
	}
	line__add(&line, " ");
	line__add(&line, unit->name);
	return line__write(&line, out);
}

static int write_bars(const struct histogram *histogram, const struct unit_def *unit, FILE *out)
{
	struct rows rows;
	int err;

	make_rows(histogram, &rows);
	if (!rows.max_cnt)
		return stream__put(out, "no stint was halted for 1 usec or longer\n");
	err = write_heading(&rows, unit, out);
	for (size_t i = rows.first; i < rows.end && !err; i++)
		err = write_row(&rows, &rows.rows[i], unit, out);
	return err ? err : write_figures(histogram, unit, out);
}

static int write_histogram(const struct histogram *histogram, const struct unit_def *unit,
			   FILE *out)
{
	int err;

	if (!histogram)
		return stream__put(out, "stints were not counted\n");
	err = write_bars(histogram, unit, out);
	if (err || histogram->below_cnt == HISTOGRAM_UNKNOWN)
		return err;
	return fprintf(out, "halted below 1 usec, or not at all: %llu\n", histogram->below_cnt) < 0
		       ? -errno
		       : 0;
}

static int write_all(const struct report *report, const struct unit_def *unit, FILE *out)
{
	struct histogram sum = { 0 };
	bool counted = true;

	for (size_t i = 0; i < report->vm_cnt; i++) {
		if (report->vms[i].histogram)
			histogram__add(&sum, report->vms[i].histogram);
		else
			counted = false;
	}
	return write_histogram(counted ? &sum : NULL, unit, out);
}

static int write_one(const struct report *report, const struct view_row *row,
		     const struct unit_def *unit, FILE *out)
{
	size_t vcpu_cnt = vcpu_cnt_of(row->vm);
	struct line title = { 0 };
	char text[64];
	int err;

	vm_label__add(report, row->vm, vm_label__width(report, row->vm), NAME_CUT_END, &title);
	if (row->vcpu)
		snprintf(text, sizeof(text), ", vCPU %u, TID %d", row->vcpu->vcpu_id,
			 row->vcpu->tid);
	else
		snprintf(text, sizeof(text), ", PID %d, %zu vCPU%s", row->vm->pid, vcpu_cnt,
			 vcpu_cnt == 1 ? "" : "s");
	line__add(&title, text);
	err = line__write(&title, out);
	return err ? err
		   : write_histogram(row->vcpu ? row->vcpu->histogram : row->vm->histogram, unit,
				     out);
}

int render__histogram(const struct report *report, const struct view *view,
		      enum histogram_unit unit, FILE *out)
{
	int err = render__host(report, out);

	if (!err && view->level == VIEW_VMS_AND_VCPUS)
		err = write_all(report, &units[unit], out);
	for (size_t i = 0; i < view->row_cnt && !err && view->level != VIEW_VMS_AND_VCPUS; i++) {
		if (i)
			err = render__gap(out);
		if (!err)
			err = write_one(report, &view->rows[i], &units[unit], out);
	}
	if (!err)
		err = stream__put(
			out,
			"# Halts within one stint, from VM entry to exit, add up to one entry.\n");
	if (!err)
		err = render__notes(report, view, out);
	return err ? err : stream__flush(out);
}
