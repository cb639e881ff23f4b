/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * utf8 - decode untrusted text so that it can be displayed safely. Pure.
 *
 * mbrtowc() and wcwidth() are not used, because they support UTF-8 only in some
 * locales, and this program sets none.
 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <linux/types.h>

/*
 * Decodes the code point at the front of a string, which must not be empty; *len
 * is set to its size in bytes.
 * Returns the code point; or -EILSEQ, with *len = 1, if it is not well-formed UTF-8.
 */
__s32 utf8__decode(const char *string, size_t *len);

/* A code point in displayable form: bytes, and their width in terminal columns. */
struct utf8_glyph {
	const char *bytes;
	size_t len;
	int width;
};

/*
 * Advances *string, which must not be empty, by one code point, and returns it in displayable form.
 * Invalid UTF-8, and code points that would move the cursor, clear the screen or change the writing
 * direction, become "?".
 */
struct utf8_glyph utf8__next_glyph(const char **string);

#endif /* UTF8_H */
