/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * host_rights - checks whether this process has the rights to measure on this host, as far as that
 * is known before trying, and explains errors when the kernel refuses all the same.
 */
#ifndef HOST_RIGHTS_H
#define HOST_RIGHTS_H

#include <stdbool.h>

struct hostfs;

/*
 * Checks the rights to measure. Returns 0; or -EOPNOTSUPP after one line on stderr that says what
 * is missing and what would help.
 */
int host_rights__check(const struct hostfs *fs);

/*
 * As host_rights__check() for a process that only reads a pinned measurement, which needs no rights
 * except those to the files.
 */
int host_rights__check_reading(const struct hostfs *fs);

/*
 * Logs that `what` failed with err, and why. `call` is the system call that it needs; takes_memory:
 * the cause may also be a limit on locked memory. Returns -EOPNOTSUPP if permission was refused,
 * err otherwise.
 */
int host_rights__refused(int err, const char *what, const char *call, bool takes_memory);

#endif /* HOST_RIGHTS_H */
