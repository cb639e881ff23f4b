// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_clock_is_local),
	};

	return cmocka_run_group_tests_name("time_text", tests, NULL, NULL);
}
