// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Formats that test_vm.c does not cover: descriptors, and /proc/PID/task/TID/syscall. */
#include <errno.h>
#include <limits.h>
#include "vm/proc.h"
#include "proc_tree.h"

static int setup(void **state)
{
	tree__setup(state);
	tree__mkdir(*state, "proc");
	proc_tree__add_process(*state, 100, "vmm");
	return 0;
}

static void stat_has_two_numbers(void **state)
{
	const struct tree *tree = *state;
	struct proc_stat stat;

	proc_tree__write_stat_of(tree, 100, "a ) b", 23, 4711);
	assert_int_equal(proc__read_stat(&tree->fs, 100, &stat), 0);
	assert_int_equal(stat.thread_cnt, 23);
	assert_int_equal(stat.start_ticks, 4711);
	proc_tree__write(tree, "proc/100/stat",
			 "100 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 x 21 22 23\n");
	assert_int_equal(proc__read_stat(&tree->fs, 100, &stat), -EPROTO);
	assert_int_equal(stat.thread_cnt, 23);
	assert_int_equal(proc__read_stat(&tree->fs, 101, &stat), -ESRCH);
}

static void descriptors_say_what_they_are(void **state)
{
	static const char *const others[] = { "anon_inode:kvm-vcpu:",
					      "anon_inode:kvm-vcpu:x",
					      "anon_inode:kvm-vcpu:4294967296",
					      "anon_inode:kvm-vcpu:00000000000000000000000000001x",
					      "anon_inode:kvm-vcpu-stats:1",
					      "anon_inode:kvm-vm2",
					      "/anon_inode:kvm-vm" };
	const struct tree *tree = *state;
	__u32 id = 77;

	proc_tree__add_fd(tree, 100, 1, KVM_VM);
	proc_tree__add_fd(tree, 100, 2, "anon_inode:kvm-vcpu:4294967295");
	assert_int_equal(proc__check_vm_fd(&tree->fs, 100, 1), 0);
	assert_int_equal(proc__check_vm_fd(&tree->fs, 100, 2), -ENODEV);
	assert_int_equal(proc__check_vm_fd(&tree->fs, 100, 3), -ENOENT);
	assert_int_equal(proc__read_vcpu_fd(&tree->fs, 100, 1, &id), -ENODEV);
	assert_int_equal(proc__read_vcpu_fd(&tree->fs, 100, 3, &id), -ENOENT);
	assert_int_equal(id, 77);
	assert_int_equal(proc__read_vcpu_fd(&tree->fs, 100, 2, &id), 0);
	assert_true(id == UINT32_MAX);
	for (int i = 0; i < (int)(sizeof(others) / sizeof(*others)); i++) {
		proc_tree__add_fd(tree, 100, 10 + i, others[i]);
		assert_int_equal(proc__check_vm_fd(&tree->fs, 100, 10 + i), -ENODEV);
		assert_int_equal(proc__read_vcpu_fd(&tree->fs, 100, 10 + i, &id), -ENODEV);
	}
}

static void waiting_threads_say_where(void **state)
{
	static const struct {
		const char *text;
		int fd;
	} cases[] = {
		{ "16 0xd 0xae80 0x0 0x0 0x7f9c 0x0 0x7f9c 0x7f9c\n", 13 },
		{ "16 0x0 0xae80 0x0\n", 0 },
		{ "16 0x7fffffff 0xae80 0x0\n", INT_MAX },
		{ "running\n", -ENODEV },
		{ "", -ENODEV },
		{ "-1 0x7ffd 0x7f9c\n", -ENODEV },
		{ "16 0xd 0xae8 0x0\n", -ENODEV },
		{ "16 0xd 0xae801 0x0\n", -ENODEV },
		{ "116 0xd 0xae80 0x0\n", -ENODEV },
		{ "202 0xd 0xae80 0x0\n", -ENODEV },
		{ "16 0x80000000 0xae80 0x0\n", -ENODEV },
		{ "16 0xffffffffffffffff 0xae80 0x0\n", -ENODEV },
		{ "16 0xg 0xae80 0x0\n", -ENODEV },
	};
	const struct tree *tree = *state;

	assert_int_equal(proc__kvm_run_fd(&tree->fs, 100, 100), -ESRCH);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		proc_tree__write(tree, "proc/100/task/100/syscall", cases[i].text);
		assert_int_equal(proc__kvm_run_fd(&tree->fs, 100, 100), cases[i].fd);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stat_has_two_numbers, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(descriptors_say_what_they_are, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(waiting_threads_say_where, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
