/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_layout - how the columns of a terminal are shared out among a row's fields. Pure.
 */
#ifndef TOP_LAYOUT_H
#define TOP_LAYOUT_H

#include <stdbool.h>
#include "report/columns.h"

/* In front of the name: the cursor, the fold, and a blank. */
#define TOP_MARKS_WIDTH 3

/* In front of each field, and within the width of all but the name; the bar has brackets in it too. */
#define TOP_GAP 1

struct top_layout {
	int name_width;
	int id_width; /* 0: no such field, here and below */
	int column_width[COLUMN_CNT];
	int bar_width; /* between the brackets */
};

struct top_layout_opts {
	int width; /* of the terminal */
	enum measure_mode mode;
	bool sorted;
	enum column sort; /* when sorted: the column that is given up last */
	int name_width;   /* of the widest name */
	bool by_vcpu;     /* names have the vCPUs' numbers behind them */
};

/*
 * Where all do not fit, those that matter least go: entries, the ID, blocked, host, wait, loaded, busy,
 * the bar. What is left over is for names that are wide, then for the bar.
 */
struct top_layout top_layout__make(const struct top_layout_opts *opts);

#endif /* TOP_LAYOUT_H */
