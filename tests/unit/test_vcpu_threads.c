// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "vm/kvm_debugfs.h"
#include "proc_tree.h"
#include "vm/vcpu_threads.h"

static int setup(void **state)
{
	tree__setup(state);
	tree__mkdir(*state, "proc");
	proc_tree__add_process(*state, 100, "vmm");
	return 0;
}

struct expected {
	pid_t tid;
	__u32 vcpu_id;
	__u64 kvm;
};

#define KVM_OF(creator, fd) ((__u64)(creator) << 32 | (fd))

/* Process 100 must have exactly these vCPU threads. */
static void assert_threads(const struct tree *tree, const struct expected *expected, size_t cnt)
{
	struct vm_threads threads = { 0 };
	struct kvm_dirs dirs = { 0 };

	assert_int_equal(kvm_debugfs__list(&tree->fs, &dirs), 0);
	assert_int_equal(vcpu_threads__read(&tree->fs, 100, &dirs, &threads), 0);
	assert_int_equal(threads.cnt, cnt);
	for (size_t i = 0; i < cnt; i++) {
		assert_int_equal(threads.threads[i].tid, expected[i].tid);
		assert_int_equal(threads.threads[i].vcpu_id, expected[i].vcpu_id);
		assert_true(threads.threads[i].kvm == expected[i].kvm);
	}
	kvm_dirs__free(&dirs);
	vcpu_threads__free(&threads);
	assert_null(threads.threads);
}

#define ASSERT_THREADS(tree, ...)                                                                  \
	assert_threads(tree, (const struct expected[]){ __VA_ARGS__ },                             \
		       sizeof((const struct expected[]){ __VA_ARGS__ }) / sizeof(struct expected))

/* A QEMU without debug-threads: all of its threads have the same name. */
static void debugfs_knows_threads_without_names(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_kvm(tree, 100, 12);
	for (int i = 0; i < 4; i++) {
		proc_tree__add_thread(tree, 100, 110 - i, "qemu-system-x86");
		proc_tree__add_kvm_vcpu(tree, 100, 12, (unsigned int)i, 110 - i);
	}
	proc_tree__add_thread(tree, 100, 120, "qemu-system-x86");
	ASSERT_THREADS(tree, { 107, 3, KVM_OF(100, 12) }, { 108, 2, KVM_OF(100, 12) },
		       { 109, 1, KVM_OF(100, 12) }, { 110, 0, KVM_OF(100, 12) });
}

/*
 * KVM's vCPU ID is the APIC ID; QEMU's thread name contains the index. They differ with three cores
 * per socket.
 */
static void debugfs_goes_before_names(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_thread(tree, 100, 101, "CPU 3/KVM");
	proc_tree__add_kvm_vcpu(tree, 100, 12, 4, 101);
	ASSERT_THREADS(tree, { 101, 4, KVM_OF(100, 12) });
	/* A vCPU that has not run yet is known by its thread's name only. */
	proc_tree__add_thread(tree, 100, 102, "CPU 5/KVM");
	proc_tree__add_kvm_vcpu(tree, 100, 12, 6, 0);
	ASSERT_THREADS(tree, { 101, 4, KVM_OF(100, 12) }, { 102, 5, 0 });
}

static void vms_of_one_process_are_told_apart(void **state)
{
	const struct tree *tree = *state;
	struct vm_threads threads = { 0 };
	struct kvm_dirs dirs = { 0 };

	/*
	 * Two threads of the process have created three VMs; the second thread created two of them.
	 */
	proc_tree__add_thread(tree, 100, 101, "worker");
	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_kvm(tree, 101, 13);
	proc_tree__add_kvm(tree, 101, 14);
	for (int i = 0; i < 3; i++) {
		proc_tree__add_thread(tree, 100, 110 + i, "vcpu0");
		proc_tree__add_kvm_vcpu(tree, i ? 101 : 100, 12 + i, 0, 110 + i);
	}
	ASSERT_THREADS(tree, { 110, 0, KVM_OF(100, 12) }, { 111, 0, KVM_OF(101, 13) },
		       { 112, 0, KVM_OF(101, 14) });
	assert_int_equal(kvm_debugfs__list(&tree->fs, &dirs), 0);
	assert_int_equal(vcpu_threads__read(&tree->fs, 100, &dirs, &threads), 0);
	assert_int_equal(threads.kvm_cnt, 3);
	assert_int_equal(threads.all_cnt, 5);
	kvm_dirs__free(&dirs);
	vcpu_threads__free(&threads);
}

/* debugfs lists TIDs of exited threads, which may now belong to other threads, or to none. */
static void reused_tids_are_no_vcpus(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_thread(tree, 100, 101, "worker");
	proc_tree__add_thread(tree, 100, 102, "CPU 0/KVM");
	/* A VM of another process; its creating thread had the TID 101. */
	proc_tree__add_kvm(tree, 101, 12);
	proc_tree__add_kvm_vcpu(tree, 101, 12, 7, 901);
	/*
	 * A VM of this process. Its vCPU 1 was unplugged, but QEMU keeps the vCPU's descriptor for
	 * reuse.
	 */
	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 0, 102);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 1, 902);
	ASSERT_THREADS(tree, { 102, 0, KVM_OF(100, 12) });
}

/*
 * debugfs lists the thread for each vCPU that it ran last. When debugfs is no longer readable, each
 * of these vCPUs is kept once.
 */
static void a_thread_of_many_vcpus_is_kept(void **state)
{
	const struct tree *tree = *state;
	struct vm_threads before = { 0 }, threads = { 0 };
	unsigned int vcpus = 0;
	struct kvm_dirs dirs = { 0 };

	proc_tree__add_thread(tree, 100, 101, "vmm");
	proc_tree__add_kvm(tree, 100, 12);
	for (unsigned int i = 0; i < 3; i++)
		proc_tree__add_kvm_vcpu(tree, 100, 12, i, 101);
	assert_int_equal(kvm_debugfs__list(&tree->fs, &dirs), 0);
	assert_int_equal(vcpu_threads__read(&tree->fs, 100, &dirs, &before), 0);
	assert_int_equal(vcpu_threads__read(&tree->fs, 100, &dirs, &threads), 0);
	assert_int_equal(vcpu_threads__keep(&tree->fs, 100, &before, &threads), 0);
	assert_int_equal(threads.cnt, 3);
	for (size_t i = 0; i < 3; i++)
		vcpus |= 1U << threads.threads[i].vcpu_id;
	assert_int_equal(vcpus, 7);
	kvm_dirs__free(&dirs);
	vcpu_threads__free(&before);
	vcpu_threads__free(&threads);
}

/* Before Linux 6.0, debugfs has no vcpuN/pid. */
static void names_do_without_debugfs(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 0, -1);
	proc_tree__add_thread(tree, 100, 103, "fc_vcpu 1");
	proc_tree__add_thread(tree, 100, 104, "fc_vcpu 0");
	proc_tree__add_thread(tree, 100, 105, "fc_api");
	ASSERT_THREADS(tree, { 103, 1, 0 }, { 104, 0, 0 });
}

static void waiting_threads_know_kvms_number(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_thread(tree, 100, 103, "CPU 3/KVM");
	proc_tree__add_fd(tree, 100, 20, "anon_inode:kvm-vcpu:4");
	proc_tree__wait_in_kvm(tree, 100, 103, 20);
	/*
	 * A thread that is not in KVM_RUN has only its name, and its descriptor may have been
	 * closed.
	 */
	proc_tree__add_thread(tree, 100, 101, "CPU 1/KVM");
	proc_tree__add_thread(tree, 100, 102, "CPU 2/KVM");
	proc_tree__wait_in_kvm(tree, 100, 102, 99);
	ASSERT_THREADS(tree, { 101, 1, 0 }, { 102, 2, 0 }, { 103, 4, 0 });
	/* The highest-numbered thread is not in KVM_RUN, so that the other threads are checked. */
	proc_tree__add_thread(tree, 100, 104, "CPU 4/KVM");
	ASSERT_THREADS(tree, { 101, 1, 0 }, { 102, 2, 0 }, { 103, 4, 0 }, { 104, 4, 0 });
	/*
	 * The highest-numbered thread shows that IDs and names agree, so that the other threads are
	 * not checked.
	 */
	proc_tree__add_fd(tree, 100, 21, "anon_inode:kvm-vcpu:4");
	proc_tree__wait_in_kvm(tree, 100, 104, 21);
	ASSERT_THREADS(tree, { 101, 1, 0 }, { 102, 2, 0 }, { 103, 3, 0 }, { 104, 4, 0 });
}

static void waiting_threads_need_no_names(void **state)
{
	const struct tree *tree = *state;

	proc_tree__add_fd(tree, 100, 20, "anon_inode:kvm-vcpu:0");
	proc_tree__add_fd(tree, 100, 21, "anon_inode:kvm-vcpu:1");
	proc_tree__add_fd(tree, 100, 22, "/dev/null");
	proc_tree__add_thread(tree, 100, 101, "vmm");
	proc_tree__wait_in_kvm(tree, 100, 101, 21);
	proc_tree__add_thread(tree, 100, 102, "vmm");
	proc_tree__wait_in_kvm(tree, 100, 102, 20);
	proc_tree__add_thread(tree, 100, 103, "vmm");
	proc_tree__wait_in_kvm(tree, 100, 103, 22);
	/* A kernel thread that was created from within vCPU 1. */
	proc_tree__add_thread(tree, 100, 104, "kvm-nx-lpage-re");
	proc_tree__wait_in_kvm(tree, 100, 104, 21);
	ASSERT_THREADS(tree, { 101, 1, 0 }, { 102, 0, 0 });
}

static void gone_process_has_none(void **state)
{
	const struct tree *tree = *state;
	struct vm_threads threads = { 0 };
	struct kvm_dirs dirs = { 0 };

	proc_tree__add_thread(tree, 100, 101, "vcpu0");
	assert_int_equal(vcpu_threads__read(&tree->fs, 100, &dirs, &threads), 0);
	assert_int_equal(threads.cnt, 1);
	assert_int_equal(vcpu_threads__read(&tree->fs, 999, &dirs, &threads), -ESRCH);
	assert_int_equal(threads.cnt, 0);
	vcpu_threads__free(&threads);
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, setup, tree__teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		tree_test(debugfs_knows_threads_without_names),
		tree_test(debugfs_goes_before_names),
		tree_test(vms_of_one_process_are_told_apart),
		tree_test(reused_tids_are_no_vcpus),
		tree_test(a_thread_of_many_vcpus_is_kept),
		tree_test(names_do_without_debugfs),
		tree_test(waiting_threads_know_kvms_number),
		tree_test(waiting_threads_need_no_names),
		tree_test(gone_process_has_none),
	};

	return cmocka_run_group_tests_name("vcpu_threads", tests, NULL, NULL);
}
