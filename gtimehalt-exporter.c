// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gtimehalt-exporter.c - main program of the exporter: connects options, a source of snapshots, and
 * what serves them as metrics.
 */
#include <string.h>
#include "src/base/hostfs.h"
#include "src/base/interval.h"
#include "src/base/log.h"
#include "src/base/program.h"
#include "src/measure/perf_helper.h"
#include "src/options/options.h"
#include "src/run/exporter.h"
#include "src/run/source.h"

struct session {
	const struct options *opts;
	struct hostfs fs; /* only if this host is measured */
	struct interval interval;
	struct source *source;
	struct exporter *exporter;
};

/*
 * Returns whether time and signals matter to the run: a recording that nobody serves is converted
 * into a file as fast as possible.
 */
static bool is_timed(const struct options *opts)
{
	return !opts->replay_path || opts->listen.len;
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
	const struct exporter_opts exporter_opts = {
		.measure = &s->opts->measure,
		.is_live = !s->opts->replay_path,
		.interval_ns = s->opts->interval_ns,
		.listen = s->opts->listen.len ? &s->opts->listen : NULL,
		.textfile_path = s->opts->textfile_path,
		.user = s->opts->user,
	};
	int err = is_timed(s->opts) ? interval__open(&s->interval, false) : 0;
	int opened;

	if (err) {
		pr_err("cannot time an interval: %s", strerror(-err));
		return err;
	}
	opened = source__open(&source_opts, &s->fs, &s->interval, &s->source);
	if (opened != 1)
		return opened;
	err = exporter__new(&exporter_opts, &s->exporter);
	return err ? err : 1;
}

static int run(const struct options *opts)
{
	struct session s = {
		.opts = opts,
		.fs.root_fd = -1,
		.interval = INTERVAL_CLOSED,
	};
	int err = session_open(&s);

	if (err == 1)
		err = exporter__run(s.exporter, s.source, is_timed(opts) ? &s.interval : NULL);
	exporter__free(s.exporter);
	source__free(s.source);
	hostfs__close(&s.fs);
	interval__close(&s.interval);
	return err;
}

int main(int argc, char **argv)
{
	enum exit_code code;
	struct options opts;

	if (!program__start("gtimehalt-exporter"))
		return EXIT_FAILED;
	switch (options__parse(PROGRAM_EXPORTER, argc, argv, &opts)) {
	case OPTIONS_DONE:
		return program__end_text();
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	program__set_verbosity(opts.verbosity);
	opts.measure.helper = &perf_helper_ops;
	opts.measure.helper_user = opts.user;
	code = program__status(run(&opts));
	options__free(&opts);
	return code;
}
