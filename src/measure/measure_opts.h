/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * measure_opts - what is measured and how, as the command lines of all programs say.
 */
#ifndef MEASURE_OPTS_H
#define MEASURE_OPTS_H

#include <stdbool.h>
#include "measure/hooks.h"
#include "report/filter.h"
#include "report/snapshot.h"

struct perf_helper_ops;

struct measure_opts {
	struct filter filter; /* in the order given, without duplicates */
	enum measure_mode mode;
	bool mode_given;       /* false: a pinned measurement may have another mode */
	bool needs_entry_mode; /* sorted by a column that only MODE_ENTRY has */
	bool histogram;        /* count stints by their halted time; only with MODE_ENTRY */
	bool check;            /* also account for whole CPUs */
	bool bpf_stats;        /* let the kernel time BPF programs */
	enum hook hook;        /* HOOK_AUTO: not given */
	double mperf_ratio;    /* MPERF rate over TSC rate; 0: not given */
	/*
	 * How a process that drops its rights opens MPERF on CPUs that come online, and the user
	 * for it: see bpf_loader.h. NULL: this process keeps the right to do so.
	 */
	const struct perf_helper_ops *helper;
	const char *helper_user;
};

/* The command for the pinned measurement; see run/pin_command.h. */
struct pin_opts {
	bool pin, renew, unpin; /* at most one of them */
	const char *group;      /* that may read what is pinned; NULL: only root */
};

#endif /* MEASURE_OPTS_H */
