/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * screen - a canvas that keeps nothing, but holds whoever draws on it to what may be put there.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "top/top_canvas.h"

struct report;
struct top_notes;
struct top_state;

/* Draws the state, with its notes, on a screen of that size. */
void screen__draw(struct top_state *state, const struct report *report,
		  const struct top_notes *notes, int row_cnt, int column_cnt);

#endif /* SCREEN_H */
