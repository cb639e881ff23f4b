/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pid_space - check that PIDs in /proc are the PIDs that BPF sees.
 *
 * BPF and KVM's debugfs use the PIDs of the initial PID namespace. In the /proc of another
 * namespace the same number is another process, or none.
 */
#ifndef PID_SPACE_H
#define PID_SPACE_H

#include <stdbool.h>

struct hostfs;

/*
 * Checks that /proc is that of the initial PID namespace, and warns if it hides processes
 * (hidepid).
 * Returns 0, or -EOPNOTSUPP after logging.
 */
int pid_space__check(const struct hostfs *fs);

/*
 * Returns whether a PID of /proc may be passed to system calls. It may not in a container which has
 * the host's /proc but its own PID namespace.
 */
bool pid_space__is_ours(const struct hostfs *fs);

#endif /* PID_SPACE_H */
