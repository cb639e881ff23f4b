// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The VMs that are known to a process that may not inspect other processes, or that has lost this
 * right.
 */
#include <errno.h>
#include "capture.h"
#include "roster_fixture.h"

/*
 * Completes the snapshot as an unprivileged user; must not print anything, however often it is
 * called.
 */
static void complete_closed(const struct tree *tree, struct roster *roster, struct snapshot *snap)
{
	struct capture capture;
	int err;

	capture__begin(&capture, stderr);
	tree__lower_rights(tree);
	err = roster__complete(roster, snap);
	tree__raise_rights();
	capture__end(&capture);
	assert_int_equal(err, 0);
	assert_string_equal(capture.text, "");
}

static struct roster *new_roster(const struct tree *tree)
{
	struct roster *roster;

	assert_int_equal(roster__new(&tree->fs, NULL, 0, &roster), 0);
	return roster;
}

/* Makes process 100 accessible again, so that a test not run as root can remove the tree. */
static void end(const struct tree *tree, struct roster *roster, struct snapshot *snap)
{
	proc_tree__set_closed(tree, 100, false);
	roster__free(roster);
	snapshot__free(snap);
}

static void known_vms_stay_what_they_were(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_thread(tree, 100, 102, "CPU 1/KVM");
	roster = new_roster(tree);
	proc_tree__set_closed(tree, 100, true);
	/* The name is still that from the time when the process was accessible. */
	proc_tree__write(tree, "proc/100/comm", "another\n");
	for (int i = 0; i < 3; i++) {
		begin(&snap);
		see(&snap, 100, 101, 0, 1);
		complete_closed(tree, roster, &snap);
		assert_int_equal(snap.vm_cnt, 1);
		assert_string_equal(name_of(&snap, 100), "web");
		assert_int_equal(snap.vcpu_cnt, 2);
		assert_false(find(&snap, 102)->seen);
	}
	/* A known VM stays, even if none of its vCPUs was seen. */
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vcpu_cnt, 2);

	/* When the process exits, the VM is gone. */
	proc_tree__set_closed(tree, 100, false);
	proc_tree__remove_process(tree, 100);
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(roster__vm_cnt(roster), 0);
	assert_int_equal(snap.vcpu_cnt, 0);
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vm_cnt, 0);
	roster__free(roster);
	snapshot__free(&snap);
}

/*
 * Before access was lost, debugfs or the threads' system calls had shown numbers that differ from
 * the threads' names.
 */
static void vcpus_keep_their_numbers(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_thread(tree, 100, 102, "CPU 1/KVM");
	proc_tree__add_thread(tree, 100, 103, "unnamed");
	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 0, 101);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 4, 102);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 5, 103);
	roster = new_roster(tree);
	proc_tree__set_closed(tree, 100, true);
	/* A thread is created, and another one exits. */
	proc_tree__add_thread(tree, 100, 104, "CPU 3/KVM");
	tree__remove(tree, "proc/100/task/101");
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vcpu_cnt, 3);
	assert_int_equal(find(&snap, 102)->vcpu_id, 4);
	assert_int_equal(find(&snap, 103)->vcpu_id, 5);
	assert_int_equal(find(&snap, 104)->vcpu_id, 3);
	end(tree, roster, &snap);
}

static void vms_of_one_process_stay_apart(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__add_thread(tree, 100, 102, "b");
	proc_tree__add_kvm(tree, 100, 12);
	proc_tree__add_kvm_vcpu(tree, 100, 12, 0, 101);
	proc_tree__add_kvm(tree, 100, 14);
	proc_tree__add_kvm_vcpu(tree, 100, 14, 0, 102);
	roster = new_roster(tree);
	proc_tree__set_closed(tree, 100, true);
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vcpu_cnt, 2);
	assert_true(find(&snap, 101)->vm_id != find(&snap, 102)->vm_id);
	end(tree, roster, &snap);
}

static void new_vms_are_named_by_what_is_for_all_to_read(void **state)
{
	static const char cmdline[] = "/usr/bin/qemu-system-x86_64\0-name\0guest=db,debug=on";
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster = new_roster(tree);

	proc_tree__add_vm(tree, 100, "qemu-system-x86");
	tree__write(tree, "proc/100/cmdline", cmdline, sizeof(cmdline));
	proc_tree__add_thread(tree, 100, 102, "CPU 1/KVM");
	proc_tree__add_vm(tree, 200, "a-vmm");
	proc_tree__set_closed(tree, 100, true);
	proc_tree__set_closed(tree, 200, true);
	for (int i = 0; i < 2; i++) {
		begin(&snap);
		see(&snap, 100, 101, 0, 1);
		see(&snap, 200, 201, 0, 2);
		complete_closed(tree, roster, &snap);
		assert_int_equal(snap.vm_cnt, 2);
		assert_string_equal(name_of(&snap, 100), "db");
		assert_string_equal(name_of(&snap, 200), "a-vmm");
		assert_int_equal(snap.vcpu_cnt, 3);
		assert_int_equal(find(&snap, 102)->vcpu_id, 1);
	}
	proc_tree__set_closed(tree, 200, false);
	end(tree, roster, &snap);
}

/* The only evidence of such a VM is that one of its vCPUs was seen. */
static void new_vms_go_with_their_last_vcpu(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster = new_roster(tree);

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__set_closed(tree, 100, true);
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete_closed(tree, roster, &snap);
	assert_int_equal(roster__vm_cnt(roster), 1);
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(roster__vm_cnt(roster), 0);
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vm_cnt, 0);
	end(tree, roster, &snap);
}

/* The VM has exited, and a shell got its PID before that was noticed. */
static void a_stranger_is_no_vm(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster = new_roster(tree);

	proc_tree__add_process(tree, 100, "bash");
	proc_tree__set_closed(tree, 100, true);
	begin(&snap);
	see(&snap, 100, 101, 0, 1)->start_boottime_ns = 0;
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vm_cnt, 0);
	assert_int_equal(snap.vcpu_cnt, 0);
	assert_int_equal(roster__vm_cnt(roster), 0);
	end(tree, roster, &snap);
}

/* The PID of a known VM now belongs to another process. */
static void a_former_vm_loses_its_name(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	roster = new_roster(tree);
	proc_tree__remove_process(tree, 100);
	proc_tree__add_vm(tree, 100, "db");
	proc_tree__write_stat(tree, 100, "db", 9000);
	proc_tree__set_closed(tree, 100, true);
	begin(&snap);
	see(&snap, 100, 101, 0, 1)->start_boottime_ns =
		9000 * (1000000000 / (__u64)sysconf(_SC_CLK_TCK));
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vm_cnt, 1);
	assert_string_equal(name_of(&snap, 100), "db");
	end(tree, roster, &snap);
}

/* With hidepid=1, only the PIDs of other users' processes are visible. */
static void nothing_can_be_read(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct roster *roster;

	proc_tree__add_vm(tree, 100, "web");
	roster = new_roster(tree);
	proc_tree__add_vm(tree, 200, "db");
	assert_int_equal(fchmodat(tree->fs.root_fd, "proc/100", 0, 0), 0);
	assert_int_equal(fchmodat(tree->fs.root_fd, "proc/200", 0, 0), 0);
	for (int i = 0; i < 2; i++) {
		begin(&snap);
		see(&snap, 100, 101, 0, 1);
		see(&snap, 200, 201, 0, 2);
		complete_closed(tree, roster, &snap);
		assert_int_equal(snap.vm_cnt, 2);
		assert_string_equal(name_of(&snap, 100), "web");
		assert_string_equal(name_of(&snap, 200), "?");
		assert_true(find(&snap, 101) && find(&snap, 201));
	}
	assert_int_equal(fchmodat(tree->fs.root_fd, "proc/100", 0755, 0), 0);
	assert_int_equal(fchmodat(tree->fs.root_fd, "proc/200", 0755, 0), 0);
	roster__free(roster);
	snapshot__free(&snap);
}

/* A process that lacks the right from the beginning gets one warning. */
static void closed_from_the_beginning(void **state)
{
	const struct tree *tree = *state;
	struct snapshot snap = { 0 };
	struct capture capture;
	struct roster *roster;
	int err;

	proc_tree__add_vm(tree, 100, "web");
	proc_tree__set_closed(tree, 100, true);
	capture__begin(&capture, stderr);
	tree__lower_rights(tree);
	err = roster__new(&tree->fs, NULL, 0, &roster);
	tree__raise_rights();
	capture__end(&capture);
	assert_int_equal(err, 0);
	assert_non_null(strstr(capture.text, "warning: cannot inspect some processes (1): "));
	assert_int_equal(roster__vm_cnt(roster), 0);
	begin(&snap);
	see(&snap, 100, 101, 0, 1);
	complete_closed(tree, roster, &snap);
	assert_string_equal(name_of(&snap, 100), "web");
	end(tree, roster, &snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(closed_from_the_beginning, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(known_vms_stay_what_they_were, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(vcpus_keep_their_numbers, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(vms_of_one_process_stay_apart, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(new_vms_are_named_by_what_is_for_all_to_read, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(new_vms_go_with_their_last_vcpu, setup,
						tree__teardown),
		cmocka_unit_test_setup_teardown(a_stranger_is_no_vm, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(a_former_vm_loses_its_name, setup, tree__teardown),
		cmocka_unit_test_setup_teardown(nothing_can_be_read, setup, tree__teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
