// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gtimehalt.c - composition root: options, host, collector, then an interval at a time until the count,
 * a signal, or the end of all that was asked for. The only place that knows exit codes.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "src/account.h"
#include "src/asked.h"
#include "src/check.h"
#include "src/collector.h"
#include "src/hooks.h"
#include "src/host.h"
#include "src/hostfs.h"
#include "src/interval.h"
#include "src/log.h"
#include "src/options.h"
#include "src/sampler.h"
#include "src/show.h"
#include "src/snapshot.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_HOST_CANNOT = 3,
};

struct session {
	const struct options *opts;
	struct hostfs fs;
	struct host host;
	struct hook_plan plan;
	struct collector *collector;
	struct sampler *sampler;
	struct snapshot snaps[2];
	struct report report;
	struct show *show;
	bool vcpus_checked; /* that what was asked for is there */
	bool check_failed;
	struct interval interval;
};

static int show_report(struct session *s, const struct snapshot *prev, const struct snapshot *cur)
{
	int err = account__report(prev, cur, &s->report);

	if (err) {
		pr_err("cannot account for the interval: %s", strerror(-err));
		return err;
	}
	err = show__report(s->show, &s->report);
	if (err)
		pr_err("cannot write the report: %s", strerror(-err));
	return err;
}

static int show_check(struct session *s, const struct snapshot *prev, const struct snapshot *cur)
{
	struct check check;
	int err = check__make(prev, cur, &check);

	if (err) {
		pr_err("cannot check the interval: %s", strerror(-err));
		return err;
	}
	err = show__check(s->show, &check);
	if (err)
		pr_err("cannot write the check: %s", strerror(-err));
	s->check_failed |= !check.passed;
	check__free(&check);
	return err;
}

/* What the first interval begins with. */
static int take_first(struct session *s, struct snapshot *snap)
{
	const struct filter *filter = &s->opts->filter;
	int err = sampler__take(s->sampler, snap);

	if (!err)
		err = asked__check_names(filter, snap);
	if (err)
		return err;
	if (!snap->vm_cnt)
		pr_warn("no VM is running");
	filter__apply(filter, snap);
	err = interval__start(&s->interval, s->opts->interval_ns);
	if (err)
		pr_err("cannot time an interval: %s", strerror(-err));
	return err;
}

/*
 * Returns 1 to go on, 0 when all is done, or -errno, logged. What has ended is in one last snapshot. Of a
 * name there may be another VM yet: only IDs do not come back.
 */
static int measure_interval(struct session *s, const struct snapshot *prev, struct snapshot *cur)
{
	const struct filter *filter = &s->opts->filter;
	int go_on = interval__wait(&s->interval);
	bool ended;
	int err;

	if (go_on < 0) {
		pr_err("cannot wait for an interval: %s", strerror(-go_on));
		return go_on;
	}
	err = sampler__take(s->sampler, cur);
	if (!err && !s->vcpus_checked)
		err = asked__check_vcpus(filter, cur);
	if (err)
		return err;
	s->vcpus_checked = true;
	filter__apply(filter, cur);
	ended = filter->tid_cnt && !cur->vcpu_cnt;
	if (!ended) {
		err = s->opts->check ? show_check(s, prev, cur) : show_report(s, prev, cur);
		ended = filter->pid_cnt && !sampler__vm_cnt(s->sampler);
	}
	if (err)
		return err;
	if (ended)
		pr_warn("what was asked for has ended");
	return go_on && !ended;
}

static int measure(struct session *s)
{
	__u64 left = s->opts->repeat ? s->opts->count : 1;
	int now = 0, go_on;
	int err = take_first(s, &s->snaps[now]);

	if (err)
		return err;
	do {
		go_on = measure_interval(s, &s->snaps[now], &s->snaps[!now]);
		now = !now;
	} while (go_on > 0 && (!left || --left));
	return go_on < 0 ? go_on : 0;
}

static int session_open(struct session *s)
{
	struct collector_opts collector_opts;
	struct sampler_opts sampler_opts;
	int err;

	err = interval__open(&s->interval);
	if (!err)
		err = hostfs__open(&s->fs, "/");
	if (!err)
		err = show__new(s->opts, stdout, &s->show);
	if (err) {
		pr_err("cannot start: %s", strerror(-err));
		return err;
	}
	err = host__probe(&s->fs, &s->host);
	if (!err)
		err = hooks__plan(&s->host, s->opts->mode, s->opts->hook, &s->plan);
	if (!err)
		err = asked__check_ids(&s->opts->filter, &s->fs);
	if (err)
		return err;
	collector_opts = (struct collector_opts){
		.fs = &s->fs,
		.plan = &s->plan,
		.mode = s->opts->mode,
		.mperf_ratio = s->opts->mperf_ratio,
		.pids = s->opts->filter.pids,
		.pid_cnt = s->opts->filter.pid_cnt,
		.check = s->opts->check,
	};
	err = collector__new(&collector_opts, &s->collector);
	if (err)
		return err;
	sampler_opts = (struct sampler_opts){
		.fs = &s->fs,
		.collector = s->collector,
		.pids = s->opts->filter.pids,
		.pid_cnt = s->opts->filter.pid_cnt,
	};
	return sampler__new(&sampler_opts, &s->sampler);
}

static void session_close(struct session *s)
{
	show__free(s->show);
	report__free(&s->report);
	snapshot__free(&s->snaps[0]);
	snapshot__free(&s->snaps[1]);
	sampler__free(s->sampler);
	collector__free(s->collector);
	hostfs__close(&s->fs);
	interval__close(&s->interval);
}

/* NULL: all that was asked for can be done. */
static const char *missing_part(const struct options *opts)
{
	if (opts->record_path)
		return "--record";
	if (opts->replay_path)
		return "--replay";
	if (opts->top)
		return "--top";
	return opts->histogram ? "--histogram" : NULL;
}

static enum exit_code run(const struct options *opts)
{
	struct session session = {
		.opts = opts,
		.fs.root_fd = -1,
		.interval = INTERVAL_CLOSED,
	};
	const char *missing = missing_part(opts);
	int err;

	if (missing) {
		pr_err("%s is not in this build", missing);
		return EXIT_FAILED;
	}
	err = session_open(&session);
	if (!err)
		err = measure(&session);
	session_close(&session);
	if (err == -EOPNOTSUPP)
		return EXIT_HOST_CANNOT;
	return err || session.check_failed ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	enum exit_code code;
	struct options opts;

	switch (options__parse(argc, argv, &opts)) {
	case OPTIONS_DONE:
		return EXIT_DONE;
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
