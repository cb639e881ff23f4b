/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * show - write reports to a stream one after the other, in the form that the options ask for, and
 * separate them. render has the formats themselves.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdio.h>

struct check;
struct diff;
struct options;
struct report;
struct show;
struct summary;

/*
 * Prepares to show reports on `out`. The options select format, view, time of day and repetition.
 * Between tables the screen is cleared if `out` is a terminal that can do it and -C was not given;
 * otherwise an empty line is written. Both pointers are borrowed.
 * Returns 0 and *show, which the caller frees with show__free(); or -ENOMEM.
 */
int show__new(const struct options *opts, FILE *out, bool is_terminal, struct show **show);
void show__free(struct show *show);

/* Each flushes the stream. Return 0, -ENOMEM, or -errno if the stream failed. */
int show__report(struct show *show, const struct report *report);
int show__check(struct show *show, const struct check *check);
int show__summary(struct show *show, const struct summary *summary);
int show__diff(struct show *show, const struct diff *diff);

#endif /* SHOW_H */
