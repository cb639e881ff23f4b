/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top - the full-screen display: reports and keys come in, the terminal shows the result.
 *
 * The caller handles signals. Before top__new() it must block those that end a process, SIGINT,
 * SIGQUIT, SIGTERM and SIGHUP, and read them from a signalfd, because they must lead to top__free()
 * instead of ending the process with the terminal in disorder. It must do the same with SIGWINCH
 * and SIGCONT, which lead to top__redraw(), and with SIGTSTP, which leads to top__stop().
 */
#ifndef TOP_H
#define TOP_H

#include "top/top_state.h"

struct report;
struct top;

struct top_opts {
	struct top_state_opts state;
	const char *hook; /* name of the hook to display, or NULL; borrowed until top__free() */
};

/*
 * Checks that stdin and stdout are a terminal and that TERM describes one that can show a full
 * screen. The terminal is not changed.
 * Returns 0; or -ENOTTY, logged in one line: this is a usage error (exit status 2), because the
 * same host can do it from another terminal, or without --top.
 */
int top__check(void);

/*
 * Takes the terminal over. If stderr is a terminal, what is written to it is held back until
 * top__free(); the last line is shown on the screen.
 * Returns 0 and *top, which the caller must free with top__free() on every path; -ENOTTY as above;
 * or another -errno, logged. On failure the terminal is restored and *top is unchanged.
 */
int top__new(const struct top_opts *opts, struct top **top);

/* Returns the descriptor to poll for POLLIN; when it is readable, call top__key(). */
int top__fd(const struct top *top);

/*
 * Handles all keys that were pressed, and draws. *event: TOP_QUIT if a key or the loss of the
 * terminal ends the display; TOP_INTERVAL if top__interval_ns() has changed.
 * Returns 0 or -errno, logged.
 */
int top__key(struct top *top, enum top_event *event);

/* Length that the next intervals should have. */
__u64 top__interval_ns(const struct top *top);

/* Returns whether the display is paused by the user. */
bool top__is_paused(const struct top *top);

/*
 * Shows a copy of the report. If the display is paused, the copy is shown when it resumes, unless
 * there is a newer one then.
 * Returns 0 or -errno, logged.
 */
int top__show(struct top *top, const struct report *report);

/* Redraws everything, after the terminal was resized or others have written to it. */
void top__redraw(struct top *top);

/*
 * Restores the terminal, stops the process until it is continued in the foreground, and redraws.
 * Does not redraw if it was continued in order to end.
 */
void top__stop(struct top *top);

/* Restores the terminal and stderr, and writes the messages that were held back. */
void top__free(struct top *top);

#endif /* TOP_H */
