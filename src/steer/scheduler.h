/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * scheduler - the BPF scheduler of --sched: loads it, makes it the scheduler of this host, and
 * reads what it has done. The only owner of its skeleton.
 *
 * The kernel returns to its own scheduler when scheduler__free() is called, when the process ends
 * in any way, and when the scheduler fails.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include "steer-sched.h"
#include "steer/cpus.h"

struct hostfs;
struct scheduler;

struct scheduler_opts {
	const struct hostfs *fs;
	double busy_share, halted_share; /* as in struct policy_opts */
	double mperf_ratio;              /* MPERF rate over TSC rate; 0: measure it */
};

/* Sums over all CPUs since the start. */
struct scheduler_account {
	struct cpus busy; /* CPUs whose vCPU is busy or unknown now */
	__u64 placed_cnt[PLACEMENT_CNT];
	__u64 flip_cnt, unread_cnt;
};

/*
 * Loads the scheduler and switches all tasks of the fair class to it. Returns 0 and *scheduler,
 * which the caller frees with scheduler__free(); -EOPNOTSUPP when this host cannot run it; or
 * another -errno; all logged.
 */
int scheduler__new(const struct scheduler_opts *opts, struct scheduler **scheduler);
void scheduler__free(struct scheduler *scheduler);

/* Needs no right. */
void scheduler__read(const struct scheduler *scheduler, struct scheduler_account *account);

/* Returns why the kernel has removed the scheduler; NULL while it runs. Needs no right. */
const struct sched_end *scheduler__end(const struct scheduler *scheduler);

#endif /* SCHEDULER_H */
