/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exporter - metrics for as long as it runs: over HTTP, as a file, or both.
 *
 * A snapshot is taken every interval, and for a request when the last one is older than a second: so nothing
 * is lost when nobody asks, and many who ask cost no more than one.
 */
#ifndef EXPORTER_H
#define EXPORTER_H

struct exporter;
struct interval;
struct options;
struct source;

/*
 * Does what may need rights: listens, and opens the folder of the file. The options are borrowed.
 * Returns 0 and *exporter, which the caller ends with exporter__free(); or -errno, logged.
 */
int exporter__new(const struct options *opts, struct exporter **exporter);
void exporter__free(struct exporter *exporter);

/*
 * Gives up all rights that it needs no more, and runs until a signal; all parts stay the caller's. A recording is read to its end first; when nothing is
 * served, that is all. Interval may be NULL then. The file is written once more at the end.
 * Returns 0 or -errno, logged: snapshots fail for good, or the file could not be written at the end.
 */
int exporter__run(struct exporter *exporter, struct source *source, struct interval *interval);

#endif /* EXPORTER_H */
