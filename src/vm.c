// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "hostfs.h"
#include "log.h"
#include "number.h"
#include "qemu.h"
#include "utf8.h"
#include "vm.h"

/* More than field 22 of stat can be away from its beginning. */
#define STAT_MAX 1024

/* libvirt's command lines reach 20 KiB, and have the name in front. */
#define CMDLINE_MAX (64 * 1024)

/* A name before it is made printable: what that shortens most is four bytes to one. */
#define RAW_NAME_MAX (4 * sizeof(((struct vm *)NULL)->name))

/* Two causes of one thing: the process had ended before the path was opened, or after. */
static int process_error(int err)
{
	return err == -ENOENT ? -ESRCH : err;
}

static bool is_gone(int err)
{
	return err == -ESRCH || err == -ENODEV;
}

/* What is short here, and says nothing about the process that was looked at. */
static bool is_shortage(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/* The next entry that is a number. Returns 1, 0 at the end, or -errno. */
static int next_number(DIR *dir, __u64 *number)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (number__parse(entry->d_name, INT_MAX, number) == 0)
			return 1;
	}
}

/* As vm__check(), for what is known to be a process. */
static int check_process(const struct hostfs *fs, pid_t pid)
{
	static const char target[] = "anon_inode:kvm-vm";
	char link[sizeof(target) + 1]; /* one more, so that a longer target does not look equal */
	int err = -ENODEV, more;
	ssize_t len;
	__u64 fd = 0;
	DIR *dir;

	dir = hostfs__opendir(fs, "proc/%d/fd", pid);
	if (!dir)
		return process_error(-errno);
	while ((more = next_number(dir, &fd)) > 0) {
		len = hostfs__readlink(fs, link, sizeof(link), "proc/%d/fd/%llu", pid, fd);
		if (len < 0 && len != -ENOENT) {
			/* Unlike one closed meanwhile, this one might have been the VM. */
			err = (int)len;
		} else if (len >= 0 && !strcmp(link, target)) {
			err = 0;
			break;
		}
	}
	if (more < 0)
		err = process_error(more);
	closedir(dir);
	return err;
}

/*
 * /proc/TID exists for every thread, though it lists processes only. Of a status that is not
 * readable or has no such line the fd directory will tell.
 */
static bool is_other_thread(const struct hostfs *fs, pid_t pid)
{
	static const char key[] = "\nTgid:\t";
	char status[512];
	char *tgid;
	__u64 value;

	if (hostfs__read(fs, status, sizeof(status), "proc/%d/status", pid) < 0)
		return false;
	tgid = strstr(status, key);
	if (!tgid)
		return false;
	tgid += strlen(key);
	tgid[strcspn(tgid, "\n")] = '\0';
	return number__parse(tgid, INT_MAX, &value) == 0 && (pid_t)value != pid;
}

int vm__check(const struct hostfs *fs, pid_t pid)
{
	if (is_other_thread(fs, pid))
		return -ESRCH;
	return check_process(fs, pid);
}

static int read_start_ticks(const struct hostfs *fs, pid_t pid, __u64 *start_ticks)
{
	char stat[STAT_MAX];
	ssize_t len;
	char *field;

	len = hostfs__read(fs, stat, sizeof(stat), "proc/%d/stat", pid);
	if (len < 0)
		return process_error((int)len);
	/* comm, field 2, may hold blanks and parentheses; nothing after it does. */
	field = strrchr(stat, ')');
	for (int number = 2; field && number < 22; number++) {
		field = strchr(field, ' ');
		if (field)
			field++;
	}
	if (!field)
		return -EPROTO;
	field[strcspn(field, " \n")] = '\0';
	return number__parse(field, UINT64_MAX, start_ticks) ? -EPROTO : 0;
}

static void copy_printable(char *dst, size_t size, const char *src)
{
	struct utf8_glyph glyph;
	size_t len = 0;

	while (*src) {
		glyph = utf8__next_glyph(&src);
		if (len + glyph.len >= size)
			break;
		memcpy(dst + len, glyph.bytes, glyph.len);
		len += glyph.len;
	}
	dst[len] = '\0';
}

static int read_name(const struct hostfs *fs, pid_t pid, char *name, size_t size)
{
	char raw[RAW_NAME_MAX];
	bool found = false;
	char *cmdline;
	ssize_t len;

	cmdline = malloc(CMDLINE_MAX);
	if (!cmdline)
		return -ENOMEM;
	len = hostfs__read(fs, cmdline, CMDLINE_MAX, "proc/%d/cmdline", pid);
	if (len > 0)
		found = qemu__guest_name(cmdline, (size_t)len, len == CMDLINE_MAX - 1, raw,
					 sizeof(raw));
	free(cmdline);
	if (!found) {
		len = hostfs__read(fs, raw, sizeof(raw), "proc/%d/comm", pid);
		if (len < 0)
			return process_error((int)len);
		raw[strcspn(raw, "\n")] = '\0';
	}
	copy_printable(name, size, raw[0] ? raw : "?");
	return 0;
}

/* Returns 1 and the thread, 0 when it is no vCPU or has ended, or -errno. */
static int read_thread(const struct hostfs *fs, pid_t pid, pid_t tid, struct vm_thread *thread)
{
	char comm[64];
	ssize_t len;

	len = hostfs__read(fs, comm, sizeof(comm), "proc/%d/task/%d/comm", pid, tid);
	if (len < 0)
		return process_error((int)len) == -ESRCH ? 0 : (int)len;
	thread->tid = tid;
	return qemu__vcpu_id(comm, &thread->vcpu_id) ? 1 : 0;
}

static int add_thread(struct vm *vm, size_t *room, const struct vm_thread *thread)
{
	if (vm->thread_cnt == *room) {
		size_t more = *room ? 2 * *room : 16;
		struct vm_thread *threads = realloc(vm->threads, more * sizeof(*threads));

		if (!threads)
			return -ENOMEM;
		vm->threads = threads;
		*room = more;
	}
	vm->threads[vm->thread_cnt++] = *thread;
	return 0;
}

static int compare_tids(const void *a, const void *b)
{
	const struct vm_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* Adds the threads to a vm that has none yet; on failure those added so far stay in it. */
static int read_threads(const struct hostfs *fs, pid_t pid, struct vm *vm)
{
	struct vm_thread thread;
	size_t room = 0;
	int err = 0, more;
	__u64 tid = 0;
	DIR *dir;

	dir = hostfs__opendir(fs, "proc/%d/task", pid);
	if (!dir)
		return process_error(-errno);
	while (!err && (more = next_number(dir, &tid)) != 0) {
		if (more < 0) {
			err = process_error(more);
			break;
		}
		err = read_thread(fs, pid, (pid_t)tid, &thread);
		if (err > 0)
			err = add_thread(vm, &room, &thread);
	}
	closedir(dir);
	if (vm->thread_cnt)
		qsort(vm->threads, vm->thread_cnt, sizeof(*vm->threads), compare_tids);
	return err;
}

int vm__read(const struct hostfs *fs, pid_t pid, struct vm *vm)
{
	struct vm new = { .pid = pid };
	int err;

	err = read_start_ticks(fs, pid, &new.start_ticks);
	if (!err)
		err = read_name(fs, pid, new.name, sizeof(new.name));
	if (!err)
		err = read_threads(fs, pid, &new);
	if (err) {
		vm__free(&new);
		return err;
	}
	*vm = new;
	return 0;
}

void vm__free(struct vm *vm)
{
	free(vm->threads);
	vm->threads = NULL;
	vm->thread_cnt = 0;
}

/* Rereads what changes while a VM runs; -ESRCH when its pid is another process's by now. */
static int refresh(struct vm *vm, const struct hostfs *fs)
{
	struct vm now = *vm;
	__u64 start_ticks;
	int err;

	err = read_start_ticks(fs, vm->pid, &start_ticks);
	if (!err && start_ticks != vm->start_ticks)
		err = -ESRCH;
	if (!err)
		err = check_process(fs, vm->pid);
	if (err)
		return err;

	now.threads = NULL;
	now.thread_cnt = 0;
	err = read_threads(fs, vm->pid, &now);
	if (err) {
		vm__free(&now);
		return err;
	}
	vm__free(vm);
	*vm = now;
	return 0;
}

/* Index of the first VM whose pid is not below this one. */
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

static void drop(struct vm_table *table, size_t i)
{
	vm__free(&table->vms[i]);
	table->cnt--;
	memmove(&table->vms[i], &table->vms[i + 1], (table->cnt - i) * sizeof(*table->vms));
}

/* Takes the VM over, unless memory is short. */
static int insert(struct vm_table *table, const struct vm *vm)
{
	size_t i = position(table, vm->pid);
	struct vm *vms;

	vms = realloc(table->vms, (table->cnt + 1) * sizeof(*vms));
	if (!vms)
		return -ENOMEM;
	memmove(&vms[i + 1], &vms[i], (table->cnt - i) * sizeof(*vms));
	vms[i] = *vm;
	table->vms = vms;
	table->cnt++;
	return 0;
}

/* Reads and adds the VM of a process that vm__check() found to hold one. */
static int add_vm(struct vm_table *table, const struct hostfs *fs, pid_t pid)
{
	struct vm vm;
	int err;

	err = vm__read(fs, pid, &vm);
	if (err)
		return err;
	err = insert(table, &vm);
	if (err)
		vm__free(&vm);
	return err;
}

static bool is_listed(pid_t pid, const pid_t *pids, size_t pid_cnt)
{
	for (size_t i = 0; i < pid_cnt; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Names the process, which the caller, having many, could not. */
static void report(pid_t pid, int err)
{
	pr_err("cannot look at process %d: %s", pid, strerror(-err));
}

/*
 * Rereads the VMs of the table. One that cannot be looked at is not known to have gone: it stays as
 * it was, and the first such error is returned if it is for the caller to know.
 */
static int update_known(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
			size_t pid_cnt)
{
	int err, first_err = 0;
	size_t i = 0;

	while (i < table->cnt) {
		struct vm *vm = &table->vms[i];

		err = pids && !is_listed(vm->pid, pids, pid_cnt) ? -ESRCH : refresh(vm, fs);
		if (is_gone(err)) {
			drop(table, i);
			continue;
		}
		if (err && (pids || is_shortage(err))) {
			report(vm->pid, err);
			first_err = first_err ? first_err : err;
		}
		i++;
	}
	return first_err;
}

static int add_listed(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		      size_t pid_cnt)
{
	int err, first_err = 0;

	for (size_t i = 0; i < pid_cnt; i++) {
		if (vm_table__find(table, pids[i]))
			continue;
		err = vm__check(fs, pids[i]);
		if (!err)
			err = add_vm(table, fs, pids[i]);
		if (err && !is_gone(err)) {
			report(pids[i], err);
			first_err = first_err ? first_err : err;
		}
	}
	return first_err;
}

/* Kernel threads and zombies: their descriptors are not worth a look. */
static bool has_no_memory(const struct hostfs *fs, pid_t pid)
{
	char statm[4];

	return hostfs__read(fs, statm, sizeof(statm), "proc/%d/statm", pid) >= 2 &&
	       !strncmp(statm, "0 ", 2);
}

/* Of the host's processes many may be closed to us, or end under our eyes: that is no failure. */
static int add_all(struct vm_table *table, const struct hostfs *fs)
{
	int err = 0, more = 0;
	__u64 pid = 0;
	DIR *dir;

	dir = hostfs__opendir(fs, "proc");
	if (!dir)
		return -errno;
	while (!is_shortage(err) && (more = next_number(dir, &pid)) > 0) {
		if (vm_table__find(table, (pid_t)pid) || has_no_memory(fs, (pid_t)pid))
			continue;
		err = check_process(fs, (pid_t)pid);
		if (!err)
			err = add_vm(table, fs, (pid_t)pid);
	}
	closedir(dir);
	if (is_shortage(err))
		return err;
	return more;
}

int vm_table__update(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		     size_t pid_cnt)
{
	int known_err = update_known(table, fs, pids, pid_cnt);
	int new_err = pids ? add_listed(table, fs, pids, pid_cnt) : add_all(table, fs);

	return known_err ? known_err : new_err;
}

void vm_table__free(struct vm_table *table)
{
	for (size_t i = 0; i < table->cnt; i++)
		vm__free(&table->vms[i]);
	free(table->vms);
	table->vms = NULL;
	table->cnt = 0;
}
