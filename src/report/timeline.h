/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * timeline - what each VM and vCPU of a run spent its time on, in columns of equal length. Pure.
 *
 * Memory is bounded, whatever the length of the run: when there are too many columns, each two of
 * them are joined into one.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdbool.h>
#include "report/account.h"

#define TIMELINE_COLUMNS_MAX 720

/* VMs and vCPUs times columns. With more of them than this there are fewer columns. */
#define TIMELINE_CELLS_MAX (1 << 19)

/* VMs and vCPUs beyond this number are counted and left out. */
#define TIMELINE_ROWS_MAX (1 << 14)

/* The parts of wall time, as in spent.h. */
enum part {
	PART_BUSY,
	PART_HOST,
	PART_USED, /* busy or host, in MODE_SWITCH */
	PART_WAIT,
	PART_UNKNOWN,
	PART_BLOCKED,
	PART_HALTED,
	PART_CNT,
};

/* A VM or vCPU in a column. All zero: it did not exist. */
struct timeline_cell {
	float ns[PART_CNT]; /* add up to the wall time of its vCPUs */
	/* a bit for each part that was not known, in some interval and of some vCPU */
	__u32 unknown_parts;
};

struct timeline_vcpu {
	pid_t tid;
	__u32 vcpu_id;
	struct timeline_cell *cells; /* one for each column */
};

/* A VM, identified as in summary.h. */
struct timeline_vm {
	pid_t pid;
	unsigned int instance;
	char name[sizeof(((struct vm_reading *)NULL)->name)];
	size_t vcpu_max; /* the most vCPUs in any interval */
	struct timeline_cell *cells;
	struct timeline_vcpu *vcpus; /* in the order in which they appeared */
	size_t vcpu_cnt;
};

struct timeline_column {
	__u64 begin_ns, end_ns; /* CLOCK_MONOTONIC */
};

/* Zero-initialize it. */
struct timeline {
	bool has_vcpus; /* set it to keep vCPUs, too */
	struct clock_reading begin, end;
	enum measure_mode mode; /* of the last report */
	size_t interval_cnt;
	struct timeline_column columns[TIMELINE_COLUMNS_MAX];
	size_t column_cnt, column_max;
	size_t joined_cnt;       /* intervals in each column but the last */
	size_t last_cnt;         /* intervals in the last column */
	struct timeline_vm *vms; /* in the order in which they appeared */
	size_t vm_cnt;
	size_t row_cnt;      /* VMs and vCPUs */
	size_t left_out_cnt; /* times that a VM or vCPU found no row in a report */
};

/* Adds a report, which must begin where the one before ended. Returns 0 or -ENOMEM. */
int timeline__add(struct timeline *timeline, const struct report *report);
void timeline__free(struct timeline *timeline);

/* Returns the wall time of the vCPUs in a cell. */
float timeline__wall_ns(const struct timeline_cell *cell);

/* Returns whether the VM's process has other VMs, in the timeline or left out of it. */
bool timeline__is_one_of_several(const struct timeline *timeline, const struct timeline_vm *vm);

#endif /* TIMELINE_H */
