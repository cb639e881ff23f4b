// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "report/snapshot.h"

/* Enough for most hosts, so that the arrays rarely grow more than once. */
#define FIRST_ROOM 64

/*
 * Returns the array with space for one more element, possibly moved; or NULL,
 * with the array unchanged. The pointer is passed by value, because a void ** to
 * the caller's pointer would break strict aliasing.
 */
static void *grow(void *array, size_t cnt, size_t *room, size_t size)
{
	size_t new_room = *room ? *room * 2 : FIRST_ROOM;

	if (cnt < *room)
		return array;
	if (new_room <= *room)
		return NULL;
	array = reallocarray(array, new_room, size);
	if (array)
		*room = new_room;
	return array;
}

struct vcpu_reading *snapshot__add_vcpu(struct snapshot *snap)
{
	struct vcpu_reading *vcpus;

	vcpus = grow(snap->vcpus, snap->vcpu_cnt, &snap->vcpu_room, sizeof(*vcpus));
	if (!vcpus)
		return NULL;
	snap->vcpus = vcpus;
	return memset(&vcpus[snap->vcpu_cnt++], 0, sizeof(*vcpus));
}

struct vm_reading *snapshot__add_vm(struct snapshot *snap)
{
	struct vm_reading *vms = grow(snap->vms, snap->vm_cnt, &snap->vm_room, sizeof(*vms));

	if (!vms)
		return NULL;
	snap->vms = vms;
	return memset(&vms[snap->vm_cnt++], 0, sizeof(*vms));
}

struct cpu_reading *snapshot__add_cpu(struct snapshot *snap)
{
	struct cpu_reading *cpus = grow(snap->cpus, snap->cpu_cnt, &snap->cpu_room, sizeof(*cpus));

	if (!cpus)
		return NULL;
	snap->cpus = cpus;
	return memset(&cpus[snap->cpu_cnt++], 0, sizeof(*cpus));
}

struct stint_reading *snapshot__add_stints(struct snapshot *snap, struct vcpu_reading *vcpu)
{
	struct stint_reading *stints;

	stints = grow(snap->stints, snap->stint_cnt, &snap->stint_room, sizeof(*stints));
	if (!stints)
		return NULL;
	snap->stints = stints;
	stints = memset(&stints[snap->stint_cnt++], 0, sizeof(*stints));
	vcpu->stint_number = (__u32)snap->stint_cnt;
	return stints;
}

static int compare_vms(const void *left, const void *right)
{
	const struct vm_reading *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int compare_vcpus(const void *left, const void *right)
{
	return vcpu_reading__compare(left, right);
}

void snapshot__sort(struct snapshot *snap)
{
	/* qsort() must not get NULL, which an empty array may be. */
	if (snap->vm_cnt)
		qsort(snap->vms, snap->vm_cnt, sizeof(*snap->vms), compare_vms);
	if (snap->vcpu_cnt)
		qsort(snap->vcpus, snap->vcpu_cnt, sizeof(*snap->vcpus), compare_vcpus);
}

size_t snapshot__vcpu_cnt(const struct snapshot *snap)
{
	size_t cnt = 0;

	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];

		cnt += !i || vcpu->pid != vcpu[-1].pid || vcpu->vm_id != vcpu[-1].vm_id ||
		       vcpu->vcpu_id != vcpu[-1].vcpu_id;
	}
	return cnt;
}

void snapshot__clear(struct snapshot *snap)
{
	*snap = (struct snapshot){
		.vms = snap->vms,
		.vm_room = snap->vm_room,
		.vcpus = snap->vcpus,
		.vcpu_room = snap->vcpu_room,
		.cpus = snap->cpus,
		.cpu_room = snap->cpu_room,
		.stints = snap->stints,
		.stint_room = snap->stint_room,
	};
}

void snapshot__free(struct snapshot *snap)
{
	free(snap->vms);
	free(snap->vcpus);
	free(snap->cpus);
	free(snap->stints);
	*snap = (struct snapshot){ 0 };
}
