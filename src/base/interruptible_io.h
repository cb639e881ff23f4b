/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * interruptible_io - reads and writes that wait for the other side, but give up if a signal asks
 * the process to end. Without this, a process that has blocked these signals, in order to read them
 * from a signalfd, would hang on a pipe that nobody reads.
 */
#ifndef INTERRUPTIBLE_IO_H
#define INTERRUPTIBLE_IO_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes all data. *written is set to the number of bytes written, also on failure.
 * Returns 0; -EINTR if SIGINT, SIGTERM, SIGHUP or SIGQUIT is pending while the other side accepts
 * nothing (the signal stays pending); or another -errno.
 */
int interruptible_io__write(int fd, const char *data, size_t size, size_t *written);

/*
 * Opens a stream that reads ("r") or writes ("w") in this way. fclose() also closes fd, unless it
 * is a standard descriptor. Returns NULL with errno set on failure.
 */
FILE *interruptible_io__open(int fd, const char *mode);

#endif /* INTERRUPTIBLE_IO_H */
