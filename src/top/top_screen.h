/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_screen - the terminal as a canvas, and its keys. The only module that uses curses.
 */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include <stdbool.h>
#include <linux/types.h>

struct top_canvas;
struct top_screen;

/*
 * Checks that stdin and stdout are a terminal that can show a full screen. The
 * terminal is not changed.
 * Returns 0, or -ENOTTY, logged.
 */
int top_screen__check(void);

/*
 * Takes the terminal over; top_screen__free() restores it.
 * Returns 0; -ENOTTY, logged; or -ENOMEM. On failure the terminal and *screen are unchanged.
 */
int top_screen__new(struct top_screen **screen);
void top_screen__free(struct top_screen *screen);

/* Returns a blank canvas of the terminal's size, valid until top_screen__show(). */
struct top_canvas *top_screen__begin(struct top_screen *screen);
void top_screen__show(struct top_screen *screen);

/* Returns the next key pressed, a code point or an enum top_key; TOP_KEY_NONE if there is none. */
__u32 top_screen__key(struct top_screen *screen);

/* Returns whether the terminal was lost: stdin is readable, but at its end. */
bool top_screen__is_gone(const struct top_screen *screen);

/* Reads the size of the terminal again, and makes the next top_screen__show() draw everything. */
void top_screen__repaint(struct top_screen *screen);

/*
 * Restores the terminal temporarily; top_screen__show() takes it over again. In between it is not
 * touched, not even by top_screen__free(), because another process may use it.
 */
void top_screen__leave(struct top_screen *screen);

#endif /* TOP_SCREEN_H */
