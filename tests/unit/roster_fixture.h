/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * roster_fixture - snapshots that contain what BPF would have seen of the processes of a proc_tree.
 */
#ifndef ROSTER_FIXTURE_H
#define ROSTER_FIXTURE_H

#include "proc_tree.h"
#include "report/snapshot.h"
#include "vm/roster.h"

/* The start time that proc_tree__add_process() writes, in units of USER_HZ. */
#define START_TICKS(pid) (1000 + (pid))

/* For cmocka_unit_test_setup_teardown(); sets *state to the tree. */
static inline int setup(void **state)
{
	tree__setup(state);
	tree__mkdir(*state, "proc");
	return 0;
}

static inline void begin(struct snapshot *snap)
{
	snapshot__clear(snap);
	snap->clock.mono_ns = 5000;
}

/* Adds a vCPU that BPF has seen, of a thread as old as its process. */
static inline struct vcpu_reading *see(struct snapshot *snap, pid_t pid, pid_t tid, __u32 vcpu_id,
				       __u64 vm_id)
{
	struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

	assert_non_null(vcpu);
	vcpu->pid = pid;
	vcpu->tid = tid;
	vcpu->vcpu_id = vcpu_id;
	vcpu->vm_id = vm_id;
	vcpu->seen = true;
	vcpu->at_ns = 5000;
	vcpu->start_boottime_ns =
		START_TICKS((__u64)pid) * (1000000000 / (__u64)sysconf(_SC_CLK_TCK));
	return vcpu;
}

static inline void set_wait(const struct tree *tree, pid_t pid, pid_t tid, __u64 wait_ns)
{
	char name[256], text[64];

	snprintf(text, sizeof(text), "123 %llu 4\n", wait_ns);
	proc_tree__write(tree, proc_tree__path(name, "proc/%d/task/%d/schedstat", pid, tid), text);
}

static inline const struct vcpu_reading *find(const struct snapshot *snap, pid_t tid)
{
	const struct vcpu_reading *found = NULL;

	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		if (snap->vcpus[i].tid == tid) {
			assert_null(found);
			found = &snap->vcpus[i];
		}
	return found;
}

static inline const char *name_of(const struct snapshot *snap, pid_t pid)
{
	const char *found = NULL;

	for (size_t i = 0; i < snap->vm_cnt; i++)
		if (snap->vms[i].pid == pid) {
			assert_null(found);
			found = snap->vms[i].name;
		}
	return found;
}

static inline void complete(struct roster *roster, struct snapshot *snap, size_t vm_cnt,
			    size_t vcpu_cnt)
{
	assert_int_equal(roster__complete(roster, snap), 0);
	assert_int_equal(snap->vm_cnt, vm_cnt);
	assert_int_equal(snap->vcpu_cnt, vcpu_cnt);
}

#endif /* ROSTER_FIXTURE_H */
