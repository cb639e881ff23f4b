/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_check - write a check as text: a row per CPU, a row per vCPU, and a verdict.
 */
#ifndef RENDER_CHECK_H
#define RENDER_CHECK_H

#include <stdio.h>

struct check;

/*
 * Lines have at most 79 columns if intervals are below 15 minutes. OFF% is the largest error of an
 * identity, the magnitude of a negative term. The last line begins with "PASS: " or "FAIL: ".
 * Flushes the stream. Returns 0 or -errno.
 */
int render__check(const struct check *check, FILE *out);

#endif /* RENDER_CHECK_H */
