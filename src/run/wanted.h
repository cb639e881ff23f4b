/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * wanted - reduce a snapshot to what the options ask for.
 */
#ifndef WANTED_H
#define WANTED_H

struct measure_opts;
struct snapshot;

/*
 * Applies the filter to a sorted snapshot, and drops its stints unless they are wanted.
 * Returns 0; or -ENODATA, logged, if stints are wanted but were not counted.
 */
int wanted__narrow(const struct measure_opts *opts, struct snapshot *snap);

#endif /* WANTED_H */
