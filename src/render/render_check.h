/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_check - a check as text: a row for each CPU, one for each vCPU, and a verdict.
 */
#ifndef RENDER_CHECK_H
#define RENDER_CHECK_H

#include <stdio.h>

struct check;

/*
 * At most 79 columns for intervals below a quarter of an hour. OFF% is the identity that is most off,
 * a term below 0 the reason. The last line begins with "PASS: " or "FAIL: ".
 * Flushes the stream. Returns 0, or -errno when it failed.
 */
int render__check(const struct check *check, FILE *out);

#endif /* RENDER_CHECK_H */
