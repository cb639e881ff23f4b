/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top - the full screen: reports come in, keys come in, the terminal shows.
 *
 * Signals are the caller's. Those that end a process must not end it while the screen is there: SIGINT,
 * SIGQUIT, SIGTERM and SIGHUP are to be blocked before top__new(), read from a signalfd, and lead to
 * top__free(). So are SIGWINCH and SIGCONT, which lead to top__redraw(), and SIGTSTP, to top__stop().
 */
#ifndef TOP_H
#define TOP_H

#include "top/top_state.h"

struct report;
struct top;

struct top_opts {
	struct top_state_opts state;
	const char *hook; /* to be shown; NULL: not known. Must live as long as the screen */
};

/*
 * Whether there is a terminal for it: that stdin and stdout are one, and that TERM knows how to draw on
 * it. It is left untouched. Returns 0, or -ENOTTY, logged in one line: that is wrong usage (exit status
 * 2), for the same host can do it when it is called from elsewhere, or without --top.
 */
int top__check(void);

/*
 * Takes the terminal over, and keeps what goes to stderr, if that is a terminal, until it is given back;
 * the last line of it is on the screen. The caller owns *top and ends it with top__free(), on every way
 * out. Returns 0, -ENOTTY as above or another -errno, logged; then the terminal is as it was and *top is
 * left alone.
 */
int top__new(const struct top_opts *opts, struct top **top);

/* To be polled for POLLIN; then top__key(). */
int top__fd(const struct top *top);

/*
 * Takes all keys that were pressed, and draws. *event is TOP_QUIT when one of them, or a terminal that
 * has gone, ends it; TOP_INTERVAL when top__interval_ns() has changed. Returns 0 or -errno, logged.
 */
int top__key(struct top *top, enum top_event *event);

/* How long the next intervals are to be. */
__u64 top__interval_ns(const struct top *top);

/* Whether the screen stands still, until a key has it go on. */
bool top__is_paused(const struct top *top);

/*
 * Shows a report, unless the screen is paused: then it is the one that the screen goes on with. It is
 * copied: nothing of it need outlive the call. Returns 0 or -errno, logged.
 */
int top__show(struct top *top, const struct report *report);

/* Draws anew, for a terminal of another size, or on which others have written. */
void top__redraw(struct top *top);

/*
 * Gives the terminal back, stops the process until it is continued in the foreground, and draws anew; not when it is
 * continued for a signal that ends it.
 */
void top__stop(struct top *top);

/* Makes the terminal what it was before, and stderr, to which all goes that it was kept from. */
void top__free(struct top *top);

#endif /* TOP_H */
