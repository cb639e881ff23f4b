// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/snapshot.h"
#include "vm/roster.h"
#include "vm/unseen.h"
#include "vm/vm_table.h"

struct roster {
	const struct hostfs *fs;
	struct vm_table vms;
	struct unseen unseen;
	__u64 tick_ns;
	struct vm_reading *named; /* all VMs of the last snapshot */
	size_t named_cnt, named_room;
	pid_t *pids; /* scratch: the processes to look at */
	size_t pid_room;
};

int roster__new(const struct hostfs *fs, const pid_t *pids, size_t pid_cnt, struct roster **out)
{
	struct roster *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->fs = fs;
	r->tick_ns = 1000000000ULL / (__u64)sysconf(_SC_CLK_TCK);
	err = vm_table__update(&r->vms, fs, pids, pid_cnt);
	if (err) {
		roster__free(r);
		return err;
	}
	*out = r;
	return 0;
}

void roster__free(struct roster *r)
{
	if (!r)
		return;
	vm_table__free(&r->vms);
	unseen__free(&r->unseen);
	free(r->named);
	free(r->pids);
	free(r);
}

size_t roster__vm_cnt(const struct roster *r)
{
	return r->vms.cnt;
}

/* Compares structs that are sorted by PID, which must be their first member, or plain PIDs. */
static int compare_ids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int reserve_pids(struct roster *r, size_t cnt)
{
	pid_t *pids;

	if (cnt <= r->pid_room)
		return 0;
	pids = reallocarray(r->pids, cnt, sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	r->pids = pids;
	r->pid_room = cnt;
	return 0;
}

/*
 * Updates the table with the VMs known so far and the processes whose vCPUs were seen. A VM that
 * starts during the run is noticed by its first window, so all of /proc is searched only once, at
 * the start.
 */
static int update_vms(struct roster *r, const struct snapshot *snap)
{
	size_t cnt = 0, unique = 0;
	int err = reserve_pids(r, r->vms.cnt + snap->vcpu_cnt);

	if (err || !r->pid_room)
		return err;
	for (size_t i = 0; i < r->vms.cnt; i++)
		r->pids[cnt++] = r->vms.vms[i].pid;
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		r->pids[cnt++] = snap->vcpus[i].pid;
	qsort(r->pids, cnt, sizeof(*r->pids), compare_ids);
	for (size_t i = 0; i < cnt; i++)
		if (!i || r->pids[i] != r->pids[i - 1])
			r->pids[unique++] = r->pids[i];
	/* Ignore errors: they have been logged per process, and the rest of the table is valid. */
	vm_table__update(&r->vms, r->fs, r->pids, unique);
	return 0;
}

static int add_vm(struct snapshot *snap, const struct vm *vm)
{
	struct vm_reading *reading = snapshot__add_vm(snap);

	if (!reading)
		return -ENOMEM;
	reading->pid = vm->pid;
	memcpy(reading->name, vm->name, sizeof(reading->name));
	return 0;
}

/* Drops vCPUs that are older than the process which now has their PID: the PID was reused. */
static void drop_former(const struct roster *r, struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];
		const struct vm *vm = vm_table__find(&r->vms, vcpu->pid);

		if (vm && vcpu->start_boottime_ns / r->tick_ns < vm->start_ticks)
			continue;
		snap->vcpus[kept++] = *vcpu;
	}
	snap->vcpu_cnt = kept;
}

/*
 * Without the right to inspect a process (vm_fd < 0), a vCPU that was seen is the only sign that it
 * runs a VM. Drop such a process when it has no vCPU in the snapshot any more, for example because
 * drop_former() removed the vCPUs of a former owner of the PID.
 */
static int drop_strangers(struct roster *r, const struct snapshot *snap)
{
	size_t cnt = snap->vcpu_cnt;
	int err = reserve_pids(r, cnt);

	if (err)
		return err;
	for (size_t i = 0; i < cnt; i++)
		r->pids[i] = snap->vcpus[i].pid;
	if (cnt)
		qsort(r->pids, cnt, sizeof(*r->pids), compare_ids);
	for (size_t i = r->vms.cnt; i-- > 0;) {
		const struct vm *vm = &r->vms.vms[i];

		if (vm->vm_fd < 0 &&
		    !(cnt && bsearch(&vm->pid, r->pids, cnt, sizeof(vm->pid), compare_ids)))
			vm_table__drop(&r->vms, vm->pid);
	}
	return 0;
}

/*
 * Adds all VMs to the snapshot. VMs known from before are added first, so that one that has just
 * exited still has its name in the snapshot with its last sums. Drops the vCPUs of former owners of
 * reused PIDs.
 */
static int name_vms(struct roster *r, struct snapshot *snap)
{
	size_t known_cnt = r->vms.cnt;
	int err = 0;

	for (size_t i = 0; !err && i < r->vms.cnt; i++)
		err = add_vm(snap, &r->vms.vms[i]);
	if (!err)
		err = update_vms(r, snap);
	if (!err) {
		drop_former(r, snap);
		err = drop_strangers(r, snap);
	}
	for (size_t i = 0; !err && i < r->vms.cnt; i++) {
		const struct vm *vm = &r->vms.vms[i];
		struct vm_reading *known = NULL;

		if (known_cnt)
			known = bsearch(&vm->pid, snap->vms, known_cnt, sizeof(*known),
					compare_ids);
		if (known)
			memcpy(known->name, vm->name, sizeof(known->name));
		else
			err = add_vm(snap, vm);
	}
	return err;
}

static const struct vm_reading *find_name(const struct vm_reading *vms, size_t cnt, pid_t pid)
{
	for (size_t i = 0; i < cnt; i++)
		if (vms[i].pid == pid)
			return &vms[i];
	return NULL;
}

/*
 * Adds names from the last snapshot for processes that are exiting. Such a process has already
 * closed its descriptors, so vm_table no longer lists it, but a thread of it may live longer and
 * show its last sums in a later snapshot.
 */
static int name_late(struct roster *r, struct snapshot *snap)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		pid_t pid = snap->vcpus[i].pid;
		const struct vm_reading *named;
		struct vm_reading *reading;

		if (vm_table__find(&r->vms, pid) || find_name(snap->vms, snap->vm_cnt, pid))
			continue;
		named = find_name(r->named, r->named_cnt, pid);
		if (!named)
			continue;
		reading = snapshot__add_vm(snap);
		if (!reading)
			return -ENOMEM;
		*reading = *named;
	}
	return 0;
}

static bool has_vcpu(const struct snapshot *snap, pid_t pid)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		if (snap->vcpus[i].pid == pid)
			return true;
	return false;
}

/*
 * Drops VMs that have exited and have no vCPUs any more: their last sums were in the previous
 * snapshot.
 */
static void drop_ghosts(const struct roster *r, struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->vm_cnt; i++) {
		pid_t pid = snap->vms[i].pid;

		if (vm_table__find(&r->vms, pid) || has_vcpu(snap, pid))
			snap->vms[kept++] = snap->vms[i];
	}
	snap->vm_cnt = kept;
}

static int keep_names(struct roster *r, const struct snapshot *snap)
{
	if (snap->vm_cnt > r->named_room) {
		struct vm_reading *named = reallocarray(r->named, snap->vm_cnt, sizeof(*named));

		if (!named)
			return -ENOMEM;
		r->named = named;
		r->named_room = snap->vm_cnt;
	}
	if (snap->vm_cnt)
		memcpy(r->named, snap->vms, snap->vm_cnt * sizeof(*snap->vms));
	r->named_cnt = snap->vm_cnt;
	return 0;
}

int roster__complete(struct roster *r, struct snapshot *snap)
{
	int err = name_vms(r, snap);

	if (!err)
		err = name_late(r, snap);
	if (err)
		return err;
	drop_ghosts(r, snap);
	err = keep_names(r, snap);
	return err ? err : unseen__add(&r->unseen, r->fs, &r->vms, snap);
}
