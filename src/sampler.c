// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "collector.h"
#include "hostfs.h"
#include "log.h"
#include "number.h"
#include "sampler.h"
#include "snapshot.h"
#include "vm.h"

struct sampler {
	struct sampler_opts opts;
	struct vm_table vms;
	pid_t *pids; /* scratch: the processes to look at */
	size_t pid_room;
};

int sampler__new(const struct sampler_opts *opts, struct sampler **out)
{
	struct sampler *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->opts = *opts;
	err = vm_table__update(&s->vms, opts->fs, opts->pids, opts->pid_cnt);
	if (err) {
		pr_err("cannot look for VMs in /proc: %s", strerror(-err));
		sampler__free(s);
		return err;
	}
	*out = s;
	return 0;
}

void sampler__free(struct sampler *s)
{
	if (!s)
		return;
	vm_table__free(&s->vms);
	free(s->pids);
	free(s);
}

size_t sampler__vm_cnt(const struct sampler *s)
{
	return s->vms.cnt;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * The VMs known so far and those whose vCPUs were seen: a VM that starts during the run shows itself
 * by its first window, so /proc is searched as a whole only once.
 */
static int update_vms(struct sampler *s, const struct snapshot *snap)
{
	size_t room = s->vms.cnt + snap->vcpu_cnt, cnt = 0, unique = 0;

	if (room > s->pid_room) {
		pid_t *pids = realloc(s->pids, room * sizeof(*pids));

		if (!pids)
			return -ENOMEM;
		s->pids = pids;
		s->pid_room = room;
	}
	for (size_t i = 0; i < s->vms.cnt; i++)
		s->pids[cnt++] = s->vms.vms[i].pid;
	for (size_t i = 0; i < snap->vcpu_cnt; i++)
		s->pids[cnt++] = snap->vcpus[i].pid;
	if (!cnt)
		return 0;
	qsort(s->pids, cnt, sizeof(*s->pids), compare_pids);
	for (size_t i = 0; i < cnt; i++)
		if (!i || s->pids[i] != s->pids[i - 1])
			s->pids[unique++] = s->pids[i];
	/* A process that cannot be looked at has been named on stderr; the rest of the table is whole. */
	vm_table__update(&s->vms, s->opts.fs, s->pids, unique);
	return 0;
}

static int add_vm(struct snapshot *snap, const struct vm *vm)
{
	struct vm_reading *reading = snapshot__add_vm(snap);

	if (!reading)
		return -ENOMEM;
	reading->pid = vm->pid;
	snprintf(reading->name, sizeof(reading->name), "%s", vm->name);
	return 0;
}

static int compare_vm_pids(const void *a, const void *b)
{
	const struct vm_reading *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/*
 * Names the VMs: those known from before first, so that one which has just ended still has its name in
 * the snapshot that holds its last sums.
 */
static int name_vms(struct sampler *s, struct snapshot *snap)
{
	size_t known_cnt = s->vms.cnt;
	int err = 0;

	for (size_t i = 0; !err && i < s->vms.cnt; i++)
		err = add_vm(snap, &s->vms.vms[i]);
	if (!err)
		err = update_vms(s, snap);
	for (size_t i = 0; !err && i < s->vms.cnt; i++) {
		const struct vm *vm = &s->vms.vms[i];
		struct vm_reading key = { .pid = vm->pid }, *known = NULL;

		if (known_cnt)
			known = bsearch(&key, snap->vms, known_cnt, sizeof(key), compare_vm_pids);
		if (known)
			snprintf(known->name, sizeof(known->name), "%s", vm->name);
		else
			err = add_vm(snap, vm);
	}
	return err;
}

/* Field 2 of schedstat, the run-queue delay that the BPF side reads from the same place. */
static bool read_wait(const struct hostfs *fs, pid_t pid, pid_t tid, __u64 *wait_ns)
{
	char text[128], *rest = text, *field;

	if (hostfs__read(fs, text, sizeof(text), "proc/%d/task/%d/schedstat", pid, tid) <= 0)
		return false;
	strsep(&rest, " ");
	field = strsep(&rest, " ");
	return field && number__parse(field, UINT64_MAX, wait_ns) == 0;
}

/* vCPUs that /proc knows and no hook has seen: paused, or blocked since before the tool started. */
static int add_unseen(struct sampler *s, struct snapshot *snap)
{
	size_t seen_cnt = snap->vcpu_cnt;

	/* update_vms() made room for at least one PID a reading. */
	for (size_t i = 0; i < seen_cnt; i++)
		s->pids[i] = snap->vcpus[i].tid;
	if (seen_cnt)
		qsort(s->pids, seen_cnt, sizeof(*s->pids), compare_pids);
	for (size_t i = 0; i < s->vms.cnt; i++) {
		const struct vm *vm = &s->vms.vms[i];

		for (size_t j = 0; j < vm->thread_cnt; j++) {
			const struct vm_thread *thread = &vm->threads[j];
			struct vcpu_reading *vcpu;

			if (seen_cnt && bsearch(&thread->tid, s->pids, seen_cnt, sizeof(*s->pids),
						compare_pids))
				continue;
			vcpu = snapshot__add_vcpu(snap);
			if (!vcpu)
				return -ENOMEM;
			vcpu->pid = vm->pid;
			vcpu->tid = thread->tid;
			vcpu->vcpu_id = thread->vcpu_id;
			vcpu->at_ns = snap->clock.mono_ns;
			vcpu->wait_known =
				read_wait(s->opts.fs, vm->pid, thread->tid, &vcpu->wait_ns);
		}
	}
	return 0;
}

/* Their sums are in this snapshot; the next one need not carry them. */
static void forget_ended(struct sampler *s, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		const struct vcpu_reading *vcpu = &snap->vcpus[i];

		if (vcpu->seen && syscall(SYS_tgkill, vcpu->pid, vcpu->tid, 0) < 0 &&
		    errno == ESRCH)
			collector__forget(s->opts.collector, vcpu->tid);
	}
}

int sampler__take(struct sampler *s, struct snapshot *snap)
{
	int err;

	snapshot__clear(snap);
	err = collector__read(s->opts.collector, snap);
	if (err)
		return err;
	forget_ended(s, snap);
	err = name_vms(s, snap);
	if (!err)
		err = add_unseen(s, snap);
	if (err) {
		pr_err("cannot take stock of the VMs: %s", strerror(-err));
		return err;
	}
	snapshot__sort(snap);
	return 0;
}
