/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * wanted - what the options want of a snapshot.
 */
#ifndef WANTED_H
#define WANTED_H

struct options;
struct snapshot;

/*
 * Drops all else from a sorted snapshot. Returns 0, or -ENODATA, logged, when stints are wanted and were not
 * counted.
 */
int wanted__narrow(const struct options *opts, struct snapshot *snap);

#endif /* WANTED_H */
