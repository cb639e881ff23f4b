/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_page - what the full screen says, line by line, on whatever canvas. Pure.
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
		*report; /* that of the state's rows; interval_ns 0: there is none yet */
	const struct top_notes *notes;
	const char *message; /* what the program has said; "": nothing */
	const char *hook;    /* NULL: not known */
	size_t waiting_cnt;  /* intervals that a pause has kept from the screen */
};

/*
 * Draws the page on a canvas that is blank. On all sizes: what does not fit is left out or cut, notes
 * last, whose number is told. The state is scrolled so that the cursor is on the page.
 */
void top_page__draw(struct top_state *state, const struct top_content *content,
		    struct top_canvas *canvas);

#endif /* TOP_PAGE_H */
