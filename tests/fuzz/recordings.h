/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recordings - checks that reading a recording gives the snapshots that were recorded.
 */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include <stddef.h>

struct recording_header;
struct snapshot;

/*
 * Records the snapshots and reads them again. They must be sorted, and each later than the one
 * before.
 */
void recordings__check_round_trip(const struct recording_header *header,
				  const struct snapshot *snaps, size_t cnt);

#endif /* RECORDINGS_H */
