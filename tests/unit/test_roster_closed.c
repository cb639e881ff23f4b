// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The roster of a process that may not look into others, or not any more. */
#include <errno.h>
#include "capture.h"
#include "roster_fixture.h"

/* As another user; nothing is to be said, however often it is done. */
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

/* Process 100 is open again, for those who are not root and have to take the tree away. */
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
	/* Its name is what it was when it could be seen. */
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
	/* Nor is it gone when no vCPU was seen: it is known to be one. */
	begin(&snap);
	complete_closed(tree, roster, &snap);
	assert_int_equal(snap.vcpu_cnt, 2);

	/* When it ends, it has. */
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

/* By KVM's debugfs, or by what a thread waits for, it was known what names do not tell. */
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
	/* A new one, and one that ends. */
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

/* All that tells of such a VM is that a vCPU of it was seen. */
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

/* The VM has ended, and before that is noticed its PID is a shell's. */
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

/* A known VM's PID is another process's by now. */
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

/* hidepid=1: of others' processes nothing but the number can be seen. */
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

/* Who may not look from the beginning is told so, once. */
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
