// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "vm/cmdline.h"
#include "test.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* A string literal with its NULs, including the terminating one. */
#define CMDLINE(literal)                                                                           \
	&(struct cmdline)                                                                          \
	{                                                                                          \
		(literal), sizeof(literal), false                                                  \
	}

static void words_are_given_one_by_one(void **state)
{
	static const char *const words[] = { "a", "", "bc" };
	const struct cmdline *cmdline = CMDLINE("a\0\0bc");
	size_t pos = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_string_equal(cmdline__next(cmdline, &pos), words[i]);
	assert_null(cmdline__next(cmdline, &pos));
	assert_null(cmdline__next(cmdline, &pos));

	/* A process that overwrites its own title leaves no NUL at the end. */
	pos = 0;
	cmdline = &(struct cmdline){ "abc", 3, false };
	assert_string_equal(cmdline__next(cmdline, &pos), "abc");
	assert_null(cmdline__next(cmdline, &pos));
	pos = 0;
	assert_null(cmdline__next(&(struct cmdline){ "", 0, false }, &pos));
}

static void half_a_word_is_none(void **state)
{
	size_t pos = 0;

	(void)state;
	assert_null(cmdline__option(&(struct cmdline){ "q\0--id\0half", 11, true }, "--id"));
	assert_string_equal(cmdline__option(&(struct cmdline){ "q\0--id\0half", 12, true }, "--id"),
			    "half");
	assert_null(cmdline__next(&(struct cmdline){ "half", 4, true }, &pos));
}

static void options_have_values(void **state)
{
	(void)state;
	assert_string_equal(cmdline__option(CMDLINE("q\0--id\0a"), "--id"), "a");
	assert_string_equal(cmdline__option(CMDLINE("q\0--id=a"), "--id"), "a");
	assert_string_equal(cmdline__option(CMDLINE("q\0--id\0a\0--id=b"), "--id"), "b");
	assert_string_equal(cmdline__option(CMDLINE("q\0--id\0--id"), "--id"), "--id");
	assert_string_equal(cmdline__option(CMDLINE("q\0--id=a=b"), "--id"), "a=b");
	assert_null(cmdline__option(CMDLINE("q\0--id"), "--id"));
	assert_null(cmdline__option(CMDLINE("q\0--id\0"), "--id"));
	assert_null(cmdline__option(CMDLINE("q\0--id="), "--id"));
	assert_null(cmdline__option(CMDLINE("q\0--idx\0a\0-id\0b\0--i\0c"), "--id"));
	assert_null(cmdline__option(CMDLINE(""), "--id"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_given_one_by_one),
		cmocka_unit_test(half_a_word_is_none),
		cmocka_unit_test(options_have_values),
	};

	return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
