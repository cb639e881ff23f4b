// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "test.h"
#include "top/top_bar.h"

#define UNKNOWN METRIC_UNKNOWN

/* The wall time is 1000. */
struct times {
	__u64 loaded, halted, busy, host, wait, unmeasured;
};

static const char *bar(struct times times, enum measure_mode mode, int width)
{
	static char text[256];
	struct metrics metrics = { .value = {
					   [METRIC_WALL_NS] = 1000,
					   [METRIC_LOADED_NS] = times.loaded,
					   [METRIC_HALTED_NS] = times.halted,
					   [METRIC_BUSY_NS] = times.busy,
					   [METRIC_HOST_NS] = times.host,
					   [METRIC_WAIT_NS] = times.wait,
					   [METRIC_UNMEASURED_NS] = times.unmeasured,
				   } };
	int part_width[TOP_BAR_PART_CNT];
	size_t len = 0;

	top_bar__divide(&metrics, mode, width, part_width);
	for (int i = 0; i < TOP_BAR_PART_CNT; i++) {
		assert_in_range(part_width[i], 0, width);
		memset(text + len, top_bar_marks[i].mark, (size_t)part_width[i]);
		len += (size_t)part_width[i];
	}
	assert_in_range(len, 0, width);
	text[len] = '\0';
	return text;
}

static void test_parts(void **state)
{
	(void)state;
	assert_string_equal(bar((struct times){ 900, 300, 400, 200, 100, 0 }, MODE_ENTRY, 10),
			    "####==w...");
	assert_string_equal(bar((struct times){ 500, 500, 0, 0, 0, 0 }, MODE_ENTRY, 10), ".....");
	assert_string_equal(bar((struct times){ 0 }, MODE_ENTRY, 10), "");
	assert_string_equal(bar((struct times){ 1000, 0, 1000, 0, 0, 0 }, MODE_ENTRY, 7),
			    "#######");
}

/* The edges between the parts are rounded, not their lengths, so that three thirds fill the bar. */
static void test_rounding(void **state)
{
	(void)state;
	assert_string_equal(bar((struct times){ 1000, 333, 333, 334, 0, 0 }, MODE_ENTRY, 10),
			    "###====...");
	assert_string_equal(bar((struct times){ 1000, 4, 992, 4, 0, 0 }, MODE_ENTRY, 10),
			    "##########");
	for (int width = 1; width < 200; width++)
		assert_int_equal(strlen(bar((struct times){ 751, 251, 249, 251, 249, 0 },
					    MODE_ENTRY, width)),
				 width);
}

/* In switch mode only the sum of busy and host time is known. */
static void test_switch_mode(void **state)
{
	(void)state;
	assert_string_equal(bar((struct times){ 900, 300, UNKNOWN, UNKNOWN, 100, 0 }, MODE_SWITCH,
				10),
			    "######w...");
}

static void test_what_is_not_known(void **state)
{
	(void)state;
	/* MPERF failed: the loaded time may have been halted. */
	assert_string_equal(bar((struct times){ 500, UNKNOWN, UNKNOWN, UNKNOWN, 100, 500 },
				MODE_SWITCH, 10),
			    "?????w");
	assert_string_equal(bar((struct times){ 500, 200, UNKNOWN, UNKNOWN, 0, 100 }, MODE_SWITCH,
				10),
			    "???..");
	assert_string_equal(bar((struct times){ 500, 200, UNKNOWN, 100, 0, 100 }, MODE_ENTRY, 10),
			    "=??..");
	assert_string_equal(bar((struct times){ 500, 200, 200, 100, UNKNOWN, 0 }, MODE_ENTRY, 10),
			    "##=..");
	assert_string_equal(bar((struct times){ UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0 },
				MODE_ENTRY, 10),
			    "");
}

static void test_no_wall_time(void **state)
{
	static const __u64 walls[] = { 0, UNKNOWN };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct metrics metrics = { .value = { [METRIC_WALL_NS] = walls[i],
						      [METRIC_LOADED_NS] = 10,
						      [METRIC_BUSY_NS] = 10 } };
		int part_width[TOP_BAR_PART_CNT];

		top_bar__divide(&metrics, MODE_ENTRY, 10, part_width);
		for (int j = 0; j < TOP_BAR_PART_CNT; j++)
			assert_int_equal(part_width[j], 0);
	}
}

/* Times that exceed the wall time must not make the bar too long. */
static void test_more_than_there_is(void **state)
{
	const __u64 most = UINT64_MAX - 1;

	(void)state;
	assert_string_equal(bar((struct times){ 3000, 1000, 1000, 1000, 1000, 0 }, MODE_ENTRY, 4),
			    "####");
	assert_string_equal(bar((struct times){ most, most, most, most, most, 0 }, MODE_ENTRY, 4),
			    "####");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),        cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_switch_mode),  cmocka_unit_test(test_what_is_not_known),
		cmocka_unit_test(test_no_wall_time), cmocka_unit_test(test_more_than_there_is),
	};

	return cmocka_run_group_tests_name("top_bar", tests, NULL, NULL);
}
