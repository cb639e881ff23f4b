/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_notes - the notes below the rows: those of the table, and failures of earlier intervals.
 */
#ifndef TOP_NOTES_H
#define TOP_NOTES_H

#include <stddef.h>
#include "report/account.h"

struct view;

/* Zero-initialize it. */
struct top_notes {
	char **lines; /* without newlines; names in them are safe to print */
	size_t line_cnt;
	char *text;
};

/*
 * Replaces the notes by those that render__notes() writes for this view of the report, and by the
 * failure counts over all intervals in `total`, where they exceed those of the report.
 * Returns 0 or -errno; on failure *notes is unchanged.
 */
int top_notes__make(const struct report *report, const struct view *view,
		    const struct health *total, size_t interval_cnt, struct top_notes *notes);
void top_notes__free(struct top_notes *notes);

#endif /* TOP_NOTES_H */
