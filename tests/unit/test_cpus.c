// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "steer/cpus.h"
#include "test.h"

static void assert_same(const char *line, const char *written)
{
	char text[CPUS_TEXT_MAX];
	struct cpus cpus;

	assert_int_equal(cpus__parse(line, &cpus), 0);
	assert_string_equal(cpus__format(&cpus, text), written);
}

static void test_lists(void **state)
{
	(void)state;
	assert_same("", "");
	assert_same("\n", "");
	assert_same("0", "0");
	assert_same("0-3,8\n", "0-3,8");
	assert_same("8,0,1,2-3,3", "0-3,8");
	assert_same("63-64,8191", "63-64,8191");
	assert_same("0-8191", "0-8191");
}

static void test_no_lists(void **state)
{
	static const char *const lines[] = { "a",    "-1",  "1-",    "3-1", "1,", ",1",
					     "1,,2", "1 2", "1-2-3", "0x1", "+1" };
	struct cpus cpus;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(cpus__parse(lines[i], &cpus), -EINVAL);
	assert_int_equal(cpus__parse("8192", &cpus), -ERANGE);
	assert_int_equal(cpus__parse("0-99999999999999999999", &cpus), -ERANGE);
}

/* CPUS_TEXT_MAX has room for the longest list. */
static void test_longest(void **state)
{
	char text[CPUS_TEXT_MAX];
	struct cpus cpus = { 0 }, again;

	(void)state;
	for (int cpu = 1; cpu < CPUS_MAX; cpu += 2)
		cpus__add(&cpus, cpu);
	assert_int_equal(cpus__parse(cpus__format(&cpus, text), &again), 0);
	assert_true(cpus__equal(&cpus, &again));
	assert_int_equal(cpus__cnt(&again), CPUS_MAX / 2);
}

static void test_operations(void **state)
{
	struct cpus a, b, result;
	char text[CPUS_TEXT_MAX];

	(void)state;
	cpus__parse("0-5", &a);
	cpus__parse("4-7", &b);
	cpus__and(&result, &a, &b);
	assert_string_equal(cpus__format(&result, text), "4-5");
	cpus__and_not(&result, &a, &b);
	assert_string_equal(cpus__format(&result, text), "0-3");
	cpus__and_not(&a, &a, &b);
	assert_true(cpus__equal(&a, &result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_no_lists),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
