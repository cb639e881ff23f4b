// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include "capture.h"
#include "steer/sched_host.h"
#include "tree.h"

static void put(void *tree, const char *path, const char *text)
{
	tree__write(tree, path, text, strlen(text));
}

/* A host that can run the scheduler. */
static int begin(void **state)
{
	static const char *const dirs[] = {
		"proc",
		"proc/sys",
		"proc/sys/kernel",
		"sys",
		"sys/kernel",
		"sys/kernel/sched_ext",
		"sys/kernel/sched_ext/root",
		"sys/devices",
		"sys/devices/system",
		"sys/devices/system/cpu",
	};

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		tree__mkdir(*state, dirs[i]);
	put(*state, "proc/sys/kernel/osrelease", "6.18.15+deb13-amd64\n");
	put(*state, "sys/kernel/sched_ext/state", "disabled\n");
	return 0;
}

static void accepted(const struct tree *tree)
{
	assert_int_equal(sched_host__check(&tree->fs), 0);
}

/* The host is refused with one line that contains these words. */
static void refused(const struct tree *tree, const char *words)
{
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	err = sched_host__check(&tree->fs);
	capture__end(&capture);
	assert_int_equal(err, -EOPNOTSUPP);
	assert_non_null(strstr(capture.text, words));
	assert_ptr_equal(strchr(capture.text, '\n'), capture.text + strlen(capture.text) - 1);
}

static void test_versions(void **state)
{
	accepted(*state);
	put(*state, "proc/sys/kernel/osrelease", "7.0.1\n");
	accepted(*state);
	put(*state, "proc/sys/kernel/osrelease", "6.17.13\n");
	refused(*state, "needs Linux 6.18 or later, and this is 6.17.13");
	put(*state, "proc/sys/kernel/osrelease", "5.19.0\n");
	refused(*state, "needs Linux 6.18");
}

static void test_config(void **state)
{
	tree__remove(*state, "sys/kernel/sched_ext");
	refused(*state, "CONFIG_SCHED_CLASS_EXT");
}

static void test_other_scheduler(void **state)
{
	put(*state, "sys/kernel/sched_ext/state", "enabled\n");
	put(*state, "sys/kernel/sched_ext/root/ops", "rusty\n");
	refused(*state, "another scheduler is loaded (rusty, enabled)");
	put(*state, "sys/kernel/sched_ext/state", "disabling\n");
	refused(*state, "disabling");
}

static void test_nohz_full(void **state)
{
	put(*state, "sys/devices/system/cpu/nohz_full", "\n");
	accepted(*state);
	put(*state, "sys/devices/system/cpu/nohz_full", "  (null)\n");
	accepted(*state);
	put(*state, "sys/devices/system/cpu/nohz_full", "1-3\n");
	refused(*state, "CPUs 1-3 are nohz_full");
}

static struct btf *make_btf(const char *const names[], size_t cnt)
{
	struct btf *btf = btf__new_empty();
	int proto = btf__add_func_proto(btf, 0);

	for (size_t i = 0; i < cnt; i++)
		btf__add_func(btf, names[i], BTF_FUNC_EXTERN, proto);
	return btf;
}

static void test_functions(void **state)
{
	static const char *const names[] = { "own", "scx_bpf_one", "scx_bpf_two", "other" };
	struct btf *object = make_btf(names, 3), *all = make_btf(names + 1, 3),
		   *fewer = make_btf(names, 2);
	struct capture capture;
	int err;

	(void)state;
	assert_int_equal(sched_host__check_functions(object, all), 0);
	capture__begin(&capture, stderr);
	err = sched_host__check_functions(object, fewer);
	capture__end(&capture);
	assert_int_equal(err, -EOPNOTSUPP);
	assert_non_null(strstr(capture.text, "no scx_bpf_two()"));
	btf__free(object);
	btf__free(all);
	btf__free(fewer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_versions, begin, tree__teardown),
		cmocka_unit_test_setup_teardown(test_config, begin, tree__teardown),
		cmocka_unit_test_setup_teardown(test_other_scheduler, begin, tree__teardown),
		cmocka_unit_test_setup_teardown(test_nohz_full, begin, tree__teardown),
		cmocka_unit_test(test_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
