/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * heartbeat - the timer of each CPU that keeps a pinned measurement up to date: a perf cpu-clock
 * event that runs a BPF program, which reads the open window of the CPU and takes accounts of
 * threads (pinned.bpf.h).
 */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <linux/types.h>
#include "gtimehalt.h"

/* A CPU whose timer has not fired for this long is or was offline. */
#define HEARTBEAT_LATE_NS (3 * HEARTBEAT_NS)

/* Descriptors of the program and of its map, borrowed. */
struct heartbeat {
	int prog_fd, cpu_beats_fd;
};

/*
 * Starts a CPU's timer. Returns the descriptor of the link that holds the timer, which the caller
 * closes; -ENODEV when the CPU is offline; or another -errno.
 */
int heartbeat__start(const struct heartbeat *heartbeat, int cpu);

#endif /* HEARTBEAT_H */
