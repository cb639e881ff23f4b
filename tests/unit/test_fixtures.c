// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Checks which VMs are found on whole hosts that tests/fixtures/capture has captured. Runs at the
 * top of the checkout.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/hostfs.h"
#include "test.h"
#include "vm/vm_table.h"

struct expected_vm {
	pid_t pid;
	const char *name;
	/* The vCPU threads; the list ends at the first TID 0. */
	struct {
		pid_t tid;
		__u32 vcpu_id;
	} vcpus[7];
};

struct host {
	const char *name;
	struct expected_vm vms[6];
};

static const struct host hosts[] = {
	{ "bed",
	  {
		  { 248, "paused", { { 281, 0 }, { 285, 1 } } },
		  /* 307 is a thread that KVM created, with a copy of the registers of vCPU 0. */
		  { 249,
		    "odd",
		    { { 280, 0 }, { 283, 1 }, { 286, 2 }, { 287, 4 }, { 288, 5 }, { 289, 6 } } },
		  /* Two VMs in one process. */
		  { 353, "both", { { 355, 0 }, { 356, 0 } } },
	  } },
	{ "libvirt",
	  {
		  { 2412, "web-1", { { 2421, 0 }, { 2422, 4 } } },
		  { 3177, "db", { { 3184, 0 }, { 3185, 1 } } },
	  } },
	{ "kubevirt", { { 5130, "default_testvm", { { 5141, 0 }, { 5142, 1 } } } } },
	{ "proxmox",
	  {
		  { 1801, "mail", { { 1844, 0 }, { 1845, 1 }, { 1846, 2 } } },
		  { 2900, "vm101", { { 2944, 1 }, { 2945, 0 } } },
	  } },
	{ "firecracker",
	  {
		  { 7301, "551e7604-e35c-42b3-b825-416853441234", { { 7304, 0 }, { 7305, 1 } } },
		  { 7400, "build", { { 7403, 0 } } },
	  } },
	{ "kata", { { 8100, "0123abcd", { { 8109, 0 }, { 8110, 1 } } } } },
	{ "crosvm", { { 640, "termina", { { 652, 0 }, { 653, 1 } } } } },
	{ "kvmtool", { { 911, "riscv-ci", { { 916, 0 }, { 917, 1 } } } } },
};

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void assert_vm(const struct vm *vm, const struct expected_vm *expected)
{
	size_t cnt = 0;

	assert_string_equal(vm->name, expected->name);
	for (; cnt < ARRAY_SIZE(expected->vcpus) && expected->vcpus[cnt].tid; cnt++) {
		assert_true(cnt < vm->vcpus.cnt);
		assert_int_equal(vm->vcpus.threads[cnt].tid, expected->vcpus[cnt].tid);
		assert_int_equal(vm->vcpus.threads[cnt].vcpu_id, expected->vcpus[cnt].vcpu_id);
	}
	assert_int_equal(vm->vcpus.cnt, cnt);
}

static void host_is_known(void **state)
{
	const struct host *host = *state;
	struct vm_table table = { 0 };
	struct hostfs fs;
	size_t cnt = 0;
	char root[64];

	snprintf(root, sizeof(root), "tests/fixtures/%s", host->name);
	assert_int_equal(hostfs__open(&fs, root), 0);
	/* The first update finds the VMs, the second one updates them. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vm_table__update(&table, &fs, NULL, 0), 0);
		for (cnt = 0; cnt < ARRAY_SIZE(host->vms) && host->vms[cnt].pid; cnt++) {
			const struct vm *vm = vm_table__find(&table, host->vms[cnt].pid);

			assert_non_null(vm);
			assert_vm(vm, &host->vms[cnt]);
		}
		assert_int_equal(table.cnt, cnt);
	}
	vm_table__free(&table);
	hostfs__close(&fs);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(hosts)];

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		tests[i] = (struct CMUnitTest){
			.name = hosts[i].name,
			.test_func = host_is_known,
			.initial_state = (void *)&hosts[i],
		};
	return cmocka_run_group_tests_name("fixtures", tests, NULL, NULL);
}
