// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gtimehalt.c - main program of the tool: connects options, a source of snapshots, the pipeline,
 * and what shows the results.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "src/base/hostfs.h"
#include "src/base/interval.h"
#include "src/base/log.h"
#include "src/base/interruptible_io.h"
#include "src/base/program.h"
#include "src/options/options.h"
#include "src/run/page.h"
#include "src/run/compare.h"
#include "src/run/pin_command.h"
#include "src/run/pipeline.h"
#include "src/recording/recording.h"
#include "src/render/show.h"
#include "src/run/source.h"
#include "src/top/top.h"

struct session {
	const struct options *opts;
	struct hostfs fs; /* only if this host is measured */
	struct interval interval;
	struct source *source;
	FILE *out; /* for reports */
	struct show *show;
	struct page *page;
	struct top *top;
};

/*
 * Returns whether time and signals matter to the run. A recording is read as fast as possible,
 * unless a screen shows it.
 */
static bool is_timed(const struct options *opts)
{
	return !opts->replay_path || opts->top;
}

static int open_screen(struct session *s)
{
	const struct recording_header *header = source__header(s->source);
	const char *hook = *header->stint_hook ? header->stint_hook : header->window_hook;
	const struct top_opts top_opts = {
		.state = {
			.view = s->opts->view,
			.interval_ns = s->opts->interval_ns,
			.mode = header->mode,
		},
		.hook = *hook ? hook : NULL,
	};

	return top__new(&top_opts, &s->top);
}

static int open_show(struct session *s)
{
	int err;

	s->out = interruptible_io__open(STDOUT_FILENO, "w");
	err = s->out ? show__new(s->opts, s->out, isatty(STDOUT_FILENO), &s->show) : -errno;
	if (err)
		pr_err("cannot start: %s", strerror(-err));
	return err;
}

/*
 * Returns as source__open() does. Takes over the signals first, so that they leave nothing half
 * done.
 */
static int session_open(struct session *s)
{
	const struct source_opts source_opts = {
		.replay_path = s->opts->replay_path,
		.wait = s->opts->wait,
		.measure = &s->opts->measure,
	};
	int err = s->opts->top ? top__check() : 0;
	int opened;

	if (!err && s->opts->html_path)
		err = page__new(s->opts->html_path, &s->page);
	if (err)
		return err;
	if (is_timed(s->opts)) {
		err = interval__open(&s->interval, s->opts->top);
		if (err) {
			pr_err("cannot time an interval: %s", strerror(-err));
			return err;
		}
	}
	opened = source__open(&source_opts, &s->fs, &s->interval, &s->source);
	if (opened != 1)
		return opened;
	err = s->opts->top ? open_screen(s) : open_show(s);
	return err ? err : 1;
}

static int session_run(struct session *s, bool *check_failed)
{
	struct interval *interval = is_timed(s->opts) ? &s->interval : NULL;
	struct pipeline pipeline = {
		.opts = s->opts,
		.source = s->source,
		.interval = interval,
		.show = s->show,
		.page = s->page,
		.top = s->top,
	};
	int err = pipeline__run(&pipeline);

	*check_failed = pipeline.check_failed;
	return err;
}

static void session_close(struct session *s)
{
	top__free(s->top);
	show__free(s->show);
	page__free(s->page);
	/* Ignore errors: unwritten data has already failed and been reported. */
	if (s->out)
		fclose(s->out);
	source__free(s->source);
	hostfs__close(&s->fs);
	interval__close(&s->interval);
}

static int run_pin_command(const struct options *opts)
{
	struct hostfs fs;
	int err = hostfs__open(&fs, "/");

	if (err)
		pr_err("cannot open /: %s", strerror(-err));
	else
		err = pin_command__run(&opts->pin, &opts->measure, &fs);
	hostfs__close(&fs);
	return err;
}

static int run_compare(const struct options *opts)
{
	struct session session = { .opts = opts, .fs.root_fd = -1, .interval = INTERVAL_CLOSED };
	int err = open_show(&session);

	if (!err)
		err = compare__run(opts, session.show);
	session_close(&session);
	return err;
}

static int run_session(const struct options *opts, bool *check_failed)
{
	struct session session = {
		.opts = opts,
		.fs.root_fd = -1,
		.interval = INTERVAL_CLOSED,
	};
	int err = session_open(&session);

	if (err == 1)
		err = session_run(&session, check_failed);
	session_close(&session);
	return err;
}

static enum exit_code run(const struct options *opts)
{
	bool check_failed = false;
	bool is_pin_command = opts->pin.pin || opts->pin.renew || opts->pin.unpin;
	int err;

	if (is_pin_command)
		err = run_pin_command(opts);
	else if (opts->before_path)
		err = run_compare(opts);
	else
		err = run_session(opts, &check_failed);

	return check_failed && !err ? EXIT_FAILED : program__status(err);
}

int main(int argc, char **argv)
{
	enum exit_code code;
	struct options opts;

	if (!program__start("gtimehalt"))
		return EXIT_FAILED;
	switch (options__parse(PROGRAM_TOOL, argc, argv, &opts)) {
	case OPTIONS_DONE:
		return program__end_text();
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	program__set_verbosity(opts.verbosity);
	code = run(&opts);
	options__free(&opts);
	return code;
}
