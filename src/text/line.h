/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * line - one line of a text for a terminal, put together by columns. Pure.
 */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdio.h>

#define LINE_WIDTH 79

/* A glyph of several combining characters has no bound: names end after this many bytes. */
#define LINE_NAME_SIZE 256

/* Zero-initialised: an empty line. What has no room in its memory is left out. */
struct line {
	char text[LINE_NAME_SIZE + 2 * LINE_WIDTH];
	size_t len;
	int width; /* in terminal columns */
};

/* Adds a text of ASCII. */
void line__add(struct line *line, const char *text);

/* The same at the right of a field that is that wide. */
void line__add_right(struct line *line, const char *text, int width);

/* Adds a name, with a "~" in place of its end when it is wider than `width`, which is above 0. */
void line__add_name(struct line *line, const char *name, int width);

/* Adds blanks up to a column. */
void line__pad(struct line *line, int width);

/* Writes the line and what ends it. Returns 0, or -errno when the stream failed. */
int line__write(const struct line *line, FILE *out);

#endif /* LINE_H */
