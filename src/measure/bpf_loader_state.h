/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_loader_state - the members of a bpf_loader, only for bpf_loader.c, which makes it, and
 * bpf_loader_objects.c, which gives access to its objects.
 */
#ifndef BPF_LOADER_STATE_H
#define BPF_LOADER_STATE_H

#include <stdbool.h>
#include "gtimehalt.h"
#include "gtimehalt.skel.h"
#include "measure/calibration.h"
#include "measure/hooks.h"
#include "measure/program_stats.h"
#include "report/snapshot.h"

struct bpf_loader {
	struct gtimehalt_bpf *skel;
	struct perf_events *perf_events;
	struct calibration calibration;
	double mperf_ratio;
	struct sched_clock *sched_clock;
	__u32 room; /* entries of vCPU threads, plus one for the unused index 0 */
	const struct hook_plan *plan;
	struct bpf_link *links[HOOK_POINTS_MAX]; /* of the plan's points */
	struct bpf_program *forced_read;         /* what a forced read runs */
	bool check, histogram, pinned;
	enum measure_mode mode;
	int cpu_cnt;
	struct bpf_reader *reader;
	struct program_clock program_clock;
};

#endif /* BPF_LOADER_STATE_H */
