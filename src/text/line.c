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

void line__add_name(struct line *line, const char *name, int width)
{
	const char *rest = name;
	int full_width = 0;
	int end;

	while (*rest)
		full_width += utf8__next_glyph(&rest).width;
	end = line->width + (full_width > width ? width - 1 : width);
	while (*name) {
		struct utf8_glyph glyph = utf8__next_glyph(&name);

		if (line->width + glyph.width > end || line->len + glyph.len > LINE_NAME_SIZE)
			break;
		add_bytes(line, glyph.bytes, glyph.len, glyph.width);
	}
	if (full_width > width)
		line__add(line, "~");
}

int line__write(const struct line *line, FILE *out)
{
	if (fwrite(line->text, 1, line->len, out) < line->len || fputc('\n', out) == EOF)
		return -errno;
	return 0;
}
