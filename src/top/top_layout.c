// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "top/top_layout.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define NAME_WIDTH_MIN 8
#define VCPU_WIDTH_MIN 12 /* of a name with a vCPU's number */
#define BAR_WIDTH_MIN  10
#define BAR_WIDTH_GOOD 20 /* the entries column is dropped to make the bar this wide */
#define ID_WIDTH       7
#define BAR_EXTRA      (TOP_GAP + 2)

static int fixed_width(const struct top_layout *layout)
{
	int width = TOP_MARKS_WIDTH + layout->id_width;

	for (int i = 0; i < COLUMN_CNT; i++)
		width += layout->column_width[i];
	return width + (layout->bar_width ? BAR_EXTRA : 0);
}

/* Drops a column, unless it is the one by which rows are sorted. */
static void give_up(struct top_layout *layout, const struct top_layout_opts *opts, int column)
{
	if (!opts->sorted || (int)opts->sort != column)
		layout->column_width[column] = 0;
}

struct top_layout top_layout__make(const struct top_layout_opts *opts)
{
	enum {
		GIVE_UP_ID = COLUMN_CNT,
		GIVE_UP_BAR,
	};
	static const int order[] = {
		COLUMN_ENTRIES, GIVE_UP_ID,  COLUMN_BLOCKED, COLUMN_HOST, COLUMN_WAIT,
		COLUMN_LOADED,  COLUMN_BUSY, COLUMN_HALTED,  GIVE_UP_BAR, COLUMN_IDLE,
	};
	int name_min = opts->by_vcpu ? VCPU_WIDTH_MIN : NAME_WIDTH_MIN;
	struct top_layout layout = {
		.name_width = name_min,
		.id_width = TOP_GAP + ID_WIDTH,
		.bar_width = BAR_WIDTH_GOOD,
	};
	int rest, name_max;

	for (int i = 0; i < COLUMN_CNT; i++) {
		if (column_defs[i].modes & 1U << opts->mode)
			layout.column_width[i] = TOP_GAP + column_defs[i].width;
	}
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (fixed_width(&layout) + layout.name_width + layout.bar_width <= opts->width)
			break;
		if (order[i] == GIVE_UP_ID)
			layout.id_width = 0;
		else if (order[i] == GIVE_UP_BAR)
			layout.bar_width = 0;
		else
			give_up(&layout, opts, order[i]);
		if (layout.bar_width)
			layout.bar_width = BAR_WIDTH_MIN;
	}
	rest = opts->width - fixed_width(&layout);
	if (!layout.bar_width) {
		layout.name_width = rest > 1 ? rest : 1;
		return layout;
	}
	name_max = rest * 2 / 5;
	if (opts->name_width > layout.name_width)
		layout.name_width = opts->name_width < name_max ? opts->name_width : name_max;
	if (layout.name_width < name_min)
		layout.name_width = name_min;
	layout.bar_width = rest - layout.name_width;
	return layout;
}
