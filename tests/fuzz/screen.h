/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * screen - a canvas that stores nothing, but checks everything that is drawn on it.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "top/top_canvas.h"

struct report;
struct top_notes;
struct top_state;

/* Draws the state, with its notes, on a screen of this size. */
void screen__draw(struct top_state *state, const struct report *report,
		  const struct top_notes *notes, int row_cnt, int column_cnt);

#endif /* SCREEN_H */
