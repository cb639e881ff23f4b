/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_notes - write the notes below a table, which explain or qualify its numbers.
 */
#ifndef RENDER_NOTES_H
#define RENDER_NOTES_H

#include <stdio.h>

struct report;
struct view;

/* See render__table(). Returns 0 or -errno. */
int render__notes(const struct report *report, const struct view *view, FILE *out);

#endif /* RENDER_NOTES_H */
