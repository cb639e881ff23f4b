// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "report/columns.h"
#include "report_fixture.h"

static void test_every_metric_has_one_column(void **state)
{
	unsigned int seen = 0;

	(void)state;
	for (int i = 0; i < COLUMN_CNT; i++) {
		const struct column_def *def = &column_defs[i];

		assert_non_null(def->key);
		seen |= 1U << def->metric;
		/* The table shows a column in some mode if and only if the column has a heading. */
		assert_int_equal(def->heading != NULL, def->modes != 0);
		if (def->heading)
			assert_true(strlen(def->heading) <= (size_t)def->width);
	}
	assert_int_equal(seen, (1U << METRIC_CNT) - 1);
}

/* A key ends with its unit; the name is the part before the unit. */
static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < COLUMN_CNT; i++) {
		const char *key = column_defs[i].key;
		size_t len = column__name_len(i);

		assert_string_equal(key + len, i == COLUMN_ENTRIES ? "" : "_ns");
	}
}

static void assert_found(const char *word, enum column expected)
{
	enum column column = COLUMN_CNT;

	if (!column__find(word, &column))
		fail_msg("there is no column '%s'", word);
	assert_int_equal(column, expected);
}

static void test_find(void **state)
{
	(void)state;
	assert_found("idle", COLUMN_IDLE);
	assert_found("halted", COLUMN_HALTED);
	assert_found("halted_ns", COLUMN_HALTED);
	assert_found("HALTED%", COLUMN_HALTED);
	assert_found("Halted", COLUMN_HALTED);
	assert_found("loaded", COLUMN_LOADED);
	assert_found("busy", COLUMN_BUSY);
	assert_found("host", COLUMN_HOST);
	assert_found("wait", COLUMN_WAIT);
	assert_found("blocked", COLUMN_BLOCKED);
	assert_found("block", COLUMN_BLOCKED);
	assert_found("BLOCK%", COLUMN_BLOCKED);
	assert_found("entries", COLUMN_ENTRIES);
	assert_found("ENTRIES/s", COLUMN_ENTRIES);
}

static void test_not_found(void **state)
{
	/* The last three are values that only JSON contains. */
	static const char *const words[] = { "",         "%",    "halt",       "halted_",
					     "halted%%", "name", "halted_ns ", "/s",
					     "guest",    "wall", "clamped_ns" };
	enum column column = COLUMN_WAIT;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (column__find(words[i], &column))
			fail_msg("'%s' is column %d", words[i], column);
		assert_int_equal(column, COLUMN_WAIT);
	}
}

static void test_modes(void **state)
{
	(void)state;
	assert_string_equal(mode__name(MODE_ENTRY), "entry");
	assert_string_equal(mode__name(MODE_SWITCH), "switch");
}

static void test_failures(void **state)
{
	const struct health health = {
		.lost_window_cnt = 1,
		.mperf_error_cnt = 2,
		.map_full_cnt = 3,
		.hooks_off_cnt = 4,
		.refused_window_cnt = 5,
	};

	(void)state;
	for (size_t i = 0; i < FAILURE_CNT; i++)
		assert_int_equal(failure_cnt(&health, i), i + 1);
}

static void test_instances(void **state)
{
	static const pid_t pids[] = { 1, 2, 2, 2, 3 };
	static const unsigned int expected[] = { 1, 1, 2, 3, 1 };
	struct fixture *f = *state;

	for (size_t i = 0; i < 5; i++)
		add_vm(f, pids[i], "a", half_halted);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(instance_of(&f->report, &f->vms[i]), expected[i]);
}

static int idle_of(__u64 halted_ns, __u64 blocked_ns, __u64 wall_ns)
{
	struct metrics metrics = { { 0 } };

	metrics.value[METRIC_HALTED_NS] = halted_ns;
	metrics.value[METRIC_BLOCKED_NS] = blocked_ns;
	metrics.value[METRIC_WALL_NS] = wall_ns;
	return idle_in_blocked(&metrics);
}

static void test_idle_in_blocked(void **state)
{
	(void)state;
	/* HLT exits: an idle guest, and a guest that is busy half of the time. */
	assert_int_equal(idle_of(0, S, S), 1);
	assert_int_equal(idle_of(0, S / 2, S), 1);
	/* HLT is passed through. */
	assert_int_equal(idle_of(S / 2, 0, S), 0);
	/*
	 * Busy all the time: whether its idle time would show as halted or as blocked cannot be
	 * seen.
	 */
	assert_int_equal(idle_of(0, 0, S), 0);
	assert_int_equal(idle_of(0, S / 20, S), 0);
	assert_int_equal(idle_of(0, S / 20 + 1, S), 1);
	/* HLT is passed through, and the VM was paused for a part of the interval. */
	assert_int_equal(idle_of(S / 200, S / 2, S), 1);
	assert_int_equal(idle_of(S / 200 + 1, S / 2, S), 0);
}

static void test_idle_is_not_known(void **state)
{
	(void)state;
	assert_int_equal(idle_of(UNKNOWN, S, S), -ENODATA);
	assert_int_equal(idle_of(0, UNKNOWN, S), -ENODATA);
	assert_int_equal(idle_of(0, S, UNKNOWN), -ENODATA);
	assert_int_equal(idle_of(0, 0, 0), -ENODATA);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_metric_has_one_column),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_failures),
		TEST(test_instances),
		cmocka_unit_test(test_idle_in_blocked),
		cmocka_unit_test(test_idle_is_not_known),
	};

	return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
