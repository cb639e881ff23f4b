// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "text/line.h"
#include "top/top_bar.h"
#include "top/top_canvas.h"
#include "top/top_layout.h"
#include "top/top_rows.h"
#include "top/top_state.h"
#include "render/vm_label.h"

#define NS_PER_S    1000000000ULL
#define NUMBER_SIZE sizeof("  vCPU 4294967295")

/*
 * Formats the vCPU's number, which follows the VM's name or stands alone in the
 * row of an unfolded vCPU.
 */
static void format_number(const struct top_state *state, const struct vcpu_report *vcpu,
			  char text[static NUMBER_SIZE])
{
	snprintf(text, NUMBER_SIZE, state->by_vcpu ? "/%u" : "  vCPU %u", vcpu->vcpu_id);
}

/*
 * Returns the width of the widest name, untruncated. A vCPU's row below its VM is never the widest.
 */
static int widest_name(const struct top_state *state, const struct report *report)
{
	const struct vm_report *vm = NULL;
	int widest = 0, vm_width = 0;

	for (size_t i = 0; i < state->view.row_cnt; i++) {
		const struct view_row *row = &state->view.rows[i];
		char number[NUMBER_SIZE] = "";
		int width;

		if (row->vcpu && !state->by_vcpu)
			continue;
		if (row->vm != vm)
			vm_width = vm_label__width(report, row->vm);
		vm = row->vm;
		if (row->vcpu)
			format_number(state, row->vcpu, number);
		width = vm_width + (int)strlen(number);
		widest = width > widest ? width : widest;
	}
	return widest;
}

struct top_layout top_rows__layout(const struct top_state *state, const struct report *report,
				   const struct top_canvas *canvas)
{
	struct top_layout_opts opts = {
		.width = canvas->column_cnt,
		.mode = state->mode,
		.sorted = state->sorted,
		.sort = state->sort,
		.name_width = widest_name(state, report),
		.by_vcpu = state->by_vcpu,
	};
	struct top_layout layout;

	layout = top_layout__make(&opts);
	layout.cut = vm_label__cut(report,
				   layout.name_width - (state->by_vcpu ? (int)strlen("/4095") : 0));
	return layout;
}

/* Writes a right-aligned text that ends before column `end`. */
static void put_right(struct top_canvas *canvas, int line, int end, enum top_style style,
		      const char *text)
{
	canvas->put(canvas, line, end - (int)strlen(text), style, text);
}

void top_rows__draw_heading(const struct top_state *state, const struct top_layout *layout,
			    struct top_canvas *canvas, int line)
{
	const char *id = state->by_vcpu ? "TID" : "PID/TID";
	int end = TOP_MARKS_WIDTH + layout->name_width;
	int id_style = state->sorted ? TOP_STYLE_HEADING : TOP_STYLE_SORTED;

	canvas->put(canvas, line, TOP_MARKS_WIDTH, TOP_STYLE_HEADING, "VM/vCPU");
	end += layout->id_width;
	if (layout->id_width)
		put_right(canvas, line, end, id_style, id);
	for (int i = 0; i < COLUMN_CNT; i++) {
		bool decides = state->sorted && (int)state->sort == i;

		end += layout->column_width[i];
		if (layout->column_width[i])
			put_right(canvas, line, end, decides ? TOP_STYLE_SORTED : TOP_STYLE_HEADING,
				  column_defs[i].heading);
	}
	if (!layout->bar_width)
		return;
	canvas->put(canvas, line, end + TOP_GAP, TOP_STYLE_HEADING, "0 %");
	put_right(canvas, line, end + TOP_GAP + layout->bar_width + 2, TOP_STYLE_HEADING, "100 %");
}

/* Formats a value as the table does. */
static void format_value(enum column column, const struct metrics *metrics,
			 const struct report *report, char text[static 32])
{
	const struct column_def *def = &column_defs[column];
	__u64 value = metrics->value[def->metric];
	bool is_share = def->unit == UNIT_SHARE;
	__u64 base = is_share ? metrics->value[METRIC_WALL_NS] : report->interval_ns;
	unsigned __int128 shown;

	snprintf(text, 32, "-");
	if (value == METRIC_UNKNOWN || base == METRIC_UNKNOWN || !base)
		return;
	shown = (unsigned __int128)value * (is_share ? 1000 : NS_PER_S) + base / 2;
	shown /= base;
	if (shown > UINT64_MAX)
		shown = UINT64_MAX;
	if (is_share)
		snprintf(text, 32, "%llu.%u", (__u64)(shown / 10), (unsigned int)(shown % 10));
	else
		snprintf(text, 32, "%llu", (__u64)shown);
	if (strlen(text) > (size_t)def->width)
		snprintf(text, 32, "%.0e", (double)shown);
}

static void draw_bar(const struct metrics *metrics, enum measure_mode mode, int width,
		     struct top_canvas *canvas, int line, int at)
{
	int part_width[TOP_BAR_PART_CNT];

	top_bar__divide(metrics, mode, width, part_width);
	canvas->put(canvas, line, at++, TOP_STYLE_PLAIN, "[");
	canvas->put(canvas, line, at + width, TOP_STYLE_PLAIN, "]");
	for (int i = 0; i < TOP_BAR_PART_CNT; i++) {
		const char mark[] = { top_bar_marks[i].mark, '\0' };

		for (; part_width[i]; part_width[i]--)
			canvas->put(canvas, line, at++, top_bar_marks[i].style, mark);
	}
}

static void draw_name(const struct top_state *state, const struct top_layout *layout,
		      const struct report *report, const struct view_row *row, enum top_style style,
		      struct top_canvas *canvas, int line_number)
{
	char number[NUMBER_SIZE] = "";
	struct line line = { 0 };
	int width = layout->name_width;

	if (row->vcpu)
		format_number(state, row->vcpu, number);
	if (!row->vcpu || state->by_vcpu)
		vm_label__add(report, row->vm, width - (int)strlen(number), layout->cut, &line);
	line__add(&line, number);
	line.text[line.len < sizeof(line.text) ? line.len : sizeof(line.text) - 1] = '\0';
	canvas->put(canvas, line_number, TOP_MARKS_WIDTH, style, line.text);
}

void top_rows__draw_row(const struct top_state *state, const struct top_layout *layout,
			const struct report *report, struct top_canvas *canvas, int line, size_t i)
{
	const struct view_row *row = &state->view.rows[i];
	const struct metrics *metrics = row->vcpu ? &row->vcpu->metrics : &row->vm->metrics;
	bool under_cursor = i == state->cursor;
	int end = TOP_MARKS_WIDTH + layout->name_width;
	char text[32];

	if (under_cursor)
		canvas->put(canvas, line, 0, TOP_STYLE_PLAIN, ">");
	if (!row->vcpu && row->vm->vcpu_cnt)
		canvas->put(canvas, line, 1, TOP_STYLE_PLAIN,
			    top_state__is_unfolded(state, row->vm) ? "-" : "+");
	draw_name(state, layout, report, row, under_cursor ? TOP_STYLE_CURSOR : TOP_STYLE_PLAIN,
		  canvas, line);
	end += layout->id_width;
	if (layout->id_width) {
		snprintf(text, sizeof(text), "%d", row->vcpu ? row->vcpu->tid : row->vm->pid);
		put_right(canvas, line, end, TOP_STYLE_PLAIN, text);
	}
	for (int column = 0; column < COLUMN_CNT; column++) {
		if (!layout->column_width[column])
			continue;
		end += layout->column_width[column];
		format_value(column, metrics, report, text);
		put_right(canvas, line, end, TOP_STYLE_PLAIN, text);
	}
	if (layout->bar_width)
		draw_bar(metrics, report->mode, layout->bar_width, canvas, line, end + TOP_GAP);
}
