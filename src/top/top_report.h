/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_report - a copy of a report that outlives the snapshots, for a screen that stands still while
 * the measurement goes on. Pure.
 */
#ifndef TOP_REPORT_H
#define TOP_REPORT_H

#include "report/account.h"

/* Zero-initialised: of nothing, with an interval_ns of 0. */
struct top_report {
	struct report report; /* its memory is this copy's, names included */
	char *names;
};

/*
 * Replaces what `copy` has. Returns 0, or -ENOMEM; *copy is left as it was on failure.
 */
int top_report__copy(const struct report *report, struct top_report *copy);
void top_report__free(struct top_report *copy);

#endif /* TOP_REPORT_H */
