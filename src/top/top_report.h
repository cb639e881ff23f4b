/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_report - a deep copy of a report, for a paused display that must outlive the snapshots. Pure.
 */
#ifndef TOP_REPORT_H
#define TOP_REPORT_H

#include "report/account.h"

/* Zero-initialize it; it is then empty, with an interval_ns of 0. */
struct top_report {
	struct report report; /* its memory, including names, belongs to this copy */
	char *names;
};

/* Replaces the copy. Returns 0; or -ENOMEM, with *copy unchanged. */
int top_report__copy(const struct report *report, struct top_report *copy);
void top_report__free(struct top_report *copy);

#endif /* TOP_REPORT_H */
