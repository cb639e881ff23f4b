/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * unseen - the vCPUs that exist but that no hook has seen: paused, or blocked since before this
 * program started. Their threads come from a vm_table, their run-queue delays from /proc.
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
 * How many schedstat files one snapshot reads. If there are more unseen threads, the next snapshot
 * continues with the others. The values hardly change, because a thread that is never loaded mostly
 * sleeps.
 */
#define UNSEEN_WAIT_READ_MAX 512

/* An unseen thread, with its run time and its run-queue delay when last read. */
struct unseen_thread {
	pid_t tid;
	bool wait_known;
	__u64 at_ns; /* CLOCK_MONOTONIC of the values */
	__u64 ran_ns;
	__u64 wait_ns;
};

struct unseen_list {
	struct unseen_thread *list; /* sorted by tid */
	size_t cnt;
	size_t room;
};

/* A thread that was seen, and its VM. */
struct seen_thread {
	pid_t tid;
	__u64 vm_id;
};

/* State that is kept over a run. Zero-initialize it; free it with unseen__free(). */
struct unseen {
	struct unseen_list last;   /* of the last snapshot */
	struct unseen_list before; /* of the snapshot before that */
	size_t read_turn;          /* index into the older list of the first thread to read */
	struct seen_thread *seen;  /* scratch: sorted by tid */
	size_t seen_room;
};

/*
 * Adds the unseen vCPUs of these VMs to a snapshot whose clock is set and whose vcpus are those
 * that were seen, in no order. A vCPU is added once, even if it is listed twice with the same
 * thread, number and VM. Sets has_unseen of each VM.
 * Returns 0; or -ENOMEM, with some vCPUs added.
 */
int unseen__add(struct unseen *u, const struct hostfs *fs, struct vm_table *vms,
		struct snapshot *snap);
void unseen__free(struct unseen *u);

#endif /* UNSEEN_H */
