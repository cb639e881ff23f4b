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
 * How many VMs an update reads the threads of again: those in which threads came or went, and of the others, in
 * which one may have got another name, a few in turn. What an update costs does not grow with them.
 */
#define VM_TABLE_REREAD_MAX  32
#define VM_TABLE_RECHECK_MAX 8

/* What a look at a VM has shown. */
enum vm_look {
	LOOK_SAME,
	LOOK_CHANGED,
	LOOK_FAILED, /* and has been reported, if it was to be */
};

/* Zero-initialised it is an empty one; ended with vm_table__free(). */
struct vm_table {
	struct vm *vms; /* sorted by pid */
	size_t cnt;
	size_t room;
	struct kvm_dirs dirs; /* of the last update */
	pid_t last_reread;    /* of those in which nothing had changed */
	pid_t *pids;          /* scratch: the list, sorted */
	size_t pid_room;
	enum vm_look *looks; /* scratch: one a VM */
	size_t look_room;
};

/*
 * Brings the table up to date: reads VMs that are new, drops those that have gone or whose pid is
 * another process's by now, rereads the threads of others (see above). `pids`: look at these alone, in any
 * order, and drop all others; NULL: at every process of the host.
 * Returns 0 or -errno; the table is whole either way. That a listed process is no VM or none any
 * more is no error; that one cannot be looked at is, logged with its pid, and so is a shortage of
 * memory or descriptors. Of an unlisted one only the shortage is: the others are passed over, and of those
 * to which we have no right a warning tells.
 * A listed process whose descriptors we have no right to see is no error: it is taken for a VM, at the
 * caller's word, with no vm_fd. One of the table stays in it for as long as the process is the same.
 */
int vm_table__update(struct vm_table *table, const struct hostfs *fs, const pid_t *pids,
		     size_t pid_cnt);
const struct vm *vm_table__find(const struct vm_table *table, pid_t pid);

/* Takes one out, if it is there. */
void vm_table__drop(struct vm_table *table, pid_t pid);
void vm_table__free(struct vm_table *table);

#endif /* VM_TABLE_H */
