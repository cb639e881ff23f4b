// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "proc_tree.h"
#include "vm/vm_table.h"

/* Replaces a directory by a file, so that not even root can list it. */
static void spoil_dir(const struct tree *tree, pid_t pid, const char *dir)
{
	char name[256];

	tree__remove(tree, proc_tree__path(name, "proc/%d/%s", pid, dir));
	proc_tree__write(tree, name, "");
}

/*
 * Adds threads, one of which has an unreadable name. In any order of reading it is probably not the
 * first thread, so that others have to be freed when the error occurs.
 */
static void add_threads_and_spoil_one(const struct tree *tree, pid_t pid)
{
	const pid_t tid = pid + 20;
	char name[256];

	for (unsigned int i = 10; i < 40; i++) {
		snprintf(name, sizeof(name), "CPU %u/KVM", i);
		proc_tree__add_thread(tree, pid, pid + (pid_t)i, name);
	}

	tree__remove(tree, proc_tree__path(name, "proc/%d/task/%d/comm", pid, tid));
	tree__mkdir(tree, name);
}

static int setup(void **state)
{
	tree__setup(state);
	tree__mkdir(*state, "proc");
	return 0;
}

/* The table must have exactly these PIDs, a list that ends with 0, and find each of them. */
static void assert_pids(const struct vm_table *table, const pid_t *pids)
{
	size_t cnt = 0;

	for (; pids[cnt]; cnt++) {
		assert_true(cnt < table->cnt);
		assert_int_equal(table->vms[cnt].pid, pids[cnt]);
		assert_ptr_equal(vm_table__find(table, pids[cnt]), &table->vms[cnt]);
	}
	assert_int_equal(table->cnt, cnt);
}

#define PIDS(...) ((const pid_t[]){ __VA_ARGS__ })

static void table_finds_all_vms(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };
	int before = tree__next_fd(tree);

	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(0));
	assert_null(vm_table__find(&table, 100));

	for (int i = 0; i < 20; i++)
		proc_tree__add_vm(tree, 1000 + i * 7 % 20, "qemu");
	proc_tree__add_process(tree, 50, "bash");
	tree__mkdir(tree, "proc/sys");
	proc_tree__write(tree, "proc/stat", "cpu 0\n");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_int_equal(table.cnt, 20);
	for (int i = 0; i < 20; i++) {
		const struct vm *vm = vm_table__find(&table, 1000 + i);

		assert_ptr_equal(vm, &table.vms[i]);
		assert_int_equal(vm->pid, 1000 + i);
		assert_int_equal(vm->start_ticks, 2000 + i);
		assert_int_equal(vm->vcpus.cnt, 1);
		assert_int_equal(vm->vcpus.threads[0].tid, 1001 + i);
	}
	assert_null(vm_table__find(&table, 50));
	assert_null(vm_table__find(&table, 999));
	assert_null(vm_table__find(&table, 1020));
	vm_table__free(&table);
	assert_null(table.vms);
	assert_int_equal(table.cnt, 0);
	assert_int_equal(tree__next_fd(tree), before);
}

/* The format of the real /proc is understood; the test itself has no VM. */
static void host_is_understood(void **state)
{
	struct vm_table table = { 0 };
	struct hostfs fs;

	(void)state;
	assert_int_equal(hostfs__open(&fs, "/"), 0);
	assert_int_equal(vm_table__update(&table, &fs, NULL, 0), 0);
	assert_null(vm_table__find(&table, getpid()));
	vm_table__free(&table);
	hostfs__close(&fs);
}

/* Replaces a VM's vCPU thread by one with another number; the number of threads stays the same. */
static void swap_thread(const struct tree *tree, pid_t pid, unsigned int vcpu_id)
{
	char name[256], comm[32];

	tree__remove(tree, proc_tree__path(name, "proc/%d/task/%d", pid, pid + (pid_t)vcpu_id));
	snprintf(comm, sizeof(comm), "CPU %u/KVM", vcpu_id);
	proc_tree__add_thread(tree, pid, pid + 1 + (pid_t)vcpu_id, comm);
}

static void assert_vcpu_ids(const struct vm_table *table, size_t first, size_t end, unsigned int id)
{
	for (size_t i = first; i < end; i++) {
		assert_int_equal(table->vms[i].vcpus.cnt, 1);
		assert_int_equal(table->vms[i].vcpus.threads[0].vcpu_id, id);
	}
}

/*
 * There are two more VMs than are reread at a time if the number of their threads has not changed.
 */
static void threads_are_reread_in_turn(void **state)
{
	enum {
		CNT = VM_TABLE_RECHECK_MAX + 2
	};
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	for (pid_t i = 0; i < CNT; i++) {
		proc_tree__add_vm(tree, 1000 + 10 * i, "qemu");
	}
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_int_equal(table.cnt, CNT);
	for (pid_t i = 0; i < CNT; i++)
		swap_thread(tree, 1000 + 10 * i, 1);
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_vcpu_ids(&table, 0, CNT - 2, 1);
	assert_vcpu_ids(&table, CNT - 2, CNT, 0);
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_vcpu_ids(&table, 0, CNT, 1);

	/*
	 * VMs are reread in turn, beginning after the last one reread; a changed number of threads
	 * makes a VM jump the queue, at the expense of the last in turn.
	 */
	for (pid_t i = 0; i < CNT; i++)
		swap_thread(tree, 1000 + 10 * i, 2);
	proc_tree__add_thread(tree, 1000 + 10 * (CNT - 3), 9999, "worker");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_vcpu_ids(&table, 0, CNT - 5, 2);
	assert_vcpu_ids(&table, CNT - 5, CNT - 4, 1);
	assert_vcpu_ids(&table, CNT - 4, CNT, 2);
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_vcpu_ids(&table, 0, CNT, 2);
	vm_table__free(&table);
}

/* BPF knows the numbers of the vCPUs that it has seen: nothing in /proc can correct them. */
static void vms_without_unseen_vcpus_are_not_rechecked(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	proc_tree__add_vm(tree, 100, "qemu");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	table.vms[0].has_unseen = false;
	swap_thread(tree, 100, 1);
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_vcpu_ids(&table, 0, 1, 0);
	table.vms[0].has_unseen = true;
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_vcpu_ids(&table, 0, 1, 1);
	vm_table__free(&table);
}

static void table_follows_changes(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	proc_tree__add_vm(tree, 100, "first");
	proc_tree__add_vm(tree, 200, "second");
	proc_tree__add_vm(tree, 300, "third");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(100, 200, 300, 0));

	/*
	 * A VM exits, another one starts, one closes its VM descriptor, one gets a vCPU and loses
	 * another.
	 */
	proc_tree__remove_process(tree, 100);
	proc_tree__add_vm(tree, 150, "fourth");
	tree__remove(tree, "proc/200/fd/12");
	proc_tree__add_thread(tree, 300, 302, "CPU 1/KVM");
	tree__remove(tree, "proc/300/task/301");
	/* A VM's name is read once only; a changed name would mean that the VM was read again. */
	proc_tree__write(tree, "proc/300/comm", "renamed\n");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(150, 300, 0));
	assert_string_equal(table.vms[0].name, "fourth");
	assert_string_equal(table.vms[1].name, "third");
	assert_int_equal(table.vms[1].vcpus.cnt, 1);
	assert_int_equal(table.vms[1].vcpus.threads[0].tid, 302);
	assert_int_equal(table.vms[1].vcpus.threads[0].vcpu_id, 1);

	proc_tree__remove_process(tree, 150);
	proc_tree__remove_process(tree, 300);
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(0));
	vm_table__free(&table);
}

static void reused_pid_is_another_vm(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	for (int listed = 0; listed < 2; listed++) {
		const pid_t *pids = listed ? PIDS(100, 200) : NULL;

		proc_tree__add_vm(tree, 100, "old");
		proc_tree__add_vm(tree, 200, "old");
		assert_int_equal(vm_table__update(&table, &tree->fs, pids, 2), 0);
		assert_pids(&table, PIDS(100, 200, 0));

		/* The same PIDs: one belongs to a new VM, the other to a process without a VM. */
		proc_tree__remove_process(tree, 100);
		proc_tree__add_vm(tree, 100, "new");
		proc_tree__write_stat(tree, 100, "new", 9999);
		proc_tree__remove_process(tree, 200);
		proc_tree__add_process(tree, 200, "new");
		proc_tree__write_stat(tree, 200, "new", 9999);
		assert_int_equal(vm_table__update(&table, &tree->fs, pids, 2), 0);
		assert_pids(&table, PIDS(100, 0));
		assert_string_equal(table.vms[0].name, "new");
		assert_int_equal(table.vms[0].start_ticks, 9999);
		proc_tree__remove_process(tree, 100);
		proc_tree__remove_process(tree, 200);
		assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	}
	vm_table__free(&table);
}

/*
 * KVM's directories are named after the creating thread, which may have exited, and the descriptor,
 * which may have moved.
 */
static void debugfs_is_but_a_hint(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	proc_tree__add_process(tree, 100, "bash");
	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_process(tree, 200, "moved");
	proc_tree__add_fd(tree, 200, 12, "/dev/null");
	proc_tree__add_fd(tree, 200, 14, KVM_VM);
	proc_tree__add_kvm(tree, 200, 12);
	proc_tree__add_vm(tree, 300, "where it says");
	proc_tree__add_kvm(tree, 300, 12);
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(200, 300, 0));
	assert_int_equal(table.vms[0].vm_fd, 14);
	assert_int_equal(table.vms[1].vm_fd, 12);
	vm_table__free(&table);
}

static void table_keeps_to_the_list(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	proc_tree__add_vm(tree, 100, "a");
	proc_tree__add_vm(tree, 200, "b");
	proc_tree__add_vm(tree, 300, "c");
	proc_tree__add_process(tree, 400, "bash");
	/* PIDs in any order, repeated, of a process without a VM, and of no process. */
	assert_int_equal(vm_table__update(&table, &tree->fs, PIDS(300, 100, 300, 400, 999), 5), 0);
	assert_pids(&table, PIDS(100, 300, 0));
	/* 100 is no longer listed, although it still runs. */
	assert_int_equal(vm_table__update(&table, &tree->fs, PIDS(200, 300), 2), 0);
	assert_pids(&table, PIDS(200, 300, 0));
	assert_int_equal(vm_table__update(&table, &tree->fs, PIDS(0), 0), 0);
	assert_pids(&table, PIDS(0));
	vm_table__free(&table);
}

/*
 * A process without memory, such as a kernel thread, is skipped by the search. A VM descriptor,
 * which no such process can have, shows that nobody looked.
 */
static void search_skips_what_has_no_memory(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	proc_tree__add_vm(tree, 100, "kthreadd");
	proc_tree__write(tree, "proc/100/statm", "0 0 0 0 0 0 0\n");
	proc_tree__add_vm(tree, 200, "no statm");
	tree__remove(tree, "proc/200/statm");
	proc_tree__add_vm(tree, 300, "empty statm");
	proc_tree__write(tree, "proc/300/statm", "");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(200, 300, 0));
	assert_int_equal(vm_table__update(&table, &tree->fs, PIDS(100), 1), 0);
	assert_pids(&table, PIDS(100, 0));
	vm_table__free(&table);
}

static int captured_update(struct capture *err, struct vm_table *table, const struct tree *tree,
			   const pid_t *pids, size_t pid_cnt)
{
	int result;

	capture__begin(err, stderr);
	result = vm_table__update(table, &tree->fs, pids, pid_cnt);
	capture__end(err);
	return result;
}

static void search_passes_over_the_unreadable(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };
	struct capture err;

	proc_tree__add_vm(tree, 100, "a");
	spoil_dir(tree, 100, "fd");
	proc_tree__add_vm(tree, 200, "b");
	spoil_dir(tree, 200, "task");
	proc_tree__add_vm(tree, 300, "c");
	assert_int_equal(captured_update(&err, &table, tree, NULL, 0), 0);
	assert_string_equal(err.text, "");
	assert_pids(&table, PIDS(300, 0));

	/* A VM that has become unreadable is kept, because it may still exist. */
	spoil_dir(tree, 300, "fd");
	assert_int_equal(captured_update(&err, &table, tree, NULL, 0), 0);
	assert_string_equal(err.text, "");
	assert_pids(&table, PIDS(300, 0));
	vm_table__free(&table);
}

static void listed_and_unreadable_is_reported(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };
	struct capture err;

	proc_tree__add_vm(tree, 100, "a");
	spoil_dir(tree, 100, "fd");
	proc_tree__add_vm(tree, 200, "b");
	assert_int_equal(captured_update(&err, &table, tree, PIDS(100, 200), 2), -ENOTDIR);
	assert_string_equal(err.text, "gtimehalt: cannot inspect process 100: Not a directory\n");
	assert_pids(&table, PIDS(200, 0));

	/*
	 * The first of several errors is returned, and VMs that are already known stay unchanged.
	 */
	proc_tree__add_vm(tree, 300, "c");
	assert_int_equal(captured_update(&err, &table, tree, PIDS(200, 300), 2), 0);
	spoil_dir(tree, 200, "fd");
	spoil_dir(tree, 300, "fd");
	proc_tree__add_vm(tree, 400, "d");
	tree__remove(tree, "proc/400/comm");
	tree__mkdir(tree, "proc/400/comm");
	assert_int_equal(captured_update(&err, &table, tree, PIDS(100, 200, 300, 400), 4),
			 -ENOTDIR);
	assert_string_equal(err.text, "gtimehalt: cannot inspect process 200: Not a directory\n"
				      "gtimehalt: cannot inspect process 300: Not a directory\n"
				      "gtimehalt: cannot inspect process 100: Not a directory\n"
				      "gtimehalt: cannot inspect process 400: Is a directory\n");
	assert_pids(&table, PIDS(200, 300, 0));
	assert_int_equal(captured_update(&err, &table, tree, PIDS(100, 400), 2), -ENOTDIR);
	assert_pids(&table, PIDS(0));
	vm_table__free(&table);
}

static void listed_and_unreadable_stays(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };
	struct capture err;

	proc_tree__add_vm(tree, 200, "b");
	assert_int_equal(captured_update(&err, &table, tree, PIDS(200), 1), 0);
	add_threads_and_spoil_one(tree, 200);
	assert_int_equal(captured_update(&err, &table, tree, PIDS(200), 1), -EISDIR);
	assert_int_equal(table.vms[0].vcpus.cnt, 1);
	assert_string_equal(table.vms[0].name, "b");
	vm_table__free(&table);
}

static void shortage_leaves_the_table_whole(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };
	rlim_t limit;
	int result;

	proc_tree__add_vm(tree, 100, "a");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	proc_tree__add_vm(tree, 200, "b");

	/*
	 * First no descriptor can be opened, then one: enough for /proc itself, but not for a
	 * process in it.
	 */
	for (rlim_t more = 0; more < 2; more++) {
		struct vm_table empty = { 0 };
		struct capture err;

		capture__begin(&err, stderr);
		limit = tree__limit_files((rlim_t)tree__next_fd(tree) + more);
		result = vm_table__update(&empty, &tree->fs, NULL, 0);
		tree__limit_files(limit);
		capture__end(&err);
		assert_int_equal(result, -EMFILE);
		assert_pids(&empty, PIDS(0));
		vm_table__free(&empty);

		capture__begin(&err, stderr);
		limit = tree__limit_files((rlim_t)tree__next_fd(tree) + more);
		result = vm_table__update(&table, &tree->fs, NULL, 0);
		tree__limit_files(limit);
		capture__end(&err);
		assert_int_equal(result, -EMFILE);
		/*
		 * One descriptor is enough to update a VM that is already known, so there is no
		 * message about it.
		 */
		if (more)
			assert_string_equal(err.text, "");
		else
			assert_string_equal(err.text, "gtimehalt: cannot inspect process 100: "
						      "Too many open files\n");
		assert_pids(&table, PIDS(100, 0));
		assert_int_equal(table.vms[0].vcpus.cnt, 1);
	}
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), 0);
	assert_pids(&table, PIDS(100, 200, 0));
	vm_table__free(&table);
}

static void no_proc_at_all(void **state)
{
	const struct tree *tree = *state;
	struct vm_table table = { 0 };

	tree__remove(tree, "proc");
	assert_int_equal(vm_table__update(&table, &tree->fs, NULL, 0), -ENOENT);
	assert_int_equal(table.cnt, 0);
	vm_table__free(&table);
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, setup, tree__teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		tree_test(table_finds_all_vms),
		cmocka_unit_test(host_is_understood),
		tree_test(threads_are_reread_in_turn),
		tree_test(vms_without_unseen_vcpus_are_not_rechecked),
		tree_test(table_follows_changes),
		tree_test(reused_pid_is_another_vm),
		tree_test(debugfs_is_but_a_hint),
		tree_test(table_keeps_to_the_list),
		tree_test(search_skips_what_has_no_memory),
		tree_test(search_passes_over_the_unreadable),
		tree_test(listed_and_unreadable_is_reported),
		tree_test(listed_and_unreadable_stays),
		tree_test(shortage_leaves_the_table_whole),
		tree_test(no_proc_at_all),
	};

	return cmocka_run_group_tests_name("vm_table", tests, NULL, NULL);
}
