// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include "filter.h"
#include "snapshot.h"

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

static void keep_vms(const struct filter *filter, struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->vm_cnt; i++) {
		const struct vm_reading *vm = &snap->vms[i];

		if (is_listed(filter->pids, filter->pid_cnt, vm->pid) &&
		    wants_name(filter, vm->name))
			snap->vms[kept++] = *vm;
	}
	snap->vm_cnt = kept;
}

/* Of the VMs that were kept. */
static void keep_vcpus(const struct filter *filter, struct snapshot *snap)
{
	size_t kept = 0, vm = 0;

	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];
		bool has_vm;

		while (vm < snap->vm_cnt && snap->vms[vm].pid < vcpu->pid)
			vm++;
		has_vm = vm < snap->vm_cnt && snap->vms[vm].pid == vcpu->pid;
		if ((has_vm || !filter->name_cnt) &&
		    is_listed(filter->pids, filter->pid_cnt, vcpu->pid) &&
		    is_listed(filter->tids, filter->tid_cnt, vcpu->tid) &&
		    wants_vcpu_id(filter, vcpu->vcpu_id))
			snap->vcpus[kept++] = *vcpu;
	}
	snap->vcpu_cnt = kept;
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
	keep_vms(filter, snap);
	keep_vcpus(filter, snap);
	if (filter->tid_cnt || filter->vcpu_id_cnt)
		drop_vms_without_vcpus(snap);
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
