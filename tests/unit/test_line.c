// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "text/line.h"
#include "test.h"

static void assert_line(const struct line *line, const char *text, int width)
{
	assert_int_equal(line->len, strlen(text));
	assert_memory_equal(line->text, text, line->len);
	assert_int_equal(line->width, width);
}

static void test_fields(void **state)
{
	struct line line = { 0 };

	(void)state;
	assert_line(&line, "", 0);
	line__add(&line, "ab");
	line__pad(&line, 5);
	line__add(&line, "|");
	/* Padding to a column that was already reached adds nothing. */
	line__pad(&line, 6);
	line__pad(&line, 0);
	line__pad(&line, -1);
	line__add_right(&line, "12", 4);
	line__add_right(&line, "345", 3);
	/* Text that is wider than its field is not cut; it moves the rest of the line. */
	line__add_right(&line, "6789", 3);
	assert_line(&line, "ab   |  123456789", 17);
}

static struct line name_of(const char *name, int width, enum name_cut cut)
{
	struct line line = { 0 };

	line__add(&line, "|");
	line__add_name(&line, name, width, cut);
	line__add(&line, "|");
	return line;
}

static void assert_cut(const char *name, int width, enum name_cut cut, const char *expected,
		       int expected_width)
{
	struct line line = name_of(name, width, cut);

	assert_line(&line, expected, expected_width);
}

static void assert_name(const char *name, int width, const char *expected, int expected_width)
{
	assert_cut(name, width, NAME_CUT_END, expected, expected_width);
}

static void test_names_are_cut(void **state)
{
	(void)state;
	assert_name("", 4, "||", 2);
	assert_name("abcd", 4, "|abcd|", 6);
	assert_name("abcde", 4, "|abc~|", 6);
	assert_name("abcde", 1, "|~|", 3);
}

/*
 * E-acute takes one column and two bytes, the CJK glyph for sun takes two columns and three bytes.
 */
static void test_names_are_cut_between_glyphs(void **state)
{
	(void)state;
	assert_name("\xc3\xa9\xc3\xa9\xc3\xa9", 2, "|\xc3\xa9~|", 4);
	assert_name("\xe6\x97\xa5\xe6\x97\xa5", 4, "|\xe6\x97\xa5\xe6\x97\xa5|", 6);
	assert_name("\xe6\x97\xa5\xe6\x97\xa5", 3, "|\xe6\x97\xa5~|", 5);
	/* A glyph of two columns does not fit into one. */
	assert_name("a\xe6\x97\xa5\xe6\x97\xa5", 3, "|a~|", 4);
}

static void test_any_part_can_be_cut(void **state)
{
	(void)state;
	assert_cut("abcdefgh", 8, NAME_CUT_MIDDLE, "|abcdefgh|", 10);
	assert_cut("abcdefgh", 7, NAME_CUT_MIDDLE, "|abc~fgh|", 9);
	assert_cut("abcdefgh", 6, NAME_CUT_MIDDLE, "|abc~gh|", 8);
	assert_cut("abcdefgh", 2, NAME_CUT_MIDDLE, "|a~|", 4);
	assert_cut("abcdefgh", 1, NAME_CUT_MIDDLE, "|~|", 3);
	assert_cut("abcdefgh", 6, NAME_CUT_START, "|~defgh|", 8);
	assert_cut("abcdefgh", 1, NAME_CUT_START, "|~|", 3);
	/* Neither half of a wide glyph, nor a mark without the letter it belongs to. */
	assert_cut("\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5", 5, NAME_CUT_MIDDLE,
		   "|\xe6\x97\xa5~\xe6\x97\xa5|", 7);
	assert_cut("\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5", 4, NAME_CUT_START, "|~\xe6\x97\xa5|", 5);
	assert_cut("abce\xcc\x81z", 2, NAME_CUT_START, "|~z|", 4);
	assert_cut("abce\xcc\x81z", 3, NAME_CUT_START, "|~e\xcc\x81z|", 5);
}

static void test_names_cannot_act_on_a_terminal(void **state)
{
	(void)state;
	assert_name("\x1b[2J\n\xff\xc2\x9b", 20, "|?[2J???|", 9);
}

/* Combining marks have no width, so a name made of them would never reach the end of its field. */
static void test_names_without_width(void **state)
{
	struct line line = { 0 };
	char name[4096 + 1] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(name) - 1; i += 2)
		memcpy(&name[i], "\xcc\x81", 2);
	line__add_name(&line, name, 20, NAME_CUT_END);
	assert_int_equal(line.width, 0);
	assert_int_equal(line.len, LINE_NAME_SIZE);
	/* The line must still have room for everything beside the name. */
	line__pad(&line, LINE_WIDTH);
	assert_int_equal(line.width, LINE_WIDTH);
	assert_int_equal(line.len, LINE_NAME_SIZE + LINE_WIDTH);
}

/*
 * Text that does not fit into the line's buffer is omitted as a whole, and does not add to the
 * width.
 */
static void test_full(void **state)
{
	struct line line = { 0 };

	(void)state;
	line__pad(&line, (int)sizeof(line.text) - 1);
	line__add(&line, "ab");
	assert_int_equal(line.len, sizeof(line.text) - 1);
	line__add(&line, "c");
	line__add(&line, "d");
	line__add_name(&line, "e", 1, NAME_CUT_END);
	line__pad(&line, 10000);
	assert_int_equal(line.len, sizeof(line.text));
	assert_int_equal(line.width, sizeof(line.text));
	assert_int_equal(line.text[line.len - 1], 'c');
}

static void test_write(void **state)
{
	struct line line = { 0 };
	char text[16] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(line__write(&line, out), 0);
	line__add(&line, "abc");
	assert_int_equal(line__write(&line, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "\nabc\n");
}

static void test_write_fails(void **state)
{
	struct line line = { 0 };
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(setvbuf(out, NULL, _IONBF, 0), 0);
	assert_int_equal(line__write(&line, out), -ENOSPC);
	line__add(&line, "abc");
	assert_int_equal(line__write(&line, out), -ENOSPC);
	fclose(out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_names_are_cut),
		cmocka_unit_test(test_names_are_cut_between_glyphs),
		cmocka_unit_test(test_any_part_can_be_cut),
		cmocka_unit_test(test_names_cannot_act_on_a_terminal),
		cmocka_unit_test(test_names_without_width),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_fails),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
