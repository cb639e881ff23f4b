// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "measure/host_rights.h"
#include "tree.h"

#define LOCKDOWN "sys/kernel/security/lockdown"

static int setup(void **state)
{
	static const char *const dirs[] = { "proc", "proc/self",  "proc/self/ns",
					    "sys",  "sys/kernel", "sys/kernel/security" };

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		tree__mkdir(*state, dirs[i]);
	return 0;
}

static void assert_said(const char *said, const char *expected)
{
	if (!expected)
		assert_string_equal(said, "");
	else if (!strstr(said, expected))
		fail_msg("\"%s\" is not in: %s", expected, said);
}

/* `expected` is NULL if measuring is allowed. */
static void assert_checked(const struct tree *tree, const char *expected)
{
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	err = host_rights__check(&tree->fs);
	capture__end(&capture);
	assert_said(capture.text, expected);
	assert_int_equal(err, expected ? -EOPNOTSUPP : 0);
}

/* root of a user namespace has all capabilities, but none that the kernel accepts for BPF. */
static void user_namespace(void **state)
{
	static const char status[] = "Name:\tx\nCapEff:\t000001ffffffffff\n";

	tree__write(*state, "proc/self/status", status, strlen(status));
	assert_checked(*state, NULL);
	tree__symlink(*state, "proc/self/ns/user", "user:[4026531837]");
	assert_checked(*state, NULL);
	tree__remove(*state, "proc/self/ns/user");
	tree__symlink(*state, "proc/self/ns/user", "user:[4026532201]");
	assert_checked(*state, "user namespace");
}

static void assert_reading(const struct tree *tree, const char *expected)
{
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	err = host_rights__check_reading(&tree->fs);
	capture__end(&capture);
	assert_said(capture.text, expected);
	assert_int_equal(err, expected ? -EOPNOTSUPP : 0);
}

/*
 * A time namespace has other clocks, so that not even reading makes sense. The namespace of
 * children does not matter.
 */
static void time_namespace(void **state)
{
	tree__symlink(*state, "proc/self/ns/time_for_children", "time:[4026532201]");
	assert_checked(*state, NULL);
	tree__symlink(*state, "proc/self/ns/time", "time:[4026531834]");
	assert_checked(*state, NULL);
	assert_reading(*state, NULL);
	tree__remove(*state, "proc/self/ns/time");
	tree__symlink(*state, "proc/self/ns/time", "time:[4026532201]");
	assert_checked(*state, "time namespace");
	assert_reading(*state, "time namespace");
	/* Reading a pinned measurement does not need root of the initial user namespace. */
	tree__remove(*state, "proc/self/ns/time");
	tree__symlink(*state, "proc/self/ns/user", "user:[4026532201]");
	assert_reading(*state, NULL);
}

static void lockdown(void **state)
{
	static const char *const modes[] = { "[none] integrity confidentiality\n",
					     "none [integrity] confidentiality\n",
					     "none integrity [confidentiality]\n" };

	for (size_t i = 0; i < 3; i++) {
		tree__write(*state, LOCKDOWN, modes[i], strlen(modes[i]));
		assert_checked(*state, i == 2 ? "lockdown=integrity" : NULL);
	}
}

static void assert_refused(int err, const char *call, int expected_err, const char *expected)
{
	struct capture capture;
	int result;

	capture__begin(&capture, stderr);
	result = host_rights__refused(err, "do it", call, false);
	capture__end(&capture);
	assert_said(capture.text, expected);
	assert_int_equal(result, expected_err);
	assert_int_equal(strncmp(capture.text, "gtimehalt: cannot do it: ", 25), 0);
	assert_ptr_equal(strchr(capture.text, '\n'), capture.text + strlen(capture.text) - 1);
}

static void refused(void **state)
{
	(void)state;
	assert_refused(-EPERM, "perf_event_open", -EOPNOTSUPP, "forbids perf_event_open()");
	assert_refused(-EACCES, "bpf", -EOPNOTSUPP, "forbids bpf()");
	assert_refused(-ENOSYS, "bpf", -EOPNOTSUPP, "seccomp");
	assert_refused(-ENOMEM, "bpf", -ENOMEM, strerror(ENOMEM));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(user_namespace, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(time_namespace, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(lockdown, setup, tree__teardown),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("host_rights", tests, NULL, NULL);
}
