// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "measure/armed.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "tree.h"

#define FTRACE  "proc/sys/kernel/ftrace_enabled"
#define KPROBES "sys/kernel/debug/kprobes/enabled"

static int setup(void **state)
{
	static const char *const dirs[] = { "proc", "proc/sys", "proc/sys/kernel" };
	static const char *const debug_dirs[] = { "sys", "sys/kernel", "sys/kernel/debug",
						  "sys/kernel/debug/kprobes" };

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		tree__mkdir(*state, dirs[i]);
	for (size_t i = 0; i < sizeof(debug_dirs) / sizeof(*debug_dirs); i++)
		tree__mkdir(*state, debug_dirs[i]);
	return 0;
}

/* Functions by fentry or by kprobes; `missing` is NULL where all is well. */
static void assert_armed(const struct tree *tree, bool has_btf, const char *missing)
{
	const struct host host = { .run_function = "svm_vcpu_run", .has_module_btf = has_btf };
	struct capture capture;
	struct hook_plan plan;
	int err;

	assert_int_equal(hooks__plan(&host, MODE_SWITCH, HOOK_AUTO, &plan), 0);
	capture__begin(&capture, stderr);
	err = armed__check(&tree->fs, &plan);
	capture__end(&capture);
	assert_int_equal(err, missing ? -EOPNOTSUPP : 0);
	if (!missing)
		assert_string_equal(capture.text, "");
	else if (!strstr(capture.text, missing))
		fail_msg("\"%s\" is not in: %s", missing, capture.text);
}

static void write_switches(const struct tree *tree, const char *ftrace, const char *kprobes)
{
	tree__write(tree, FTRACE, ftrace, strlen(ftrace));
	tree__write(tree, KPROBES, kprobes, strlen(kprobes));
}

static void switched_off(void **state)
{
	write_switches(*state, "1\n", "1\n");
	assert_armed(*state, true, NULL);
	assert_armed(*state, false, NULL);
	write_switches(*state, "0\n", "1\n");
	assert_armed(*state, true, "sysctl kernel.ftrace_enabled=1");
	assert_armed(*state, false, "sysctl kernel.ftrace_enabled=1");
	write_switches(*state, "1\n", "0\n");
	assert_armed(*state, true, NULL);
	assert_armed(*state, false, "echo 1 > /sys/kernel/debug/kprobes/enabled");
}

/* A kernel without ftrace, or without debugfs, says nothing: it is not known to be off. */
static void unknown(void **state)
{
	assert_armed(*state, true, NULL);
	assert_armed(*state, false, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(switched_off, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(unknown, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("armed", tests, NULL, NULL);
}
