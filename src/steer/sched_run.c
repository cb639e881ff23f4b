// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/interval.h"
#include "base/log.h"
#include "export/textfile.h"
#include "run/service.h"
#include "steer/journal.h"
#include "steer/sched_run.h"
#include "steer/sched_text.h"
#include "steer/scheduler.h"
#include "steer/steer.h"
#include "steer/steer_rights.h"
#include "steer/steer_status.h"

#define NS_PER_S 1000000000ULL

/* How often the state is looked at and shown. The scheduler itself does not need this process. */
#define INTERVAL_NS NS_PER_S

/* node_exporter is scraped every 15 s or less often, and each file costs an fsync(). */
#define TEXTFILE_INTERVALS 10

struct sched_run {
	const struct steer_opts *opts;
	struct hostfs fs;
	struct journal journal; /* for its lock and the status */
	struct textfile *textfile;
	struct scheduler *scheduler;
	__u64 start_ns; /* CLOCK_REALTIME */
};

static void tell_account(const struct sched_run *r, bool writes_metrics)
{
	struct scheduler_account account;
	char *text;
	size_t len;

	scheduler__read(r->scheduler, &account);
	text = sched_text__status(&account, r->start_ns);
	steer_status__write(r->journal.status_fd, text);
	free(text);
	if (!r->textfile || !writes_metrics)
		return;
	if (sched_text__metrics(&account, &text, &len)) {
		pr_err("cannot write the metrics: %s", strerror(ENOMEM));
		return;
	}
	textfile__write(r->textfile, text, len);
	free(text);
}

static int loop(const struct sched_run *r, const struct interval *interval)
{
	const struct sched_end *end;
	enum interval_event event;
	int err = interval__start(interval, INTERVAL_NS);

	service__ready();
	for (__u64 cnt = 0; !err; cnt++) {
		tell_account(r, cnt % TEXTFILE_INTERVALS == 0);
		err = interval__wait(interval, -1, &event);
		if (!err && event == INTERVAL_END)
			return 0;
		end = scheduler__end(r->scheduler);
		if (end) {
			pr_err("the kernel has removed the scheduler, and its own one runs again: %s%s%s",
			       end->reason, *end->message ? ": " : "", end->message);
			return -ECANCELED;
		}
		service__alive_scheduler();
	}
	return log__failure("wait for an interval", err);
}

static int run(struct sched_run *r, const struct interval *interval)
{
	const struct scheduler_opts opts = {
		.fs = &r->fs,
		.busy_share = r->opts->policy.busy_share,
		.halted_share = r->opts->policy.halted_share,
		.mperf_ratio = r->opts->mperf_ratio,
	};
	struct clock_reading now;
	int err = hostfs__open(&r->fs, "/");

	if (err)
		return log__failure("open /", err);
	err = journal__open(JOURNAL_DIR, &r->journal);
	if (!err && !journal__is_empty(&r->journal)) {
		pr_err("a killed run has left cgroups narrowed: restore them with --unsteer first");
		err = -EOPNOTSUPP;
	}
	if (!err && r->opts->textfile_path)
		err = textfile__new(r->opts->textfile_path, &r->textfile);
	if (!err)
		err = scheduler__new(&opts, &r->scheduler);
	if (!err)
		err = steer_rights__drop(r->opts->user, r->opts->textfile_path != NULL, NULL, NULL);
	if (err)
		return err;
	clock__read(&now);
	r->start_ns = now.real_ns;
	err = loop(r, interval);
	service__stopping();
	tell_account(r, true);
	steer_status__write(r->journal.status_fd, NULL);
	return err;
}

int sched_run__run(const struct steer_opts *opts, const struct interval *interval)
{
	struct sched_run r = { .opts = opts, .fs.root_fd = -1, .journal = JOURNAL_CLOSED };
	int err = run(&r, interval);

	scheduler__free(r.scheduler);
	textfile__free(r.textfile);
	journal__close(&r.journal);
	hostfs__close(&r.fs);
	return err;
}
