/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_host - checks whether this host can run the scheduler of --sched.
 */
#ifndef SCHED_HOST_H
#define SCHED_HOST_H

struct btf;
struct hostfs;

/*
 * Checks the kernel's version and configuration, that no other sched_ext scheduler is loaded, and
 * that no CPU is nohz_full, because the scheduler decides in the tick. Returns 0; or -EOPNOTSUPP,
 * logged with what is missing and what would help.
 */
int sched_host__check(const struct hostfs *fs);

/*
 * Checks that the kernel has all functions of sched_ext that the object calls, because their names
 * change from one version to another. object, kernel: their BTF. Returns 0; or -EOPNOTSUPP, logged
 * with the name of a missing function.
 */
int sched_host__check_functions(const struct btf *object, const struct btf *kernel);

#endif /* SCHED_HOST_H */
