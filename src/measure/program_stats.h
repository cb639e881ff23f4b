/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* program_stats - the cost of BPF programs, as counted by the kernel. */
#ifndef PROGRAM_STATS_H
#define PROGRAM_STATS_H

#include <stdbool.h>
#include <linux/types.h>

struct hostfs;

struct program_stats {
	const char *name; /* borrowed from the owner of the program */
	__u64 run_cnt;
	__u64 run_ns;
};

/* Maximum number of programs, more than are ever loaded at once. */
#define PROGRAM_STATS_MAX 32

/*
 * Makes the kernel time all BPF programs of the host, which costs two readings of the clock for
 * each run.
 */
struct program_clock {
	const struct hostfs *fs; /* borrowed */
	/* keeps the kernel timing while it is open; -1: not requested here */
	int fd;
};

/*
 * `wanted`: starts the kernel's timing, until program_clock__stop(); it may already be on for other
 * reasons (sysctl kernel.bpf_stats_enabled). program_clock__runs() returns whether it is on.
 * Returns 0 or -errno.
 */
int program_clock__start(struct program_clock *clock, const struct hostfs *fs, bool wanted);
void program_clock__stop(struct program_clock *clock);
bool program_clock__runs(const struct program_clock *clock);

/*
 * Gets the cost of a program since it was loaded; stats->name is set to `name`, which is borrowed.
 * Returns 0 or -errno.
 */
int program_stats__read(int prog_fd, const char *name, struct program_stats *stats);

#endif /* PROGRAM_STATS_H */
