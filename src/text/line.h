/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * line - build one line of text for a terminal, with fields at given columns. Pure.
 */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdio.h>

/* The width of lines where there is no terminal, and the least width of a table. */
#define LINE_WIDTH 79

/* Limit on the bytes of a name: a glyph may have any number of combining characters. */
#define LINE_NAME_SIZE 256

/* Zero-initialize it. Text that does not fit into the buffer is dropped. */
struct line {
	char text[LINE_NAME_SIZE + 2 * LINE_WIDTH];
	size_t len;
	int width; /* in terminal columns */
};

/* Adds ASCII text. */
void line__add(struct line *line, const char *text);

/* Adds ASCII text, right-aligned in a field of this width. */
void line__add_right(struct line *line, const char *text, int width);

/* Which part of a name is left out where it is too wide; a "~" stands for that part. */
enum name_cut {
	NAME_CUT_MIDDLE,
	NAME_CUT_START,
	NAME_CUT_END,
	NAME_CUT_CNT
};

/* Adds a name, of which only a part is shown if it is wider than `width`, which must be above 0. */
void line__add_name(struct line *line, const char *name, int width, enum name_cut cut);

/* Adds blanks up to a column. */
void line__pad(struct line *line, int width);

/* Writes the line and a newline. Returns 0 or -errno. */
int line__write(const struct line *line, FILE *out);

#endif /* LINE_H */
