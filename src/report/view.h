/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * view - the rows of a report that are shown, and their order. Pure.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"
#include "report/columns.h"

enum view_level {
	VIEW_VMS_AND_VCPUS, /* each VM's row, followed by its vCPUs */
	VIEW_VMS,
	VIEW_VCPUS,
};

struct view_opts {
	enum view_level level;
	bool sorted;      /* false: in the report's order */
	enum column sort; /* if sorted */
	/* limits VMs, shown with all their vCPUs, or vCPUs if VMs have no rows; 0: no limit */
	size_t row_max;
};

struct view_row {
	const struct vm_report *vm;
	const struct vcpu_report *vcpu; /* NULL: the VM's own row */
};

struct view {
	enum view_level level;
	struct view_row *rows;
	size_t row_cnt;
	size_t left_out_cnt; /* VMs or vCPUs, as row_max counts them */
	bool lacks_vms;      /* some VMs may have no row */
	size_t row_room;     /* allocated elements */
};

/*
 * Makes the view of a report; the rows point into the report.
 *
 * If sorted, rows are in descending order of the column's displayed value, with unknown values
 * last; rows with equal values stay in the report's order. vCPUs stay below their VM.
 *
 * Zero-initialize *view before the first call; its memory is reused by later
 * calls and freed by view__free().
 * Returns 0; or -ENOMEM, with *view unchanged.
 */
int view__make(const struct report *report, const struct view_opts *opts, struct view *view);
void view__free(struct view *view);

#endif /* VIEW_H */
