// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "export/total_list.h"

void total__add_metrics(struct metrics *sums, const struct metrics *more)
{
	for (int i = 0; i < METRIC_CNT; i++) {
		__u64 *sum = &sums->value[i];

		if (more->value[i] == METRIC_UNKNOWN)
			continue;
		if (*sum == METRIC_UNKNOWN)
			*sum = more->value[i];
		else if (__builtin_add_overflow(*sum, more->value[i], sum) ||
			 *sum == METRIC_UNKNOWN)
			*sum = METRIC_UNKNOWN - 1;
	}
}

int total_list__reserve(struct total_list *list, size_t more)
{
	size_t room = list->cnt + more;
	void *items;

	if (room <= list->room)
		return 0;
	room += room / 2;
	items = reallocarray(list->items, room, list->item_size);
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->room = room;
	return 0;
}

struct total *total_list__find_or_add(struct total_list *list, const void *key)
{
	struct total *found = NULL;

	if (list->sorted_cnt)
		found = bsearch(key, list->items, list->sorted_cnt, list->item_size, list->compare);
	if (!found) {
		found = total_list__at(list, list->cnt++);
		memcpy(found, key, list->item_size);
	}
	return found;
}

void total_list__begin(struct total_list *list)
{
	for (size_t i = 0; i < list->cnt; i++)
		total_list__at(list, i)->seen = false;
}

/* Merges items that were added twice: two VMs of one process had the same new vCPU number. */
static void merge_equal(struct total_list *list)
{
	size_t kept = 0;

	for (size_t i = 1; i < list->cnt; i++) {
		struct total *last = total_list__at(list, kept), *next = total_list__at(list, i);

		if (!list->compare(last, next)) {
			total__add_metrics(&last->sums, &next->sums);
			continue;
		}
		if (++kept != i)
			memcpy(total_list__at(list, kept), next, list->item_size);
	}
	list->cnt = kept + 1;
}

void total_list__end(struct total_list *list, __u64 now_ns)
{
	if (list->cnt > list->sorted_cnt) {
		qsort(list->items, list->cnt, list->item_size, list->compare);
		merge_equal(list);
		list->sorted_cnt = list->cnt;
	}
	list->ended_cnt = 0;
	for (size_t i = 0; i < list->cnt; i++) {
		struct total *total = total_list__at(list, i);

		if (total->seen) {
			total->ended_ns = 0;
			continue;
		}
		if (!total->ended_ns)
			total->ended_ns = now_ns;
		list->ended_cnt++;
	}
}

/*
 * Drops up to `max` items that had ended by limit_ns, and keeps the order of the
 * others. Returns how many.
 */
static size_t drop(struct total_list *list, __u64 limit_ns, size_t max)
{
	size_t kept = 0, dropped = 0;

	for (size_t i = 0; i < list->cnt; i++) {
		const struct total *total = total_list__at(list, i);

		if (dropped < max && total->ended_ns && total->ended_ns <= limit_ns) {
			dropped++;
			continue;
		}
		if (kept != i)
			memcpy(total_list__at(list, kept), total, list->item_size);
		kept++;
	}
	list->cnt = kept;
	list->sorted_cnt = kept;
	list->ended_cnt -= dropped;
	return dropped;
}

static int compare_moments(const void *left, const void *right)
{
	const __u64 *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Returns the time by which `rank` items had ended; 0 if out of memory. */
static __u64 find_moment(const struct total_list *list, size_t rank)
{
	__u64 *moments = calloc(list->ended_cnt, sizeof(*moments));
	size_t cnt = 0;
	__u64 moment;

	if (!moments)
		return 0;
	for (size_t i = 0; i < list->cnt; i++) {
		const struct total *total = total_list__at(list, i);

		if (total->ended_ns)
			moments[cnt++] = total->ended_ns;
	}
	qsort(moments, cnt, sizeof(*moments), compare_moments);
	moment = moments[rank - 1];
	free(moments);
	return moment;
}

size_t total_list__drop_ended(struct total_list *list, __u64 now_ns)
{
	__u64 limit_ns = now_ns > TOTALS_KEEP_NS ? now_ns - TOTALS_KEEP_NS : 0;
	size_t excess;

	if (!list->ended_cnt)
		return 0;
	drop(list, limit_ns, SIZE_MAX);
	if (list->ended_cnt <= TOTALS_ENDED_MAX)
		return 0;
	excess = list->ended_cnt - TOTALS_ENDED_MAX;
	limit_ns = find_moment(list, excess);
	/* If memory is short, drop the first ones of the list instead of the oldest. */
	return drop(list, limit_ns ? limit_ns : now_ns, excess);
}
