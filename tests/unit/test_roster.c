// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "roster_fixture.h"
#include "vm/vm_table.h"

static void unseen_vcpus_are_added(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	const struct vcpu_reading *vcpu;
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_thread(tree, 100, 102, "CPU 1/KVM");
	set_wait(tree, 100, 102, 777);
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	assert_int_equal(roster__vm_cnt(roster), 1);
	begin(&snap);
	see(&snap, 100, 101, 0, 0xffff888000000000);
	complete(roster, &snap, 1, 2);
	assert_string_equal(name_of(&snap, 100), "web");
	assert_true(find(&snap, 101)->seen);
	vcpu = find(&snap, 102);
	assert_int_equal(vcpu->pid, 100);
	assert_int_equal(vcpu->vcpu_id, 1);
	assert_false(vcpu->seen);
	assert_int_equal(vcpu->vm_id, 0);
	assert_int_equal(vcpu->at_ns, 5000);
	assert_true(vcpu->wait_known);
	assert_int_equal(vcpu->wait_ns, 777);
	assert_int_equal(vcpu->loaded_ns, 123);

	/* Seen by a hook since then: no second entry for the same vCPU. */
	begin(&snap);
	see(&snap, 100, 101, 0, 0xffff888000000000);
	see(&snap, 100, 102, 1, 0xffff888000000000);
	complete(roster, &snap, 1, 2);
	roster__free(roster);
	snapshot__free(&snap);
}

/*
 * If one thread exits and another one is created, the number of threads stays the same. The next
 * recheck must find the new thread.
 */
static void unseen_vcpus_are_rechecked(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_thread(tree, 100, 102, "CPU 1/KVM");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete(roster, &snap, 1, 2);
	tree__remove(tree, "proc/100/task/102");
	proc_tree__add_thread(tree, 100, 103, "CPU 2/KVM");
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete(roster, &snap, 1, 2);
	assert_int_equal(find(&snap, 103)->vcpu_id, 2);
	roster__free(roster);
	snapshot__free(&snap);
}

static void vms_come_by_their_first_window(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 0, 0);
	proc_tree__add_vm(tree, 100, "web");
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete(roster, &snap, 1, 1);
	assert_string_equal(name_of(&snap, 100), "web");

	/* The process exits: its name is in one more snapshot. */
	proc_tree__remove_process(tree, 100);
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete(roster, &snap, 1, 1);
	assert_string_equal(name_of(&snap, 100), "web");
	assert_int_equal(roster__vm_cnt(roster), 0);
	/* A thread may exit later than its process is a VM; its vCPU keeps the name. */
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete(roster, &snap, 1, 1);
	assert_string_equal(name_of(&snap, 100), "web");
	begin(&snap);
	complete(roster, &snap, 0, 0);
	roster__free(roster);
	snapshot__free(&snap);
}

/* The vCPU threads exit first, and the VMM is still there for the next snapshot. */
static void vcpus_end_before_their_vm(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_vm(tree, 200, "db");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	tree__remove(tree, "proc/100/task/101");
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	see(&snap, 200, 201, 0, 2);
	complete(roster, &snap, 2, 2);

	proc_tree__remove_process(tree, 100);
	begin(&snap);
	see(&snap, 200, 201, 0, 2);
	complete(roster, &snap, 1, 1);
	assert_null(name_of(&snap, 100));
	assert_string_equal(name_of(&snap, 200), "db");
	roster__free(roster);
	snapshot__free(&snap);
}

/*
 * vCPU 1 is plugged in, then unplugged. QEMU keeps the unplugged vCPU's descriptor, so that KVM's
 * debugfs still lists its exited thread.
 */
static void vcpus_are_plugged_in_and_out(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "qemu-system-x86");
	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 0, 101);
	set_wait(tree, 100, 101, 1);
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 1, 1);

	proc_tree__add_thread(tree, 100, 105, "qemu-system-x86");
	proc_tree__add_kvm_vcpu(tree, 100, 12, 1, 105);
	set_wait(tree, 100, 105, 1);
	begin(&snap);
	complete(roster, &snap, 1, 2);
	assert_int_equal(find(&snap, 105)->vcpu_id, 1);

	tree__remove(tree, "proc/100/task/105");
	begin(&snap);
	complete(roster, &snap, 1, 1);
	assert_null(find(&snap, 105));

	/* Plugged in again: the same vCPU number, another thread. */
	proc_tree__add_thread(tree, 100, 109, "qemu-system-x86");
	proc_tree__write(tree, "sys/kernel/debug/kvm/100-12/vcpu1/pid", "109\n");
	begin(&snap);
	complete(roster, &snap, 1, 2);
	assert_int_equal(find(&snap, 109)->vcpu_id, 1);
	roster__free(roster);
	snapshot__free(&snap);
}

/* A VM is killed, and a new one gets its PID and the TIDs of its vCPUs. */
static void reused_pid_gets_its_own_name_and_no_ghosts(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "old");
	proc_tree__add_thread(tree, 100, 102, "CPU 1/KVM");
	proc_tree__add_thread(tree, 100, 103, "CPU 2/KVM");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	see(&snap, 100, 102, 1, 1);
	complete(roster, &snap, 1, 3);

	proc_tree__remove_process(tree, 100);
	proc_tree__add_vm(tree, 100, "new");
	proc_tree__write_stat(tree, 100, "new", 9999);
	/*
	 * Thread 101 has not run yet, and 102 is not a vCPU thread: the sums that BPF has for them
	 * belong to the old threads.
	 */
	proc_tree__add_thread(tree, 100, 102, "worker");
	proc_tree__add_thread(tree, 100, 104, "CPU 1/KVM");
	begin(&snap);
	see(&snap, 100, 101, 0, 1)->loaded_ns = 123456;
	see(&snap, 100, 102, 1, 1)->loaded_ns = 123456;
	see(&snap, 100, 104, 1, 2)->start_boottime_ns =
		9999 * (1000000000 / (__u64)sysconf(_SC_CLK_TCK)) + 1;
	complete(roster, &snap, 1, 2);
	assert_string_equal(name_of(&snap, 100), "new");
	assert_false(find(&snap, 101)->seen);
	assert_int_equal(find(&snap, 101)->loaded_ns, 0);
	assert_true(find(&snap, 104)->seen);
	roster__free(roster);
	snapshot__free(&snap);
}

/* The PID now belongs to a shell; the sums still belong to the VM. */
static void reused_pid_of_no_vm(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "old");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	proc_tree__remove_process(tree, 100);
	proc_tree__add_process(tree, 100, "bash");
	proc_tree__write_stat(tree, 100, "bash", 9999);
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete(roster, &snap, 1, 1);
	assert_string_equal(name_of(&snap, 100), "old");
	assert_int_equal(roster__vm_cnt(roster), 0);
	roster__free(roster);
	snapshot__free(&snap);
}

static void unseen_vcpus_go_to_their_own_vm(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	/*
	 * Three VMs: hooks have seen one vCPU of the first, both vCPUs of the second, and none of
	 * the third.
	 */
	proc_tree__add_process(tree, 100, "both");
	proc_tree__add_fd(tree, 100, 12, KVM_VM);
	for (int vm = 0; vm < 3; vm++) {
		proc_tree__add_kvm(tree, 100, 12 + vm);
		for (int i = 0; i < 2; i++) {
			pid_t tid = 110 + 2 * vm + i;

			proc_tree__add_thread(tree, 100, tid, "both");
			proc_tree__add_kvm_vcpu(tree, 100, 12 + vm, (unsigned int)i, tid);
		}
	}
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	see(&snap, 100, 110, 0, 0xffff000000000001);
	see(&snap, 100, 112, 0, 0xffff000000000002);
	see(&snap, 100, 113, 1, 0xffff000000000002);
	complete(roster, &snap, 1, 6);
	assert_int_equal(find(&snap, 111)->vcpu_id, 1);
	assert_true(find(&snap, 111)->vm_id == 0xffff000000000001);
	assert_int_equal(find(&snap, 114)->vcpu_id, 0);
	assert_int_equal(find(&snap, 115)->vcpu_id, 1);
	assert_true(find(&snap, 114)->vm_id == find(&snap, 115)->vm_id);
	assert_true(find(&snap, 114)->vm_id != 0);
	assert_true(find(&snap, 114)->vm_id < 0xffff000000000001);
	roster__free(roster);
	snapshot__free(&snap);
}

/*
 * Two threads run the vCPUs of two VMs in turn. One thread was seen in one of the VMs; the other
 * thread must then be listed once only.
 */
static void threads_of_two_vms_come_once(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_process(tree, 100, "both");
	proc_tree__add_fd(tree, 100, 12, KVM_VM);
	for (int i = 0; i < 2; i++)
		proc_tree__add_thread(tree, 100, 110 + i, "both");
	for (int vm = 0; vm < 2; vm++) {
		proc_tree__add_kvm(tree, 100, 12 + vm);
		for (int i = 0; i < 2; i++)
			proc_tree__add_kvm_vcpu(tree, 100, 12 + vm, (unsigned int)i, 110 + i);
	}
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 1, 4);
	begin(&snap);
	see(&snap, 100, 110, 0, 0xffff000000000001);
	complete(roster, &snap, 1, 2);
	assert_int_equal(find(&snap, 111)->vcpu_id, 1);
	assert_true(find(&snap, 111)->vm_id == 0xffff000000000001);
	roster__free(roster);
	snapshot__free(&snap);
}

static void vms_of_one_name_stay_two(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_vm(tree, 200, "web");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 2, 2);
	assert_string_equal(name_of(&snap, 100), "web");
	assert_string_equal(name_of(&snap, 200), "web");
	roster__free(roster);
	snapshot__free(&snap);
}

/* With more threads than are read per snapshot, three snapshots read each of them once. */
static void waits_are_read_in_turn(void **state)
{
	enum {
		CNT = 1500
	};
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;
	size_t new[3] = { 0 };
	char comm[32];

	proc_tree__add_process(tree, 100, "big");
	proc_tree__add_fd(tree, 100, 12, KVM_VM);
	for (int i = 0; i < CNT; i++) {
		snprintf(comm, sizeof(comm), "CPU %d/KVM", i);
		proc_tree__add_thread(tree, 100, 1000 + i, comm);
		set_wait(tree, 100, 1000 + i, 1);
	}
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 1, CNT);
	for (int i = 0; i < CNT; i++) {
		assert_int_equal(find(&snap, 1000 + i)->wait_ns, 1);
		set_wait(tree, 100, 1000 + i, 2);
	}
	for (int n = 0; n < 3; n++) {
		begin(&snap);
		complete(roster, &snap, 1, CNT);
		for (int i = 0; i < CNT; i++)
			new[n] += find(&snap, 1000 + i)->wait_ns == 2;
	}
	assert_int_equal(new[0], 512);
	assert_int_equal(new[1], 1024);
	assert_int_equal(new[2], CNT);
	roster__free(roster);
	snapshot__free(&snap);
}

/* Without CONFIG_SCHED_INFO, a thread has no schedstat. */
static void wait_that_is_not_told_is_unknown(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 1, 1);
	assert_false(find(&snap, 101)->wait_known);
	proc_tree__write(tree, "proc/100/task/101/schedstat", "1 x 2\n");
	begin(&snap);
	complete(roster, &snap, 1, 1);
	assert_false(find(&snap, 101)->wait_known);
	roster__free(roster);
	snapshot__free(&snap);
}

/*
 * There are more VMs than a snapshot rereads, and a vCPU thread of the last VM has exited
 * unnoticed.
 */
static void ended_vcpus_are_not_added(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;
	char name[256];

	for (pid_t i = 0; i <= VM_TABLE_REREAD_MAX; i++) {
		proc_tree__add_vm(tree, 100 + 10 * i, "web");
	}
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	tree__remove(tree, proc_tree__path(name, "proc/%d/task/%d", 100 + 10 * VM_TABLE_REREAD_MAX,
					   101 + 10 * VM_TABLE_REREAD_MAX));
	begin(&snap);
	complete(roster, &snap, VM_TABLE_REREAD_MAX + 1, VM_TABLE_REREAD_MAX);
	assert_null(find(&snap, 101 + 10 * VM_TABLE_REREAD_MAX));
	roster__free(roster);
	snapshot__free(&snap);
}

static void only_listed_processes(void **state)
{
	const struct tree *tree = *state;
	const pid_t pids[] = { 200 };
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "a");
	proc_tree__add_vm(tree, 200, "b");
	assert_int_equal(roster__new(&tree->fs, pids, 1, &roster), 0);
	begin(&snap);
	complete(roster, &snap, 1, 1);
	assert_string_equal(name_of(&snap, 200), "b");
	roster__free(roster);
	snapshot__free(&snap);
}

static void no_proc_at_all(void **state)
{
	const struct tree *tree = *state;
	struct roster *roster = NULL;

	tree__remove(tree, "proc");
	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), -ENOENT);
	assert_null(roster);
	roster__free(NULL);
}

#define tree_test(test) cmocka_unit_test_setup_teardown(test, setup, tree__teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		tree_test(unseen_vcpus_are_added),
		tree_test(unseen_vcpus_are_rechecked),
		tree_test(vms_come_by_their_first_window),
		tree_test(vcpus_end_before_their_vm),
		tree_test(vcpus_are_plugged_in_and_out),
		tree_test(reused_pid_gets_its_own_name_and_no_ghosts),
		tree_test(reused_pid_of_no_vm),
		tree_test(unseen_vcpus_go_to_their_own_vm),
		tree_test(threads_of_two_vms_come_once),
		tree_test(vms_of_one_name_stay_two),
		tree_test(waits_are_read_in_turn),
		tree_test(wait_that_is_not_told_is_unknown),
		tree_test(ended_vcpus_are_not_added),
		tree_test(only_listed_processes),
		tree_test(no_proc_at_all),
	};

	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
