// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "tree.h"
#include "vm/pid_space.h"

#define INITIAL   "pid:[4026531836]"
#define CONTAINER "pid:[4026532300]"

#define KTHREADD "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0\n"
/* A process of a container that has named itself kthreadd. */
#define IMPOSTOR "2 (kthreadd) S 0 0 0 0 -1 4194560 0 0\n"

static int setup(void **state)
{
	static const char *const dirs[] = { "proc", "proc/self", "proc/self/ns", "proc/1",
					    "proc/2" };

	tree__setup(state);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		tree__mkdir(*state, dirs[i]);
	tree__write(*state, "proc/self/status", "Name:\tx\n", 8);
	return 0;
}

static void assert_checked(const struct tree *tree, int expected, const char *said)
{
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	err = pid_space__check(&tree->fs);
	capture__end(&capture);
	if (!said)
		assert_string_equal(capture.text, "");
	else if (!strstr(capture.text, said))
		fail_msg("\"%s\" is not in: %s", said, capture.text);
	assert_int_equal(err, expected);
}

static void the_host(void **state)
{
	/* A kernel without PID namespaces has no such link. */
	assert_checked(*state, 0, NULL);
	tree__symlink(*state, "proc/self/ns/pid", INITIAL);
	assert_checked(*state, 0, NULL);
	/* With hidepid, the link may be the only evidence. */
	tree__remove(*state, "proc/2");
	assert_checked(*state, 0, NULL);
	tree__remove(*state, "proc/1");
	assert_checked(*state, 0, "hidepid");
}

static void a_container_with_the_hosts_proc(void **state)
{
	tree__symlink(*state, "proc/self/ns/pid", CONTAINER);
	tree__write(*state, "proc/2/stat", KTHREADD, strlen(KTHREADD));
	assert_checked(*state, 0, NULL);
}

static void a_container_with_its_own(void **state)
{
	static const char *const stats[] = { IMPOSTOR, "2 (kthreadd) S 0\n", "2 x\n", "" };

	tree__symlink(*state, "proc/self/ns/pid", CONTAINER);
	for (size_t i = 0; i < sizeof(stats) / sizeof(*stats); i++) {
		tree__write(*state, "proc/2/stat", stats[i], strlen(stats[i]));
		assert_checked(*state, -EOPNOTSUPP, "--pid=host");
	}
	tree__remove(*state, "proc/2");
	assert_checked(*state, -EOPNOTSUPP, "--pid=host");
}

/* proc/self is also a dangling link if this process has no PID in the namespace of /proc. */
static void no_proc(void **state)
{
	tree__remove(*state, "proc/self");
	assert_checked(*state, -EOPNOTSUPP, "/proc is not mounted");
	tree__remove(*state, "proc");
	assert_checked(*state, -EOPNOTSUPP, "mount -t proc");
}

static void numbers_of_ours(void **state)
{
	const struct tree *tree = *state;
	char number[16];

	assert_false(pid_space__is_ours(&tree->fs));
	tree__remove(tree, "proc/self");
	assert_false(pid_space__is_ours(&tree->fs));
	snprintf(number, sizeof(number), "%d", getpid());
	tree__symlink(tree, "proc/self", number);
	assert_true(pid_space__is_ours(&tree->fs));
	tree__remove(tree, "proc/self");
	snprintf(number, sizeof(number), "%d", getpid() + 1);
	tree__symlink(tree, "proc/self", number);
	assert_false(pid_space__is_ours(&tree->fs));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_host, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(a_container_with_the_hosts_proc, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(a_container_with_its_own, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(no_proc, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(numbers_of_ours, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("pid_space", tests, NULL, NULL);
}
