/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pid_space - whether /proc speaks of the processes that BPF sees, by the same numbers.
 *
 * BPF and KVM's debugfs have the numbers of the host, which is the initial PID namespace. In another one's /proc
 * the same number is another process, or none.
 */
#ifndef PID_SPACE_H
#define PID_SPACE_H

#include <stdbool.h>

struct hostfs;

/*
 * Whether /proc is the host's. Returns 0; or -EOPNOTSUPP, logged. A /proc that is the host's and hides processes
 * from us is warned of.
 */
int pid_space__check(const struct hostfs *fs);

/*
 * Whether system calls that take a PID take those of /proc. Not so in a container that has the host's /proc and
 * PIDs of its own.
 */
bool pid_space__is_ours(const struct hostfs *fs);

#endif /* PID_SPACE_H */
