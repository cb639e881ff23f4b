/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * program_stats - what BPF programs have cost, as the kernel counts it.
 */
#ifndef PROGRAM_STATS_H
#define PROGRAM_STATS_H

#include <stdbool.h>
#include <linux/types.h>

struct hostfs;

struct program_stats {
	const char *name; /* of who has the program */
	__u64 run_cnt;
	__u64 run_ns;
};

/* More programs than are ever loaded at once. */
#define PROGRAM_STATS_MAX 32

/* Whether the kernel times BPF programs, all of the host's: two readings of the clock for each of their runs. */
struct program_clock {
	const struct hostfs *fs; /* borrowed */
	int fd;                  /* while it is open the kernel does; -1: it is not our doing */
};

/*
 * `wanted`: let it, until program_clock__stop(); it may be doing so anyway (sysctl kernel.bpf_stats_enabled).
 * Returns 0 or -errno.
 */
int program_clock__start(struct program_clock *clock, const struct hostfs *fs, bool wanted);
void program_clock__stop(struct program_clock *clock);
bool program_clock__runs(const struct program_clock *clock);

/* What the program of a descriptor has cost since it was loaded; the name is taken as it is. Returns 0 or -errno. */
int program_stats__read(int prog_fd, const char *name, struct program_stats *stats);

#endif /* PROGRAM_STATS_H */
