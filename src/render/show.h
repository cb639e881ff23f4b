/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * show - how reports are put on a stream, one after the other: in which form, and what stands between
 * them. The forms themselves are of render.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdio.h>

struct check;
struct options;
struct report;
struct show;

/*
 * For reports on `out`, as the options say: their form, view, time of day and repetition. Between the
 * tables of several intervals a terminal, which is_terminal says that it is, is cleared, unless it is a dumb
 * one; all else, and a terminal with -C, has an empty line there. Both are borrowed.
 * Returns 0 and *show, which the caller ends with show__free(); or -ENOMEM.
 */
int show__new(const struct options *opts, FILE *out, bool is_terminal, struct show **show);
void show__free(struct show *show);

/* Each flushes the stream. They return 0, -ENOMEM, or -errno when the stream failed. */
int show__report(struct show *show, const struct report *report);
int show__check(struct show *show, const struct check *check);

#endif /* SHOW_H */
