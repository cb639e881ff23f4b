// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/hostfs.h"
#include "vm/kvm_debugfs.h"
#include "vm/proc.h"
#include "vm/vcpu_threads.h"
#include "vm/vmm.h"

/* One inspection of a process. */
struct look {
	const struct hostfs *fs;
	pid_t pid;
	pid_t *tids; /* sorted */
	size_t cnt;
	size_t room;
	struct kvm_vcpus vcpus;
};

static int compare_tids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int compare_threads(const void *a, const void *b)
{
	const struct vm_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int list_tids(struct look *look)
{
	int err = 0, more;
	__u64 tid = 0;
	DIR *dir;

	dir = hostfs__opendir(look->fs, "proc/%d/task", look->pid);
	if (!dir)
		return proc__error(-errno);
	while ((more = proc__next_number(dir, &tid)) > 0) {
		pid_t *tids = array__reserve_one(look->tids, look->cnt, &look->room, sizeof(*tids));

		if (!tids) {
			err = -ENOMEM;
			break;
		}
		look->tids = tids;
		look->tids[look->cnt++] = (pid_t)tid;
	}
	closedir(dir);
	if (more < 0)
		err = proc__error(more);
	if (!err && look->cnt)
		qsort(look->tids, look->cnt, sizeof(*look->tids), compare_tids);
	return err;
}

static int add_thread(struct vm_threads *threads, const struct vm_thread *thread)
{
	struct vm_thread *more =
		array__reserve_one(threads->threads, threads->cnt, &threads->room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	threads->threads = more;
	threads->threads[threads->cnt++] = *thread;
	return 0;
}

static bool is_thread(const struct look *look, pid_t tid)
{
	return look->cnt && bsearch(&tid, look->tids, look->cnt, sizeof(tid), compare_tids);
}

/*
 * Adds the vCPUs of one VM that a thread of this process created. *missing counts those without a
 * thread here: they have not run yet, or this kernel does not show the thread.
 */
static int add_kvm(struct look *look, const struct kvm_dir *dir, struct vm_threads *threads,
		   size_t *missing)
{
	int err = kvm_debugfs__read_vcpus(look->fs, dir, &look->vcpus);

	threads->kvm_cnt++;
	if (!look->vcpus.cnt)
		++*missing;
	for (size_t i = 0; !err && i < look->vcpus.cnt; i++) {
		struct vm_thread thread = {
			.tid = look->vcpus.vcpus[i].tid,
			.vcpu_id = look->vcpus.vcpus[i].vcpu_id,
			.kvm = (__u64)dir->creator << 32 | (__u32)dir->vm_fd,
		};

		/*
		 * The thread may have exited, and its TID may have been reused by another process.
		 */
		if (is_thread(look, thread.tid))
			err = add_thread(threads, &thread);
		else
			++*missing;
	}
	return err;
}

static int add_from_debugfs(struct look *look, const struct kvm_dirs *dirs,
			    struct vm_threads *threads, size_t *missing)
{
	const struct kvm_dir *end = dirs->cnt ? dirs->dirs + dirs->cnt : NULL;
	int err = 0;

	for (size_t i = 0; !err && end && i < look->cnt; i++) {
		pid_t creator = look->tids[i];
		const struct kvm_dir *dir = kvm_dirs__find(dirs, creator);

		for (; !err && dir && dir < end && dir->creator == creator; dir++)
			err = add_kvm(look, dir, threads, missing);
	}
	if (!threads->kvm_cnt)
		++*missing;
	if (threads->cnt)
		qsort(threads->threads, threads->cnt, sizeof(*threads->threads), compare_threads);
	return err;
}

/*
 * Finds the vCPU number by the descriptor on which the thread waits in KVM_RUN. Returns 1 if found,
 * or 0.
 */
static int read_waiting(const struct look *look, struct vm_thread *thread)
{
	int fd = proc__kvm_run_fd(look->fs, look->pid, thread->tid);

	return fd >= 0 && !proc__read_vcpu_fd(look->fs, look->pid, fd, &thread->vcpu_id);
}

/*
 * Finds the vCPU number in the thread's name. Returns 1; 0 if it is no vCPU or has exited; or
 * -errno.
 */
static int read_named(const struct look *look, struct vm_thread *thread)
{
	char comm[64];
	ssize_t len;

	len = hostfs__read_line(look->fs, comm, sizeof(comm), "proc/%d/task/%d/comm", look->pid,
				thread->tid);
	if (len < 0)
		return proc__error((int)len) == -ESRCH ? 0 : (int)len;
	return vmm__vcpu_id(comm, &thread->vcpu_id);
}

/*
 * Finds the vCPU number by descriptor, for a thread whose name does not say that it is a vCPU.
 * KVM's hugepage recovery thread is skipped: since Linux 6.13 ("KVM: x86: switch hugepage recovery
 * thread to vhost_task") it is a thread of the VMM, with a copy of the registers of the vCPU thread
 * that created it, so it always seems to be in KVM_RUN.
 */
static int read_unnamed(const struct look *look, struct vm_thread *thread)
{
	char comm[64];

	if (hostfs__read_line(look->fs, comm, sizeof(comm), "proc/%d/task/%d/comm", look->pid,
			      thread->tid) <= 0)
		return 0;
	if (!strncmp(comm, "kvm-nx-lpage-", strlen("kvm-nx-lpage-")))
		return 0;
	return read_waiting(look, thread);
}

/* Appends the threads that debugfs did not list and that `read` finds to be vCPUs. */
static int add_others(const struct look *look, struct vm_threads *threads,
		      int (*read)(const struct look *look, struct vm_thread *thread))
{
	size_t known_cnt = threads->cnt;
	int err = 0;

	for (size_t i = 0; !err && i < look->cnt; i++) {
		struct vm_thread thread = { .tid = look->tids[i] };

		if (known_cnt &&
		    bsearch(&thread, threads->threads, known_cnt, sizeof(thread), compare_threads))
			continue;
		err = read(look, &thread);
		if (err > 0)
			err = add_thread(threads, &thread);
	}
	return err;
}

/*
 * Replaces vCPU numbers taken from thread names by KVM's own numbers (see vcpu_threads.h), as far
 * as the threads wait in KVM_RUN. QEMU assigns APIC IDs in the order of its own indices and never
 * below them: if the highest ones are equal, all are equal.
 */
static void correct_numbers(const struct look *look, struct vm_thread *named, size_t cnt)
{
	struct vm_thread *last = named;
	__u32 number;

	for (size_t i = 1; i < cnt; i++)
		if (named[i].vcpu_id > last->vcpu_id)
			last = &named[i];
	number = last->vcpu_id;
	if (read_waiting(look, last) && last->vcpu_id == number)
		return;
	for (size_t i = 0; i < cnt; i++)
		if (&named[i] != last)
			read_waiting(look, &named[i]);
}

/* Adds the vCPU threads that debugfs does not show; on some kernels these are all of them. */
static int add_missing(const struct look *look, struct vm_threads *threads)
{
	size_t known_cnt = threads->cnt;
	int err = add_others(look, threads, read_named);

	if (err)
		return err;
	if (threads->cnt > known_cnt)
		correct_numbers(look, threads->threads + known_cnt, threads->cnt - known_cnt);
	if (!threads->cnt)
		err = add_others(look, threads, read_unnamed);
	if (threads->cnt)
		qsort(threads->threads, threads->cnt, sizeof(*threads->threads), compare_threads);
	return err;
}

int vcpu_threads__read(const struct hostfs *fs, pid_t pid, const struct kvm_dirs *dirs,
		       struct vm_threads *threads)
{
	struct look look = { .fs = fs, .pid = pid };
	size_t missing = 0;
	int err;

	threads->cnt = 0;
	threads->kvm_cnt = 0;
	err = list_tids(&look);
	threads->all_cnt = look.cnt;
	if (!err)
		err = add_from_debugfs(&look, dirs, threads, &missing);
	if (!err && missing)
		err = add_missing(&look, threads);
	if (err)
		threads->cnt = 0;
	free(look.tids);
	kvm_vcpus__free(&look.vcpus);
	return err;
}

/*
 * Drops all entries of threads that were known before. A thread may have several, if it runs
 * several vCPUs.
 */
static void drop_known(struct vm_threads *threads, const struct vm_threads *before)
{
	size_t kept = 0;

	if (!before->cnt)
		return;
	for (size_t i = 0; i < threads->cnt; i++) {
		const struct vm_thread *thread = &threads->threads[i];

		if (!bsearch(thread, before->threads, before->cnt, sizeof(*thread),
			     compare_threads))
			threads->threads[kept++] = *thread;
	}
	threads->cnt = kept;
}

int vcpu_threads__keep(const struct hostfs *fs, pid_t pid, const struct vm_threads *before,
		       struct vm_threads *threads)
{
	int err = 0;

	drop_known(threads, before);
	for (size_t i = 0; !err && i < before->cnt; i++) {
		const struct vm_thread *known = &before->threads[i];

		if (hostfs__exists(fs, "proc/%d/task/%d", pid, known->tid) == 1)
			err = add_thread(threads, known);
	}
	if (threads->cnt)
		qsort(threads->threads, threads->cnt, sizeof(*threads->threads), compare_threads);
	if (threads->kvm_cnt < before->kvm_cnt)
		threads->kvm_cnt = before->kvm_cnt;
	return err;
}

void vcpu_threads__free(struct vm_threads *threads)
{
	free(threads->threads);
	*threads = (struct vm_threads){ 0 };
}
