/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * interval - wait until the time between two snapshots is over, or something else needs attention.
 */
#ifndef INTERVAL_H
#define INTERVAL_H

#include <stdbool.h>
#include <linux/types.h>

struct interval {
	int signal_fd; /* -1: not open */
	int timer_fd;
	bool reloads; /* SIGHUP causes INTERVAL_RELOAD; may be set at any time */
};

#define INTERVAL_CLOSED ((struct interval){ -1, -1, false })

enum interval_event {
	INTERVAL_OVER,
	INTERVAL_END,    /* SIGINT, SIGTERM, SIGHUP, and for a screen SIGQUIT: the run must end */
	INTERVAL_INPUT,  /* input_fd is readable */
	INTERVAL_REDRAW, /* for a screen: SIGWINCH, SIGCONT */
	INTERVAL_STOP,   /* for a screen: SIGTSTP */
	INTERVAL_RELOAD, /* SIGHUP, if `reloads` is set */
	INTERVAL_TIMEOUT,
};

/*
 * Blocks the signals above, which from now on only cause events. Call it before anything that a
 * signal must not leave half done. for_screen adds the signals of a full-screen program. A SIGHUP
 * that is ignored, as under nohup(1), stays ignored.
 * Returns 0 or -errno; interval__close() must be called in both cases.
 */
int interval__open(struct interval *interval, bool for_screen);
void interval__close(struct interval *interval);

/* Starts an interval, which others of the same length follow without a gap. Returns 0 or -errno. */
int interval__start(const struct interval *interval, __u64 length_ns);

/* Stops the timer: no interval ends until interval__start(). Returns 0 or -errno. */
int interval__pause(const struct interval *interval);

/*
 * Waits for an event. Signals come first; several signals or ends of intervals of the same kind are
 * one event. input_fd: descriptor for INTERVAL_INPUT, or -1.
 * Returns 0 and sets *event, or -errno.
 */
int interval__wait(const struct interval *interval, int input_fd, enum interval_event *event);

/* The same with a timeout, after which the event is INTERVAL_TIMEOUT; timeout_ms -1: none. */
int interval__wait_for(const struct interval *interval, int input_fd, int timeout_ms,
		       enum interval_event *event);

#endif /* INTERVAL_H */
