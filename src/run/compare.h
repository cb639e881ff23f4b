/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * compare - read two recordings, and show how they differ: --diff.
 */
#ifndef COMPARE_H
#define COMPARE_H

struct options;
struct show;

/* Reads opts->before_path and after_path as the options say. Returns 0 or -errno, logged. */
int compare__run(const struct options *opts, struct show *show);

#endif /* COMPARE_H */
