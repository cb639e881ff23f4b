// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "measure/kvm_watch.h"
#include "tree.h"

#define KVM    "sys/module/kvm/initstate"
#define VENDOR "sys/module/kvm_amd/initstate"

static int setup(void **state)
{
	static const char *const dirs[] = { "sys", "sys/module", "sys/module/kvm",
					    "sys/module/kvm_amd" };

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		tree__mkdir(*state, dirs[i]);
	return 0;
}

static void add_live(const struct tree *tree, const char *path)
{
	tree__write(tree, path, "live\n", strlen("live\n"));
}

/* Read with an error, as what sysfs has of a module that is gone. */
static void add_gone(const struct tree *tree, const char *path)
{
	tree__mkdir(tree, path);
}

static void assert_watched(const struct tree *tree, enum measure_mode mode, int expected)
{
	/* Without BTF of modules it is kprobes. */
	const struct host host = { .run_function = "svm_vcpu_run", .vendor_module = "kvm_amd" };
	struct kvm_watch watch;
	struct capture capture;
	struct hook_plan plan;
	int err;

	assert_int_equal(hooks__plan(&host, mode, HOOK_AUTO, &plan), 0);
	kvm_watch__open(&tree->fs, &host, &plan, &watch);
	capture__begin(&capture, stderr);
	err = kvm_watch__check(&watch);
	capture__end(&capture);
	kvm_watch__close(&watch);
	assert_int_equal(err, expected);
	if (!expected)
		assert_string_equal(capture.text, "");
	else
		assert_non_null(strstr(capture.text, "KVM was unloaded"));
}

static void both_are_there(void **state)
{
	add_live(*state, KVM);
	add_live(*state, VENDOR);
	assert_watched(*state, MODE_ENTRY, 0);
	assert_watched(*state, MODE_SWITCH, 0);
}

static void kvm_is_gone(void **state)
{
	add_gone(*state, KVM);
	add_live(*state, VENDOR);
	assert_watched(*state, MODE_ENTRY, -ESHUTDOWN);
	assert_watched(*state, MODE_SWITCH, -ESHUTDOWN);
}

/* Nothing is attached to it in switch mode. */
static void the_vendors_module_is_gone(void **state)
{
	add_live(*state, KVM);
	add_gone(*state, VENDOR);
	assert_watched(*state, MODE_ENTRY, -ESHUTDOWN);
	assert_watched(*state, MODE_SWITCH, 0);
}

static void built_in(void **state)
{
	assert_watched(*state, MODE_ENTRY, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_are_there, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(kvm_is_gone, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(the_vendors_module_is_gone, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(built_in, setup, tree__teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
