/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_bar - where a row's wall time went, as a bar of characters. Pure.
 */
#ifndef TOP_BAR_H
#define TOP_BAR_H

#include "report/account.h"
#include "top/top_canvas.h"

enum top_bar_part {
	TOP_BAR_BUSY, /* MODE_SWITCH: busy or host, which is not known */
	TOP_BAR_HOST,
	TOP_BAR_UNKNOWN, /* loaded, but how it was spent is not known */
	TOP_BAR_WAIT,
	TOP_BAR_HALTED,
	TOP_BAR_PART_CNT, /* the rest is blank: blocked, or not known */
};

struct top_bar_mark {
	char mark;
	enum top_style style;
};

extern const struct top_bar_mark top_bar_marks[TOP_BAR_PART_CNT];

/*
 * Gives how many columns each part has of a bar that is `width` wide; no more than `width` in all. The
 * edges of the parts are rounded, not the parts: what is behind does not move.
 */
void top_bar__divide(const struct metrics *metrics, enum measure_mode mode, int width,
		     int part_width[static TOP_BAR_PART_CNT]);

#endif /* TOP_BAR_H */
