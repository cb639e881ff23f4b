/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * snapshot_fixture - four VMs and a vCPU whose VM is not known:
 *
 *	5		tid 6 (vCPU 0)
 *	10 "web-1"	tids 11, 12 (vCPUs 0, 1)
 *	20 "web-2"	tids 21, 22, 23 (vCPUs 0, 1, 2)
 *	30 "db"		tids 31, 32 (vCPU 0 of each of two VMs)
 *	40 "idle"	no known vCPUs
 */
#ifndef SNAPSHOT_FIXTURE_H
#define SNAPSHOT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/snapshot.h"
#include "test.h"

static inline int snapshot_setup(void **state)
{
	static const struct {
		pid_t pid;
		const char *name;
	} vms[] = { { 40, "idle" }, { 30, "db" }, { 10, "web-1" }, { 20, "web-2" } };
	static const struct {
		pid_t pid, tid;
		__u64 vm_id;
		__u32 vcpu_id;
	} vcpus[] = {
		{ 30, 32, 2, 0 }, { 30, 31, 1, 0 }, { 5, 6, 1, 0 },   { 10, 12, 1, 1 },
		{ 10, 11, 1, 0 }, { 20, 23, 1, 2 }, { 20, 22, 1, 1 }, { 20, 21, 1, 0 },
	};
	struct snapshot *snap = calloc(1, sizeof(*snap));

	assert_non_null(snap);
	for (size_t i = 0; i < sizeof(vms) / sizeof(vms[0]); i++) {
		struct vm_reading *vm = snapshot__add_vm(snap);

		assert_non_null(vm);
		vm->pid = vms[i].pid;
		strcpy(vm->name, vms[i].name);
	}
	for (size_t i = 0; i < sizeof(vcpus) / sizeof(vcpus[0]); i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

		assert_non_null(vcpu);
		vcpu->pid = vcpus[i].pid;
		vcpu->tid = vcpus[i].tid;
		vcpu->vm_id = vcpus[i].vm_id;
		vcpu->vcpu_id = vcpus[i].vcpu_id;
		vcpu->seen = true;
	}
	snapshot__sort(snap);
	*state = snap;
	return 0;
}

static inline int snapshot_teardown(void **state)
{
	struct snapshot *snap = *state;

	snapshot__free(snap);
	free(snap);
	return 0;
}

#define SNAPSHOT_TEST(name) cmocka_unit_test_setup_teardown(name, snapshot_setup, snapshot_teardown)

#endif /* SNAPSHOT_FIXTURE_H */
