/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * asked - whether what a filter asks for is there: a word mistyped is not to look like a guest at rest.
 */
#ifndef ASKED_H
#define ASKED_H

struct filter;
struct hostfs;
struct snapshot;

/*
 * What can be told before anything is measured: whether each of the filter's processes runs a VM, and
 * each of its threads exists.
 * Returns 0; -ESRCH or -ENODEV for the first of which that is not so, when one line on stderr has named
 * it; -EOPNOTSUPP, logged, where we have no right to look into a process; or another -errno, logged.
 */
int asked__check_ids(const struct filter *filter, const struct hostfs *fs);

/*
 * Whether a whole snapshot has a VM for each of the filter's names. The first one has all VMs.
 * Returns 0; or -ENOENT, when one line on stderr has named what is missing.
 */
int asked__check_names(const struct filter *filter, const struct snapshot *snap);

/*
 * Whether a whole snapshot has a vCPU for each of the filter's threads and vCPU numbers, and something for
 * all that the filter asks for together. To be asked of the second one: of a VMM that does not name its
 * threads, the first has only those vCPUs that were loaded just then.
 * Returns 0; or -ENOENT, when one line on stderr has named what is missing.
 */
int asked__check_vcpus(const struct filter *filter, const struct snapshot *snap);

#endif /* ASKED_H */
