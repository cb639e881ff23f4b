/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_layout - divide the width of the terminal among the fields of a row. Pure.
 */
#ifndef TOP_LAYOUT_H
#define TOP_LAYOUT_H

#include <stdbool.h>
#include "report/columns.h"
#include "text/line.h"

/* In front of the name: cursor, fold mark, blank. */
#define TOP_MARKS_WIDTH 3

/*
 * Blank in front of each field, included in the width of all fields but the
 * name. The bar has brackets too.
 */
#define TOP_GAP 1

struct top_layout {
	int name_width;
	enum name_cut cut; /* of names that are wider; set by the caller */
	int id_width;      /* here and below: 0 if the field is not shown */
	int column_width[COLUMN_CNT];
	int bar_width; /* without the brackets */
};

struct top_layout_opts {
	int width; /* of the terminal */
	enum measure_mode mode;
	bool sorted;
	enum column sort; /* if sorted: this column is never dropped */
	int name_width;   /* of the widest name */
	bool by_vcpu;     /* names are followed by a vCPU number */
};

/*
 * If not all fields fit, the least important are dropped, in this order:
 * entries, ID, blocked, host, wait, loaded, busy, halted, bar, idle. Width that is
 * left over goes to long names first, then to the bar.
 */
struct top_layout top_layout__make(const struct top_layout_opts *opts);

#endif /* TOP_LAYOUT_H */
