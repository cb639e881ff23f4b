// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "report/columns.h"
#include "options/option_rules.h"
#include "options/option_table.h"

static bool is_end(const struct argp_option *option)
{
	return !option->key && !option->name && !option->doc && !option->group;
}

static const struct argp_option *find(const char *name)
{
	for (const struct argp_option *o = option_table; !is_end(o); o++) {
		if (o->name && !strcmp(o->name, name))
			return o;
	}
	fail_msg("there is no --%s", name);
	return NULL;
}

static void test_keys_and_names_are_unique(void **state)
{
	(void)state;
	for (const struct argp_option *a = option_table; !is_end(a); a++) {
		for (const struct argp_option *b = option_table; b < a; b++) {
			if (a->key && a->key == b->key)
				fail_msg("--%s has the key of --%s", a->name, b->name);
			if (a->name && b->name && !strcmp(a->name, b->name))
				fail_msg("--%s is there twice", a->name);
		}
	}
}

/* Each option has a bit of its own; the rules would confuse two options with the same bit. */
static void test_words_are_unique(void **state)
{
	__u64 seen = 0;

	(void)state;
	for (const struct argp_option *o = option_table; !is_end(o); o++) {
		__u64 word = option_table__word(o->key);

		assert_int_equal(word & seen, 0);
		assert_int_equal(word & (word - 1), 0);
		seen |= word;
	}
	/*
	 * All bits are used, except those that depend on an option's value or stand for arguments.
	 */
	assert_int_equal(seen,
			 ((1ULL << WORD_CNT) - 1) &
				 ~(WORD(SORT_IN_ENTRY) | WORD(INTERVAL) | WORD(COUNT) |
				   WORD(MODE_SWITCH) | WORD(HOOK_CHOSEN) | WORD(REPLAY_AT_ONCE)));
}

/* Only these options can never conflict with another one. */
static void test_options_without_a_word(void **state)
{
	static const char *const names[] = { "verbose", "version", "help" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(option_table__word(find(names[i])->key), 0);
	assert_int_equal(option_table__word(0), 0);
	for (const struct argp_option *o = option_table; !is_end(o); o++) {
		if (!o->name || option_table__word(o->key))
			continue;
		if (strcmp(o->name, names[0]) && strcmp(o->name, names[1]) &&
		    strcmp(o->name, names[2]))
			fail_msg("the rules do not know --%s", o->name);
	}
}

/* --help lists the columns that --sort takes. */
static void test_help_of_sort(void **state)
{
	const char *doc = find("sort")->doc;

	(void)state;
	for (int i = 0; i < COLUMN_CNT; i++) {
		char name[32];

		if (!column_defs[i].heading)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)column__name_len(i), column_defs[i].key);
		if (!strstr(doc, name))
			fail_msg("%s is not in: %s", name, doc);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_and_names_are_unique),
		cmocka_unit_test(test_words_are_unique),
		cmocka_unit_test(test_options_without_a_word),
		cmocka_unit_test(test_help_of_sort),
	};

	return cmocka_run_group_tests_name("option_table", tests, NULL, NULL);
}
