// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <time.h>
#include "test.h"
#include "text/time_text.h"

static void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static void assert_rfc3339(__u64 real_ns, const char *expected)
{
	char text[TIME_TEXT_SIZE];

	time_text__rfc3339(real_ns, text);
	assert_string_equal(text, expected);
}

/* The time is in UTC, whatever the time zone of the machine. */
static void test_rfc3339(void **state)
{
	(void)state;
	set_zone("FAR-05:30");
	assert_rfc3339(0, "1970-01-01T00:00:00.000000000Z");
	assert_rfc3339(999999999, "1970-01-01T00:00:00.999999999Z");
	assert_rfc3339(951827696000000045, "2000-02-29T12:34:56.000000045Z");
	assert_rfc3339(UINT64_MAX, "2554-07-21T23:34:33.709551615Z");
}

static void assert_clock(__u64 real_ns, const char *expected)
{
	char text[TIME_TEXT_SIZE];

	time_text__clock(real_ns, text);
	assert_string_equal(text, expected);
}

static void test_clock_is_local(void **state)
{
	(void)state;
	set_zone("UTC0");
	assert_clock(0, "00:00:00");
	assert_clock(951827696999999999, "12:34:56");
	set_zone("FAR-05:30");
	assert_clock(951827696999999999, "18:04:56");
	assert_clock(UINT64_MAX, "05:04:33");
}

static void test_local_time(void **state)
{
	char text[TIME_TEXT_SIZE];

	(void)state;
	set_zone("FAR-05:30");
	time_text__local(951827696999999999, text);
	assert_string_equal(text, "2000-02-29 18:04:56");
}

static void assert_in_unit(__u64 ns, __u64 unit_ns, int digits, const char *expected)
{
	char text[TIME_TEXT_SIZE];

	time_text__in_unit(ns, unit_ns, digits, text);
	assert_string_equal(text, expected);
}

/* Three digits are significant, and about one second is never a number with other digits. */
static void test_in_unit(void **state)
{
	const __u64 s = 1000000000;

	(void)state;
	assert_in_unit(0, s, 0, "0");
	assert_in_unit(0, s, 1, "0.0");
	assert_in_unit(1, s, 0, "0.000000001");
	assert_in_unit(5120, 1000000, 1, "0.00512");
	assert_in_unit(999600000, s, 0, "1.00");
	assert_in_unit(1000400000, s, 0, "1.00");
	assert_in_unit(12340000000, s, 0, "12.3");
	assert_in_unit(3600 * s, s, 0, "3600");
	assert_in_unit(3600 * s, s, 1, "3600.0");
	assert_in_unit(7, 1, 0, "7");
	assert_in_unit(UINT64_MAX, 1, 0, "18446744073709551615");
	assert_in_unit(UINT64_MAX, s, 2, "18446744073.71");
}

static void test_length(void **state)
{
	static const struct {
		__u64 ns;
		const char *text;
	} cases[] = {
		{ 0, "0 ns" },
		{ 999, "999 ns" },
		{ 1000, "1.00 us" },
		{ 1234567, "1.23 ms" },
		{ 999499999, "999 ms" },
		{ 999500000, "1.00 s" },
		{ 12000000000, "12.0 s" },
		{ UINT64_MAX, "18446744074 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[TIME_TEXT_SIZE];

		time_text__length(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_unit),    cmocka_unit_test(test_length),
		cmocka_unit_test(test_rfc3339),    cmocka_unit_test(test_clock_is_local),
		cmocka_unit_test(test_local_time),
	};

	return cmocka_run_group_tests_name("time_text", tests, NULL, NULL);
}
