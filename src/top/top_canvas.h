/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_canvas - what the full screen is drawn on: a terminal, or an array in a test.
 */
#ifndef TOP_CANVAS_H
#define TOP_CANVAS_H

/* What a text is. Each is legible without colour: nothing is told by style alone. */
enum top_style {
	TOP_STYLE_PLAIN,
	TOP_STYLE_HEADING,
	TOP_STYLE_SORTED, /* the heading of the column that decides the order */
	TOP_STYLE_CURSOR, /* the name of the row under the cursor */
	TOP_STYLE_WARNING,
	TOP_STYLE_BUSY, /* parts of a bar */
	TOP_STYLE_HOST,
	TOP_STYLE_WAIT,
	TOP_STYLE_HALTED,
	TOP_STYLE_UNKNOWN,
	TOP_STYLE_CNT,
};

struct top_canvas {
	int row_cnt, column_cnt; /* at least 1 */
	/*
	 * Puts a text of UTF-8 there, over what is there. What is outside of the canvas is left out, and
	 * a "?" stands for what would act on a terminal.
	 */
	void (*put)(struct top_canvas *canvas, int row, int column, enum top_style style,
		    const char *text);
	/* Shows the terminal's own cursor there; it is hidden otherwise. */
	void (*show_cursor)(struct top_canvas *canvas, int row, int column);
};

#endif /* TOP_CANVAS_H */
