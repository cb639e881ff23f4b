// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <pthread.h>
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

static int waited(const struct tree *tree, struct capture *said, pthread_t *thread,
		  void *(*meanwhile)(void *arg))
{
	struct interval interval;
	int result;

	assert_int_equal(interval__open(&interval, false), 0);
	if (meanwhile)
		assert_int_equal(pthread_create(thread, NULL, meanwhile, (void *)tree), 0);
	capture__begin(said, stderr);
	result = kvm_wait__run(&tree->fs, &interval);
	capture__end(said);
	if (meanwhile)
		assert_int_equal(pthread_join(*thread, NULL), 0);
	interval__close(&interval);
	return result;
}

static void test_there_already(void **state)
{
	static struct capture said;

	add_module(*state, "kvm");
	add_module(*state, "kvm_amd");
	assert_int_equal(waited(*state, &said, NULL, NULL), 1);
	assert_string_equal(said.text, "");
}

static void *load(void *tree)
{
	usleep(200000);
	add_module(tree, "kvm");
	/* Not yet all of it, while somebody looks. */
	usleep(1200000);
	add_module(tree, "kvm_intel");
	return NULL;
}

static void test_it_comes(void **state)
{
	static struct capture said;
	pthread_t thread;

	assert_int_equal(waited(*state, &said, &thread, load), 1);
	assert_string_equal(said.text, "");
}

static void *end(void *tree)
{
	(void)tree;
	usleep(100000);
	kill(getpid(), SIGTERM);
	return NULL;
}

static void test_a_signal_ends_it(void **state)
{
	static struct capture said;
	pthread_t thread;

	assert_int_equal(waited(*state, &said, &thread, end), 0);
	assert_string_equal(said.text, "");
}

/* No use in waiting. */
static void test_what_does_not_come(void **state)
{
	static struct capture said;

	tree__remove(*state, "sys/kernel/btf/vmlinux");
	assert_int_equal(waited(*state, &said, NULL, NULL), -EOPNOTSUPP);
	assert_non_null(strstr(said.text, "BTF"));
	write_text(*state, "sys/kernel/btf/vmlinux", "");
	tree__remove(*state, "sys/bus/event_source/devices/msr/events/mperf");
	assert_int_equal(waited(*state, &said, NULL, NULL), -EOPNOTSUPP);
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
