/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * program - how each program starts and ends: standard descriptors, limits, exit status.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_HOST_CANNOT = 3,
};

/*
 * Call it before anything is opened.
 * - Opens a placeholder, which can be neither read nor written, for each standard descriptor that
 *   is closed. Otherwise a file opened later could get its number, and messages would be written
 *   into that file.
 * - Raises the limit of open files as far as this process may. Each CPU, each VM and each client of
 *   the exporter takes descriptors, and the usual soft limit of 1024 is for programs that call
 *   select().
 * - Makes writes beyond RLIMIT_FSIZE fail with EFBIG, which is reported, instead of killing the
 *   process.
 * - Sets the name with which messages begin, which is not copied.
 * Returns whether the first of these has succeeded; if not, there is no stderr to report it on.
 */
bool program__start(const char *name);

/* Sets the level of messages. verbosity: number of -v. */
void program__set_verbosity(int verbosity);

/* Flushes what --help or --version has printed; a write error is a failure. */
enum exit_code program__end_text(void);

/* Returns the status for 0 or a -errno that has been logged. */
enum exit_code program__status(int err);

#endif /* PROGRAM_H */
