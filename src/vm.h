/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm - which processes run VMs, what the VMs are called, and which of their threads are vCPUs.
 *
 * From /proc alone. The BPF side is the authority on which thread ran which vCPU; this module gives
 * the names, and the vCPUs that have not been loaded since the tool started.
 */
#ifndef VM_H
#define VM_H

#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct hostfs;

struct vm_thread {
	pid_t tid;
	__u32 vcpu_id;
};

struct vm {
	pid_t pid;
	__u64 start_ticks; /* field 22 of /proc/PID/stat: with the pid, the process's identity */
	char name[128];    /* printable ASCII or UTF-8, no control characters */
	struct vm_thread *threads; /* sorted by tid; only threads that say their vCPU number */
	size_t thread_cnt;
};

/*
 * Whether a process holds a VM: a descriptor whose target is "anon_inode:kvm-vm".
 * Returns 0, -ESRCH (no such process; a thread's id is not one), -ENODEV (a process, but no VM), or
 * another -errno.
 */
int vm__check(const struct hostfs *fs, pid_t pid);

/*
 * Reads one VM, of which vm__check() may or may not have been asked before: its name (QEMU's -name
 * guest=NAME or -name NAME, else the process's comm), its start, and its threads that are named as
 * QEMU names vCPUs ("CPU 3/KVM"). What is not printable in a name becomes '?'; one that is too long
 * is cut between characters.
 * Returns 0, -ESRCH, -EPROTO (stat of an unknown form) or another -errno; on success the caller
 * ends it with vm__free().
 */
int vm__read(const struct hostfs *fs, pid_t pid, struct vm *vm);
void vm__free(struct vm *vm);

/*
 * A table of VMs, kept over a run. Not found is not an error.
 */
struct vm_table {
	struct vm *vms; /* sorted by pid */
	size_t cnt;
};

/*
 * Brings the table up to date: reads VMs that are new, drops those that have gone or whose pid is
 * another process's by now, rereads the threads of those that stay. `pids`: look at these alone,
 * and drop all others; NULL: at every process of the host.
 * Returns 0 or -errno; the table is whole either way. That a listed process is no VM or none any
 * more is no error; that one cannot be looked at is, logged with its pid, and so is a shortage of
 * memory or descriptors. Of an unlisted one only the shortage is: the others are passed over.
 */
int vm_table__update(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		     size_t pid_cnt);
const struct vm *vm_table__find(const struct vm_table *table, pid_t pid);
void vm_table__free(struct vm_table *table);

#endif /* VM_H */
