/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * columns - the table of columns and failures from which all output formats are made.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"

enum column {
	COLUMN_IDLE,
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
	const char *key;     /* name in JSON, with its unit */
	const char *heading; /* heading in the table; NULL: not shown there */
	int width;
	enum unit unit;
	enum metric metric;
	unsigned int modes; /* modes in which the table shows it: a bit per enum measure_mode */
};

extern const struct column_def column_defs[COLUMN_CNT];

/* Returns the length of a column's name: its key without the unit. */
size_t column__name_len(enum column column);

/*
 * Finds a column that the table can show by its name, key or heading, the heading with or without
 * its unit. Case is ignored. Returns false, with *column unchanged, if there is none.
 */
bool column__find(const char *word, enum column *column);

const char *mode__name(enum measure_mode mode);

/* A kind of failure: a counter of struct health. */
struct failure_def {
	const char *key;    /* name in JSON */
	const char *notice; /* text in front of the count */
	size_t offset;
};

#define FAILURE_CNT 5
extern const struct failure_def failure_defs[FAILURE_CNT];

static inline __u64 failure_cnt(const struct health *health, size_t failure)
{
	return *(const __u64 *)((const char *)health + failure_defs[failure].offset);
}

/* Returns the number of a VM within its process, from 1. `vm` must be an element of report->vms. */
unsigned int instance_of(const struct report *report, const struct vm_report *vm);

/*
 * Return the number of vCPUs of a VM, and of all VMs of a report. There may be
 * more rows than vCPUs: a thread that runs several vCPUs in turn has a row for
 * each, and so has each thread that runs the same vCPU.
 */
size_t vcpu_cnt_of(const struct vm_report *vm);
size_t vcpu_cnt_of_all(const struct report *report);

/*
 * Returns whether a VM's idle time is in "blocked", because its HLT exits or it is paused: its
 * threads sleep instead of halting in guest mode. Returns 1, 0, or -ENODATA if unknown.
 */
int idle_in_blocked(const struct metrics *metrics);

#endif /* COLUMNS_H */
