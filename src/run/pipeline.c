// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "report/account.h"
#include "vm/asked.h"
#include "report/check.h"
#include "base/interval.h"
#include "base/log.h"
#include "options/options.h"
#include "run/pipeline.h"
#include "run/recorder.h"
#include "run/page.h"
#include "render/show.h"
#include "report/snapshot.h"
#include "report/summary.h"
#include "report/timeline.h"
#include "run/source.h"
#include "top/top.h"

/* How a wait ended. */
enum verdict {
	VERDICT_NEXT, /* the interval is over */
	VERDICT_LAST, /* the interval was ended early by a signal and is the last one */
	VERDICT_QUIT, /* quit without showing more */
};

struct run {
	struct pipeline *pipeline;
	struct recorder *recorder;
	struct report report;
	struct summary summary; /* --summary */
	struct snapshot spare;  /* only with join_ns */
	__u64 begin_mono_ns;    /* the first snapshot of a recording */
	int end;                /* what source__next() returned at the end */
	bool has_ended;
	bool vcpus_checked; /* asked__check_vcpus() has succeeded */
};

static int show_report(struct run *run, const struct snapshot *prev, const struct snapshot *cur)
{
	struct pipeline *p = run->pipeline;
	int err =
		log__failure("account for the interval", account__report(prev, cur, &run->report));

	if (err)
		return err;
	if (p->timeline)
		return log__failure("compare", timeline__add(p->timeline, &run->report));
	if (p->page)
		return log__failure("draw the interval", page__add(p->page, &run->report));
	if (p->opts->summary)
		return log__failure("summarize", summary__add(&run->summary, &run->report));
	if (p->top)
		return top__show(p->top, &run->report);
	return log__failure("write the report", show__report(p->show, &run->report));
}

static int show_check(struct run *run, const struct snapshot *prev, const struct snapshot *cur)
{
	struct check check;
	int err = log__failure("check the interval", check__make(prev, cur, &check));

	if (err)
		return err;
	err = log__failure("write the check", show__check(run->pipeline->show, &check));
	run->pipeline->check_failed |= !check.passed;
	check__free(&check);
	return err;
}

static int next_of_source(struct run *run, struct snapshot *snap)
{
	if (!run->has_ended)
		run->end = source__next(run->pipeline->source, snap);
	run->has_ended = run->end != 1;
	return run->end;
}

/* Returns whether the snapshot is at or after a moment, which must be given. */
static bool is_reached(const struct run *run, const struct moment *moment,
		       const struct snapshot *snap)
{
	if (moment->kind == MOMENT_REAL)
		return snap->clock.real_ns >= moment->ns;
	return snap->clock.mono_ns - run->begin_mono_ns >= moment->ns;
}

/* Takes the first snapshot, or that at --from. Returns as take_first() does. */
static int begin_source(struct run *run, struct snapshot *snap)
{
	const struct options *opts = run->pipeline->opts;
	int got = next_of_source(run, snap);

	run->begin_mono_ns = snap->clock.mono_ns;
	while (got == 1 && opts->from.kind != MOMENT_NONE && !is_reached(run, &opts->from, snap))
		got = next_of_source(run, snap);
	if (!got && opts->from.kind != MOMENT_NONE) {
		pr_err("%s: the recording ends before --from", opts->replay_path);
		return -ENODATA;
	}
	return got;
}

/*
 * Takes the snapshot that ends the interval begun by prev. Recorded intervals are joined up to the
 * one that comes nearest to join_ns; the last interval may be shorter. Returns as take_first().
 */
static int advance_source(struct run *run, const struct snapshot *prev, struct snapshot *cur)
{
	const struct options *opts = run->pipeline->opts;
	__u64 last_ns = prev->clock.mono_ns;
	int got;

	if (opts->to.kind != MOMENT_NONE && is_reached(run, &opts->to, prev))
		return 0;
	got = next_of_source(run, cur);
	while (got == 1) {
		__u64 step_ns = cur->clock.mono_ns - last_ns;
		struct snapshot joined = *cur;

		last_ns = cur->clock.mono_ns;
		if (last_ns - prev->clock.mono_ns + step_ns / 2 >= opts->join_ns ||
		    (opts->to.kind != MOMENT_NONE && is_reached(run, &opts->to, cur)))
			break;
		if (next_of_source(run, &run->spare) != 1)
			break;
		*cur = run->spare;
		run->spare = joined;
	}
	return got;
}

/* Applies the options to a snapshot. A page has the stints if there are any. */
static int narrow(const struct pipeline *p, struct snapshot *snap)
{
	bool has_stints = snap->has_stints;
	int err = source__narrow(&p->opts->measure, snap);

	if (p->page && !err)
		snap->has_stints = has_stints;
	return err;
}

/*
 * Takes the snapshot with which the first interval begins. Returns 1; 0 if there is none; or
 * -errno, logged.
 */
static int take_first(struct run *run, struct snapshot *snap)
{
	struct pipeline *p = run->pipeline;
	int got = begin_source(run, snap);
	int err;

	if (got != 1)
		return got;
	err = recorder__new(p->opts->record_path, source__header(p->source), &run->recorder);
	if (!err)
		err = recorder__add(run->recorder, snap);
	/* A VM may be in one of two recordings only. */
	if (!err && !p->timeline)
		err = asked__check_names(&p->opts->measure.filter, snap);
	if (!err)
		err = narrow(p, snap);
	if (!err && p->interval)
		err = log__failure("time an interval",
				   interval__start(p->interval, p->opts->interval_ns));
	return err ? err : 1;
}

/* Returns as take_first() does. If the selected vCPUs have exited, this is the last snapshot. */
static int take_next(struct run *run, const struct snapshot *prev, struct snapshot *cur)
{
	struct pipeline *p = run->pipeline;
	const struct filter *filter = &p->opts->measure.filter;
	int got = advance_source(run, prev, cur);
	bool ended;
	int err;

	if (got != 1)
		return got;
	err = recorder__add(run->recorder, cur);
	if (!err && !run->vcpus_checked && !p->timeline)
		err = asked__check_vcpus(filter, cur);
	if (!err)
		err = narrow(p, cur);
	if (err)
		return err;
	run->vcpus_checked = true;
	ended = filter->tid_cnt && !cur->vcpu_cnt;
	if (!ended) {
		err = p->opts->measure.check ? show_check(run, prev, cur)
					     : show_report(run, prev, cur);
		ended = source__has_ended(p->source, filter);
	}
	if (!err && ended)
		pr_warn("the selected VMs or vCPUs have exited");
	return err ? err : !ended;
}

static int take_keys(struct pipeline *p, enum verdict *verdict)
{
	enum top_event asked;
	int err = top__key(p->top, &asked);

	if (!err && asked == TOP_INTERVAL)
		err = log__failure("time an interval",
				   interval__start(p->interval, top__interval_ns(p->top)));
	if (asked == TOP_QUIT)
		*verdict = VERDICT_QUIT;
	return err;
}

/* Returns whether the wait is over. */
static bool take_event(struct pipeline *p, enum interval_event event, enum verdict *verdict,
		       int *err)
{
	switch (event) {
	case INTERVAL_OVER:
		*verdict = VERDICT_NEXT;
		/*
		 * While the display is paused, a live measurement goes on, and a recording waits.
		 */
		return !p->top || !p->opts->replay_path || !top__is_paused(p->top);
	case INTERVAL_END:
		*verdict = p->top ? VERDICT_QUIT : VERDICT_LAST;
		return true;
	case INTERVAL_INPUT:
		*verdict = VERDICT_NEXT;
		*err = take_keys(p, verdict);
		return *err || *verdict == VERDICT_QUIT;
	case INTERVAL_REDRAW:
		top__redraw(p->top);
		return false;
	case INTERVAL_STOP:
		top__stop(p->top);
		return false;
	case INTERVAL_RELOAD:
	case INTERVAL_TIMEOUT:
		/* The pipeline does not ask for these events. */
		return false;
	}
	return false;
}

static int wait_for_end(struct pipeline *p, enum verdict *verdict)
{
	int input_fd = p->top ? top__fd(p->top) : -1;
	enum interval_event event;
	int err;

	*verdict = VERDICT_NEXT;
	if (!p->interval)
		return 0;
	do {
		err = log__failure("wait for an interval",
				   interval__wait(p->interval, input_fd, &event));
	} while (!err && !take_event(p, event, verdict, &err));
	return err;
}

/* Keeps the last screen until the user quits. */
static int stay(struct pipeline *p)
{
	enum verdict verdict;
	int err;

	if (!p->top)
		return 0;
	pr_warn("the recording has ended");
	top__redraw(p->top);
	do {
		err = log__failure("time an interval", interval__pause(p->interval));
		if (!err)
			err = wait_for_end(p, &verdict);
	} while (!err && verdict != VERDICT_QUIT);
	return err;
}

static int run_intervals(struct run *run, struct snapshot snaps[2])
{
	struct pipeline *p = run->pipeline;
	__u64 left = p->opts->repeat ? p->opts->count : 1;
	enum verdict verdict;
	int now = 0;
	int got = take_first(run, &snaps[now]);

	if (got != 1)
		return got;
	do {
		int err = wait_for_end(p, &verdict);

		if (err || verdict == VERDICT_QUIT)
			return err;
		got = take_next(run, &snaps[now], &snaps[!now]);
		now = !now;
	} while (got == 1 && verdict == VERDICT_NEXT && (!left || --left));
	if (got == 0 && p->opts->replay_path)
		return stay(p);
	return got < 0 ? got : 0;
}

int pipeline__run(struct pipeline *pipeline)
{
	struct snapshot snaps[2] = { 0 };
	struct run run = { .pipeline = pipeline };
	int err = run_intervals(&run, snaps);
	int end_err = recorder__end(run.recorder);

	if (!err && pipeline->page)
		err = page__write(pipeline->page); /* logs */
	if (!err && pipeline->opts->summary && run.summary.interval_cnt)
		err = log__failure("write the summary",
				   show__summary(pipeline->show, &run.summary));
	summary__free(&run.summary);
	snapshot__free(&run.spare);
	report__free(&run.report);
	snapshot__free(&snaps[0]);
	snapshot__free(&snaps[1]);
	return err ? err : end_err;
}
