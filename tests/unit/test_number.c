// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "base/number.h"
#include "test.h"

#define UNTOUCHED 4711

/* Texts that all parsers here must reject, whatever the unit. */
static const char *const never_numbers[] = {
	"",
	" ",
	" 1",
	"1 ",
	"\t1",
	"1\n",
	"+1",
	"-1",
	"-0",
	"abc",
	"1x",
	"x1",
	"0x10",
	"1e3",
	"1,5",
	"1,000",
	"1_000",
	"..",
	".",
	".5",
	"5.",
	"1.2.3",
	"1..2",
	"1.x",
	"1.-5",
	"1. 5",
	"1.5 ",
	"nan",
	"inf",
	"\xd9\xa1", /* ARABIC-INDIC DIGIT ONE */
	"99999999999999999999999x",
};

static void parse_takes_digits(void **state)
{
	static const struct {
		const char *string;
		__u64 value;
	} cases[] = {
		{ "0", 0 },
		{ "7", 7 },
		{ "007", 7 },
		{ "4194304", 4194304 },
		{ "000000000000000000000000000001", 1 },
		{ "18446744073709551615", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u64 value = UNTOUCHED;

		assert_int_equal(number__parse(cases[i].string, UINT64_MAX, &value), 0);
		assert_true(value == cases[i].value);
	}
}

static void parse_refuses_non_numbers(void **state)
{
	__u64 value = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(never_numbers) / sizeof(*never_numbers); i++)
		assert_int_equal(number__parse(never_numbers[i], UINT64_MAX, &value), -EINVAL);
	/* Only the other two parsers accept fractions. */
	assert_int_equal(number__parse("1.5", UINT64_MAX, &value), -EINVAL);
	assert_true(value == UNTOUCHED);
}

static void parse_keeps_to_max(void **state)
{
	__u64 value = UNTOUCHED;

	(void)state;
	assert_int_equal(number__parse("101", 100, &value), -ERANGE);
	assert_int_equal(number__parse("1", 0, &value), -ERANGE);
	assert_int_equal(number__parse("18446744073709551616", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(number__parse("18446744073709551620", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(number__parse("99999999999999999999999", UINT64_MAX, &value), -ERANGE);
	/* 2^64 + 5 must not wrap to 5. */
	assert_int_equal(number__parse("18446744073709551621", 100, &value), -ERANGE);
	assert_true(value == UNTOUCHED);
	assert_int_equal(number__parse("100", 100, &value), 0);
	assert_true(value == 100);
	assert_int_equal(number__parse("0", 0, &value), 0);
	assert_true(value == 0);
}

static void seconds_are_nanoseconds(void **state)
{
	static const struct {
		const char *string;
		__u64 ns;
	} cases[] = {
		{ "0", 0 },
		{ "0.0", 0 },
		{ "2", 2000000000 },
		{ "0.25", 250000000 },
		{ "0.001", 1000000 },
		{ "1.5", 1500000000 },
		{ "01.50", 1500000000 },
		{ "0.000000001", 1 },
		{ "1.000000001", 1000000001 },
		{ "1000000", 1000000000000000 },
		{ "18446744073.709551615", UINT64_MAX },
		{ "10s", 10000000000 },
		{ "500ms", 500000000 },
		{ "0.000001ms", 1 },
		{ "5m", 300000000000 },
		{ "1.5h", 5400000000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		__u64 ns = UNTOUCHED;

		assert_int_equal(number__parse_seconds(cases[i].string, UINT64_MAX, &ns), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void seconds_refuse_non_numbers(void **state)
{
	__u64 ns = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(never_numbers) / sizeof(*never_numbers); i++)
		assert_int_equal(number__parse_seconds(never_numbers[i], UINT64_MAX, &ns), -EINVAL);
	/* A tenth digit is an error; it is not dropped silently. */
	assert_int_equal(number__parse_seconds("0.0000000010", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("0.0000001ms", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("s", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("ms", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("2 s", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("2d", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("2us", UINT64_MAX, &ns), -EINVAL);
	assert_int_equal(number__parse_seconds("2sm", UINT64_MAX, &ns), -EINVAL);
	assert_true(ns == UNTOUCHED);
}

static void seconds_keep_to_max(void **state)
{
	__u64 ns = UNTOUCHED;

	(void)state;
	assert_int_equal(number__parse_seconds("1.000000001", 1000000000, &ns), -ERANGE);
	assert_int_equal(number__parse_seconds("18446744073.709551616", UINT64_MAX, &ns), -ERANGE);
	assert_int_equal(number__parse_seconds("18446744074", UINT64_MAX, &ns), -ERANGE);
	assert_int_equal(number__parse_seconds("18446744073709551616", UINT64_MAX, &ns), -ERANGE);
	assert_int_equal(number__parse_seconds("18446744073h", UINT64_MAX, &ns), -ERANGE);
	assert_int_equal(number__parse_seconds("1m", 1000000000, &ns), -ERANGE);
	assert_true(ns == UNTOUCHED);
	assert_int_equal(number__parse_seconds("1", 1000000000, &ns), 0);
	assert_true(ns == 1000000000);
}

static void ratio_is_the_nearest_double(void **state)
{
	static const struct {
		const char *string;
		double ratio;
	} cases[] = {
		{ "1", 1.0 },
		{ "0.97", 0.97 },
		{ "1024", 1024.0 },
		{ "4096", 4096.0 },
		{ "4096.0", 4096.0 },
		{ "0.333333333", 0.333333333 },
		{ "0.000000001", 1e-9 },
		{ "1.1", 1.1 },
		{ "2.718281828", 2.718281828 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double ratio = -1;

		assert_int_equal(number__parse_ratio(cases[i].string, 4096, &ratio), 0);
		assert_true(ratio == cases[i].ratio);
	}
}

static void ratio_refuses_non_numbers(void **state)
{
	double ratio = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(never_numbers) / sizeof(*never_numbers); i++)
		assert_int_equal(number__parse_ratio(never_numbers[i], 4096, &ratio), -EINVAL);
	assert_int_equal(number__parse_ratio("1.0000000000", 4096, &ratio), -EINVAL);
	assert_true(ratio == UNTOUCHED);
}

static void ratio_keeps_above_zero_and_to_max(void **state)
{
	double ratio = UNTOUCHED;

	(void)state;
	assert_int_equal(number__parse_ratio("0", 4096, &ratio), -ERANGE);
	assert_int_equal(number__parse_ratio("0.000000000", 4096, &ratio), -ERANGE);
	assert_int_equal(number__parse_ratio("4096.000000001", 4096, &ratio), -ERANGE);
	assert_int_equal(number__parse_ratio("4097", 4096, &ratio), -ERANGE);
	assert_int_equal(number__parse_ratio("18446744074", 1e18, &ratio), -ERANGE);
	assert_true(ratio == UNTOUCHED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_takes_digits),
		cmocka_unit_test(parse_refuses_non_numbers),
		cmocka_unit_test(parse_keeps_to_max),
		cmocka_unit_test(seconds_are_nanoseconds),
		cmocka_unit_test(seconds_refuse_non_numbers),
		cmocka_unit_test(seconds_keep_to_max),
		cmocka_unit_test(ratio_is_the_nearest_double),
		cmocka_unit_test(ratio_refuses_non_numbers),
		cmocka_unit_test(ratio_keeps_above_zero_and_to_max),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
