// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/interval.h"
#include "base/log.h"
#include "export/textfile.h"
#include "measure/measure_opts.h"
#include "report/account.h"
#include "report/snapshot.h"
#include "rights/privileges.h"
#include "rights/syscall_filter.h"
#include "run/exporter_syscalls.h"
#include "run/service.h"
#include "run/source.h"
#include "steer/journal.h"
#include "steer/steer.h"
#include "steer/steer_text.h"
#include "steer/steered.h"
#include "steer/topology.h"

#define NS_PER_S 1000000000ULL

#define CGROUP_ROOT "/sys/fs/cgroup"

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
	struct group_host groups;
	struct journal journal;
	struct topology topology;
	struct policy *policy;
	struct steered_host host;
	struct steered *steered; /* opts->cnt of them, of which the first opened_cnt are open */
	size_t opened_cnt;
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

static int tell(const char *what, int err)
{
	pr_err("cannot %s: %s", what, strerror(-err));
	return err;
}

/*
 * Opens the cgroup file system, and a connection to systemd if the host runs it. Returns 0 or
 * -errno, logged.
 */
static int open_cgroups(struct group_host *host)
{
	struct statfs st;
	int err;

	host->root_fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (host->root_fd < 0)
		return tell("open " CGROUP_ROOT, -errno);
	if (fstatfs(host->root_fd, &st) || st.f_type != CGROUP2_SUPER_MAGIC) {
		pr_err("no cgroup file system of version 2 is mounted at " CGROUP_ROOT
		       ": boot with systemd.unified_cgroup_hierarchy=1");
		return -EOPNOTSUPP;
	}
	err = unit__connect(&host->bus);
	if (err && err != -ENOENT)
		return tell("connect to systemd over D-Bus", err);
	if (!err)
		pr_info("systemd sets the CPUs of its units' cgroups (AllowedCPUs=)");
	return 0;
}

static void close_cgroups(struct group_host *host)
{
	sd_bus_flush_close_unref(host->bus);
	if (host->root_fd >= 0)
		close(host->root_fd);
}

static int check_overlap(const struct steer *s, const struct steered *new)
{
	for (size_t i = 0; i < s->opened_cnt; i++) {
		const char *a = s->steered[i].group.path, *b = new->group.path;

		if (!cpuset__is_below(a, b) && !cpuset__is_below(b, a))
			continue;
		pr_err("%s and %s: one is part of the other: name only the outer one", a, b);
		return -EINVAL;
	}
	return 0;
}

static int open_groups(struct steer *s)
{
	for (size_t i = 0; i < s->opts->cnt; i++) {
		struct steered *new = &s->steered[i];
		int err = steered__open(&s->groups, s->opts->names[i], !s->opts->dry_run,
					s->opts->writes_per_s, new);

		if (!err)
			err = check_overlap(s, new);
		if (err)
			return err;
		s->opened_cnt++;
	}
	return 0;
}

/*
 * Probes in the parent of the first cgroup and, if this fails, in the root: a scratch cgroup has a
 * cpuset only where its siblings have one. Returns the same as cpuset__keeps_affinity().
 */
static int probe_affinity(const struct steer *s)
{
	char parent[PATH_MAX];
	char *slash;
	int keeps;

	memcpy(parent, s->steered[0].group.path, sizeof(parent));
	slash = strrchr(parent, '/');
	parent[slash ? slash - parent : 0] = '\0';
	keeps = cpuset__keeps_affinity(s->groups.root_fd, parent);
	if (keeps < 0)
		keeps = cpuset__keeps_affinity(s->groups.root_fd, "");
	return keeps;
}

static void learn_affinity(struct steer *s)
{
	int keeps = probe_affinity(s);

	s->host.keeps_affinity = keeps == 1;
	if (keeps < 0)
		pr_warn("cannot find out whether this kernel keeps affinities when a cpuset is written (%s): "
			"assuming that it erases them",
			strerror(-keeps));
	else
		pr_info("when a cpuset is written, this kernel %s the affinities that tasks have set",
			keeps ? "keeps" : "erases");
}

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

/* Sets tids[i] to a vCPU's thread that is in the i-th cgroup or a descendant; 0: there is none. */
static void find_vcpus(const struct steer *s, pid_t *tids)
{
	const struct snapshot *snap = &s->snaps[s->current];
	char path[PATH_MAX];

	memset(tids, 0, s->opened_cnt * sizeof(*tids));
	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		/* A thread that has ended is in no cgroup. */
		if (cpuset__path_of(&s->fs, snap->vcpus[i].tid, path))
			continue;
		for (size_t j = 0; j < s->opened_cnt; j++)
			if (cpuset__is_below(path, s->steered[j].group.path))
				tids[j] = snap->vcpus[i].tid;
	}
}

/*
 * Writes the original CPUs of the cgroups to the journal, except for cgroups whose CPUs another
 * program has set, because they must not be restored. Returns 0 or -errno, logged.
 */
static int write_journal(const struct steer *s)
{
	const struct group **groups;
	size_t cnt = 0;
	int err;

	if (s->opts->dry_run)
		return 0;
	groups = calloc(s->opened_cnt, sizeof(void *));
	if (!groups)
		return tell("save the CPUs of the cgroups", -ENOMEM);
	for (size_t i = 0; i < s->opened_cnt; i++)
		if (s->steered[i].refusal != REFUSAL_FOREIGN)
			groups[cnt++] = &s->steered[i].group;
	err = journal__write(&s->journal, groups, cnt);
	free(groups);
	return err;
}

static int look_at_groups(struct steer *s, __u64 now_ns, size_t *refused_cnt)
{
	pid_t *tids = calloc(s->opened_cnt, sizeof(*tids));
	bool journal_changes = false;

	*refused_cnt = 0;
	if (!tids)
		return tell("check the cgroups", -ENOMEM);
	find_vcpus(s, tids);
	for (size_t i = 0; i < s->opened_cnt; i++) {
		struct steered *steered = &s->steered[i];
		bool was_foreign = steered->refusal == REFUSAL_FOREIGN;

		if (!steered__look(&s->host, steered, tids[i], now_ns))
			++*refused_cnt;
		journal_changes |= !was_foreign && steered->refusal == REFUSAL_FOREIGN;
	}
	free(tids);
	return journal_changes ? write_journal(s) : 0;
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

static int drop_rights(struct steer *s)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_BPF, CAP_SYS_PTRACE };
	static const struct syscall_rule rules[] = {
		SYSCALL_ALLOW(pwrite64),
		SYSCALL_ALLOW(ftruncate),
		SYSCALL_ALLOW(fsync),
		SYSCALL_ALLOW(flock),
		SYSCALL_ALLOW_IF(sched_setaffinity, 0, 0),
	};
	const struct syscall_list syscalls = {
		.rules = rules,
		.cnt = sizeof(rules) / sizeof(rules[0]),
		.more = exporter_syscalls__list(s->opts->textfile_path != NULL),
	};
	const struct privileges_opts privileges = {
		.user = s->opts->user,
		.caps = caps,
		.cap_cnt = sizeof(caps) / sizeof(caps[0]),
		.works = check_rights,
		.arg = s,
		.syscalls = &syscalls,
	};

	return privileges__drop(&privileges);
}

static int open_policy(struct steer *s)
{
	int err = topology__read(&s->fs, &s->topology);

	if (!err)
		err = policy__new(&s->opts->policy, s->topology.core_of, s->topology.cpu_cnt,
				  &s->policy);
	s->loads = calloc((size_t)s->topology.cpu_cnt + 1, sizeof(*s->loads));
	s->steered = calloc(s->opts->cnt, sizeof(*s->steered));
	if (!err && (!s->loads || !s->steered))
		err = -ENOMEM;
	if (err)
		return tell("read the CPUs of this host", err);
	s->host = (struct steered_host){
		.fs = &s->fs,
		.groups = &s->groups,
		.policy = s->policy,
		.isolated = s->topology.isolated,
		.retry_ns = s->opts->policy.dwell_ns,
		.dry_run = s->opts->dry_run,
	};
	return 0;
}

/*
 * Restores what a killed run has left before this run reads the cgroups, because the narrowed sets
 * would be taken for the original CPUs.
 */
static int open_journal(struct steer *s)
{
	int err = s->opts->dry_run ? 0 : journal__open(JOURNAL_DIR, &s->journal);

	if (err || s->opts->dry_run)
		return err;
	err = journal__restore(&s->journal, &s->groups);
	if (err > 0)
		pr_warn("restored cgroups that a killed run had left narrowed: %d", err);
	return err < 0 ? err : 0;
}

static int open_parts(struct steer *s)
{
	int err = 0;

	for (size_t i = 0; !err && i < s->opts->cnt; i++)
		err = steered__check_name(s->opts->names[i]);
	if (err)
		return err;
	err = hostfs__open(&s->fs, "/");
	if (err)
		return tell("open /", err);
	err = open_policy(s);
	if (!err)
		err = open_cgroups(&s->groups);
	if (!err)
		err = open_journal(s);
	if (!err)
		err = open_groups(s);
	if (!err && s->opts->textfile_path)
		err = textfile__new(s->opts->textfile_path, &s->textfile);
	if (!err)
		err = open_source(s);
	return err ? err : take_snapshot(s);
}

/*
 * Refuses to start when a cgroup cannot be steered, because nobody would notice that it is left
 * out.
 */
static int check_groups(struct steer *s)
{
	size_t refused_cnt;
	int err;

	if (s->opts->dry_run)
		s->host.keeps_affinity = true;
	else
		learn_affinity(s);
	err = look_at_groups(s, clock__now_ns(), &refused_cnt);
	if (!err && refused_cnt)
		err = -EOPNOTSUPP;
	return err ? err : write_journal(s);
}

static struct steer_account account_of(const struct steer *s, struct cpus *busy)
{
	const struct cpuset root = { .dir_fd = s->groups.root_fd };
	struct cpus online;

	policy__busy(s->policy, busy);
	if (!cpuset__read_effective(&root, &online))
		cpus__and(busy, busy, &online);
	return (struct steer_account){
		.groups = s->steered,
		.cnt = s->opened_cnt,
		.busy = busy,
		.interval_ns = s->interval_ns,
		.start_ns = s->start_ns,
		.decision_cnt = s->decision_cnt,
		.snapshot_failure_cnt = s->snapshot_failure_cnt,
	};
}

/*
 * Skips the status while a reader holds its lock, so that a stopped reader does not block the run.
 */
static void write_status(const struct steer *s, const struct steer_account *account)
{
	int fd = s->journal.status_fd;
	char *text;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB))
		return;
	text = steer_text__status(account);
	if (text && (pwrite(fd, text, strlen(text), 0) < 0 || ftruncate(fd, (off_t)strlen(text))))
		pr_debug("cannot write the status: %s", strerror(errno));
	free(text);
	flock(fd, LOCK_UN);
}

static void write_metrics(struct steer *s, const struct steer_account *account, __u64 now_ns)
{
	char *text;
	size_t len;

	if (!s->textfile || (now_ns && now_ns - s->textfile_ns < TEXTFILE_NS))
		return;
	s->textfile_ns = now_ns;
	if (steer_text__metrics(account, &text, &len)) {
		tell("write the metrics", -ENOMEM);
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

	write_status(s, &account);
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
		return tell("print a change", -ENOMEM);
	if (prints)
		err = print_line(line);
	else
		pr_info("%s", line);
	free(line);
	return err ? tell("write to standard output", err) : 0;
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

	for (size_t i = 0; !err && i < s->opened_cnt; i++) {
		struct steered *steered = &s->steered[i];
		struct cpus had = steered->set;

		steered->total_ns += passed_ns;
		if (steered->is_narrowed)
			steered->narrowed_ns += passed_ns;
		if (steered__step(&s->host, steered, now_ns))
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
	const struct cpuset root = { .dir_fd = s->groups.root_fd };
	struct cpus allowed, chosen;

	if (cpuset__read_effective(&root, &allowed))
		return;
	cpus__and_not(&allowed, &allowed, &s->host.isolated);
	cpus__and(&allowed, &allowed, &s->inherited);
	policy__choose(s->policy, &allowed, &chosen);
	if (cpus__equal(&chosen, &s->own))
		return;
	s->own = chosen;
	if (cpus__cnt(&chosen) && sched_setaffinity(0, sizeof(chosen), chosen.sets))
		pr_debug("cannot set this process's affinity: %s", strerror(errno));
}

static bool are_all_gone(const struct steer *s)
{
	for (size_t i = 0; i < s->opened_cnt; i++)
		if (s->steered[i].group.is_unit || s->steered[i].refusal != REFUSAL_GONE)
			return false;
	return true;
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
	err = look_at_groups(s, now_ns, &refused_cnt);
	if (!err)
		err = step_groups(s, now_ns, passed_ns);
	follow(s);
	if (!err && are_all_gone(s)) {
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
			return tell("wait for an interval", err);
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

/*
 * Restores all cgroups. If one fails, the journal keeps all of them for --unsteer. Returns 0 or the
 * first -errno, logged.
 */
static int restore(struct steer *s)
{
	int first = 0;

	for (size_t i = 0; i < s->opened_cnt; i++) {
		int err = steered__restore(&s->host, &s->steered[i]);

		first = first ? first : err;
	}
	if (!first && !s->opts->dry_run)
		first = journal__write(&s->journal, NULL, 0);
	return first;
}

static int run(struct steer *s, const struct interval *interval)
{
	struct clock_reading now;
	int err = open_parts(s), restored;

	if (!err)
		err = check_groups(s);
	if (!err)
		err = drop_rights(s);
	if (err) {
		/* Nothing but the journal has been written yet. */
		if (s->opened_cnt && !s->opts->dry_run)
			journal__write(&s->journal, NULL, 0);
		return err;
	}
	if (sched_getaffinity(0, sizeof(s->inherited), s->inherited.sets) < 0)
		pr_debug("cannot read this process's affinity: %s", strerror(errno));
	clock__read(&now);
	s->start_ns = now.real_ns;
	err = loop(s, interval);
	service__stopping();
	restored = restore(s);
	tell_account(s, 0);
	if (s->journal.status_fd >= 0 && ftruncate(s->journal.status_fd, 0))
		pr_debug("cannot empty the status: %s", strerror(errno));
	return err ? err : restored;
}

int steer__run(const struct steer_opts *opts, const struct interval *interval)
{
	struct steer s = {
		.opts = opts,
		.fs.root_fd = -1,
		.groups.root_fd = -1,
		.journal = JOURNAL_CLOSED,
	};
	int err = run(&s, interval);

	source__free(s.source);
	textfile__free(s.textfile);
	for (size_t i = 0; i < s.opened_cnt; i++)
		steered__close(&s.steered[i]);
	for (int i = 0; i < 2; i++)
		snapshot__free(&s.snaps[i]);
	free(s.steered);
	report__free(&s.report);
	free(s.cpu_of);
	free(s.loads);
	policy__free(s.policy);
	topology__free(&s.topology);
	close_cgroups(&s.groups);
	journal__close(&s.journal);
	hostfs__close(&s.fs);
	return err;
}

int steer__undo(void)
{
	struct group_host host = { .root_fd = -1 };
	struct journal journal;
	int err = journal__open(JOURNAL_DIR, &journal);
	bool has_any = !err && !journal__is_empty(&journal);

	if (has_any)
		err = open_cgroups(&host);
	if (has_any && !err)
		err = journal__restore(&journal, &host);
	if (err > 0)
		pr_info("restored cgroups: %d", err);
	close_cgroups(&host);
	journal__close(&journal);
	return err < 0 ? err : 0;
}

/*
 * Returns whether a run holds the lock, or the caller may not read it. The status file alone proves
 * nothing, because a killed run leaves it behind.
 */
static bool is_running(void)
{
	int fd = open(JOURNAL_DIR "/lock", O_RDONLY | O_CLOEXEC);
	bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	bool is_closed = fd < 0 && errno == EACCES;

	if (fd >= 0)
		close(fd);
	return is_held || is_closed;
}

/* Returns the status, which the caller frees; or NULL with errno, ESRCH when there is no run. */
static char *read_status(void)
{
	int fd = open(JOURNAL_DIR "/status", O_RDONLY | O_CLOEXEC), err = 0;
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;

	if (!in) {
		if (fd >= 0)
			close(fd);
		errno = errno == ENOENT ? ESRCH : errno;
		return NULL;
	}
	if (flock(fd, LOCK_SH))
		err = errno;
	else if (getdelim(&text, &room, '\0', in) <= 0)
		err = ESRCH;
	fclose(in);
	if (!err)
		return text;
	free(text);
	errno = err;
	return NULL;
}

int steer__show(bool json)
{
	bool runs = is_running();
	char *text = runs ? read_status() : NULL;
	int err = text ? 0 : runs ? -errno : -ESRCH;

	if (err == -ESRCH)
		pr_err("no gtimehalt-steer is running");
	else if (err)
		tell("read " JOURNAL_DIR "/status", err);
	if (err)
		return err;
	if (json)
		err = print_line(text);
	else
		err = steer_text__print_status(text, stdout);
	free(text);
	return err ? tell("print the status", err) : 0;
}
