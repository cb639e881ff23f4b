/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_notes - the lines below a table that say what its numbers do not.
 */
#ifndef RENDER_NOTES_H
#define RENDER_NOTES_H

#include <stdio.h>

struct report;
struct view;

/* See render__table(). Returns 0, or -errno when the stream failed. */
int render__notes(const struct report *report, const struct view *view, FILE *out);

#endif /* RENDER_NOTES_H */
