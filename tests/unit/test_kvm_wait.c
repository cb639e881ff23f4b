// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include "capture.h"
#include "base/interval.h"
#include "run/kvm_wait.h"
#include "tree.h"

static void write_text(const struct tree *tree, const char *path, const char *text)
{
	tree__write(tree, path, text, strlen(text));
}

static void add_module(const struct tree *tree, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/module/%s", name);
	tree__mkdir(tree, path);
	snprintf(path, sizeof(path), "sys/module/%s/initstate", name);
	write_text(tree, path, "live\n");
}

/* A host that lacks nothing but KVM. */
static int setup(void **state)
{
	static const char *const dirs[] = {
		"proc",
		"sys",
		"sys/module",
		"sys/kernel",
		"sys/kernel/btf",
		"sys/bus",
		"sys/bus/event_source",
		"sys/bus/event_source/devices",
		"sys/bus/event_source/devices/msr",
		"sys/bus/event_source/devices/msr/events",
	};

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		tree__mkdir(*state, dirs[i]);
	write_text(*state, "sys/kernel/btf/vmlinux", "");
	write_text(*state, "sys/bus/event_source/devices/msr/events/mperf", "event=0x02\n");
	return 0;
}

/*
 * The steps that happen during the waits, one per wait, in place of the second that a wait takes.
 */
static struct {
	void (*const *steps)(const struct tree *tree);
	const struct tree *tree;
	int step_cnt, wait_cnt;
	__u64 length_ns;
} meanwhile;

int __real_interval__start(const struct interval *interval, __u64 length_ns);
int __wrap_interval__start(const struct interval *interval, __u64 length_ns);
int __real_interval__wait(const struct interval *interval, int input_fd,
			  enum interval_event *event);
int __wrap_interval__wait(const struct interval *interval, int input_fd,
			  enum interval_event *event);

int __wrap_interval__start(const struct interval *interval, __u64 length_ns)
{
	meanwhile.length_ns = length_ns;
	return __real_interval__start(interval, 1000000);
}

int __wrap_interval__wait(const struct interval *interval, int input_fd, enum interval_event *event)
{
	assert_true(meanwhile.wait_cnt < meanwhile.step_cnt);
	meanwhile.steps[meanwhile.wait_cnt++](meanwhile.tree);
	return __real_interval__wait(interval, input_fd, event);
}

static int waited(const struct tree *tree, struct capture *said,
		  void (*const *steps)(const struct tree *tree), int step_cnt)
{
	struct interval interval;
	int result;

	meanwhile.steps = steps;
	meanwhile.step_cnt = step_cnt;
	meanwhile.tree = tree;
	meanwhile.wait_cnt = 0;
	meanwhile.length_ns = 0;
	assert_int_equal(interval__open(&interval, false), 0);
	capture__begin(said, stderr);
	result = kvm_wait__run(&tree->fs, &interval);
	capture__end(said);
	interval__close(&interval);
	assert_int_equal(meanwhile.wait_cnt, step_cnt);
	return result;
}

static void test_there_already(void **state)
{
	static struct capture said;

	add_module(*state, "kvm");
	add_module(*state, "kvm_amd");
	assert_int_equal(waited(*state, &said, NULL, 0), 1);
	assert_string_equal(said.text, "");
}

static void nothing(const struct tree *tree)
{
	(void)tree;
}

static void load_kvm(const struct tree *tree)
{
	add_module(tree, "kvm");
}

static void load_kvm_intel(const struct tree *tree)
{
	add_module(tree, "kvm_intel");
}

/* Checks once a second, and goes on while only one of the two modules is loaded. */
static void test_it_comes(void **state)
{
	static void (*const steps[])(const struct tree *tree) = { nothing, load_kvm, nothing,
								  load_kvm_intel };
	static struct capture said;

	assert_int_equal(waited(*state, &said, steps, 4), 1);
	assert_string_equal(said.text, "");
	assert_int_equal(meanwhile.length_ns, 1000000000);
}

static void end(const struct tree *tree)
{
	(void)tree;
	assert_int_equal(raise(SIGTERM), 0);
}

static void test_a_signal_ends_it(void **state)
{
	static void (*const steps[])(const struct tree *tree) = { nothing, end };
	static struct capture said;

	assert_int_equal(waited(*state, &said, steps, 2), 0);
	assert_string_equal(said.text, "");
}

/* Something else is missing, which loading KVM would not provide: fail at once. */
static void test_what_does_not_come(void **state)
{
	static struct capture said;

	tree__remove(*state, "sys/kernel/btf/vmlinux");
	assert_int_equal(waited(*state, &said, NULL, 0), -EOPNOTSUPP);
	assert_non_null(strstr(said.text, "BTF"));
	write_text(*state, "sys/kernel/btf/vmlinux", "");
	tree__remove(*state, "sys/bus/event_source/devices/msr/events/mperf");
	assert_int_equal(waited(*state, &said, NULL, 0), -EOPNOTSUPP);
	assert_non_null(strstr(said.text, "MPERF"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_already, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(test_it_comes, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(test_a_signal_ends_it, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(test_what_does_not_come, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("kvm_wait", tests, NULL, NULL);
}
