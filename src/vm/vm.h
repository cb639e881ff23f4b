/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm - one process that runs VMs: its name, and which of its threads are vCPUs.
 *
 * Reads /proc and KVM's debugfs. The BPF side is the authority on which thread ran which vCPU; this
 * module supplies names, and vCPUs that have not been loaded since this program started.
 */
#ifndef VM_H
#define VM_H

#include <stdbool.h>
#include <linux/types.h>
#include <sys/types.h>
#include "vm/vcpu_threads.h"

struct hostfs;
struct kvm_dirs;

struct vm {
	pid_t pid;
	__u64 start_ticks; /* field 22 of /proc/PID/stat; with the PID it identifies the process */
	int task_fd;       /* /proc/PID/task, which this struct owns; -1: no right to open it */
	int vm_fd;         /* a descriptor that is a VM, or -1 if none was seen */
	bool closed;       /* its descriptors cannot be read, or no longer */
	bool has_unseen;   /* the last snapshot had to take a vCPU from `vcpus`, or knew none */
	char name[128];    /* printable ASCII or UTF-8, no control characters */
	struct vm_threads vcpus;
};

/*
 * Checks whether a process has a VM: a descriptor whose target is "anon_inode:kvm-vm".
 * Returns 0, -ESRCH (no such process, or the ID of a thread), -ENODEV (a process without a VM), or
 * another -errno.
 */
int vm__check(const struct hostfs *fs, pid_t pid);

/* Like vm__check(), for an ID known not to be a thread's; stores the descriptor in *vm_fd. */
int vm__find_fd(const struct hostfs *fs, pid_t pid, int *vm_fd);

/*
 * Reads start time, name and vCPU threads of a VM, as far as we have the right to. vm__check() need
 * not have been called before. dirs: see vcpu_threads__read().
 *
 * The name is the first one found of: the name on the command line, libvirt's name in the control
 * group, the name of the control socket, the comm of the process. Bytes that are not printable
 * become '?'; a long name is truncated between characters.
 *
 * Returns 0, after which the caller must call vm__free(); -ESRCH; -EPROTO (stat has an unknown
 * format); or another -errno.
 */
int vm__read(const struct hostfs *fs, pid_t pid, const struct kvm_dirs *dirs, struct vm *vm);
void vm__free(struct vm *vm);

/*
 * Checks cheaply whether the VM still exists. *changed: threads came or went since the last read.
 * If its descriptors are not readable, only the process is checked.
 * Returns 0, -ESRCH (the process has exited; its PID may have been reused), -ENODEV (the process
 * has closed the VM), or another -errno.
 */
int vm__look(struct vm *vm, const struct hostfs *fs, bool *changed);

/*
 * Reads the vCPU threads again. If the descriptors are no longer readable, known threads that still
 * exist are kept. Returns 0, or -errno with the threads unchanged.
 */
int vm__reread_vcpus(struct vm *vm, const struct hostfs *fs, const struct kvm_dirs *dirs);

#endif /* VM_H */
