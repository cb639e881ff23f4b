// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "test.h"
#include "text/utf8.h"

static void test_decode_well_formed(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		__s32 code;
	} cases[] = {
		{ "A", 1, 'A' },
		{ "\x01", 1, 1 },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xc3\xa9z", 2, 0xe9 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 0;

		assert_int_equal(utf8__decode(cases[i].text, &len), cases[i].code);
		assert_int_equal(len, cases[i].len);
	}
}

static void test_decode_malformed(void **state)
{
	static const char *const cases[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf", /* stray bytes, overlong */
		"\xc3",
		"\xc3(",
		"\xe2\x82",
		"\xf0\x9f\x98", /* cut short by the end or by ASCII */
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xed\xa0\x80",
		"\xed\xbf\xbf", /* surrogates */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", /* beyond U+10FFFF */
		"\xfe",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 0;

		assert_int_equal(utf8__decode(cases[i], &len), -EILSEQ);
		assert_int_equal(len, 1);
	}
}

static void test_glyph_widths(void **state)
{
	static const struct {
		const char *text;
		int width;
	} cases[] = {
		{ "A", 1 },
		{ "\xc3\xa9", 1 },         /* e with an acute accent */
		{ "\xcc\x81", 0 },         /* the combining accent alone */
		{ "\xe6\x97\xa5", 2 },     /* CJK */
		{ "\xea\xb0\x80", 2 },     /* Hangul */
		{ "\xf0\x9f\x98\x80", 2 }, /* emoji */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rest = cases[i].text;
		struct utf8_glyph glyph = utf8__next_glyph(&rest);

		assert_int_equal(glyph.width, cases[i].width);
		assert_ptr_equal(glyph.bytes, cases[i].text);
		assert_ptr_equal(rest, cases[i].text + glyph.len);
		assert_int_equal(*rest, '\0');
	}
}

static void test_glyph_in_place_of_controls(void **state)
{
	static const char *const cases[] = {
		"\x1b",
		"\n",
		"\x7f",
		"\xc2\x9b",         /* CSI as one character */
		"\xc2\xad",         /* soft hyphen */
		"\xe2\x80\xae",     /* right-to-left override */
		"\xe2\x81\xa6",     /* isolate */
		"\xe2\x80\xa8",     /* line separator */
		"\xef\xbb\xbf",     /* byte order mark */
		"\xe1\xa0\x8e",     /* Mongolian vowel separator */
		"\xf0\x9d\x85\xb3", /* of musical notes: begin beam */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rest = cases[i];
		struct utf8_glyph glyph = utf8__next_glyph(&rest);

		assert_int_equal(glyph.len, 1);
		assert_int_equal(glyph.bytes[0], '?');
		assert_int_equal(glyph.width, 1);
		assert_int_equal(*rest, '\0');
	}
}

static void test_glyph_after_malformed(void **state)
{
	const char *rest = "\xe2\x82z";

	(void)state;
	assert_int_equal(utf8__next_glyph(&rest).bytes[0], '?');
	assert_int_equal(utf8__next_glyph(&rest).bytes[0], '?');
	assert_int_equal(utf8__next_glyph(&rest).bytes[0], 'z');
	assert_int_equal(*rest, '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_well_formed),
		cmocka_unit_test(test_decode_malformed),
		cmocka_unit_test(test_glyph_widths),
		cmocka_unit_test(test_glyph_in_place_of_controls),
		cmocka_unit_test(test_glyph_after_malformed),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
