/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recordings - that what is recorded is what is read.
 */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include <stddef.h>

struct recording_header;
struct snapshot;

/* Records the snapshots, each later than the one before and in order, and reads them. */
void recordings__check_round_trip(const struct recording_header *header,
				  const struct snapshot *snaps, size_t cnt);

#endif /* RECORDINGS_H */
