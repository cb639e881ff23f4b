// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gtimehalt.c - composition root: options, host, collector, then an interval at a time until the count,
 * a signal, or the end of all that was asked for. The only place that knows signals and exit codes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "src/account.h"
#include "src/check.h"
#include "src/collector.h"
#include "src/hooks.h"
#include "src/host.h"
#include "src/hostfs.h"
#include "src/log.h"
#include "src/options.h"
#include "src/render.h"
#include "src/render_check.h"
#include "src/sampler.h"
#include "src/snapshot.h"
#include "src/vm.h"

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
	struct view view;
	bool printed; /* a table, so that the next one stands apart */
	bool check_failed;
	int signal_fd;
	int timer_fd;
};

/* Signals are read, not handled, from before the first thing that they could leave half done. */
static int open_events(struct session *s)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return s->timer_fd < 0 ? -errno : 0;
}

static int start_timer(const struct session *s)
{
	struct timespec interval = {
		.tv_sec = (time_t)(s->opts->interval_ns / 1000000000),
		.tv_nsec = (long)(s->opts->interval_ns % 1000000000),
	};
	struct itimerspec timer = { .it_interval = interval, .it_value = interval };

	return timerfd_settime(s->timer_fd, 0, &timer, NULL) ? -errno : 0;
}

/* Returns 1 at the end of the interval, 0 when a signal came, or -errno. */
static int wait_interval(const struct session *s)
{
	struct pollfd fds[] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->timer_fd, .events = POLLIN },
	};
	__u64 expirations;

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (fds[0].revents)
		return 0;
	return read(s->timer_fd, &expirations, sizeof(expirations)) < 0 ? -errno : 1;
}

static int print_report(struct session *s, const struct snapshot *prev, const struct snapshot *cur)
{
	int err = account__report(prev, cur, &s->report);

	if (err) {
		pr_err("cannot account for the interval: %s", strerror(-err));
		return err;
	}
	if (s->opts->form == OUTPUT_JSON) {
		err = render__json(&s->report, stdout);
	} else {
		err = s->printed ? render__gap(stdout) : 0;
		if (!err)
			err = view__make(&s->report, &s->opts->view, &s->view);
		if (!err)
			err = render__table(&s->report, &s->view, stdout);
		s->printed = true;
	}
	if (!err && fflush(stdout))
		err = -errno;
	if (err)
		pr_err("cannot write the report: %s", strerror(-err));
	return err;
}

static int print_check(struct session *s, const struct snapshot *prev, const struct snapshot *cur)
{
	struct check check;
	int err = check__make(prev, cur, &check);

	if (err) {
		pr_err("cannot check the interval: %s", strerror(-err));
		return err;
	}
	err = s->printed ? render__gap(stdout) : 0;
	if (!err)
		err = render__check(&check, stdout);
	if (err)
		pr_err("cannot write the check: %s", strerror(-err));
	s->printed = true;
	s->check_failed |= !check.passed;
	check__free(&check);
	return err;
}

static int measure(struct session *s)
{
	struct snapshot *prev = &s->snaps[0], *cur = &s->snaps[1];
	__u64 left = s->opts->repeat ? s->opts->count : 1;
	int err, go_on;

	err = sampler__take(s->sampler, prev);
	if (!err)
		err = start_timer(s);
	if (err)
		return err;
	if (!sampler__vm_cnt(s->sampler) && !s->opts->filter.pid_cnt)
		pr_warn("no VM is running");
	do {
		struct snapshot *swap = prev;

		go_on = wait_interval(s);
		if (go_on < 0)
			return go_on;
		err = sampler__take(s->sampler, cur);
		if (!err)
			err = s->opts->check ? print_check(s, prev, cur)
					     : print_report(s, prev, cur);
		if (err)
			return err;
		if (s->opts->filter.pid_cnt && !sampler__vm_cnt(s->sampler)) {
			pr_warn("what was asked for has ended");
			break;
		}
		prev = cur;
		cur = swap;
	} while (go_on && (!left || --left));
	return 0;
}

static int check_pids(const struct session *s)
{
	for (size_t i = 0; i < s->opts->filter.pid_cnt; i++) {
		pid_t pid = s->opts->filter.pids[i];
		int err = vm__check(&s->fs, pid);

		if (err == -ESRCH)
			pr_err("there is no process %d", pid);
		else if (err == -ENODEV)
			pr_err("process %d runs no VM", pid);
		else if (err)
			pr_err("cannot look into process %d: %s", pid, strerror(-err));
		if (err)
			return err;
	}
	return 0;
}

static int session_open(struct session *s)
{
	struct collector_opts collector_opts;
	struct sampler_opts sampler_opts;
	int err;

	err = open_events(s);
	if (!err)
		err = hostfs__open(&s->fs, "/");
	if (err) {
		pr_err("cannot start: %s", strerror(-err));
		return err;
	}
	err = host__probe(&s->fs, &s->host);
	if (!err)
		err = hooks__plan(&s->host, s->opts->mode, s->opts->hook, &s->plan);
	if (!err)
		err = check_pids(s);
	if (err)
		return err;
	if (s->opts->check)
		hooks__plan_idle(&s->plan);
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
	view__free(&s->view);
	report__free(&s->report);
	snapshot__free(&s->snaps[0]);
	snapshot__free(&s->snaps[1]);
	sampler__free(s->sampler);
	collector__free(s->collector);
	hostfs__close(&s->fs);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}

static enum exit_code run(const struct options *opts)
{
	struct session session = {
		.opts = opts,
		.fs.root_fd = -1,
		.signal_fd = -1,
		.timer_fd = -1,
	};
	int err = session_open(&session);

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
