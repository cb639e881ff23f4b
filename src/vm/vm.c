// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vm/cgroup.h"
#include "vm/cmdline.h"
#include "base/hostfs.h"
#include "base/number.h"
#include "vm/proc.h"
#include "text/utf8.h"
#include "vm/vm.h"
#include "vm/vmm.h"

/* libvirt's command lines reach 20 KiB; the name is near the beginning. */
#define CMDLINE_MAX (64 * 1024)

/* Version 1 has a line for each of about a dozen hierarchies. */
#define CGROUP_MAX 8192

/* Room for a name before it is made printable, which may shorten it to a quarter. */
#define RAW_NAME_MAX (4 * sizeof(((struct vm *)NULL)->name))

int vm__find_fd(const struct hostfs *fs, pid_t pid, int *vm_fd)
{
	int err = -ENODEV, more;
	__u64 fd = 0;
	DIR *dir;

	dir = hostfs__opendir(fs, "proc/%d/fd", pid);
	if (!dir)
		return proc__error(-errno);
	while ((more = proc__next_number(dir, &fd)) > 0) {
		int check = proc__check_vm_fd(fs, pid, (int)fd);

		if (!check) {
			*vm_fd = (int)fd;
			err = 0;
			break;
		}
		/*
		 * A descriptor closed meanwhile (-ENOENT) is not the VM; after other errors it
		 * might have been.
		 */
		if (check != -ENODEV && check != -ENOENT)
			err = check;
	}
	if (more < 0)
		err = proc__error(more);
	closedir(dir);
	return err;
}

int vm__check(const struct hostfs *fs, pid_t pid)
{
	int vm_fd;

	if (proc__is_thread(fs, pid))
		return -ESRCH;
	return vm__find_fd(fs, pid, &vm_fd);
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

/* Finds the VMM by its executable or, if it is run through another one, by its argv[0]. */
static const struct vmm *find_vmm(const struct hostfs *fs, pid_t pid, const struct cmdline *cmdline)
{
	const struct vmm *vmm = NULL;
	char exe[PATH_MAX];

	if (hostfs__readlink(fs, exe, sizeof(exe), "proc/%d/exe", pid) > 0)
		vmm = vmm__of_program(exe);
	return vmm || !cmdline->len ? vmm : vmm__of_program(cmdline->text);
}

typedef bool cgroup_name_fn(const char *text, char *raw, size_t size);

static bool read_cgroup_name(const struct hostfs *fs, pid_t pid, cgroup_name_fn *name_of, char *raw,
			     size_t size)
{
	char text[CGROUP_MAX];

	return hostfs__read(fs, text, sizeof(text), "proc/%d/cgroup", pid) > 0 &&
	       name_of(text, raw, size);
}

static int read_raw_name(const struct hostfs *fs, pid_t pid, char *raw, size_t size)
{
	struct cmdline cmdline = { 0 };
	const struct vmm *vmm;
	bool found = false;
	ssize_t len;
	char *text;

	text = malloc(CMDLINE_MAX);
	if (!text)
		return -ENOMEM;
	len = hostfs__read(fs, text, CMDLINE_MAX, "proc/%d/cmdline", pid);
	if (len > 0) {
		cmdline = (struct cmdline){ text, (size_t)len, len == CMDLINE_MAX - 1 };
		vmm = find_vmm(fs, pid, &cmdline);
		found = vmm__guest_name(vmm, &cmdline, raw, size) ||
			read_cgroup_name(fs, pid, cgroup__guest_name, raw, size) ||
			vmm__socket_name(vmm, &cmdline, raw, size);
	}
	free(text);
	if (found || read_cgroup_name(fs, pid, cgroup__manager_name, raw, size))
		return 0;
	len = hostfs__read_line(fs, raw, size, "proc/%d/comm", pid);
	if (proc__is_closed((int)len))
		len = 0;
	if (len < 0)
		return proc__error((int)len);
	raw[len] = '\0';
	raw[strcspn(raw, "\n")] = '\0';
	return 0;
}

static int read_name(const struct hostfs *fs, pid_t pid, char *name, size_t size)
{
	char raw[RAW_NAME_MAX];
	int err = read_raw_name(fs, pid, raw, sizeof(raw));

	if (!err)
		copy_printable(name, size, raw[0] ? raw : "?");
	return err;
}

int vm__read(const struct hostfs *fs, pid_t pid, const struct kvm_dirs *dirs, struct vm *vm)
{
	struct vm new = { .pid = pid, .vm_fd = -1, .has_unseen = true };
	int err = 0;

	/* Open it first: if the PID is reused before the rest is read, the next look finds out. */
	new.task_fd = proc__open_task(fs, pid);
	if (new.task_fd < 0)
		err = new.task_fd;
	if (!err || proc__is_closed(err))
		err = proc__read_start(fs, pid, &new.start_ticks);
	if (!err || proc__is_closed(err))
		err = read_name(fs, pid, new.name, sizeof(new.name));
	if (!err)
		err = vcpu_threads__read(fs, pid, dirs, &new.vcpus);
	if (proc__is_closed(err))
		err = 0;
	if (err) {
		vm__free(&new);
		return err;
	}
	*vm = new;
	return 0;
}

void vm__free(struct vm *vm)
{
	if (vm->task_fd >= 0)
		close(vm->task_fd);
	vcpu_threads__free(&vm->vcpus);
}

/* Checks a process whose task directory was not readable so far. */
static int look_again(struct vm *vm, const struct hostfs *fs)
{
	__u64 start_ticks;
	int err = proc__read_start(fs, vm->pid, &start_ticks);

	if (err)
		return err;
	if (start_ticks != vm->start_ticks)
		return -ESRCH;
	vm->task_fd = proc__open_task(fs, vm->pid);
	return vm->task_fd < 0 ? vm->task_fd : 0;
}

int vm__look(struct vm *vm, const struct hostfs *fs, bool *changed)
{
	long thread_cnt;
	int err = vm->task_fd < 0 ? look_again(vm, fs) : 0;

	*changed = false;
	vm->closed = proc__is_closed(err);
	if (vm->closed)
		return 0;
	if (err)
		return err;
	thread_cnt = proc__thread_cnt(vm->task_fd);
	if (thread_cnt < 0)
		return (int)thread_cnt;
	if (vm->vm_fd < 0 || proc__check_vm_fd(fs, vm->pid, vm->vm_fd)) {
		err = vm__find_fd(fs, vm->pid, &vm->vm_fd);
		vm->closed = proc__is_closed(err);
		if (err && !vm->closed)
			return err;
	}
	*changed = (size_t)thread_cnt != vm->vcpus.all_cnt;
	return 0;
}

int vm__reread_vcpus(struct vm *vm, const struct hostfs *fs, const struct kvm_dirs *dirs)
{
	struct vm_threads vcpus = { 0 };
	int err = vcpu_threads__read(fs, vm->pid, dirs, &vcpus);

	if (!err && vm->closed)
		err = vcpu_threads__keep(fs, vm->pid, &vm->vcpus, &vcpus);
	if (err) {
		vcpu_threads__free(&vcpus);
		return proc__is_closed(err) ? 0 : err;
	}
	vcpu_threads__free(&vm->vcpus);
	vm->vcpus = vcpus;
	return 0;
}
