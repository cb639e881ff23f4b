/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * roster - complete a snapshot: add names of VMs, and vCPUs that exist but were not seen by BPF.
 * Knows /proc, through vm_table, and no BPF.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include <stddef.h>
#include <sys/types.h>

struct hostfs;
struct roster;
struct snapshot;

/*
 * Finds the VMs among the processes in `pids`, or among all processes if it is NULL. On success
 * *roster is set; it borrows fs and must be freed with roster__free(). Returns 0 or -errno.
 */
int roster__new(const struct hostfs *fs, const pid_t *pids, size_t pid_cnt, struct roster **roster);
void roster__free(struct roster *roster);

/*
 * Completes a snapshot whose clock is set and whose vcpus are those that BPF saw:
 * - adds the VMs, including those that have exited since the last call if a vCPU of theirs was
 *   seen;
 * - adds the vCPUs that exist but were not seen;
 * - drops vCPUs of a process that has exited and whose PID was reused, because they would be shown
 *   under the name of the new process.
 *
 * The snapshot is not sorted afterwards. Returns 0 or -errno.
 */
int roster__complete(struct roster *roster, struct snapshot *snap);

/* Number of processes with VMs that were alive at the last call. */
size_t roster__vm_cnt(const struct roster *roster);

#endif /* ROSTER_H */
