/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * columns - what a report shows, as data: the one table that every form of output is driven by.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"

enum column {
	COLUMN_HALTED,
	COLUMN_LOADED,
	COLUMN_GUEST,
	COLUMN_BUSY,
	COLUMN_HOST,
	COLUMN_WAIT,
	COLUMN_BLOCKED,
	COLUMN_ENTRIES,
	COLUMN_WALL,
	COLUMN_CLAMPED,
	COLUMN_UNMEASURED,
	COLUMN_CNT,
};

enum unit {
	UNIT_SHARE, /* per cent of wall time */
	UNIT_RATE,  /* per second of the interval */
};

struct column_def {
	const char *key;     /* in JSON, with its unit */
	const char *heading; /* in the table; NULL: not there */
	int width;
	enum unit unit;
	enum metric metric;
	unsigned int modes; /* in which the table has it: a bit for each enum measure_mode */
};

extern const struct column_def column_defs[COLUMN_CNT];

/* How much of a column's key is its name: without the unit. */
size_t column__name_len(enum column column);

/*
 * Finds a column of some table by its name, its key or its heading, the latter with or without the
 * unit behind it; case does not matter. *column is left alone when there is none.
 */
bool column__find(const char *word, enum column *column);

const char *mode__name(enum measure_mode mode);

/* A kind of failure: a counter of struct health. */
struct failure_def {
	const char *key;    /* in JSON */
	const char *notice; /* in front of the count */
	size_t offset;
};

#define FAILURE_CNT 5
extern const struct failure_def failure_defs[FAILURE_CNT];

static inline __u64 failure_cnt(const struct health *health, size_t failure)
{
	return *(const __u64 *)((const char *)health + failure_defs[failure].offset);
}

/* 1 for the first VM of a process, 2 for the second. `vm` is one of report->vms. */
unsigned int instance_of(const struct report *report, const struct vm_report *vm);

/*
 * How many vCPUs a VM has, and all VMs of a report. That is not how many rows: a thread that runs vCPUs in turn has a
 * row for each of its turns, and so has each of the threads that run a vCPU one after the other.
 */
size_t vcpu_cnt_of(const struct vm_report *vm);
size_t vcpu_cnt_of_all(const struct report *report);

/*
 * Whether a VM's idle time is in "blocked": it does not halt in guest mode, its threads sleep. That is
 * so where HLT exits, and while a VM is paused. Returns 1, 0 or, when it is not known, -ENODATA.
 */
int idle_in_blocked(const struct metrics *metrics);

#endif /* COLUMNS_H */
