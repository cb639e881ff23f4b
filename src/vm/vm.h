/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm - one process that runs VMs: what it is called, and which of its threads are vCPUs.
 *
 * From /proc and KVM's debugfs. The BPF side is the authority on which thread ran which vCPU; this module
 * gives the names, and the vCPUs that have not been loaded since the tool started.
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
	__u64 start_ticks; /* field 22 of /proc/PID/stat: with the pid, the process's identity */
	int vm_fd;         /* a descriptor that is a VM; -1: none was seen */
	bool closed;       /* its descriptors are not for us to see, or not any more */
	char name[128];    /* printable ASCII or UTF-8, no control characters */
	struct vm_threads vcpus;
};

/*
 * Whether a process holds a VM: a descriptor whose target is "anon_inode:kvm-vm".
 * Returns 0, -ESRCH (no such process; a thread's id is not one), -ENODEV (a process, but no VM), or
 * another -errno.
 */
int vm__check(const struct hostfs *fs, pid_t pid);

/* The same of what is known to be no thread, with the descriptor in *vm_fd. */
int vm__find_fd(const struct hostfs *fs, pid_t pid, int *vm_fd);

/*
 * Reads one VM, of which vm__check() may or may not have been asked before: its start, its name, its vCPU
 * threads, each as far as we may; dirs as vcpu_threads__read() has it. The name is the first of: the one on its command line,
 * libvirt's in the control group, the control socket's, the process's comm. What is not printable in it
 * becomes '?'; one that is too long is cut between characters.
 * Returns 0, -ESRCH, -EPROTO (stat of an unknown form) or another -errno; on success the caller
 * ends it with vm__free().
 */
int vm__read(const struct hostfs *fs, pid_t pid, const struct kvm_dirs *dirs, struct vm *vm);
void vm__free(struct vm *vm);

/*
 * The little that tells whether a VM is still what was read: *changed when threads came or went since
 * then. Of one whose descriptors we may not see, its process is all that is looked at.
 * Returns 0, -ESRCH (its pid is another process's by now, or nobody's), -ENODEV (the process has
 * closed the VM), or another -errno.
 */
int vm__look(struct vm *vm, const struct hostfs *fs, bool *changed);

/*
 * Reads the vCPU threads again. Of a VM whose descriptors we may not see any more, those that are there still stay
 * as they were read when we might. Returns 0 or -errno: then they are as they were.
 */
int vm__reread_vcpus(struct vm *vm, const struct hostfs *fs, const struct kvm_dirs *dirs);

#endif /* VM_H */
