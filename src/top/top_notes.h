/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_notes - what the numbers on the screen do not say: the notes of a table, and the failures of
 * intervals that are not on the screen any more.
 */
#ifndef TOP_NOTES_H
#define TOP_NOTES_H

#include <stddef.h>
#include "report/account.h"

struct view;

/* Zero-initialised: none. */
struct top_notes {
	char **lines; /* without line ends; names in them are safe to print */
	size_t line_cnt;
	char *text;
};

/*
 * Replaces what `notes` has: those that render__notes() writes of the view of `report`, and the sums of
 * all failures in `total`, of that so many intervals, where they are more than the report's own.
 * Returns 0 or -errno; *notes is left as it was on failure.
 */
int top_notes__make(const struct report *report, const struct view *view,
		    const struct health *total, size_t interval_cnt, struct top_notes *notes);
void top_notes__free(struct top_notes *notes);

#endif /* TOP_NOTES_H */
