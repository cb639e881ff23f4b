/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exporter - export metrics over HTTP, as a file, or both, until a signal.
 *
 * A snapshot is taken every interval, so that nothing is lost between scrapes, and on a request if
 * the last one is older than a second, so that many requests do not cost more than one snapshot per
 * second.
 */
#ifndef EXPORTER_H
#define EXPORTER_H

#include <stdbool.h>
#include <linux/types.h>

struct exporter;
struct interval;
struct listen_address;
struct measure_opts;
struct source;

struct exporter_opts {
	const struct measure_opts *measure; /* only for what is shown of the snapshots */
	bool is_live;      /* the source measures this host; false: it is a recording */
	__u64 interval_ns; /* between snapshots */
	const struct listen_address *listen; /* NULL: nothing is served over HTTP */
	const char *textfile_path;           /* NULL: no file is written */
	const char *user;                    /* to run as, as in privileges_opts */
};

/*
 * Does what may need privileges: binds the listening socket and opens the directory of the file.
 * All that the options point to is borrowed.
 * Returns 0 and *exporter, which the caller frees with exporter__free(); or -errno, logged.
 */
int exporter__new(const struct exporter_opts *opts, struct exporter **exporter);
void exporter__free(struct exporter *exporter);

/*
 * Drops all privileges that are no longer needed, and runs until a signal. A recording is first
 * read to its end; if nothing is served, the run ends there, and interval may be NULL. The file is
 * written once more at the end. All arguments stay owned by the caller.
 * Returns 0; or -errno, logged, if snapshots keep failing or the file could not be written at the
 * end.
 */
int exporter__run(struct exporter *exporter, struct source *source, struct interval *interval);

#endif /* EXPORTER_H */
