/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * unseen - the vCPUs that exist, but that no hook has seen: paused, or blocked since before the tool started. Knows
 * them by the threads of a vm_table, and their run-queue delay by /proc.
 */
#ifndef UNSEEN_H
#define UNSEEN_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct hostfs;
struct snapshot;
struct vm_table;

/*
 * How many run-queue delays of unseen threads one snapshot reads, when there are more the next ones next time. They
 * hardly change: a thread that is never loaded mostly sleeps.
 */
#define UNSEEN_WAIT_READ_MAX 512

/* A thread of such a vCPU: its run-queue delay, when it was read last. */
struct unseen_thread {
	pid_t tid;
	bool wait_known;
	__u64 wait_ns;
};

struct unseen_list {
	struct unseen_thread *list; /* sorted by tid */
	size_t cnt;
	size_t room;
};

/* A thread that was seen, and the VM that it was seen in. */
struct seen_thread {
	pid_t tid;
	__u64 vm_id;
};

/* Kept over a run. Zero-initialised it is an empty one; ended with unseen__free(). */
struct unseen {
	struct unseen_list last;   /* of the last snapshot */
	struct unseen_list before; /* and of the one before */
	size_t read_turn;          /* index into the older list: whose wait is read first */
	struct seen_thread *seen;  /* scratch: sorted by tid */
	size_t seen_room;
};

/*
 * Adds the vCPUs of these VMs to a snapshot whose clock is set and whose vcpus are all that was seen, in no order.
 * None is added twice: what has a thread, a number and a VM in common is one. Returns 0; or -ENOMEM, with some added.
 */
int unseen__add(struct unseen *u, const struct hostfs *fs, const struct vm_table *vms,
		struct snapshot *snap);
void unseen__free(struct unseen *u);

#endif /* UNSEEN_H */
