// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include "report/filter.h"
#include "report/snapshot.h"

static bool is_listed(const pid_t *ids, size_t cnt, pid_t id)
{
	for (size_t i = 0; i < cnt; i++) {
		if (ids[i] == id)
			return true;
	}
	return cnt == 0;
}

static bool wants_vcpu_id(const struct filter *filter, __u32 vcpu_id)
{
	for (size_t i = 0; i < filter->vcpu_id_cnt; i++) {
		if (filter->vcpu_ids[i] == vcpu_id)
			return true;
	}
	return filter->vcpu_id_cnt == 0;
}

static bool wants_name(const struct filter *filter, const char *name)
{
	for (size_t i = 0; i < filter->name_cnt; i++) {
		if (!fnmatch(filter->names[i], name, 0))
			return true;
	}
	return filter->name_cnt == 0;
}

static bool wants_vm(const struct filter *filter, const struct vm_reading *vm)
{
	return is_listed(filter->pids, filter->pid_cnt, vm->pid) && wants_name(filter, vm->name);
}

static bool chooses_vcpus(const struct filter *filter)
{
	return filter->tid_cnt || filter->vcpu_id_cnt;
}

/*
 * *vm is the index of the first VM that may have the vCPU's PID; the function advances it. This
 * works because VMs and vCPUs are both sorted by PID.
 */
static bool wants_vcpu(const struct filter *filter, const struct snapshot *snap, size_t *vm,
		       const struct vcpu_reading *vcpu)
{
	bool is_named;

	while (*vm < snap->vm_cnt && snap->vms[*vm].pid < vcpu->pid)
		++*vm;
	is_named = *vm < snap->vm_cnt && snap->vms[*vm].pid == vcpu->pid &&
		   wants_name(filter, snap->vms[*vm].name);
	return (is_named || !filter->name_cnt) &&
	       is_listed(filter->pids, filter->pid_cnt, vcpu->pid) &&
	       is_listed(filter->tids, filter->tid_cnt, vcpu->tid) &&
	       wants_vcpu_id(filter, vcpu->vcpu_id);
}

static void keep_vcpus(const struct filter *filter, struct snapshot *snap)
{
	size_t kept = 0, vm = 0;

	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		if (wants_vcpu(filter, snap, &vm, &snap->vcpus[i]))
			snap->vcpus[kept++] = snap->vcpus[i];
	}
	snap->vcpu_cnt = kept;
}

static void keep_vms(const struct filter *filter, struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->vm_cnt; i++) {
		if (wants_vm(filter, &snap->vms[i]))
			snap->vms[kept++] = snap->vms[i];
	}
	snap->vm_cnt = kept;
}

static void drop_vms_without_vcpus(struct snapshot *snap)
{
	size_t kept = 0, vcpu = 0;

	for (size_t i = 0; i < snap->vm_cnt; i++) {
		while (vcpu < snap->vcpu_cnt && snap->vcpus[vcpu].pid < snap->vms[i].pid)
			vcpu++;
		if (vcpu < snap->vcpu_cnt && snap->vcpus[vcpu].pid == snap->vms[i].pid)
			snap->vms[kept++] = snap->vms[i];
	}
	snap->vm_cnt = kept;
}

void filter__apply(const struct filter *filter, struct snapshot *snap)
{
	if (filter__is_empty(filter))
		return;
	/* Filter the vCPUs first, because this needs the names of all VMs. */
	keep_vcpus(filter, snap);
	keep_vms(filter, snap);
	if (chooses_vcpus(filter))
		drop_vms_without_vcpus(snap);
}

bool filter__matches(const struct filter *filter, const struct snapshot *snap)
{
	size_t vm = 0;

	for (size_t i = 0; i < snap->vm_cnt && !chooses_vcpus(filter); i++) {
		if (wants_vm(filter, &snap->vms[i]))
			return true;
	}
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		if (wants_vcpu(filter, snap, &vm, &snap->vcpus[i]))
			return true;
	}
	return false;
}

bool filter__is_empty(const struct filter *filter)
{
	return !filter->pid_cnt && !filter->tid_cnt && !filter->name_cnt && !filter->vcpu_id_cnt;
}

void filter__free(struct filter *filter)
{
	for (size_t i = 0; i < filter->name_cnt; i++)
		free(filter->names[i]);
	free(filter->names);
	free(filter->pids);
	free(filter->tids);
	free(filter->vcpu_ids);
	*filter = (struct filter){ 0 };
}
