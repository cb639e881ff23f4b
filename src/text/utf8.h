/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * utf8 - text that others wrote, taken apart so that it can be shown. Pure.
 *
 * Not mbrtowc() and wcwidth(): those know UTF-8 only in some locales, and this program sets none.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <linux/types.h>

/*
 * The code point at the front of a string that is not empty; *len: the bytes that it takes.
 * Returns -EILSEQ, with 1 in *len, where there is no well-formed UTF-8.
 */
__s32 utf8__decode(const char *string, size_t *len);

/* What a string shows next: some bytes, and the terminal columns that they take. */
struct utf8_glyph {
	const char *bytes;
	size_t len;
	int width;
};

/*
 * Takes one code point off the front of a string that is not empty. Gives a "?" for what is no UTF-8
 * and for what would move the cursor, clear the screen or turn the writing round.
 */
struct utf8_glyph utf8__next_glyph(const char **string);

#endif /* UTF8_H */
