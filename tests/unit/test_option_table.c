// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "report/columns.h"
#include "options/option_table.h"
#include "test.h"

static void test_rows_are_complete(void **state)
{
	(void)state;
	for (enum option_word word = 0; word < WORD_CNT; word++) {
		const struct option_row *row = &option_rows[word];
		bool is_option = word < WORD_FIRST_OTHER;

		assert_non_null(row->name);
		assert_int_equal(is_option, row->help[PROGRAM_TOOL] || row->help[PROGRAM_EXPORTER]);
		if (!is_option)
			continue;
		assert_int_equal(strncmp(row->name, "--", 2), 0);
		/* An option with a value parses it; most others store one. */
		assert_int_equal(row->arg != NULL, row->parse != NULL);
		if (!row->arg && word != WORD_VERBOSE && word != WORD_VERSION && word != WORD_HELP)
			assert_in_range(row->size, 1, sizeof(int));
	}
}

static void test_letters_and_names_are_unique(void **state)
{
	(void)state;
	for (enum option_word a = 0; a < WORD_FIRST_OTHER; a++) {
		for (enum option_word b = 0; b < a; b++) {
			if (option_rows[a].letter && option_rows[a].letter == option_rows[b].letter)
				fail_msg("%s has the letter of %s", option_rows[a].name,
					 option_rows[b].name);
			assert_string_not_equal(option_rows[a].name, option_rows[b].name);
		}
	}
}

/* --help lists the columns that --sort takes. */
static void test_help_of_sort(void **state)
{
	const char *help = option_rows[WORD_SORT].help[PROGRAM_TOOL];

	(void)state;
	for (int i = 0; i < COLUMN_CNT; i++) {
		char name[32];

		if (!column_defs[i].heading)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)column__name_len(i), column_defs[i].key);
		if (!strstr(help, name))
			fail_msg("%s is not in: %s", name, help);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_letters_and_names_are_unique),
		cmocka_unit_test(test_help_of_sort),
	};

	return cmocka_run_group_tests_name("option_table", tests, NULL, NULL);
}
