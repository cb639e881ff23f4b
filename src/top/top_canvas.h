/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_canvas - what the full-screen display draws on: a terminal, or an array in a test.
 */
#ifndef TOP_CANVAS_H
#define TOP_CANVAS_H

/*
 * Meaning of a text. Texts are also legible without colours: no information is in the style alone.
 */
enum top_style {
	TOP_STYLE_PLAIN,
	TOP_STYLE_HEADING,
	TOP_STYLE_SORTED, /* heading of the column by which rows are sorted */
	TOP_STYLE_CURSOR, /* name of the row under the cursor */
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
	 * Writes UTF-8 text, over what is there. Text outside of the canvas is dropped, and
	 * characters that would control a terminal are replaced by "?".
	 */
	void (*put)(struct top_canvas *canvas, int row, int column, enum top_style style,
		    const char *text);
	/* Shows the terminal's cursor at this place; without a call it is hidden. */
	void (*show_cursor)(struct top_canvas *canvas, int row, int column);
};

#endif /* TOP_CANVAS_H */
