// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "text/line.h"
#include "text/utf8.h"

static void add_bytes(struct line *line, const char *bytes, size_t len, int width)
{
	if (len > sizeof(line->text) - line->len)
		return;
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
	line->width += width;
}

void line__add(struct line *line, const char *text)
{
	size_t len = strlen(text);

	add_bytes(line, text, len, (int)len);
}

void line__pad(struct line *line, int width)
{
	for (int missing = width - line->width; missing > 0; missing--)
		add_bytes(line, " ", 1, 1);
}

void line__add_right(struct line *line, const char *text, int width)
{
	line__pad(line, line->width + width - (int)strlen(text));
	line__add(line, text);
}

static int width_of(const char *name)
{
	int width = 0;

	while (*name)
		width += utf8__next_glyph(&name).width;
	return width;
}

/* Adds glyphs of a name until one does not fit into `width`. */
static void add_glyphs(struct line *line, const char *name, int width)
{
	const int end = line->width + width;

	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		if (line->width + glyph.width > end || line->len + glyph.len > LINE_NAME_SIZE)
			break;
		add_bytes(line, glyph.bytes, glyph.len, glyph.width);
	}
}

/* Returns the longest end of a name that fits into `width` and begins with a glyph that has one. */
static const char *tail_of(const char *name, int width)
{
	int left = width_of(name);

	for (;;) {
		const char *here = name;
		int glyph_width;

		if (!*name)
			return name;
		glyph_width = utf8__next_glyph(&name).width;
		if (left <= width && glyph_width)
			return here;
		left -= glyph_width;
	}
}

void line__add_name(struct line *line, const char *name, int width, enum name_cut cut)
{
	int kept = width - 1, head;

	if (width_of(name) <= width) {
		add_glyphs(line, name, width);
		return;
	}
	head = cut == NAME_CUT_END ? kept : cut == NAME_CUT_START ? 0 : (kept + 1) / 2;
	add_glyphs(line, name, head);
	line__add(line, "~");
	add_glyphs(line, tail_of(name, kept - head), kept - head);
}

int line__write(const struct line *line, FILE *out)
{
	if (fwrite(line->text, 1, line->len, out) < line->len || fputc('\n', out) == EOF)
		return -errno;
	return 0;
}
