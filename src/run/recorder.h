/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recorder - a recording in the making, and what is said when it cannot go on.
 */
#ifndef RECORDER_H
#define RECORDER_H

struct recorder;
struct recording_header;
struct snapshot;

/*
 * Makes the file, or empties the one that is there; the path is borrowed. A NULL for it makes a recorder
 * of nothing, which is NULL and can be given to all below. Returns 0 and *recorder, which the caller ends
 * with recorder__end(), or -errno, logged.
 */
int recorder__new(const char *path, const struct recording_header *header,
		  struct recorder **recorder);

/* Adds a snapshot, sorted and unfiltered. Returns 0 or -errno, logged. */
int recorder__add(struct recorder *recorder, const struct snapshot *snap);

/* Returns 0, or -errno, logged, when not all may be in the file. */
int recorder__end(struct recorder *recorder);

#endif /* RECORDER_H */
