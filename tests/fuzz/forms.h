/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forms - a report in every form that there is, each held to what must be so of it.
 */
#ifndef FORMS_H
#define FORMS_H

struct report;
struct totals;

/* The identities of span.h, of each vCPU and each VM. */
void forms__check_sums(const struct report *report);

/* Tables, histograms, CSV and JSON. Texts for people are at most so wide. */
void forms__check(const struct report *report, int width_max);

/* Adds the report to the totals, and looks at both forms of metrics. */
void forms__check_metrics(const struct report *report, struct totals *totals);

#endif /* FORMS_H */
