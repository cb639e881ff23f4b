// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gtimehalt.c - main program: connects options, a source of snapshots, the pipeline, and what shows
 * the results. Only this file knows exit codes.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "src/base/hostfs.h"
#include "src/base/interval.h"
#include "src/run/kvm_wait.h"
#include "src/base/log.h"
#include "src/base/patient.h"
#include "src/base/std_fds.h"
#include "src/options/options.h"
#include "src/run/exporter.h"
#include "src/run/pin_command.h"
#include "src/run/pipeline.h"
#include "src/recording/recording.h"
#include "src/render/show.h"
#include "src/run/source.h"
#include "src/text/stream.h"
#include "src/top/top.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_HOST_CANNOT = 3,
};

struct session {
	const struct options *opts;
	struct hostfs fs; /* only if this host is measured */
	struct interval interval;
	struct source *source;
	FILE *out; /* for reports */
	struct show *show;
	struct top *top;
	struct exporter *exporter;
};

/*
 * Returns whether time and signals matter to the run. A recording is otherwise read as fast as
 * possible, unless a screen shows it or a server exports it.
 */
static bool is_timed(const struct options *opts)
{
	return !opts->replay_path || opts->top || opts->exporter;
}

static int open_root(struct hostfs *fs)
{
	int err = hostfs__open(fs, "/");

	if (err)
		pr_err("cannot open /: %s", strerror(-err));
	return err;
}

/* Returns 1; 0 if a signal ended the wait for KVM; or -errno, logged. */
static int open_host(struct session *s)
{
	int err = open_root(&s->fs);
	int is_there = 1;

	if (err)
		return err;
	if (s->opts->wait)
		is_there = kvm_wait__run(&s->fs, &s->interval);
	if (is_there != 1)
		return is_there;
	err = source_live__new(s->opts, &s->fs, &s->source);
	return err ? err : 1;
}

/* Returns as open_host() does. */
static int open_source(struct session *s)
{
	int err;

	if (!s->opts->replay_path)
		return open_host(s);
	err = source_replay__new(s->opts->replay_path, &s->source);
	return err ? err : 1;
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

	s->out = patient__open(STDOUT_FILENO, "w");
	err = s->out ? show__new(s->opts, s->out, isatty(STDOUT_FILENO), &s->show) : -errno;
	if (err)
		pr_err("cannot start: %s", strerror(-err));
	return err;
}

static int open_sink(struct session *s)
{
	if (options__want_metrics(s->opts))
		return exporter__new(s->opts, &s->exporter);
	return s->opts->top ? open_screen(s) : open_show(s);
}

/*
 * Returns as open_host() does. Takes over the signals first, so that they leave nothing half done.
 */
static int session_open(struct session *s)
{
	int err = s->opts->top ? top__check() : 0;
	int opened;

	if (err)
		return err;
	if (is_timed(s->opts)) {
		err = interval__open(&s->interval, s->opts->top);
		if (err) {
			pr_err("cannot time an interval: %s", strerror(-err));
			return err;
		}
	}
	opened = open_source(s);
	if (opened != 1)
		return opened;
	err = open_sink(s);
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
		.top = s->top,
	};
	int err;

	if (s->exporter)
		return exporter__run(s->exporter, s->source, interval);
	err = pipeline__run(&pipeline);

	*check_failed = pipeline.check_failed;
	return err;
}

static void session_close(struct session *s)
{
	exporter__free(s->exporter);
	top__free(s->top);
	show__free(s->show);
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
	int err = open_root(&fs);

	if (!err)
		err = pin_command__run(opts, &fs);
	hostfs__close(&fs);
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
	bool is_pin_command = opts->pin || opts->renew || opts->unpin;
	int err = is_pin_command ? run_pin_command(opts) : run_session(opts, &check_failed);

	if (err == -ENOTTY)
		return EXIT_USAGE;
	if (err == -EOPNOTSUPP)
		return EXIT_HOST_CANNOT;
	return err || check_failed ? EXIT_FAILED : EXIT_DONE;
}

/* Flushes what --help or --version has printed; a write error is a failure. */
static enum exit_code end_text(void)
{
	if (!stream__flush(stdout))
		return EXIT_DONE;
	pr_err("cannot write to standard output");
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	enum exit_code code;
	struct options opts;

	/* stderr may be closed, so there is no way to report this failure. */
	if (std_fds__fill())
		return EXIT_FAILED;
	std_fds__raise_limit();
	/*
	 * Make writes beyond RLIMIT_FSIZE fail with EFBIG, which is reported,
	 * instead of killing the process.
	 */
	signal(SIGXFSZ, SIG_IGN);
	switch (options__parse(argc, argv, &opts)) {
	case OPTIONS_DONE:
		return end_text();
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	log__set_level(opts.verbosity > 1   ? LOG_LEVEL_DEBUG
		       : opts.verbosity > 0 ? LOG_LEVEL_INFO
					    : LOG_LEVEL_WARN);
	code = run(&opts);
	options__free(&opts);
	return code;
}
