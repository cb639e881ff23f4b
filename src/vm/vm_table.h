/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * vm_table - the VMs of the host, kept over a run.
 */
#ifndef VM_TABLE_H
#define VM_TABLE_H

#include <stddef.h>
#include <sys/types.h>
#include "vm/kvm_debugfs.h"
#include "vm/vm.h"

/*
 * Limits how many VMs one update rereads, so that its cost does not grow with their number: up to
 * REREAD_MAX in which threads came or went, and up to RECHECK_MAX of the others, in rotation,
 * because a thread may have been renamed. VMs whose vCPUs BPF has seen are not rechecked: BPF knows
 * their numbers.
 */
#define VM_TABLE_REREAD_MAX  32
#define VM_TABLE_RECHECK_MAX 8

/* Result of a look at a VM. */
enum vm_look {
	LOOK_SAME,   /* and BPF has seen all vCPUs */
	LOOK_UNSEEN, /* no thread came or went, but the vCPUs that BPF has not seen may be others */
	LOOK_CHANGED,
	LOOK_FAILED, /* already reported, if it has to be */
};

/* Zero-initialize it; free it with vm_table__free(). */
struct vm_table {
	struct vm *vms; /* sorted by pid */
	size_t cnt;
	size_t room;
	struct kvm_dirs dirs; /* of the last update */
	pid_t last_reread;    /* rotation position among unchanged VMs */
	pid_t *pids;          /* scratch: the listed processes, sorted */
	size_t pid_room;
	enum vm_look *looks; /* scratch: one per VM */
	size_t look_room;
};

/*
 * Updates the table: adds new VMs, drops those that no longer exist or whose PID was reused, and
 * rereads the threads of some others (see above). `pids`: look only at these processes, in any
 * order, and drop all other VMs; NULL: look at every process of the host.
 *
 * Returns 0 or the first -errno; the table is valid in both cases.
 *
 * Listed processes: having no VM (any more) is no error. Failure to inspect one is an error, logged
 * with its PID. If we lack the right to see its descriptors, the process is taken for a VM, as the
 * caller said, with vm_fd -1; a VM already in the table stays as long as the process does.
 *
 * Unlisted processes: failures are ignored, and a warning counts those that we have no right to
 * inspect.
 *
 * A shortage of memory or descriptors is always an error, and logged.
 */
int vm_table__update(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		     size_t pid_cnt);
const struct vm *vm_table__find(const struct vm_table *table, pid_t pid);

/* Drops a VM, if it is in the table. */
void vm_table__drop(struct vm_table *table, pid_t pid);
void vm_table__free(struct vm_table *table);

#endif /* VM_TABLE_H */
