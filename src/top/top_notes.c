// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/columns.h"
#include "render/render_notes.h"
#include "text/stream.h"
#include "top/top_notes.h"
#include "report/view.h"

static int write_totals(const struct report *report, const struct health *total,
			size_t interval_cnt, FILE *out)
{
	for (size_t i = 0; i < FAILURE_CNT; i++) {
		__u64 cnt = failure_cnt(total, i);

		if (cnt > failure_cnt(&report->health, i) &&
		    fprintf(out, "# %s: %llu in all %zu intervals\n", failure_defs[i].notice, cnt,
			    interval_cnt) < 0)
			return -errno;
	}
	return 0;
}

/* Splits the text into lines in place. Every line of the text ends with a newline. */
static int split(struct top_notes *notes)
{
	size_t line_cnt = 0;
	char *line = notes->text;

	for (const char *at = notes->text; (at = strchr(at, '\n')); at++)
		line_cnt++;
	notes->lines = calloc(line_cnt + 1, sizeof(*notes->lines));
	if (!notes->lines)
		return -ENOMEM;
	for (size_t i = 0; i < line_cnt; i++)
		notes->lines[i] = strsep(&line, "\n");
	notes->line_cnt = line_cnt;
	return 0;
}

int top_notes__make(const struct report *report, const struct view *view,
		    const struct health *total, size_t interval_cnt, struct top_notes *notes)
{
	struct top_notes made = { 0 };
	size_t size;
	FILE *out = open_memstream(&made.text, &size);
	int err;

	if (!out)
		return -errno;
	err = render__notes(report, view, out);
	if (!err)
		err = write_totals(report, total, interval_cnt, out);
	if (!err)
		err = stream__flush(out);
	fclose(out);
	if (!err)
		err = split(&made);
	if (err) {
		free(made.text);
		return err;
	}
	top_notes__free(notes);
	*notes = made;
	return 0;
}

void top_notes__free(struct top_notes *notes)
{
	free(notes->lines);
	free(notes->text);
	*notes = (struct top_notes){ 0 };
}
