// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "measure/hook_watch.h"
#include "measure/host.h"
#include "tree.h"

#define FTRACE  "proc/sys/kernel/ftrace_enabled"
#define KPROBES "sys/kernel/debug/kprobes/enabled"
#define KVM     "sys/module/kvm/initstate"
#define VENDOR  "sys/module/kvm_amd/initstate"

static void write_file(const struct tree *tree, const char *path, const char *text)
{
	tree__write(tree, path, text, strlen(text));
}

static int setup(void **state)
{
	static const char *const dirs[] = {
		"proc",           "proc/sys",          "proc/sys/kernel",          "sys",
		"sys/kernel",     "sys/kernel/debug",  "sys/kernel/debug/kprobes", "sys/module",
		"sys/module/kvm", "sys/module/kvm_amd"
	};
	const struct tree *tree;

	tree__setup(state);
	tree = *state;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		tree__mkdir(tree, dirs[i]);
	write_file(tree, FTRACE, "1\n");
	write_file(tree, KPROBES, "1\n");
	write_file(tree, KVM, "live\n");
	write_file(tree, VENDOR, "live\n");
	return 0;
}

/* Functions are hooked by fentry, or by kprobes if the modules have no BTF. */
static struct hook_needs needs_of(const struct tree *tree, enum measure_mode mode, bool has_btf)
{
	const struct host host = {
		.run_function = "svm_vcpu_run",
		.vendor_module = "kvm_amd",
		.has_module_btf = has_btf,
	};
	struct hook_plan plan;

	assert_int_equal(hooks__plan(&host, mode, HOOK_AUTO, &plan), 0);
	hook_watch__find_modules(&tree->fs, &plan.needs);
	return plan.needs;
}

static void assert_said(const struct capture *capture, const char *said)
{
	if (!said)
		assert_string_equal(capture->text, "");
	else if (!strstr(capture->text, said))
		fail_msg("\"%s\" is not in: %s", said, capture->text);
}

/* `missing` is NULL if no message is expected. */
static void assert_switches(const struct tree *tree, bool has_btf, const char *missing)
{
	const struct hook_needs needs = needs_of(tree, MODE_SWITCH, has_btf);
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	err = hook_watch__check_switches(&tree->fs, &needs);
	capture__end(&capture);
	assert_int_equal(err, missing ? -EOPNOTSUPP : 0);
	assert_said(&capture, missing);
}

static void off_at_the_start(void **state)
{
	assert_switches(*state, true, NULL);
	assert_switches(*state, false, NULL);
	write_file(*state, FTRACE, "0\n");
	assert_switches(*state, true, "sysctl kernel.ftrace_enabled=1");
	assert_switches(*state, false, "sysctl kernel.ftrace_enabled=1");
	write_file(*state, FTRACE, "1\n");
	write_file(*state, KPROBES, "0\n");
	assert_switches(*state, true, NULL);
	assert_switches(*state, false, "echo 1 > /sys/kernel/debug/kprobes/enabled");
}

/*
 * A kernel without ftrace, or a host without debugfs, has no such file: the hooks are not assumed
 * to be off.
 */
static void without_switches(void **state)
{
	const struct hook_needs needs = needs_of(*state, MODE_ENTRY, false);
	const struct tree *tree = *state;
	struct hook_watch watch;

	tree__remove(tree, FTRACE);
	tree__remove(tree, KPROBES);
	assert_switches(tree, true, NULL);
	assert_switches(tree, false, NULL);
	assert_int_equal(hook_watch__open(&tree->fs, &needs, &watch), 0);
	assert_int_equal(hook_watch__look(&watch), HOOKS_RAN);
	hook_watch__close(&watch);
}

/* `said` is NULL if no message is expected. */
static void assert_look(struct hook_watch *watch, int expected, const char *said)
{
	struct capture capture;
	int got;

	capture__begin(&capture, stderr);
	got = hook_watch__look(watch);
	capture__end(&capture);
	assert_int_equal(got, expected);
	assert_said(&capture, said);
}

/* A message is printed at each change, not at each check. */
static void off_for_a_while(const struct tree *tree, struct hook_watch *watch, const char *path,
			    const char *name)
{
	char said[128];

	assert_look(watch, HOOKS_RAN, NULL);
	write_file(tree, path, "0\n");
	snprintf(said, sizeof(said), "%s is 0: the kernel does not run programs", name);
	assert_look(watch, HOOKS_STOPPED, said);
	assert_look(watch, HOOKS_STOPPED, NULL);
	write_file(tree, path, "1\n");
	snprintf(said, sizeof(said), "%s is 1 again", name);
	assert_look(watch, HOOKS_RESUMED, said);
	assert_look(watch, HOOKS_RAN, NULL);
	/* Switched off and on again between two checks. */
	write_file(tree, path, "0\n");
	write_file(tree, path, "1\n");
	snprintf(said, sizeof(said), "%s was written to", name);
	assert_look(watch, HOOKS_RESUMED, said);
	assert_look(watch, HOOKS_RAN, NULL);
	/* Switched off, on and off again between two checks. */
	write_file(tree, path, "0\n");
	assert_look(watch, HOOKS_STOPPED, "is 0");
	write_file(tree, path, "1\n");
	write_file(tree, path, "0\n");
	assert_look(watch, HOOKS_STOPPED, NULL);
	write_file(tree, path, "1\n");
	assert_look(watch, HOOKS_RESUMED, "is 1 again");
}

static void off_in_between(void **state)
{
	const struct hook_needs needs = needs_of(*state, MODE_SWITCH, false);
	const struct tree *tree = *state;
	struct hook_watch watch;
	int fd = tree__next_fd(tree);

	assert_int_equal(hook_watch__open(&tree->fs, &needs, &watch), 0);
	off_for_a_while(tree, &watch, FTRACE, "kernel.ftrace_enabled");
	off_for_a_while(tree, &watch, KPROBES, "kprobes/enabled");
	/* Both switches were off, and one of them is turned on. */
	write_file(tree, FTRACE, "0\n");
	write_file(tree, KPROBES, "0\n");
	assert_look(&watch, HOOKS_STOPPED, "ftrace_enabled is 0");
	write_file(tree, FTRACE, "1\n");
	assert_look(&watch, HOOKS_STOPPED, "ftrace_enabled is 1 again");
	write_file(tree, KPROBES, "1\n");
	assert_look(&watch, HOOKS_RESUMED, "kprobes/enabled is 1 again");
	hook_watch__close(&watch);
	assert_int_equal(tree__next_fd(tree), fd);
}

/* fentry does not depend on the switch of kprobes. */
static void kprobes_are_not_needed(void **state)
{
	const struct hook_needs needs = needs_of(*state, MODE_SWITCH, true);
	const struct tree *tree = *state;
	struct hook_watch watch;

	assert_int_equal(hook_watch__open(&tree->fs, &needs, &watch), 0);
	write_file(tree, KPROBES, "0\n");
	assert_look(&watch, HOOKS_RAN, NULL);
	write_file(tree, FTRACE, "0\n");
	assert_look(&watch, HOOKS_STOPPED, "ftrace_enabled is 0");
	hook_watch__close(&watch);
}

static void without_inotify(void **state)
{
	const struct hook_needs needs = needs_of(*state, MODE_SWITCH, false);
	const struct tree *tree = *state;
	struct hook_watch watch;

	assert_int_equal(hook_watch__open(&tree->fs, &needs, &watch), 0);
	close(watch.inotify_fd);
	watch.inotify_fd = -1;
	write_file(tree, FTRACE, "0\n");
	assert_look(&watch, HOOKS_STOPPED, "ftrace_enabled is 0");
	write_file(tree, FTRACE, "1\n");
	assert_look(&watch, HOOKS_RESUMED, "ftrace_enabled is 1 again");
	assert_look(&watch, HOOKS_RAN, NULL);
	hook_watch__close(&watch);
}

/* Makes reads of the file fail, as reads of sysfs fail after the module was unloaded. */
static void make_gone(const struct tree *tree, const char *path)
{
	tree__remove(tree, path);
	tree__mkdir(tree, path);
}

static void assert_watched(const struct tree *tree, enum measure_mode mode, int expected)
{
	/* If the modules have no BTF, kprobes are used. */
	const struct hook_needs needs = needs_of(tree, mode, false);
	struct hook_watch watch;

	assert_int_equal(hook_watch__open(&tree->fs, &needs, &watch), 0);
	assert_look(&watch, expected, expected ? "KVM was unloaded" : NULL);
	hook_watch__close(&watch);
}

static void kvm_is_gone(void **state)
{
	assert_watched(*state, MODE_ENTRY, HOOKS_RAN);
	make_gone(*state, KVM);
	assert_watched(*state, MODE_ENTRY, -ESHUTDOWN);
	assert_watched(*state, MODE_SWITCH, -ESHUTDOWN);
}

/* In switch mode nothing is attached to the vendor's module. */
static void the_vendors_module_is_gone(void **state)
{
	make_gone(*state, VENDOR);
	assert_watched(*state, MODE_ENTRY, -ESHUTDOWN);
	assert_watched(*state, MODE_SWITCH, HOOKS_RAN);
}

static void built_in(void **state)
{
	tree__remove(*state, KVM);
	tree__remove(*state, VENDOR);
	assert_watched(*state, MODE_ENTRY, HOOKS_RAN);
}

/* A measurement was pinned before KVM was reloaded: the module is another one now, or missing. */
static void loaded_again_before_the_watch(void **state)
{
	const struct hook_needs needs = needs_of(*state, MODE_ENTRY, false);
	const struct tree *tree = *state;
	struct hook_watch watch;
	struct capture capture;

	/* Keep the old file, so that the new one cannot get its inode number. */
	assert_int_equal(renameat(tree->fs.root_fd, VENDOR, tree->fs.root_fd, "sys/old"), 0);
	for (int i = 0; i < 2; i++) {
		capture__begin(&capture, stderr);
		assert_int_equal(hook_watch__open(&tree->fs, &needs, &watch), -ESHUTDOWN);
		capture__end(&capture);
		assert_said(&capture, "--unpin and --pin again");
		hook_watch__close(&watch);
		write_file(tree, VENDOR, "live\n");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(off_at_the_start, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(without_switches, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(off_in_between, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(kprobes_are_not_needed, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(without_inotify, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(kvm_is_gone, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(the_vendors_module_is_gone, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(built_in, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(loaded_again_before_the_watch, setup,
						tree__teardown),
	};

	return cmocka_run_group_tests_name("hook_watch", tests, NULL, NULL);
}
