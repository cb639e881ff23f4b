/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * housekeeping - all cgroups of a run: opens them, saves and restores their original CPUs, and
 * checks whether they may be steered.
 */
#ifndef HOUSEKEEPING_H
#define HOUSEKEEPING_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "steer/journal.h"
#include "steer/steered.h"

struct snapshot;
struct steer_opts;

struct housekeeping {
	const struct steer_opts *opts;
	struct steered_host host; /* from the caller, except for groups and keeps_affinity */
	struct group_host groups;
	struct journal journal;
	struct steered *steered; /* opts->cnt of them, of which the first opened_cnt are open */
	size_t opened_cnt;
};

#define HOUSEKEEPING_CLOSED                                                                        \
	((struct housekeeping){ .groups.root_fd = -1, .journal = JOURNAL_CLOSED })

/*
 * Takes the lock, restores what a killed run has left, and opens the cgroups of h->opts. The caller
 * has set opts and host, and closes h with housekeeping__close(), on failure too. Returns 0;
 * -EINVAL when a cgroup must not be steered; -EOPNOTSUPP when one does not exist or has no cpuset;
 * or another -errno; all logged.
 */
int housekeeping__open(struct housekeeping *h);
void housekeeping__close(struct housekeeping *h);

/*
 * Checks all cgroups and saves their original CPUs. A cgroup that cannot be steered is an error,
 * because nobody would notice that it is left out. snap: where the vCPUs are. Returns 0;
 * -EOPNOTSUPP when a cgroup cannot be steered; or another -errno; all logged.
 */
int housekeeping__check(struct housekeeping *h, const struct snapshot *snap);

/* After a failed start, in which nothing but the journal has been written: empties the journal. */
void housekeeping__forget(const struct housekeeping *h);

/*
 * Looks at all cgroups with steered__look(), and sets *refused_cnt to how many may not be steered.
 * Returns 0 or -errno, logged.
 */
int housekeeping__look(struct housekeeping *h, const struct snapshot *snap, __u64 now_ns,
		       size_t *refused_cnt);

/* Returns whether all cgroups have been removed for good. */
bool housekeeping__is_gone(const struct housekeeping *h);

/*
 * Restores all cgroups. If one fails, the journal keeps all of them for --unsteer. Returns 0 or the
 * first -errno, logged.
 */
int housekeeping__restore(struct housekeeping *h);

/*
 * Implements --unsteer: restores the cgroups of a run that was killed. Returns 0 or -errno, logged.
 */
int housekeeping__undo(void);

#endif /* HOUSEKEEPING_H */
