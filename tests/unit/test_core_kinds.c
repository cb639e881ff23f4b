// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "measure/core_kinds.h"
#include "tree.h"

static int setup(void **state)
{
	static const char *const dirs[] = { "sys", "sys/devices", "sys/devices/system",
					    "sys/devices/cpu", "sys/devices/cpu_events" };

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		tree__mkdir(*state, dirs[i]);
	return 0;
}

static void add_kind(const struct tree *tree, const char *name, const char *cpus)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/devices/%s", name);
	tree__mkdir(tree, path);
	snprintf(path, sizeof(path), "sys/devices/%s/cpus", name);
	tree__write(tree, path, cpus, strlen(cpus));
}

/* `expected` holds the kind of each CPU, from CPU 0 on, as digits. */
static void assert_kinds(const struct tree *tree, int cnt, const char *expected)
{
	struct core_kinds kinds;
	int cpu = 0;

	assert_int_equal(core_kinds__find(&tree->fs, &kinds), 0);
	assert_int_equal(kinds.cnt, cnt);
	for (; *expected; expected++)
		assert_int_equal(core_kinds__of(&kinds, cpu++), *expected - '0');
}

static void one_kind(void **state)
{
	assert_kinds(*state, 1, "0000");
	tree__remove(*state, "sys");
	assert_kinds(*state, 1, "0000");
}

static void two_kinds(void **state)
{
	add_kind(*state, "cpu_core", "0-3\n");
	add_kind(*state, "cpu_atom", "4-5\n");
	assert_kinds(*state, 2, "000011");
}

static void three_kinds(void **state)
{
	add_kind(*state, "cpu_lowpower", "3,7-8\n");
	add_kind(*state, "cpu_atom", "4-6\n");
	add_kind(*state, "cpu_core", "0-2\n");
	assert_kinds(*state, 3, "0002111220");
}

/* CPUs that no kind lists belong to the first kind. */
static void without_a_first_kind(void **state)
{
	add_kind(*state, "cpu_atom", "1\n");
	add_kind(*state, "cpu_new", "2\n");
	assert_kinds(*state, 3, "0120");
}

static void too_many(void **state)
{
	struct core_kinds kinds;
	struct capture capture;
	char name[16];
	int err;

	for (int i = 1; i < CORE_KINDS_MAX; i++) {
		snprintf(name, sizeof(name), "cpu_%d", i);
		add_kind(*state, name, "1\n");
	}
	assert_kinds(*state, CORE_KINDS_MAX, "01");
	add_kind(*state, "cpu_more", "2\n");
	capture__begin(&capture, stderr);
	err = core_kinds__find(&((struct tree *)*state)->fs, &kinds);
	capture__end(&capture);
	assert_int_equal(err, -E2BIG);
	assert_non_null(strstr(capture.text, "kinds of core"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_kind, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(two_kinds, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(three_kinds, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(without_a_first_kind, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("core_kinds", tests, NULL, NULL);
}
