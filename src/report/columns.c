// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "report/columns.h"

#define IN_ENTRY  (1U << MODE_ENTRY)
#define IN_SWITCH (1U << MODE_SWITCH)
#define IN_BOTH   (IN_ENTRY | IN_SWITCH)

/* JSON has all columns, in this order. The table has those with a heading in its mode. */
const struct column_def column_defs[COLUMN_CNT] = {
	[COLUMN_IDLE] = { "idle_ns", "IDLE%", 5, UNIT_SHARE, METRIC_IDLE_NS, IN_BOTH },
	[COLUMN_HALTED] = { "halted_ns", "HALTED%", 7, UNIT_SHARE, METRIC_HALTED_NS, IN_BOTH },
	[COLUMN_LOADED] = { "loaded_ns", "LOADED%", 7, UNIT_SHARE, METRIC_LOADED_NS, IN_SWITCH },
	[COLUMN_GUEST] = { "guest_ns", .metric = METRIC_GUEST_NS },
	[COLUMN_BUSY] = { "busy_ns", "BUSY%", 5, UNIT_SHARE, METRIC_BUSY_NS, IN_ENTRY },
	[COLUMN_HOST] = { "host_ns", "HOST%", 5, UNIT_SHARE, METRIC_HOST_NS, IN_ENTRY },
	[COLUMN_WAIT] = { "wait_ns", "WAIT%", 5, UNIT_SHARE, METRIC_WAIT_NS, IN_BOTH },
	[COLUMN_BLOCKED] = { "blocked_ns", "BLOCK%", 6, UNIT_SHARE, METRIC_BLOCKED_NS, IN_BOTH },
	[COLUMN_ENTRIES] = { "entries", "ENTRIES/s", 9, UNIT_RATE, METRIC_ENTRY_CNT, IN_ENTRY },
	[COLUMN_WALL] = { "wall_ns", .metric = METRIC_WALL_NS },
	[COLUMN_CLAMPED] = { "clamped_ns", .metric = METRIC_CLAMPED_NS },
	[COLUMN_UNMEASURED] = { "unmeasured_ns", .metric = METRIC_UNMEASURED_NS },
};
_Static_assert((int)COLUMN_CNT == (int)METRIC_CNT, "every metric has its column");

const struct failure_def failure_defs[FAILURE_CNT] = {
	{ "lost_windows", "windows lost, their time is missing",
	  offsetof(struct health, lost_window_cnt) },
	{ "mperf_errors", "MPERF reads failed", offsetof(struct health, mperf_error_cnt) },
	{ "map_full", "windows of vCPUs for which there was no room",
	  offsetof(struct health, map_full_cnt) },
	{ "hooks_off", "hooks were off, nothing is known about the interval",
	  offsetof(struct health, hooks_off_cnt) },
	{ "refused_windows", "windows refused, a process had its share of the room",
	  offsetof(struct health, refused_window_cnt) },
};
_Static_assert(sizeof(struct health) == FAILURE_CNT * sizeof(__u64), "every failure is shown");

const char *mode__name(enum measure_mode mode)
{
	return mode == MODE_ENTRY ? "entry" : "switch";
}

unsigned int instance_of(const struct report *report, const struct vm_report *vm)
{
	unsigned int instance = 1;

	for (; vm > report->vms && vm[-1].pid == vm->pid; vm--)
		instance++;
	return instance;
}

size_t vcpu_cnt_of(const struct vm_report *vm)
{
	size_t cnt = 0;

	/* They are sorted by vcpu_id. */
	for (size_t i = 0; i < vm->vcpu_cnt; i++)
		cnt += !i || vm->vcpus[i].vcpu_id != vm->vcpus[i - 1].vcpu_id;
	return cnt;
}

size_t vcpu_cnt_of_all(const struct report *report)
{
	size_t cnt = 0;

	for (size_t i = 0; i < report->vm_cnt; i++)
		cnt += vcpu_cnt_of(&report->vms[i]);
	return cnt;
}

size_t column__name_len(enum column column)
{
	const char *key = column_defs[column].key;
	size_t len = strlen(key);

	return len > 3 && !strcmp(key + len - 3, "_ns") ? len - 3 : len;
}

static bool is_called(const char *word, const char *name, size_t name_len)
{
	return strlen(word) == name_len && !strncasecmp(word, name, name_len);
}

bool column__find(const char *word, enum column *column)
{
	for (int i = 0; i < COLUMN_CNT; i++) {
		const struct column_def *def = &column_defs[i];

		if (!def->heading || (!is_called(word, def->key, column__name_len(i)) &&
				      !is_called(word, def->key, strlen(def->key)) &&
				      !is_called(word, def->heading, strlen(def->heading)) &&
				      !is_called(word, def->heading, strcspn(def->heading, "%/"))))
			continue;
		*column = i;
		return true;
	}
	return false;
}

int idle_in_blocked(const struct metrics *metrics)
{
	__u64 halted_ns = metrics->value[METRIC_HALTED_NS];
	__u64 blocked_ns = metrics->value[METRIC_BLOCKED_NS];
	__u64 wall_ns = metrics->value[METRIC_WALL_NS];

	if (halted_ns == METRIC_UNKNOWN || blocked_ns == METRIC_UNKNOWN ||
	    wall_ns == METRIC_UNKNOWN || !wall_ns)
		return -ENODATA;
	/* A halted share of up to 0.5 % may be an error of mperf_ratio. */
	return halted_ns <= wall_ns / 200 && blocked_ns > wall_ns / 20;
}
