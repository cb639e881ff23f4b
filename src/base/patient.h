/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * patient - reads and writes that wait for the other side as long as it takes, and no longer than until a signal
 * is to end the process. Signals that are blocked, to be read at their time, would wait behind a pipe that nobody
 * reads for ever.
 */
#ifndef PATIENT_H
#define PATIENT_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes all; *written: what was, even so, when it fails. Returns 0; -errno; or -EINTR when one of SIGINT,
 * SIGTERM, SIGHUP and SIGQUIT is pending, and stays so, and the other side takes nothing.
 */
int patient__write(int fd, const char *data, size_t size, size_t *written);

/*
 * A stream that reads ("r") or writes ("w") in that way; NULL with errno set. It closes the descriptor at its
 * end, unless that is a standard one.
 */
FILE *patient__open(int fd, const char *mode);

#endif /* PATIENT_H */
