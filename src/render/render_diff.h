/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_diff - write the comparison of two runs, as a table or as JSON.
 */
#ifndef RENDER_DIFF_H
#define RENDER_DIFF_H

#include <stdio.h>

struct diff;

/*
 * Shares are in per cent; "-" and null are unknown. Flush the stream. Return 0, -ENOMEM or -errno.
 */
int render__diff(const struct diff *diff, FILE *out);
int render__diff_json(const struct diff *diff, FILE *out);

#endif /* RENDER_DIFF_H */
