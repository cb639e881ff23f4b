/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sched_run - implements --sched: keeps the scheduler loaded until a signal arrives, and shows what
 * it does.
 */
#ifndef SCHED_RUN_H
#define SCHED_RUN_H

struct interval;
struct steer_opts;

/*
 * Uses the shares, mperf_ratio, textfile_path and user of opts. interval: as for steer__run().
 * Returns 0; -EOPNOTSUPP when this host cannot run the scheduler; -ECANCELED when the kernel has
 * removed the scheduler; or another -errno; all logged.
 */
int sched_run__run(const struct steer_opts *opts, const struct interval *interval);

#endif /* SCHED_RUN_H */
