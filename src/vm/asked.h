/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * asked - reject filters that match nothing, so that a mistyped name or number is not mistaken for
 * an idle guest.
 */
#ifndef ASKED_H
#define ASKED_H

struct filter;
struct hostfs;
struct snapshot;

/*
 * Checks what is known before anything is measured: each process ID of the filter must run a VM,
 * and each thread ID must exist. Logs the first one that fails.
 *
 * Returns 0, or
 *   -ESRCH       no such process or thread
 *   -ENODEV      a process, but it runs no VM
 *   -EOPNOTSUPP  no right to inspect the process
 *   -errno       any other error of /proc
 */
int asked__check_ids(const struct filter *filter, const struct hostfs *fs);

/*
 * Checks that the snapshot has a VM for each name of the filter. The snapshot must be complete, not
 * yet filtered; the first one of a run already has all VMs.
 * Returns 0, or -ENOENT after logging the first name that is missing.
 */
int asked__check_names(const struct filter *filter, const struct snapshot *snap);

/*
 * Checks that the snapshot has a vCPU for each thread ID and vCPU number of the filter, and at
 * least one vCPU or VM that matches the whole filter. The snapshot must be complete, not yet
 * filtered. Use the second one of a run: if a VMM does not name its vCPU threads, the first
 * snapshot has only the vCPUs that were loaded at that moment.
 * Returns 0, or -ENOENT after logging what is missing.
 */
int asked__check_vcpus(const struct filter *filter, const struct snapshot *snap);

#endif /* ASKED_H */
