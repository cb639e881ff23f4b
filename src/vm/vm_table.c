// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "vm/proc.h"
#include "vm/vm_table.h"

static bool is_gone(int err)
{
	return err == -ESRCH || err == -ENODEV;
}

/* Errors that mean a shortage in this process, and say nothing about the process inspected. */
static bool is_shortage(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/* Returns the index of the first VM whose PID is not below `pid`. */
static size_t position(const struct vm_table *table, pid_t pid)
{
	size_t low = 0, high = table->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->vms[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vm *vm_table__find(const struct vm_table *table, pid_t pid)
{
	size_t i = position(table, pid);

	return i < table->cnt && table->vms[i].pid == pid ? &table->vms[i] : NULL;
}

/* Takes ownership of *vm, unless it returns -ENOMEM. */
static int insert(struct vm_table *table, const struct vm *vm)
{
	size_t i = position(table, vm->pid);
	struct vm *vms = array__reserve_one(table->vms, table->cnt, &table->room, sizeof(*vms));

	if (!vms)
		return -ENOMEM;
	memmove(&vms[i + 1], &vms[i], (table->cnt - i) * sizeof(*vms));
	vms[i] = *vm;
	table->vms = vms;
	table->cnt++;
	return 0;
}

/* Reads and adds the VM of a process that was found to have one. */
static int add_vm(struct vm_table *table, const struct hostfs *fs, pid_t pid, int vm_fd)
{
	struct vm vm;
	int err;

	err = vm__read(fs, pid, &table->dirs, &vm);
	if (err)
		return err;
	vm.vm_fd = vm_fd;
	err = insert(table, &vm);
	if (err)
		vm__free(&vm);
	return err;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int sort_pids(struct vm_table *table, const pid_t *pids, size_t cnt)
{
	if (cnt > table->pid_room) {
		pid_t *more = reallocarray(table->pids, cnt, sizeof(*more));

		if (!more)
			return -ENOMEM;
		table->pids = more;
		table->pid_room = cnt;
	}
	if (cnt) {
		memcpy(table->pids, pids, cnt * sizeof(*pids));
		qsort(table->pids, cnt, sizeof(*pids), compare_pids);
	}
	return 0;
}

static int reserve_looks(struct vm_table *table)
{
	enum vm_look *more;

	if (table->cnt <= table->look_room)
		return 0;
	more = reallocarray(table->looks, table->cnt, sizeof(*more));
	if (!more)
		return -ENOMEM;
	table->looks = more;
	table->look_room = table->cnt;
	return 0;
}

/* Logs here, because the caller has many processes and cannot know which one failed. */
static void report(pid_t pid, int err)
{
	pr_err("cannot inspect process %d: %s", pid, strerror(-err));
}

/*
 * Logs an error and keeps the first one for the caller. Errors of unlisted processes count only if
 * they are a shortage of this process.
 */
static void note(int err, pid_t pid, bool listed, int *first_err)
{
	if (!err || !(listed || is_shortage(err)))
		return;
	report(pid, err);
	*first_err = *first_err ? *first_err : err;
}

/*
 * Drops the VMs that no longer exist, and finds out which others have changed. A VM that could not
 * be inspected stays in the table, because it may still exist.
 */
static int look_at_known(struct vm_table *table, const struct hostfs *fs, bool listed,
			 size_t pid_cnt)
{
	size_t kept = 0;
	int first_err = 0;

	for (size_t i = 0; i < table->cnt; i++) {
		struct vm *vm = &table->vms[i];
		bool changed = false;
		int err = -ESRCH;

		if (!listed || (pid_cnt && bsearch(&vm->pid, table->pids, pid_cnt, sizeof(vm->pid),
						   compare_pids)))
			err = vm__look(vm, fs, &changed);
		if (is_gone(err)) {
			vm__free(vm);
			continue;
		}
		note(err, vm->pid, listed, &first_err);
		table->looks[kept] = err              ? LOOK_FAILED
				     : changed        ? LOOK_CHANGED
				     : vm->has_unseen ? LOOK_UNSEEN
						      : LOOK_SAME;
		table->vms[kept++] = *vm;
	}
	table->cnt = kept;
	return first_err;
}

/*
 * Rereads the VMs with this result of a look, in rotation: beginning after the one that was reread
 * last.
 */
static int reread(struct vm_table *table, const struct hostfs *fs, bool listed, enum vm_look look,
		  size_t *left)
{
	size_t first = position(table, table->last_reread);
	int err, first_err = 0;

	if (vm_table__find(table, table->last_reread))
		first++;
	for (size_t n = 0; n < table->cnt && *left; n++) {
		size_t i = (first + n) % table->cnt;
		struct vm *vm = &table->vms[i];

		if (table->looks[i] != look)
			continue;
		err = vm__reread_vcpus(vm, fs, &table->dirs);
		/* The VM is just exiting; the next look will drop it. */
		note(is_gone(err) ? 0 : err, vm->pid, listed, &first_err);
		--*left;
		if (look == LOOK_UNSEEN)
			table->last_reread = vm->pid;
	}
	return first_err;
}

/* Rereads the VMs of the table. */
static int update_known(struct vm_table *table, const struct hostfs *fs, bool listed,
			size_t pid_cnt)
{
	size_t reread_left = VM_TABLE_REREAD_MAX, recheck_left = VM_TABLE_RECHECK_MAX;
	int err, first_err;

	err = reserve_looks(table);
	if (err)
		return err;
	first_err = look_at_known(table, fs, listed, pid_cnt);
	err = reread(table, fs, listed, LOOK_CHANGED, &reread_left);
	first_err = first_err ? first_err : err;
	err = reread(table, fs, listed, LOOK_UNSEEN, &recheck_left);
	return first_err ? first_err : err;
}

/*
 * Finds the VM descriptor of a process. If the first thread created the VM, as QEMU's does, the
 * name of KVM's debugfs directory has the descriptor, and the others need not be searched.
 */
static int find_vm(const struct vm_table *table, const struct hostfs *fs, pid_t pid, int *vm_fd)
{
	const struct kvm_dir *dir = kvm_dirs__find(&table->dirs, pid);

	if (!dir || proc__check_vm_fd(fs, pid, dir->vm_fd))
		return vm__find_fd(fs, pid, vm_fd);
	*vm_fd = dir->vm_fd;
	return 0;
}

/* Adds the processes of the sorted list; IDs of threads are ignored. */
static int add_listed(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		      size_t pid_cnt)
{
	int err, first_err = 0;

	for (size_t i = 0; i < pid_cnt; i++) {
		int vm_fd = -1;

		if (vm_table__find(table, pids[i]))
			continue;
		err = proc__is_thread(fs, pids[i]) ? -ESRCH : find_vm(table, fs, pids[i], &vm_fd);
		if (!err || proc__is_closed(err))
			err = add_vm(table, fs, pids[i], vm_fd);
		note(is_gone(err) ? 0 : err, pids[i], true, &first_err);
	}
	return first_err;
}

/* Kernel threads and zombies have no memory, and no descriptors worth a search. */
static bool has_no_memory(const struct hostfs *fs, pid_t pid)
{
	char statm[4];

	return hostfs__read_line(fs, statm, sizeof(statm), "proc/%d/statm", pid) >= 2 &&
	       !strncmp(statm, "0 ", 2);
}

/* A VM among these processes stays unknown until BPF has seen it. */
static void warn_of_closed(size_t closed_cnt)
{
	if (closed_cnt)
		pr_warn("cannot inspect some processes (%zu): their VMs appear only once a vCPU runs; "
			"inspecting them needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
			closed_cnt);
}

/*
 * Adds the VMs among all processes. Processes that cannot be inspected or that exit meanwhile are
 * no error.
 */
static int add_all(struct vm_table *table, const struct hostfs *fs)
{
	int err = 0, more = 0;
	size_t closed_cnt = 0;
	__u64 pid = 0;
	DIR *dir;

	dir = hostfs__opendir(fs, "proc");
	if (!dir)
		return -errno;
	while (!is_shortage(err) && (more = proc__next_number(dir, &pid)) > 0) {
		int vm_fd = -1;

		if (vm_table__find(table, (pid_t)pid) || has_no_memory(fs, (pid_t)pid))
			continue;
		err = find_vm(table, fs, (pid_t)pid, &vm_fd);
		if (!err)
			err = add_vm(table, fs, (pid_t)pid, vm_fd);
		closed_cnt += proc__is_closed(err);
	}
	closedir(dir);
	warn_of_closed(closed_cnt);
	if (is_shortage(err))
		return err;
	return more;
}

int vm_table__update(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		     size_t pid_cnt)
{
	int known_err, new_err;

	known_err = pids ? sort_pids(table, pids, pid_cnt) : 0;
	if (!known_err)
		known_err = kvm_debugfs__list(fs, &table->dirs);
	if (known_err)
		return known_err;
	known_err = update_known(table, fs, pids != NULL, pid_cnt);
	new_err = pids ? add_listed(table, fs, table->pids, pid_cnt) : add_all(table, fs);
	return known_err ? known_err : new_err;
}

void vm_table__drop(struct vm_table *table, pid_t pid)
{
	size_t i = position(table, pid);

	if (i == table->cnt || table->vms[i].pid != pid)
		return;
	vm__free(&table->vms[i]);
	table->cnt--;
	memmove(&table->vms[i], &table->vms[i + 1], (table->cnt - i) * sizeof(*table->vms));
}

void vm_table__free(struct vm_table *table)
{
	for (size_t i = 0; i < table->cnt; i++)
		vm__free(&table->vms[i]);
	free(table->vms);
	free(table->pids);
	free(table->looks);
	kvm_dirs__free(&table->dirs);
	*table = (struct vm_table){ 0 };
}
