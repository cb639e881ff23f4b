/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * interval - the time between two snapshots: waits until it is over, or something else wants attention.
 */
#ifndef INTERVAL_H
#define INTERVAL_H

#include <stdbool.h>
#include <linux/types.h>

struct interval {
	int signal_fd; /* -1: not open */
	int timer_fd;
	bool reloads; /* SIGHUP is INTERVAL_RELOAD; set it at any time */
};

#define INTERVAL_CLOSED ((struct interval){ -1, -1, false })

enum interval_event {
	INTERVAL_OVER,
	INTERVAL_END,    /* SIGINT, SIGTERM, SIGHUP, and for a screen SIGQUIT: the run is to end */
	INTERVAL_INPUT,  /* there is something to read */
	INTERVAL_REDRAW, /* for a screen: SIGWINCH, SIGCONT */
	INTERVAL_STOP,   /* for a screen: SIGTSTP */
	INTERVAL_RELOAD, /* SIGHUP, for who goes on at it */
	INTERVAL_TIMEOUT,
};

/*
 * From here on the signals above are events and do nothing else: open it before the first thing that they
 * could leave half done. A SIGHUP that is ignored, as by nohup(1), stays so. Returns 0 or -errno; interval__close() ends it either way.
 */
int interval__open(struct interval *interval, bool for_screen);
void interval__close(struct interval *interval);

/* Begins the first interval, which the next ones follow without a gap. Returns 0 or -errno. */
int interval__start(const struct interval *interval, __u64 length_ns);

/* Ends them: none is over any more. Returns 0 or -errno. */
int interval__pause(const struct interval *interval);

/*
 * Waits for an event, each of which is told once; signals come first, and of two alike one. input_fd: what
 * INTERVAL_INPUT is about; below 0: nothing. Returns 0 and sets *event, or -errno.
 */
int interval__wait(const struct interval *interval, int input_fd, enum interval_event *event);

/* The same for so long at most, then it is INTERVAL_TIMEOUT; below 0: for ever. */
int interval__wait_for(const struct interval *interval, int input_fd, int timeout_ms,
		       enum interval_event *event);

#endif /* INTERVAL_H */
