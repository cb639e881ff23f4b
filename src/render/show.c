// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "options/options.h"
#include "render/render.h"
#include "render/render_check.h"
#include "render/render_diff.h"
#include "render/render_histogram.h"
#include "render/render_summary.h"
#include "render/show.h"
#include "text/stream.h"
#include "report/view.h"

struct show {
	const struct options *opts;
	FILE *out;
	struct view view;
	bool is_terminal; /* `out` is stdout, which is a terminal */
	bool clears;      /* clear the screen before each table except the first */
	bool begun;       /* something was shown */
};

/* ECMA-48: cursor to the top left, erase the screen. It does not touch the scrollback. */
#define CLEAR_SCREEN "\033[H\033[2J"

/* If TERM is not set, assume that the terminal cannot clear its screen. */
static bool can_clear(void)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") != 0;
}

int show__new(const struct options *opts, FILE *out, bool is_terminal, struct show **show)
{
	struct show *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->opts = opts;
	s->out = out;
	s->is_terminal = is_terminal;
	/*
	 * The tables of a recording come all at once; clearing would hide them
	 * before they could be read.
	 */
	s->clears = is_terminal && !opts->no_clear && !opts->measure.check && !opts->replay_path &&
		    can_clear();
	*show = s;
	return 0;
}

void show__free(struct show *s)
{
	if (!s)
		return;
	view__free(&s->view);
	free(s);
}

/* Writes what separates two tables. */
static int begin_text(struct show *s)
{
	bool is_first = !s->begun;

	s->begun = true;
	if (is_first)
		return 0;
	return s->clears ? stream__put(s->out, CLEAR_SCREEN) : render__gap(s->out);
}

/* Returns the columns that a line may have on the terminal as wide as it is now; 0: no limit. */
static int max_width(const struct show *s)
{
	struct winsize size;

	if (!s->is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 2)
		return 0;
	/* Some terminals wrap when the last column is written. */
	return size.ws_col - 1;
}

static int show_text(struct show *s, const struct report *report)
{
	int err = begin_text(s);

	if (err)
		return err;
	if (s->opts->measure.histogram)
		return render__histogram(report, &s->view, s->opts->histogram_unit, s->out);
	return render__table(report, &s->view, max_width(s), s->out);
}

static int show_csv(struct show *s, const struct report *report)
{
	int err = s->begun ? 0 : render__csv_heading(s->out);

	s->begun = true;
	return err ? err : render__csv(report, &s->view, s->out);
}

int show__report(struct show *s, const struct report *report)
{
	int err;

	if (s->opts->form == OUTPUT_JSON)
		return render__json(report, s->out);
	err = view__make(report, &s->opts->view, &s->view);
	if (err)
		return err;
	return s->opts->form == OUTPUT_CSV ? show_csv(s, report) : show_text(s, report);
}

int show__check(struct show *s, const struct check *check)
{
	int err = begin_text(s);

	return err ? err : render__check(check, s->out);
}

int show__summary(struct show *s, const struct summary *summary)
{
	return s->opts->form == OUTPUT_JSON ? render__summary_json(summary, s->out)
					    : render__summary(summary, s->out);
}

int show__diff(struct show *s, const struct diff *diff)
{
	return s->opts->form == OUTPUT_JSON ? render__diff_json(diff, s->out)
					    : render__diff(diff, s->out);
}
