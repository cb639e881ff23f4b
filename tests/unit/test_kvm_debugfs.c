// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "vm/kvm_debugfs.h"
#include "proc_tree.h"

static void absent_is_empty(void **state)
{
	const struct tree *tree = *state;
	struct kvm_dir gone = { .creator = 100, .vm_fd = 12 };
	struct kvm_vcpus vcpus = { 0 };
	struct kvm_dirs dirs = { 0 };

	assert_int_equal(kvm_debugfs__list(&tree->fs, &dirs), 0);
	assert_int_equal(dirs.cnt, 0);
	assert_null(kvm_dirs__find(&dirs, 100));
	assert_int_equal(kvm_debugfs__read_vcpus(&tree->fs, &gone, &vcpus), 0);
	assert_int_equal(vcpus.cnt, 0);
	kvm_dirs__free(&dirs);
	kvm_vcpus__free(&vcpus);
}

static void vms_are_listed(void **state)
{
	static const char *const others[] = { "exits",
					      "1-2-3",
					      "-1",
					      "1-",
					      "a-1",
					      "1-a",
					      "+1-2",
					      "1 -2",
					      "99999999999-1",
					      "7",
					      "00000000000000000001-1" };
	const struct tree *tree = *state;
	struct kvm_dirs dirs = { 0 };
	char name[256];

	for (int i = 0; i < 40; i++)
		proc_tree__add_kvm(tree, 500 - i, 11);
	proc_tree__add_kvm(tree, 480, 101);
	proc_tree__add_kvm(tree, 480, 9);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		tree__mkdir(tree, proc_tree__path(name, "sys/kernel/debug/kvm/%s", others[i]));
	/* Twice: a new list replaces the earlier one. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(kvm_debugfs__list(&tree->fs, &dirs), 0);
		assert_int_equal(dirs.cnt, 42);
	}
	for (int i = 0; i < 40; i++)
		assert_int_equal(kvm_dirs__find(&dirs, 500 - i)->creator, 500 - i);
	assert_int_equal(kvm_dirs__find(&dirs, 480)[0].vm_fd, 9);
	assert_int_equal(kvm_dirs__find(&dirs, 480)[1].vm_fd, 11);
	assert_int_equal(kvm_dirs__find(&dirs, 480)[2].vm_fd, 101);
	assert_null(kvm_dirs__find(&dirs, 460));
	assert_null(kvm_dirs__find(&dirs, 501));
	kvm_dirs__free(&dirs);
	assert_null(dirs.dirs);
}

static pid_t tid_of(const struct kvm_vcpus *vcpus, __u32 vcpu_id)
{
	for (size_t i = 0; i < vcpus->cnt; i++)
		if (vcpus->vcpus[i].vcpu_id == vcpu_id)
			return vcpus->vcpus[i].tid;
	fail_msg("no vCPU %u", vcpu_id);
	return 0;
}

static void vcpus_are_read(void **state)
{
	const struct kvm_dir dir = { .creator = 100, .vm_fd = 12 };
	const struct tree *tree = *state;
	struct kvm_vcpus vcpus = { 0 };
	char name[256];

	proc_tree__add_kvm(tree, 100, 12);
	for (unsigned int i = 0; i < 20; i++)
		proc_tree__add_kvm_vcpu(tree, 100, 12, i, 1000 + (pid_t)i);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 254, 0);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 255, -1);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 256, 0);
	proc_tree__write(tree, proc_tree__path(name, "sys/kernel/debug/kvm/100-12/vcpu256/pid"),
			 "-5\n");
	tree__mkdir(tree, proc_tree__path(name, "sys/kernel/debug/kvm/100-12/vcpu"));
	tree__mkdir(tree, proc_tree__path(name, "sys/kernel/debug/kvm/100-12/vcpu1x"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(kvm_debugfs__read_vcpus(&tree->fs, &dir, &vcpus), 0);
		assert_int_equal(vcpus.cnt, 23);
	}
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(tid_of(&vcpus, i), 1000 + i);
	assert_int_equal(tid_of(&vcpus, 254), 0);
	assert_int_equal(tid_of(&vcpus, 255), 0);
	assert_int_equal(tid_of(&vcpus, 256), 0);
	kvm_vcpus__free(&vcpus);
	assert_null(vcpus.vcpus);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(absent_is_empty, tree__setup, tree__teardown),
		cmocka_unit_test_setup_teardown(vms_are_listed, tree__setup, tree__teardown),
		cmocka_unit_test_setup_teardown(vcpus_are_read, tree__setup, tree__teardown),
	};

	return cmocka_run_group_tests_name("kvm_debugfs", tests, NULL, NULL);
}
