// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include "text/utf8.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

__s32 utf8__decode(const char *string, size_t *len)
{
	static const __s32 smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)string;
	__s32 code = bytes[0];
	size_t cnt;

	*len = 1;
	if (bytes[0] < 0x80)
		return code;
	if (bytes[0] >= 0xc0 && bytes[0] <= 0xdf)
		cnt = 2;
	else if (bytes[0] >= 0xe0 && bytes[0] <= 0xef)
		cnt = 3;
	else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf7)
		cnt = 4;
	else
		return -EILSEQ;
	code &= 0x7f >> cnt;
	for (size_t i = 1; i < cnt; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return -EILSEQ;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < smallest[cnt] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return -EILSEQ;
	*len = cnt;
	return code;
}

struct code_range {
	__u32 first, last;
};

static bool in_ranges(__u32 code, const struct code_range *ranges, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	}
	return false;
}

struct utf8_glyph utf8__next_glyph(const char **string)
{
	/* Unicode's categories Cc, Cf, Zl and Zp, and other invisible characters. */
	static const struct code_range controls[] = {
		{ 0x00, 0x1f },       { 0x7f, 0x9f },       { 0xad, 0xad },
		{ 0x600, 0x605 },     { 0x61c, 0x61c },     { 0x6dd, 0x6dd },
		{ 0x70f, 0x70f },     { 0x890, 0x891 },     { 0x8e2, 0x8e2 },
		{ 0x180e, 0x180e },   { 0x200b, 0x200f },   { 0x2028, 0x202e },
		{ 0x2060, 0x206f },   { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb },
		{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1345f },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};
	static const struct code_range combining[] = {
		{ 0x300, 0x36f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	};
	static const struct code_range wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
	};
	struct utf8_glyph glyph = { .bytes = *string, .width = 1 };
	__s32 code = utf8__decode(*string, &glyph.len);

	*string += glyph.len;
	if (code < 0 || in_ranges(code, controls, ARRAY_SIZE(controls)))
		return (struct utf8_glyph){ "?", 1, 1 };
	if (in_ranges(code, combining, ARRAY_SIZE(combining)))
		glyph.width = 0;
	else if (in_ranges(code, wide, ARRAY_SIZE(wide)))
		glyph.width = 2;
	return glyph;
}
