/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * source - where snapshots come from: this host, which is measured, or a recording of some host.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct filter;
struct hostfs;
struct options;
struct program_stats;
struct recording_header;
struct snapshot;
struct source;

/*
 * Measures this host, as the options say, from here on; hostfs__open() has opened fs. Both are borrowed.
 * Returns 0 and *source, which the caller ends with source__free(); -EOPNOTSUPP when this host cannot be
 * measured; or another -errno. Every failure has been logged.
 */
int source_live__new(const struct options *opts, const struct hostfs *fs, struct source **source);

/*
 * Reads a recording; "-" is stdin. The path is borrowed. Returns 0 and *source as above, or -errno, logged
 * with the file and its line where the recording is at fault.
 */
int source_replay__new(const char *path, struct source **source);

void source__free(struct source *source);

/*
 * Fills a snapshot, which is cleared first, unfiltered and sorted: of now, or the next that was recorded.
 * Returns 1; 0 when there is none any more; or -errno, logged: a recording of which no interval can be
 * shown is a failure, one that is cut off behind that is a line on stderr.
 */
int source__next(struct source *source, struct snapshot *snap);

/* Whether all that was asked for has ended for good, as of the last snapshot. */
bool source__has_ended(const struct source *source, const struct filter *filter);

/*
 * What the BPF programs have cost since they were loaded, for as many as there is room. Returns how many;
 * none where none runs, or the kernel does not count.
 */
size_t source__program_stats(const struct source *source, struct program_stats *stats, size_t max);

/*
 * Whether a process with the rights of this one may go on asking for snapshots. Returns 0; -EPERM or -EACCES; or
 * another -errno.
 */
int source__check_rights(const struct source *source);

/* Of the run; of a host the ratio is known from the first snapshot on. It lives as long as the source. */
const struct recording_header *source__header(const struct source *source);

#endif /* SOURCE_H */
