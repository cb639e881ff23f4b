// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Formats that test_vm.c does not cover: start times, counts of threads, descriptors, and
 * /proc/PID/task/TID/syscall.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/proc.h"
#include "proc_tree.h"

static int setup(void **state)
{
	tree__setup(state);
	tree__mkdir(*state, "proc");
	proc_tree__add_process(*state, 100, "vmm");
	return 0;
}

static void start_is_behind_any_name(void **state)
{
	const struct tree *tree = *state;
	__u64 start_ticks = 0;

	proc_tree__write_stat(tree, 100, "a ) b", 4711);
	assert_int_equal(proc__read_start(&tree->fs, 100, &start_ticks), 0);
	assert_int_equal(start_ticks, 4711);
	proc_tree__write(tree, "proc/100/stat",
			 "100 (y) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 x 23\n");
	assert_int_equal(proc__read_start(&tree->fs, 100, &start_ticks), -EPROTO);
	assert_int_equal(proc__read_start(&tree->fs, 101, &start_ticks), -ESRCH);
}

static void threads_are_counted_until_the_process_exits(void **state)
{
	const struct tree *tree = *state;
	int fd = proc__open_task(&tree->fs, 100);

	assert_true(fd >= 0);
	assert_int_equal(proc__thread_cnt(fd), 1);
	proc_tree__add_thread(tree, 100, 101, "worker");
	assert_int_equal(proc__thread_cnt(fd), 2);
	proc_tree__remove_process(tree, 100);
	proc_tree__add_process(tree, 100, "reuses the PID");
	assert_int_equal(proc__thread_cnt(fd), -ESRCH);
	close(fd);
	assert_int_equal(proc__open_task(&tree->fs, 101), -ESRCH);
}

/* The same on the kernel's own /proc. */
static void own_threads_are_counted(void **state)
{
	struct hostfs fs;
	pid_t child;
	int fd;

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/"), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		pause();
		_exit(1);
	}
	fd = proc__open_task(&fs, child);
	assert_true(fd >= 0);
	assert_int_equal(proc__thread_cnt(fd), 1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(proc__thread_cnt(fd), -ESRCH);
	close(fd);
	hostfs__close(&fs);
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
		cmocka_unit_test_setup_teardown(start_is_behind_any_name, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(threads_are_counted_until_the_process_exits, setup,
						tree__teardown),
		cmocka_unit_test(own_threads_are_counted),
		cmocka_unit_test_setup_teardown(descriptors_say_what_they_are, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(waiting_threads_say_where, setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
