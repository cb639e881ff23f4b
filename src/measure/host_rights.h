/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * host_rights - whether this process may measure on this host, as far as that can be told before trying; and what
 * it means when the kernel refuses all the same.
 */
#ifndef HOST_RIGHTS_H
#define HOST_RIGHTS_H

#include <stdbool.h>

struct hostfs;

/* Returns 0; or -EOPNOTSUPP when one line on stderr has said what is missing and what would help. */
int host_rights__check(const struct hostfs *fs);

/* The same for a process that only reads a measurement that is pinned, which takes no rights but those to the files. */
int host_rights__check_reading(const struct hostfs *fs);

/*
 * Says that we cannot do `what`, for which it takes the system call `call`, and why that may be; for a lack of locked
 * memory, too, where it takes that. Returns -EOPNOTSUPP where it was refused, else err.
 */
int host_rights__refused(int err, const char *what, const char *call, bool takes_memory);

#endif /* HOST_RIGHTS_H */
