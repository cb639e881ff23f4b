/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_bar - a bar of characters that shows how a row's wall time was spent. Pure.
 */
#ifndef TOP_BAR_H
#define TOP_BAR_H

#include "report/account.h"
#include "top/top_canvas.h"

enum top_bar_part {
	TOP_BAR_BUSY, /* in MODE_SWITCH busy or host, which it does not distinguish */
	TOP_BAR_HOST,
	TOP_BAR_UNKNOWN, /* loaded, but unknown how it was spent */
	TOP_BAR_WAIT,
	TOP_BAR_HALTED,
	TOP_BAR_PART_CNT, /* the rest is blank: blocked or unknown */
};

struct top_bar_mark {
	char mark;
	enum top_style style;
};

extern const struct top_bar_mark top_bar_marks[TOP_BAR_PART_CNT];

/*
 * Computes the number of columns of each part in a bar of `width` columns; they
 * add up to at most `width`. The edges of the parts are rounded, not the widths,
 * so that an edge depends only on the time before it.
 */
void top_bar__divide(const struct metrics *metrics, enum measure_mode mode, int width,
		     int part_width[static TOP_BAR_PART_CNT]);

#endif /* TOP_BAR_H */
