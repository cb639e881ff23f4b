/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * program_stats - what a BPF program has cost, as the kernel counts it. Pure data.
 */
#ifndef PROGRAM_STATS_H
#define PROGRAM_STATS_H

#include <linux/types.h>

struct program_stats {
	const char *name; /* of the collector */
	__u64 run_cnt;
	__u64 run_ns;
};

/* More programs than are ever loaded at once. */
#define PROGRAM_STATS_MAX 32

#endif /* PROGRAM_STATS_H */
