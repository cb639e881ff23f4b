/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steer - keeps housekeeping cgroups off the CPUs whose vCPUs are busy, until a signal arrives.
 */
#ifndef STEER_H
#define STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "steer/policy.h"

struct interval;

struct steer_opts {
	const char *const *names; /* names of the cgroups */
	size_t cnt;
	__u64 interval_ns; /* 0: 0.2 s, or 0.5 s above 64 vCPUs */
	struct policy_opts policy;
	double mperf_ratio;        /* MPERF rate over TSC rate; 0: measure it at the start */
	int writes_per_s;          /* for each cgroup, 1 to WRITE_BUDGET_MAX */
	bool dry_run;              /* print on stdout what would be set, and set nothing */
	bool json;                 /* print changes on stdout, as JSON */
	const char *textfile_path; /* NULL: no metrics */
	const char *user;          /* the user to run as; NULL: PRIVILEGES_DEFAULT_USER */
};

/*
 * Steers until a signal arrives, then restores all cgroups. interval was opened with for_screen, so
 * that SIGQUIT ends the run like the other signals, and SIGTSTP does not stop it with cgroups
 * narrowed. Returns 0; -EINVAL when a cgroup must not be steered; -EOPNOTSUPP when this host, or a
 * cgroup in its present state, cannot be steered; or another -errno; all logged.
 */
int steer__run(const struct steer_opts *opts, const struct interval *interval);

#endif /* STEER_H */
