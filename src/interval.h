/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * interval - the time between two snapshots: waits until it is over, or a signal ends the run.
 */
#ifndef INTERVAL_H
#define INTERVAL_H

#include <linux/types.h>

struct interval {
	int signal_fd; /* -1: not open */
	int timer_fd;
};

#define INTERVAL_CLOSED ((struct interval){ -1, -1 })

/*
 * From here on SIGINT, SIGTERM and SIGHUP end an interval and do nothing else: open it before the first
 * thing that they could leave half done. Returns 0 or -errno; interval__close() ends it either way.
 */
int interval__open(struct interval *interval);
void interval__close(struct interval *interval);

/* Begins the first interval, which the next ones follow without a gap. Returns 0 or -errno. */
int interval__start(const struct interval *interval, __u64 length_ns);

/* Returns 1 at the end of an interval, 0 when a signal came, or -errno. */
int interval__wait(const struct interval *interval);

#endif /* INTERVAL_H */
