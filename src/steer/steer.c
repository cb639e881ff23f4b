// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/interval.h"
#include "base/log.h"
#include "export/textfile.h"
#include "measure/measure_opts.h"
#include "report/account.h"
#include "report/snapshot.h"
#include "run/service.h"
#include "run/source.h"
#include "steer/housekeeping.h"
#include "steer/steer.h"
#include "steer/steer_rights.h"
#include "steer/steer_status.h"
#include "steer/steer_text.h"
#include "steer/topology.h"

#define NS_PER_S 1000000000ULL

/*
 * Default intervals. A snapshot interrupts each CPU that runs a vCPU, so it is taken less often
 * when there are many vCPUs.
 */
#define INTERVAL_NS      (NS_PER_S / 5)
#define INTERVAL_MANY_NS (NS_PER_S / 2)
#define MANY_VCPUS       64

/* The run ends with an error after this number of consecutive failed snapshots. */
#define FAILURES_MAX 10

/* node_exporter is scraped every 15 s or less often, and each file costs an fsync(). */
#define TEXTFILE_NS (10 * NS_PER_S)

struct steer {
	const struct steer_opts *opts;
	struct hostfs fs;
	struct topology topology;
	struct policy *policy;
	struct housekeeping housekeeping;
	struct measure_opts source_opts; /* has to exist as long as source */
	struct source *source;
	struct snapshot snaps[2];
	int current;          /* index of the last good snapshot */
	struct report report; /* from the two snapshots */
	int *cpu_of;          /* CPU of each vCPU in report */
	struct cpu_load *loads;
	/* Affinities of this process: at the start, and as this run has set it (empty: not yet). */
	struct cpus inherited, own;
	struct textfile *textfile;
	__u64 textfile_ns; /* when the textfile was written last */
	__u64 interval_ns, start_ns, last_ns;
	__u64 decision_cnt, snapshot_failure_cnt;
	unsigned int failed_in_row;
};

static int open_source(struct steer *s)
{
	s->source_opts = (struct measure_opts){
		.mode = MODE_SWITCH,
		.mperf_ratio = s->opts->mperf_ratio,
	};
	return source_live__new(&s->source_opts, &s->fs, &s->source);
}

/* Replaces the older snapshot. Returns 0 or -errno, logged and counted. */
static int take_snapshot(struct steer *s)
{
	int next = !s->current;
	int got = source__next(s->source, &s->snaps[next]);

	if (got == 1) {
		s->current = next;
		s->failed_in_row = 0;
		return 0;
	}
	s->snapshot_failure_cnt++;
	s->failed_in_row++;
	return got < 0 ? got : -EIO;
}

/*
 * Checks that the loop can work with the remaining privileges. Returns 0, -EPERM, -EACCES or
 * another -errno.
 */
static int check_rights(void *arg)
{
	const struct steer *s = arg;
	char path[PATH_MAX];
	int err = source__check_rights(s->source);

	/*
	 * With hidepid= on /proc, the cgroups of vCPUs could not be read: no vCPU would be found.
	 */
	if (!err && cpuset__path_of(&s->fs, 1, path))
		err = -EACCES;
	return err;
}

static int open_policy(struct steer *s)
{
	int err = topology__read(&s->fs, &s->topology);

	if (!err)
		err = policy__new(&s->opts->policy, s->topology.core_of, s->topology.cpu_cnt,
				  &s->policy);
	s->loads = calloc((size_t)s->topology.cpu_cnt + 1, sizeof(*s->loads));
	if (!err && !s->loads)
		err = -ENOMEM;
	if (err)
		return log__failure("read the CPUs of this host", err);
	s->housekeeping.opts = s->opts;
	s->housekeeping.host = (struct steered_host){
		.fs = &s->fs,
		.groups = &s->housekeeping.groups,
		.policy = s->policy,
		.isolated = s->topology.isolated,
		.retry_ns = s->opts->policy.dwell_ns,
		.dry_run = s->opts->dry_run,
	};
	return 0;
}

static int open_parts(struct steer *s)
{
	int err = hostfs__open(&s->fs, "/");

	if (err)
		return log__failure("open /", err);
	err = open_policy(s);
	if (!err)
		err = housekeeping__open(&s->housekeeping);
	if (!err && s->opts->textfile_path)
		err = textfile__new(s->opts->textfile_path, &s->textfile);
	if (!err)
		err = open_source(s);
	return err ? err : take_snapshot(s);
}

static struct steer_account account_of(const struct steer *s, struct cpus *busy)
{
	const struct cpuset root = { .dir_fd = s->housekeeping.groups.root_fd };
	struct cpus online;

	policy__busy(s->policy, busy);
	if (!cpuset__read_effective(&root, &online))
		cpus__and(busy, busy, &online);
	return (struct steer_account){
		.groups = s->housekeeping.steered,
		.cnt = s->housekeeping.opened_cnt,
		.busy = busy,
		.interval_ns = s->interval_ns,
		.start_ns = s->start_ns,
		.decision_cnt = s->decision_cnt,
		.snapshot_failure_cnt = s->snapshot_failure_cnt,
	};
}

static void write_metrics(struct steer *s, const struct steer_account *account, __u64 now_ns)
{
	char *text;
	size_t len;

	if (!s->textfile || (now_ns && now_ns - s->textfile_ns < TEXTFILE_NS))
		return;
	s->textfile_ns = now_ns;
	if (steer_text__metrics(account, &text, &len)) {
		log__failure("write the metrics", -ENOMEM);
		return;
	}
	textfile__write(s->textfile, text, len);
	free(text);
}

/*
 * Writes the status and the metrics. now_ns: CLOCK_MONOTONIC; 0: the run ends, and the metrics are
 * written even if the last write was recent.
 */
static void tell_account(struct steer *s, __u64 now_ns)
{
	struct cpus busy;
	struct steer_account account = account_of(s, &busy);
	char *status = steer_text__status(&account);

	steer_status__write(s->housekeeping.journal.status_fd, status);
	free(status);
	write_metrics(s, &account, now_ns);
}

static int print_line(const char *line)
{
	return puts(line) < 0 || fflush(stdout) ? -EIO : 0;
}

static int tell_change(const struct steer *s, const struct steered *steered, const struct cpus *had)
{
	bool prints = s->opts->dry_run || s->opts->json;
	struct cpus busy;
	char *line;
	int err = 0;

	if (!prints && log__level() < LOG_LEVEL_INFO)
		return 0;
	account_of(s, &busy);
	line = steer_text__change(steered, had, &busy, s->opts->json);
	if (!line)
		return log__failure("print a change", -ENOMEM);
	if (prints)
		err = print_line(line);
	else
		pr_info("%s", line);
	free(line);
	return log__failure("write to standard output", err);
}

/* Computes the report from the last two snapshots. Returns 0 or -errno. */
static int make_report(struct steer *s)
{
	int err = account__report(&s->snaps[!s->current], &s->snaps[s->current], &s->report);
	int *cpu_of;

	if (err || !s->report.vcpu_cnt)
		return err;
	cpu_of = reallocarray(s->cpu_of, s->report.vcpu_cnt, sizeof(*cpu_of));
	if (!cpu_of)
		return -ENOMEM;
	s->cpu_of = cpu_of;
	for (size_t i = 0; i < s->report.vcpu_cnt; i++)
		cpu_of[i] = topology__cpu_of(&s->fs, s->report.vcpus[i].tid);
	return 0;
}

static void feed(struct steer *s, bool has_snapshot, __u64 now_ns)
{
	if (has_snapshot && !make_report(s)) {
		load__measure(&s->report, s->cpu_of, s->loads, s->topology.cpu_cnt);
		policy__feed(s->policy, now_ns, s->loads);
	} else if (now_ns - s->last_ns >= s->opts->policy.dwell_ns) {
		policy__feed(s->policy, now_ns, NULL);
	}
}

static int step_groups(struct steer *s, __u64 now_ns, __u64 passed_ns)
{
	int err = 0;

	for (size_t i = 0; !err && i < s->housekeeping.opened_cnt; i++) {
		struct steered *steered = &s->housekeeping.steered[i];
		struct cpus had = steered->set;

		steered->total_ns += passed_ns;
		if (steered->is_narrowed)
			steered->narrowed_ns += passed_ns;
		if (steered__step(&s->housekeeping.host, steered, now_ns))
			err = tell_change(s, steered, &had);
	}
	return err;
}

/*
 * Sets the affinity of this process to the CPUs that the policy chooses, because it is housekeeping
 * too. It cannot be in a steered cgroup, where it would queue behind the tasks that it steers. A
 * failure is only logged.
 */
static void follow(struct steer *s)
{
	const struct cpuset root = { .dir_fd = s->housekeeping.groups.root_fd };
	struct cpus allowed, chosen;

	if (cpuset__read_effective(&root, &allowed))
		return;
	cpus__and_not(&allowed, &allowed, &s->housekeeping.host.isolated);
	cpus__and(&allowed, &allowed, &s->inherited);
	policy__choose(s->policy, &allowed, &chosen);
	if (cpus__equal(&chosen, &s->own))
		return;
	s->own = chosen;
	if (cpus__cnt(&chosen) && sched_setaffinity(0, sizeof(chosen), chosen.sets))
		pr_debug("cannot set this process's affinity: %s", strerror(errno));
}

/* Makes one decision. passed_ns: the time since the last one. Returns 0 or -errno, logged. */
static int step(struct steer *s, __u64 passed_ns)
{
	int failed = take_snapshot(s), err;
	const struct snapshot *snap = &s->snaps[s->current];
	__u64 now_ns = clock__now_ns();
	size_t refused_cnt;

	if (failed && s->failed_in_row >= FAILURES_MAX) {
		pr_err("%d consecutive snapshots have failed", FAILURES_MAX);
		return -EIO;
	}
	feed(s, !failed, now_ns);
	if (!failed) {
		s->last_ns = now_ns;
		service__alive(snap->vm_cnt, snapshot__vcpu_cnt(snap));
	}
	s->decision_cnt++;
	err = housekeeping__look(&s->housekeeping, snap, now_ns, &refused_cnt);
	if (!err)
		err = step_groups(s, now_ns, passed_ns);
	follow(s);
	if (!err && housekeeping__is_gone(&s->housekeeping)) {
		pr_err("all cgroups have been removed: none is left to steer");
		err = -ENOENT;
	}
	tell_account(s, now_ns);
	return err;
}

static __u64 wanted_interval_ns(const struct steer *s)
{
	if (s->opts->interval_ns)
		return s->opts->interval_ns;
	return snapshot__vcpu_cnt(&s->snaps[s->current]) > MANY_VCPUS ? INTERVAL_MANY_NS
								      : INTERVAL_NS;
}

static int loop(struct steer *s, const struct interval *interval)
{
	enum interval_event event = INTERVAL_OVER;
	__u64 before_ns = clock__now_ns(), now_ns;
	int err = 0;

	s->last_ns = before_ns;
	service__ready();
	while (!err) {
		__u64 wanted_ns = wanted_interval_ns(s);

		if (s->interval_ns != wanted_ns) {
			s->interval_ns = wanted_ns;
			err = interval__start(interval, wanted_ns);
		}
		if (!err)
			err = interval__wait(interval, -1, &event);
		if (err)
			return log__failure("wait for an interval", err);
		if (event == INTERVAL_END)
			break;
		if (event != INTERVAL_OVER)
			continue;
		now_ns = clock__now_ns();
		err = step(s, now_ns - before_ns);
		before_ns = now_ns;
	}
	return err;
}

static int run(struct steer *s, const struct interval *interval)
{
	struct clock_reading now;
	int err = open_parts(s), restored;

	if (!err)
		err = housekeeping__check(&s->housekeeping, &s->snaps[s->current]);
	if (!err)
		err = steer_rights__drop(s->opts->user, s->opts->textfile_path != NULL,
					 check_rights, s);
	if (err) {
		housekeeping__forget(&s->housekeeping);
		return err;
	}
	if (sched_getaffinity(0, sizeof(s->inherited), s->inherited.sets) < 0)
		pr_debug("cannot read this process's affinity: %s", strerror(errno));
	clock__read(&now);
	s->start_ns = now.real_ns;
	err = loop(s, interval);
	service__stopping();
	restored = housekeeping__restore(&s->housekeeping);
	tell_account(s, 0);
	steer_status__write(s->housekeeping.journal.status_fd, NULL);
	return err ? err : restored;
}

int steer__run(const struct steer_opts *opts, const struct interval *interval)
{
	struct steer s = {
		.opts = opts,
		.fs.root_fd = -1,
		.housekeeping = HOUSEKEEPING_CLOSED,
	};
	int err = run(&s, interval);

	source__free(s.source);
	textfile__free(s.textfile);
	for (int i = 0; i < 2; i++)
		snapshot__free(&s.snaps[i]);
	report__free(&s.report);
	free(s.cpu_of);
	free(s.loads);
	policy__free(s.policy);
	topology__free(&s.topology);
	housekeeping__close(&s.housekeeping);
	hostfs__close(&s.fs);
	return err;
}
