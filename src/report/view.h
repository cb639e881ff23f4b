/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * view - which rows of a report are shown, and in which order. Pure.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include "report/account.h"
#include "report/columns.h"

enum view_level {
	VIEW_VMS_AND_VCPUS, /* each VM's row, its vCPUs below it */
	VIEW_VMS,
	VIEW_VCPUS,
};

struct view_opts {
	enum view_level level;
	bool sorted;      /* else in the report's own order */
	enum column sort; /* when sorted */
	size_t row_max;   /* VMs with their vCPUs, or vCPUs where no VM has a row; 0: all */
};

struct view_row {
	const struct vm_report *vm;
	const struct vcpu_report *vcpu; /* NULL: the VM's own row */
};

struct view {
	enum view_level level;
	struct view_row *rows;
	size_t row_cnt;
	size_t left_out_cnt; /* of what row_max counts */
	bool lacks_vms;      /* there may be VMs without a row */
	size_t row_room;     /* elements for which there is memory */
};

/*
 * Makes the view of a report, whose rows it points into. Sorted, what a row shows in that column
 * decides, greatest first and unknown last; vCPUs stay below their VM. Rows that are equal stay in the
 * report's own order. The memory of *view is used again when the same struct is given (zero-initialise
 * it before the first time) and is freed by view__free().
 * Returns 0 or -ENOMEM; *view is left as it was on failure.
 */
int view__make(const struct report *report, const struct view_opts *opts, struct view *view);
void view__free(struct view *view);

#endif /* VIEW_H */
