// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "report/columns.h"
#include "render/host_text.h"
#include "text/line.h"
#include "render/render.h"
#include "render/render_notes.h"
#include "text/stream.h"
#include "text/time_text.h"
#include "render/vm_label.h"

#define ID_WIDTH       7 /* PID_MAX_LIMIT is 2^22 */
#define NUMBER_WIDTH   4 /* of a vCPU number; KVM has up to 4096 per VM */
#define GAP            1
/* Room for a row of a vCPU below its VM; shorter names tell little. */
#define NAME_WIDTH_MIN ((int)strlen("  vCPU 4095"))
#define NS_PER_S       1000000000ULL

struct layout {
	const char *name_heading;
	const char *number_heading; /* NULL: no such column */
	const char *id_heading;     /* the same */
	int name_width, number_width, id_width;
	unsigned int columns; /* bit I: enum column I */
	enum name_cut cut;
};

static const struct layout layouts[] = {
	[VIEW_VMS_AND_VCPUS] = { "VM/vCPU", NULL, "PID/TID", 0, 0, ID_WIDTH, 0, 0 },
	[VIEW_VMS] = { "VM", "vCPUs", "PID", 0, sizeof("vCPUs") - 1, ID_WIDTH, 0, 0 },
	[VIEW_VCPUS] = { "VM", "vCPU", "TID", 0, NUMBER_WIDTH, ID_WIDTH, 0, 0 },
};

static bool is_shown(enum column column, enum measure_mode mode)
{
	return column_defs[column].modes & 1U << mode;
}

static size_t number_of(const struct view_row *row)
{
	return row->vcpu ? row->vcpu->vcpu_id : vcpu_cnt_of(row->vm);
}

static pid_t id_of(const struct view_row *row)
{
	return row->vcpu ? row->vcpu->tid : row->vm->pid;
}

static int wider(int width, size_t number)
{
	int digits = snprintf(NULL, 0, "%zu", number);

	return digits > width ? digits : width;
}

/* Returns the width of all fields but the name. */
static int others_width(const struct layout *layout)
{
	int width = 0;

	if (layout->number_heading)
		width += GAP + layout->number_width;
	if (layout->id_heading)
		width += GAP + layout->id_width;
	for (int i = 0; i < COLUMN_CNT; i++)
		if (layout->columns & 1U << i)
			width += GAP + column_defs[i].width;
	return width;
}

/*
 * The name gets the width that the other fields leave in a line of LINE_WIDTH; more if a name needs
 * more and max_width (0: no limit) allows it; less where max_width does not allow that much.
 */
static int name_width(const struct report *report, int others, int max_width)
{
	int width = LINE_WIDTH - others;

	for (size_t i = 0; i < report->vm_cnt; i++) {
		int label_width = vm_label__width(report, &report->vms[i]);

		width = label_width > width ? label_width : width;
	}
	if (max_width && width > max_width - others)
		width = max_width - others;
	return width > NAME_WIDTH_MIN ? width : NAME_WIDTH_MIN;
}

static struct layout make_layout(const struct report *report, const struct view *view,
				 int max_width)
{
	struct layout layout = layouts[view->level];

	for (size_t i = 0; i < view->row_cnt; i++) {
		layout.number_width = wider(layout.number_width, number_of(&view->rows[i]));
		layout.id_width = wider(layout.id_width, (size_t)id_of(&view->rows[i]));
	}
	for (int i = 0; i < COLUMN_CNT; i++)
		if (is_shown(i, report->mode))
			layout.columns |= 1U << i;
	/* On a narrow terminal: the shares are what people look for. */
	if (max_width && others_width(&layout) + NAME_WIDTH_MIN > max_width)
		layout.columns &= ~(1U << COLUMN_ENTRIES);
	if (max_width && others_width(&layout) + NAME_WIDTH_MIN > max_width)
		layout.id_heading = NULL;
	layout.name_width = name_width(report, others_width(&layout), max_width);
	layout.cut = vm_label__cut(report, layout.name_width);
	return layout;
}

/* Adds a right-aligned field after a gap. */
static void add_field(struct line *line, const char *text, int width)
{
	line__add_right(line, text, GAP + width);
}

static __u64 divide_rounded(__u64 value, __u64 factor, __u64 divisor)
{
	unsigned __int128 quotient = ((unsigned __int128)value * factor + divisor / 2) / divisor;

	return quotient > UINT64_MAX ? UINT64_MAX : quotient;
}

/* Uses integers, so that rounding cannot yield 100.1 and the locale cannot yield a comma. */
static void add_metric(struct line *line, enum column column, const struct metrics *metrics,
		       const struct report *report)
{
	__u64 value = metrics->value[column_defs[column].metric];
	__u64 wall_ns = metrics->value[METRIC_WALL_NS];
	int width = column_defs[column].width;
	char text[32] = "-";
	__u64 shown = 0;

	if (value == METRIC_UNKNOWN) {
		;
	} else if (column_defs[column].unit == UNIT_RATE) {
		shown = divide_rounded(value, NS_PER_S, report->interval_ns);
		snprintf(text, sizeof(text), "%llu", shown);
	} else if (wall_ns && wall_ns != METRIC_UNKNOWN) {
		shown = divide_rounded(value, 1000, wall_ns);
		snprintf(text, sizeof(text), "%llu.%llu", shown / 10, shown % 10);
	}
	/* Only a broken counter is that large; keep the following columns aligned. */
	if (strlen(text) > (size_t)width)
		snprintf(text, sizeof(text), "%.0e", (double)shown);
	add_field(line, text, width);
}

static int write_heading(const struct layout *layout, FILE *out)
{
	struct line line = { 0 };

	line__add(&line, layout->name_heading);
	line__pad(&line, layout->name_width);
	if (layout->number_heading)
		add_field(&line, layout->number_heading, layout->number_width);
	if (layout->id_heading)
		add_field(&line, layout->id_heading, layout->id_width);
	for (int i = 0; i < COLUMN_CNT; i++) {
		if (layout->columns & 1U << i)
			add_field(&line, column_defs[i].heading, column_defs[i].width);
	}
	return line__write(&line, out);
}

static int write_row(const struct report *report, const struct layout *layout,
		     const struct view_row *row, FILE *out)
{
	const struct metrics *metrics = row->vcpu ? &row->vcpu->metrics : &row->vm->metrics;
	struct line line = { 0 };
	char text[32];

	if (row->vcpu && !layout->number_heading) {
		snprintf(text, sizeof(text), "  vCPU %u", row->vcpu->vcpu_id);
		line__add(&line, text);
	} else {
		vm_label__add(report, row->vm, layout->name_width, layout->cut, &line);
	}
	line__pad(&line, layout->name_width);
	if (layout->number_heading) {
		snprintf(text, sizeof(text), "%zu", number_of(row));
		add_field(&line, text, layout->number_width);
	}
	if (layout->id_heading) {
		snprintf(text, sizeof(text), "%d", id_of(row));
		add_field(&line, text, layout->id_width);
	}
	for (int i = 0; i < COLUMN_CNT; i++) {
		if (layout->columns & 1U << i)
			add_metric(&line, i, metrics, report);
	}
	return line__write(&line, out);
}

int render__gap(FILE *out)
{
	return stream__put(out, "\n");
}

int render__host(const struct report *report, FILE *out)
{
	char clock[TIME_TEXT_SIZE], seconds[TIME_TEXT_SIZE], text[HOST_TEXT_SIZE];

	time_text__clock(report->end.real_ns, clock);
	time_text__in_unit(report->interval_ns, NS_PER_S, 0, seconds);
	host_text__format(report, text);
	return fprintf(out, "%s, %s s\n%s\n", clock, seconds, text) < 0 ? -errno : 0;
}

int render__table(const struct report *report, const struct view *view, int max_width, FILE *out)
{
	struct layout layout = make_layout(report, view, max_width);
	int err = render__host(report, out);

	if (!err)
		err = write_heading(&layout, out);
	for (size_t i = 0; i < view->row_cnt && !err; i++)
		err = write_row(report, &layout, &view->rows[i], out);
	if (!err)
		err = render__notes(report, view, out);
	return err ? err : stream__flush(out);
}
