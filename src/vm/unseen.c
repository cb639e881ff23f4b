// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/hostfs.h"
#include "base/number.h"
#include "report/snapshot.h"
#include "vm/unseen.h"
#include "vm/vm_table.h"

/* Compares structs that are sorted by TID, which must be their first member. */
static int compare_tids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int index_seen(struct unseen *u, const struct snapshot *snap)
{
	if (snap->vcpu_cnt > u->seen_room) {
		struct seen_thread *seen = reallocarray(u->seen, snap->vcpu_cnt, sizeof(*seen));

		if (!seen)
			return -ENOMEM;
		u->seen = seen;
		u->seen_room = snap->vcpu_cnt;
	}
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		u->seen[i] = (struct seen_thread){ snap->vcpus[i].tid, snap->vcpus[i].vm_id };
	if (snap->vcpu_cnt)
		qsort(u->seen, snap->vcpu_cnt, sizeof(*u->seen), compare_tids);
	return 0;
}

static const struct seen_thread *find_seen(const struct unseen *u, size_t cnt, pid_t tid)
{
	return cnt ? bsearch(&tid, u->seen, cnt, sizeof(*u->seen), compare_tids) : NULL;
}

/*
 * Returns the vm_id for a vCPU that was not seen: 0 if its process has only one VM. With several
 * VMs, the vm_id of a sibling vCPU that was seen, or, if there is none, KVM's debugfs number, which
 * cannot be mistaken for a kernel address.
 */
static __u64 vm_id_of(const struct unseen *u, size_t seen_cnt, const struct vm *vm, __u64 kvm)
{
	if (vm->vcpus.kvm_cnt < 2 || !kvm)
		return 0;
	for (size_t i = 0; i < vm->vcpus.cnt; i++) {
		const struct vm_thread *thread = &vm->vcpus.threads[i];
		const struct seen_thread *seen =
			thread->kvm == kvm ? find_seen(u, seen_cnt, thread->tid) : NULL;

		if (seen)
			return seen->vm_id;
	}
	return kvm;
}

/*
 * Reads fields 1 and 2 of schedstat: run time and run-queue delay in nanoseconds, the same counters
 * that the BPF side reads.
 * Returns false if the thread does not exist.
 */
static bool read_wait(const struct hostfs *fs, pid_t pid, struct unseen_thread *unseen)
{
	char text[128], *rest = text, *ran, *waited;

	if (hostfs__read_line(fs, text, sizeof(text), "proc/%d/task/%d/schedstat", pid,
			      unseen->tid) <= 0)
		return hostfs__exists(fs, "proc/%d/task/%d", pid, unseen->tid) != 0;
	ran = strsep(&rest, " ");
	waited = strsep(&rest, " ");
	unseen->wait_known = waited && number__parse(ran, UINT64_MAX, &unseen->ran_ns) == 0 &&
			     number__parse(waited, UINT64_MAX, &unseen->wait_ns) == 0;
	return true;
}

/*
 * Like read_wait(), but reads only UNSEEN_WAIT_READ_MAX known threads per snapshot, beginning at
 * read_turn, and reuses the previous values for the others, with the time at which they were read.
 * New threads are always read.
 */
static bool find_wait(const struct unseen *u, const struct hostfs *fs, pid_t pid,
		      struct unseen_thread *unseen)
{
	const struct unseen_list *old = &u->before;
	const struct unseen_thread *before = NULL;

	if (old->cnt > UNSEEN_WAIT_READ_MAX)
		before = bsearch(&unseen->tid, old->list, old->cnt, sizeof(*before), compare_tids);
	if (before) {
		size_t place = (size_t)(before - old->list) + old->cnt - u->read_turn;

		if (place % old->cnt >= UNSEEN_WAIT_READ_MAX) {
			*unseen = *before;
			return true;
		}
	}
	return read_wait(fs, pid, unseen);
}

static int keep_wait(struct unseen_list *list, const struct unseen_thread *unseen)
{
	struct unseen_thread *more =
		array__reserve_one(list->list, list->cnt, &list->room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->list = more;
	list->list[list->cnt++] = *unseen;
	return 0;
}

static int add_thread(struct snapshot *snap, const struct vm *vm, const struct vm_thread *thread,
		      const struct unseen_thread *unseen, __u64 vm_id)
{
	struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

	if (!vcpu)
		return -ENOMEM;
	vcpu->pid = vm->pid;
	vcpu->tid = thread->tid;
	vcpu->vcpu_id = thread->vcpu_id;
	vcpu->vm_id = vm_id;
	vcpu->at_ns = unseen->at_ns;
	vcpu->wait_known = unseen->wait_known;
	vcpu->loaded_ns = unseen->wait_known ? unseen->ran_ns : 0;
	vcpu->wait_ns = unseen->wait_ns;
	return 0;
}

/*
 * Returns whether the vCPU was already added. A thread that runs vCPUs of several VMs is listed
 * once for each of them, in adjacent entries; if no sibling distinguishes these VMs, vm_id_of()
 * gives them the same vm_id.
 */
static bool is_added(const struct snapshot *snap, size_t seen_cnt, const struct vm_thread *thread,
		     __u64 vm_id)
{
	for (size_t i = snap->vcpu_cnt; i-- > seen_cnt;) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];

		if (vcpu->tid != thread->tid)
			break;
		if (vcpu->vcpu_id == thread->vcpu_id && vcpu->vm_id == vm_id)
			return true;
	}
	return false;
}

static int add_vm(struct unseen *u, const struct hostfs *fs, struct vm *vm, size_t seen_cnt,
		  struct snapshot *snap)
{
	int err = 0;

	vm->has_unseen = !vm->vcpus.cnt;
	for (size_t i = 0; !err && i < vm->vcpus.cnt; i++) {
		const struct vm_thread *thread = &vm->vcpus.threads[i];
		struct unseen_thread unseen = { .tid = thread->tid, .at_ns = snap->clock.mono_ns };
		__u64 vm_id;

		if (find_seen(u, seen_cnt, thread->tid))
			continue;
		vm->has_unseen = true;
		vm_id = vm_id_of(u, seen_cnt, vm, thread->kvm);
		if (is_added(snap, seen_cnt, thread, vm_id) || !find_wait(u, fs, vm->pid, &unseen))
			continue;
		/* The run time of a thread with several vCPUs is not that of any of them. */
		if (snap->vcpu_cnt > seen_cnt &&
		    snap->vcpus[snap->vcpu_cnt - 1].tid == thread->tid) {
			snap->vcpus[snap->vcpu_cnt - 1].wait_known = false;
			unseen.wait_known = false;
		}
		err = add_thread(snap, vm, thread, &unseen, vm_id);
		if (!err)
			err = keep_wait(&u->last, &unseen);
	}
	return err;
}

int unseen__add(struct unseen *u, const struct hostfs *fs, struct vm_table *vms,
		struct snapshot *snap)
{
	const struct unseen_list oldest = u->before;
	size_t seen_cnt = snap->vcpu_cnt;
	int err = index_seen(u, snap);

	if (err)
		return err;
	u->before = u->last;
	u->last = oldest;
	u->last.cnt = 0;
	u->read_turn = u->before.cnt ? u->read_turn % u->before.cnt : 0;
	for (size_t i = 0; !err && i < vms->cnt; i++)
		err = add_vm(u, fs, &vms->vms[i], seen_cnt, snap);
	if (u->last.cnt)
		qsort(u->last.list, u->last.cnt, sizeof(*u->last.list), compare_tids);
	u->read_turn += UNSEEN_WAIT_READ_MAX;
	return err;
}

void unseen__free(struct unseen *u)
{
	free(u->last.list);
	free(u->before.list);
	free(u->seen);
	*u = (struct unseen){ 0 };
}
