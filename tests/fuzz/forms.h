/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forms - writes a report in every form and checks each of them.
 */
#ifndef FORMS_H
#define FORMS_H

struct report;
struct totals;

/* Checks the identities that span.h defines, for each vCPU and each VM. */
void forms__check_sums(const struct report *report);

/*
 * Checks tables, histograms, CSV and JSON. Texts for people must be at most `width_max` columns
 * wide.
 */
void forms__check(const struct report *report, int width_max);

/* Adds the report to the totals, and checks both formats of metrics. */
void forms__check_metrics(const struct report *report, struct totals *totals);

#endif /* FORMS_H */
