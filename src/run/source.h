/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * source - where snapshots come from: a measurement of this host, or a recording.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct filter;
struct hostfs;
struct interval;
struct measure_opts;
struct program_stats;
struct recording_header;
struct snapshot;
struct source;

/*
 * Starts to measure this host as the options say. Both arguments are borrowed; fs must be open.
 * Returns 0 and *source, which the caller frees with source__free(); -EOPNOTSUPP if this host
 * cannot be measured; or another -errno. Every failure has been logged.
 */
int source_live__new(const struct measure_opts *opts, const struct hostfs *fs,
		     struct source **source);

/*
 * Opens a recording; "-" is stdin. The path is borrowed.
 * Returns 0 and *source, as above; or -errno, logged with file and line if the recording is
 * malformed.
 */
int source_replay__new(const char *path, struct source **source);

struct source_opts {
	const char *replay_path; /* NULL: this host is measured */
	bool wait;               /* wait until KVM is loaded */
	const struct measure_opts *measure;
};

/*
 * Opens the source that a command line asks for. fs: is opened at / if this host is measured; the
 * caller closes it after the source. interval: for the wait.
 * Returns 1 and *source, as above; 0 if a signal ended the wait for KVM; or -errno, logged.
 */
int source__open(const struct source_opts *opts, struct hostfs *fs, struct interval *interval,
		 struct source **source);

void source__free(struct source *source);

/*
 * Clears the snapshot and fills it, sorted and unfiltered: with the present state, or with the next
 * recorded one.
 * Returns 1; 0 at the end; or -errno, logged. A recording too short to show one interval is an
 * error; one that is truncated later only gives a warning.
 */
int source__next(struct source *source, struct snapshot *snap);

/*
 * Reduces a snapshot to what the options ask for: applies the filter, and drops stints unless they
 * are wanted. Returns 0; or -ENODATA, logged, if stints are wanted but were not counted.
 */
int source__narrow(const struct measure_opts *opts, struct snapshot *snap);

/* Returns whether everything that the filter selects had exited for good at the last snapshot. */
bool source__has_ended(const struct source *source, const struct filter *filter);

/*
 * Reads the run time of the BPF programs since they were loaded, for up to `max` of them.
 * Returns their number, which is 0 for a recording or if the kernel does not keep these statistics.
 */
size_t source__program_stats(const struct source *source, struct program_stats *stats, size_t max);

/*
 * Checks whether a process with the privileges of this one can go on taking snapshots.
 * Returns 0; -EPERM or -EACCES; or another -errno.
 */
int source__check_rights(const struct source *source);

/*
 * Describes the run. Valid as long as the source; for a live one mperf_ratio is set by the first
 * snapshot.
 */
const struct recording_header *source__header(const struct source *source);

#endif /* SOURCE_H */
