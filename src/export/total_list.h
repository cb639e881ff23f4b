/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * total_list - a list of VMs or vCPUs; private to totals.
 *
 * Items are sorted. New ones are appended behind the sorted part until total_list__end().
 */
#ifndef TOTAL_LIST_H
#define TOTAL_LIST_H

#include "export/totals.h"

static inline struct total *total_list__at(const struct total_list *list, size_t i)
{
	return (struct total *)((char *)list->items + i * list->item_size);
}

/* Reserves space for `more` items. Returns 0 or -ENOMEM. */
int total_list__reserve(struct total_list *list, size_t more);

/*
 * Returns the item that compares equal to key. If there is none, appends a copy of key, for which
 * space must be reserved.
 */
struct total *total_list__find_or_add(struct total_list *list, const void *key);

/* Call it before a report is added: marks all items as not seen. */
void total_list__begin(struct total_list *list);

/*
 * Call it after a report was added: sorts new items, merges duplicates, and marks items that were
 * not seen as ended at now_ns.
 */
void total_list__end(struct total_list *list, __u64 now_ns);

/*
 * Drops items that ended TOTALS_KEEP_NS ago or earlier, and the oldest ended
 * ones above TOTALS_ENDED_MAX.
 * Returns the number of the latter.
 */
size_t total_list__drop_ended(struct total_list *list, __u64 now_ns);

/* Adds the known values; saturates. */
void total__add_metrics(struct metrics *sums, const struct metrics *more);

#endif /* TOTAL_LIST_H */
