// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/array.h"
#include "base/hostfs.h"
#include "base/number.h"
#include "vm/roster.h"
#include "report/snapshot.h"
#include "vm/vm_table.h"

/*
 * How many run-queue delays of unseen threads one snapshot reads, when there are more the next ones next
 * time. They hardly change: a thread that is never loaded mostly sleeps.
 */
#define WAIT_READ_MAX 512

/* A vCPU that was seen, by its thread. */
struct seen {
	pid_t tid;
	__u64 vm_id;
};

/* A vCPU that was not: its run-queue delay, when it was read last. */
struct unseen {
	pid_t tid;
	bool wait_known;
	__u64 wait_ns;
};

struct unseen_list {
	struct unseen *list; /* sorted by tid */
	size_t cnt;
	size_t room;
};

struct roster {
	const struct hostfs *fs;
	struct vm_table vms;
	__u64 tick_ns;
	struct unseen_list unseen[2]; /* of the last snapshot, and of the one before */
	size_t read_turn;             /* index into the older list: whose wait is read first */
	struct vm_reading *named;     /* all that were in the last snapshot */
	size_t named_cnt, named_room;
	pid_t *pids; /* scratch: the processes to look at */
	size_t pid_room;
	struct seen *seen; /* scratch: sorted by tid */
	size_t seen_room;
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
	free(r->unseen[0].list);
	free(r->unseen[1].list);
	free(r->named);
	free(r->pids);
	free(r->seen);
	free(r);
}

size_t roster__vm_cnt(const struct roster *r)
{
	return r->vms.cnt;
}

/* A TID or PID is the first member of all that is sorted here. */
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
 * The VMs known so far and those whose vCPUs were seen: a VM that starts during the run shows itself
 * by its first window, so /proc is searched as a whole only once.
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
	/* A process that cannot be looked at has been named on stderr; the rest of the table is whole. */
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

/* What is older than the process that has its PID belonged to another one before. */
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
 * Without the right to look into processes, a vCPU that was seen is all that tells of a VM: its process is none
 * when there is no such vCPU any more, or when it was another one's that had the same PID before.
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
 * Names the VMs: those known from before first, so that one which has just ended still has its name in
 * the snapshot that holds its last sums. Drops what was seen of others than those that have these names.
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
 * A process that is about to end has no descriptors any more, and is no VM therefore: a thread of it may be there
 * for longer, and have its last sums in a later snapshot than the one in which its VM was named last.
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

static int index_seen(struct roster *r, const struct snapshot *snap)
{
	if (snap->vcpu_cnt > r->seen_room) {
		struct seen *seen = reallocarray(r->seen, snap->vcpu_cnt, sizeof(*seen));

		if (!seen)
			return -ENOMEM;
		r->seen = seen;
		r->seen_room = snap->vcpu_cnt;
	}
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		r->seen[i] = (struct seen){ snap->vcpus[i].tid, snap->vcpus[i].vm_id };
	if (snap->vcpu_cnt)
		qsort(r->seen, snap->vcpu_cnt, sizeof(*r->seen), compare_ids);
	return 0;
}

static const struct seen *find_seen(const struct roster *r, size_t cnt, pid_t tid)
{
	return cnt ? bsearch(&tid, r->seen, cnt, sizeof(*r->seen), compare_ids) : NULL;
}

/*
 * 0, which stands for the only VM of the process, unless there are several: then that of its siblings
 * that were seen, or, without any, KVM's name for it, which is no kernel address.
 */
static __u64 vm_id_of(const struct roster *r, size_t seen_cnt, const struct vm *vm, __u64 kvm)
{
	if (vm->vcpus.kvm_cnt < 2 || !kvm)
		return 0;
	for (size_t i = 0; i < vm->vcpus.cnt; i++) {
		const struct vm_thread *thread = &vm->vcpus.threads[i];
		const struct seen *seen =
			thread->kvm == kvm ? find_seen(r, seen_cnt, thread->tid) : NULL;

		if (seen)
			return seen->vm_id;
	}
	return kvm;
}

/*
 * Field 2 of schedstat, the run-queue delay that the BPF side reads from the same place. Returns whether
 * the thread is there at all.
 */
static bool read_wait(const struct hostfs *fs, pid_t pid, struct unseen *unseen)
{
	char text[128], *rest = text, *field;

	if (hostfs__read_line(fs, text, sizeof(text), "proc/%d/task/%d/schedstat", pid,
			      unseen->tid) <= 0)
		return hostfs__exists(fs, "proc/%d/task/%d", pid, unseen->tid) != 0;
	strsep(&rest, " ");
	field = strsep(&rest, " ");
	unseen->wait_known = field && number__parse(field, UINT64_MAX, &unseen->wait_ns) == 0;
	return true;
}

/*
 * As read_wait(), or what was read before, when it is others' turn: those of `old` from read_turn on. A
 * thread that is new is read in any case.
 */
static bool find_wait(const struct roster *r, const struct unseen_list *old, pid_t pid,
		      struct unseen *unseen)
{
	const struct unseen *before = NULL;

	if (old->cnt > WAIT_READ_MAX)
		before = bsearch(&unseen->tid, old->list, old->cnt, sizeof(*before), compare_ids);
	if (before) {
		size_t place = (size_t)(before - old->list) + old->cnt - r->read_turn;

		if (place % old->cnt >= WAIT_READ_MAX) {
			*unseen = *before;
			return true;
		}
	}
	return read_wait(r->fs, pid, unseen);
}

static int add_thread(struct snapshot *snap, struct unseen_list *list, const struct vm *vm,
		      const struct vm_thread *thread, const struct unseen *unseen, __u64 vm_id)
{
	struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);
	struct unseen *more = array__reserve_one(list->list, list->cnt, &list->room, sizeof(*more));

	if (!vcpu || !more)
		return -ENOMEM;
	list->list = more;
	list->list[list->cnt++] = *unseen;
	vcpu->pid = vm->pid;
	vcpu->tid = thread->tid;
	vcpu->vcpu_id = thread->vcpu_id;
	vcpu->vm_id = vm_id;
	vcpu->at_ns = snap->clock.mono_ns;
	vcpu->wait_known = unseen->wait_known;
	vcpu->wait_ns = unseen->wait_ns;
	return 0;
}

/*
 * Whether it is there since the first `seen_cnt`. A thread of vCPUs in several VMs comes once for each, one after the
 * other, and where siblings do not tell these VMs apart, vm_id_of() does not either.
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

/* vCPUs that /proc knows and no hook has seen: paused, or blocked since before the tool started. */
static int add_unseen(struct roster *r, struct snapshot *snap)
{
	struct unseen_list *old = &r->unseen[1], *list = &r->unseen[0];
	struct unseen_list swap = *old;
	size_t seen_cnt = snap->vcpu_cnt;
	int err = 0;

	*old = *list;
	*list = swap;
	list->cnt = 0;
	r->read_turn = old->cnt ? r->read_turn % old->cnt : 0;
	for (size_t i = 0; !err && i < r->vms.cnt; i++) {
		const struct vm *vm = &r->vms.vms[i];

		for (size_t j = 0; !err && j < vm->vcpus.cnt; j++) {
			const struct vm_thread *thread = &vm->vcpus.threads[j];
			struct unseen unseen = { .tid = thread->tid };
			__u64 vm_id;

			if (find_seen(r, seen_cnt, thread->tid))
				continue;
			vm_id = vm_id_of(r, seen_cnt, vm, thread->kvm);
			if (!is_added(snap, seen_cnt, thread, vm_id) &&
			    find_wait(r, old, vm->pid, &unseen))
				err = add_thread(snap, list, vm, thread, &unseen, vm_id);
		}
	}
	if (list->cnt)
		qsort(list->list, list->cnt, sizeof(*list->list), compare_ids);
	r->read_turn += WAIT_READ_MAX;
	return err;
}

int roster__complete(struct roster *r, struct snapshot *snap)
{
	int err = name_vms(r, snap);

	if (!err)
		err = name_late(r, snap);
	if (!err)
		err = keep_names(r, snap);
	if (!err)
		err = index_seen(r, snap);
	return err ? err : add_unseen(r, snap);
}
