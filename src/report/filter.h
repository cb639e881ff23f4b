/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * filter - select the VMs and vCPUs of a snapshot. Pure.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <sys/types.h>

struct snapshot;

/*
 * Selects what matches an element of every list that is not empty; all zero selects everything. The
 * lists have no duplicates; their memory belongs to the filter.
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
 * Drops what is not selected from a snapshot, which must be sorted by
 * snapshot__sort() and stays sorted.
 *
 * A VM is dropped with all its vCPUs. If vCPUs are selected (tids, vcpu_ids), a VM without any
 * selected vCPU is dropped too. A vCPU whose pid has no VM in the snapshot has no name and matches
 * no name pattern. Both snapshots of a report must be filtered by the same filter.
 */
void filter__apply(const struct filter *filter, struct snapshot *snap);

/*
 * Returns whether the filter selects anything of a snapshot, which must be
 * sorted by snapshot__sort().
 */
bool filter__matches(const struct filter *filter, const struct snapshot *snap);

/* Returns whether the filter selects everything. */
bool filter__is_empty(const struct filter *filter);

/* Frees the lists, and leaves a filter that selects everything. */
void filter__free(struct filter *filter);

#endif /* FILTER_H */
