/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * total_list - what totals needs of its lists of VMs and of vCPUs; only for it.
 *
 * A list is sorted; what is added in between is behind the sorted part until total_list__settle().
 */
#ifndef TOTAL_LIST_H
#define TOTAL_LIST_H

#include "export/totals.h"

static inline struct total *total_list__at(const struct total_list *list, size_t i)
{
	return (struct total *)((char *)list->items + i * list->item_size);
}

/* Makes room for so many more. Returns 0 or -ENOMEM. */
int total_list__reserve(struct total_list *list, size_t more);

/* The one that compares equal to key, which is an item; else a copy of key, for which there is room. */
struct total *total_list__find_or_add(struct total_list *list, const void *key);

/* Before a report is added: nothing has been seen in it. */
void total_list__begin(struct total_list *list);

/*
 * After it: sorts what was added, adds up what was added twice, and marks what was not seen as ended
 * at now_ns.
 */
void total_list__settle(struct total_list *list, __u64 now_ns);

/*
 * Drops what has ended TOTALS_KEEP_NS ago, and the oldest above TOTALS_ENDED_MAX. Returns how many the latter were.
 */
size_t total_list__drop_ended(struct total_list *list, __u64 now_ns);

/* Adds what is known; saturates. */
void total__add_metrics(struct metrics *sums, const struct metrics *more);

#endif /* TOTAL_LIST_H */
