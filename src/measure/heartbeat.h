/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * heartbeat - the timer of each CPU that keeps a pinned measurement up to date: a cpu-clock event of perf, on
 * which a BPF program reads the window that is open there and takes accounts of threads (pinned.bpf.h).
 */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <linux/types.h>
#include "gtimehalt.h"

/* A CPU that has missed some is offline, or was. */
#define HEARTBEAT_LATE_NS (3 * HEARTBEAT_NS)

/* Descriptors of the program, and of its map. */
struct heartbeat {
	int prog_fd, cpu_beats_fd;
};

/*
 * Starts a CPU's timer. Returns the descriptor of the link that holds the timer, the
 * caller's to close; -ENODEV when the CPU is offline; or another -errno.
 */
int heartbeat__start(const struct heartbeat *heartbeat, int cpu);

#endif /* HEARTBEAT_H */
