/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * filter - which VMs and vCPUs of a snapshot are wanted. Pure.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct snapshot;

/*
 * Wanted is what matches some element of every list that is not empty. All zero: everything. Without
 * repetition; the memory is the filter's own.
 */
struct filter {
	pid_t *pids; /* of VMM processes */
	size_t pid_cnt;
	pid_t *tids; /* of vCPU threads */
	size_t tid_cnt;
	char **names; /* fnmatch(3) patterns of VM names */
	size_t name_cnt;
	__u32 *vcpu_ids;
	size_t vcpu_id_cnt;
};

/*
 * Drops from a snapshot, which is in the order that snapshot__sort() makes and stays so, what is not
 * wanted. A VM goes with all of its vCPUs; where vCPUs are chosen (tids, vcpu_ids), a VM of which none
 * is left goes too. A vCPU without a VM of its pid in the snapshot has no name that could match. Both
 * snapshots of a report must have gone through the same filter.
 */
void filter__apply(const struct filter *filter, struct snapshot *snap);

/* Whether anything of a snapshot, in the order that snapshot__sort() makes, is wanted. */
bool filter__matches(const struct filter *filter, const struct snapshot *snap);

/* Whether everything is wanted, whatever it is. */
bool filter__is_empty(const struct filter *filter);

/* Leaves a filter that wants everything. */
void filter__free(struct filter *filter);

#endif /* FILTER_H */
