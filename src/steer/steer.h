/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * steer - keeps housekeeping cgroups off the CPUs whose vCPUs are busy, until a signal.
 */
#ifndef STEER_H
#define STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "steer/policy.h"

struct interval;

struct steer_opts {
	const char *const *names; /* of the cgroups */
	size_t cnt;
	__u64 interval_ns; /* 0: 0.2 s, and 0.5 s above 64 vCPUs */
	struct policy_opts policy;
	double mperf_ratio;        /* MPERF rate over TSC rate; 0: it is measured at the start */
	int writes_per_s;          /* to each cgroup, 1 to WRITE_BUDGET_MAX */
	bool dry_run;              /* say what would be set, on stdout, and set nothing */
	bool json;                 /* changes go to stdout, as JSON */
	const char *textfile_path; /* NULL: no metrics */
	const char *user;          /* whom to become; NULL: PRIVILEGES_DEFAULT_USER */
};

/*
 * Steers until a signal, and restores all cgroups. interval has been opened, for a screen: then
 * SIGQUIT ends the run as the other signals do, and SIGTSTP does not stop it halfway. Returns 0;
 * -EINVAL (a cgroup that is none to steer), -EOPNOTSUPP (this host, or one of the cgroups as it is,
 * cannot be steered), or another -errno: all logged.
 */
int steer__run(const struct steer_opts *opts, const struct interval *interval);

/* --unsteer: restores the cgroups of a run that was killed. Returns 0 or -errno, logged. */
int steer__undo(void);

/*
 * --status: prints what the run that is going on does. Returns 0; -ESRCH, logged, when none is; or
 * -errno, logged.
 */
int steer__show(bool json);

#endif /* STEER_H */
