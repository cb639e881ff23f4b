/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * roster - who is who in a snapshot: names for the VMs whose vCPUs were seen, and the vCPUs that exist but
 * were not. Knows /proc, through vm_table, and no BPF.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include <stddef.h>
#include <sys/types.h>

struct hostfs;
struct roster;
struct snapshot;

/*
 * Finds the VMs of the processes listed, or with NULL of all. Returns 0 and *roster, which borrows fs and is
 * ended with roster__free(); or -errno.
 */
int roster__new(const struct hostfs *fs, const pid_t *pids, size_t pid_cnt, struct roster **roster);
void roster__free(struct roster *roster);

/*
 * Completes a snapshot whose clock is set and whose vcpus are all that was seen: adds the VMs, those
 * included that have ended since the last time, if a vCPU of theirs was seen; adds the vCPUs that are known
 * but not seen; and drops what was seen of an ended process whose PID is another's by now, since it would be
 * shown under that one's name. Leaves the snapshot unsorted.
 * Returns 0 or -errno.
 */
int roster__complete(struct roster *roster, struct snapshot *snap);

/* How many processes with VMs were alive the last time. */
size_t roster__vm_cnt(const struct roster *roster);

#endif /* ROSTER_H */
