/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_rows - draw the rows of the full-screen display: name, numbers and bar of
 * each VM and vCPU. Pure.
 */
#ifndef TOP_ROWS_H
#define TOP_ROWS_H

#include <stddef.h>

struct report;
struct top_canvas;
struct top_layout;
struct top_state;

/*
 * Makes one layout for all rows of the state, visible or not, so that scrolling
 * does not move columns.
 */
struct top_layout top_rows__layout(const struct top_state *state, const struct report *report,
				   const struct top_canvas *canvas);

void top_rows__draw_heading(const struct top_state *state, const struct top_layout *layout,
			    struct top_canvas *canvas, int line);

/* Draws state->view.rows[i]. */
void top_rows__draw_row(const struct top_state *state, const struct top_layout *layout,
			const struct report *report, struct top_canvas *canvas, int line, size_t i);

#endif /* TOP_ROWS_H */
