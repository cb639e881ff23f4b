/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recorder - write a recording, and log failures.
 */
#ifndef RECORDER_H
#define RECORDER_H

struct recorder;
struct recording_header;
struct snapshot;

/*
 * Creates or truncates the file; the path is borrowed. With a NULL path *recorder is NULL, which
 * all functions below accept and ignore.
 * Returns 0 and *recorder, which the caller ends with recorder__end(); or -errno, logged.
 */
int recorder__new(const char *path, const struct recording_header *header,
		  struct recorder **recorder);

/* Adds a snapshot, which must be sorted and unfiltered. Returns 0 or -errno, logged. */
int recorder__add(struct recorder *recorder, const struct snapshot *snap);

/* Closes and frees. Returns 0; or -errno, logged, if the file may be incomplete. */
int recorder__end(struct recorder *recorder);

#endif /* RECORDER_H */
