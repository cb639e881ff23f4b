/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_page - draw the full-screen display on any canvas. Pure.
 */
#ifndef TOP_PAGE_H
#define TOP_PAGE_H

#include <stddef.h>

struct report;
struct top_canvas;
struct top_notes;
struct top_state;

struct top_content {
	const struct report
		*report; /* the one that the state's rows point to; interval_ns 0: none yet */
	const struct top_notes *notes;
	const char *message; /* last message of the program, or "" */
	const char *hook;    /* NULL: unknown */
	size_t waiting_cnt;  /* intervals not shown because of a pause */
};

/*
 * Draws the page on a blank canvas of any size. Text that does not fit is
 * dropped or truncated, notes last, and the number of hidden notes is shown.
 * Scrolls the state so that the cursor is visible.
 */
void top_page__draw(struct top_state *state, const struct top_content *content,
		    struct top_canvas *canvas);

#endif /* TOP_PAGE_H */
