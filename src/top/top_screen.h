/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_screen - the terminal as a canvas, and its keys. The only place that knows curses.
 */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include <stdbool.h>
#include <linux/types.h>

struct top_canvas;
struct top_screen;

/*
 * Whether stdin and stdout are a terminal that a full screen can be drawn on; it is left untouched.
 * Returns 0, or -ENOTTY, logged.
 */
int top_screen__check(void);

/*
 * Takes the terminal over. Returns 0, -ENOTTY, or -ENOMEM, logged; then it is as it was, and *screen is
 * left alone. To be ended with top_screen__free(), which makes the terminal what it was.
 */
int top_screen__new(struct top_screen **screen);
void top_screen__free(struct top_screen *screen);

/* A blank canvas of the terminal's size, valid until what was drawn on it is shown. */
struct top_canvas *top_screen__begin(struct top_screen *screen);
void top_screen__show(struct top_screen *screen);

/* The next key that has been pressed, as enum top_key has it; TOP_KEY_NONE: no more. */
__u32 top_screen__key(struct top_screen *screen);

/* Whether the terminal has gone: there is something to read on stdin, and it is the end. */
bool top_screen__is_gone(const struct top_screen *screen);

/* Takes the terminal's size anew, and does not rely on what stands on it. */
void top_screen__repaint(struct top_screen *screen);

/*
 * Gives the terminal back for a while; top_screen__show() takes it again. Until then it is not touched any more, not at
 * the end either: it may be another's.
 */
void top_screen__leave(struct top_screen *screen);

#endif /* TOP_SCREEN_H */
