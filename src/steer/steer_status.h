/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steer_status - the status that a run leaves in a file for --status.
 */
#ifndef STEER_STATUS_H
#define STEER_STATUS_H

#include <stdbool.h>

/*
 * Replaces the status. Skips this while a reader holds the lock of the file, so that a stopped
 * reader does not block the run. fd: the file, or negative for none. text: NULL empties the file.
 */
void steer_status__write(int fd, const char *text);

/*
 * Implements --status: prints the status of the current run, as it is (json) or as text. Returns 0;
 * -ESRCH when there is no run; or another -errno; all logged.
 */
int steer_status__show(bool json);

#endif /* STEER_STATUS_H */
