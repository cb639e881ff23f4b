// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/interval.h"
#include "base/log.h"
#include "export/http_server.h"
#include "export/self.h"
#include "export/textfile.h"
#include "run/exporter.h"
#include "rights/privileges.h"
#include "run/exporter_syscalls.h"
#include "run/tally.h"
#include "run/service.h"
#include "run/source.h"

#define NS_PER_S 1000000000ULL

#define CONNECTION_MAX 1024
#define DEADLINE_NS    (10 * NS_PER_S)

/* Metrics younger than this are served unchanged. */
#define FRESH_NS NS_PER_S

/* Give up after this many failed snapshots in a row. */
#define FAILURES_MAX 10

/* /healthz fails after this many intervals without a good snapshot. */
#define HEALTHY_INTERVALS 3

struct exporter {
	struct exporter_opts opts;
	struct hostfs fs;
	__u64 start_ns; /* start of the process, since 1970 */
	/* between snapshots: the interval, or less if systemd's watchdog waits for them */
	__u64 period_ns;
	struct http_server *server;
	struct textfile *textfile;
	struct tally tally;
	struct program_stats programs[PROGRAM_STATS_MAX];
	struct exposition text;
	/* CLOCK_MONOTONIC when the server last got its text, per form; 0: not yet. */
	__u64 text_ns[EXPOSITION_FORM_CNT];
};

static __u64 fresh_ns(const struct exporter *e)
{
	return e->opts.interval_ns < FRESH_NS ? e->opts.interval_ns : FRESH_NS;
}

/* Like tally__take(), for a live source; also reports to systemd's watchdog. */
static int take_live(struct exporter *e)
{
	const struct snapshot *snap;
	int got = tally__take(&e->tally);

	if (got == 1) {
		snap = &e->tally.snaps[e->tally.current];
		service__alive(snap->vm_cnt, snapshot__vcpu_cnt(snap));
	}
	return got;
}

static void fill_scalars(struct exporter *e, __u64 scalars[static SCALAR_CNT])
{
	const struct http_server_stats *http = e->server ? http_server__stats(e->server) : NULL;

	for (int i = 0; i < SCALAR_CNT; i++)
		scalars[i] = SCALAR_UNKNOWN;
	scalars[SCALAR_SNAPSHOT_CNT] = e->tally.taken_cnt;
	scalars[SCALAR_SNAPSHOT_FAILURE_CNT] = e->tally.failure_cnt;
	if (e->opts.is_live)
		scalars[SCALAR_SNAPSHOT_NS] = e->tally.taking_ns;
	scalars[SCALAR_DROPPED_SERIES_CNT] = e->tally.totals.dropped_cnt;
	if (http) {
		scalars[SCALAR_CONNECTION_CNT] = http->connection_cnt;
		scalars[SCALAR_DROPPED_CONNECTION_CNT] = http->dropped_cnt;
	}
}

static int make_text(struct exporter *e, enum exposition_form form, bool with_process)
{
	struct exposition_source source = {
		.totals = &e->tally.totals,
		.header = source__header(e->tally.source),
		.programs = e->programs,
	};
	int err;

	fill_scalars(e, source.scalars);
	source.program_cnt = source__program_stats(e->tally.source, e->programs, PROGRAM_STATS_MAX);
	if (e->server) {
		source.scrapes = http_server__stats(e->server)->scrapes;
		source.scrape_code_cnt = HTTP_SCRAPE_CODE_CNT;
	}
	if (with_process) {
		self__read(&e->fs, source.scalars);
		source.scalars[SCALAR_PROCESS_START_NS] = e->start_ns;
	}
	err = exposition__make(&e->text, &source, form);
	return log__failure("write the metrics", err);
}

/* Callback of the HTTP server. Serves what is known even if no new snapshot can be taken. */
static int serve_metrics(void *context, enum exposition_form form, const char **text, size_t *len)
{
	struct exporter *e = context;
	__u64 now_ns = clock__now_ns();
	int err;

	/* A recording has already been read to its end, so there is nothing to take. */
	if (e->opts.is_live && now_ns - e->tally.last_ns >= fresh_ns(e))
		take_live(e);
	if (e->text_ns[form] && e->text_ns[form] >= e->tally.last_ns &&
	    now_ns - e->text_ns[form] < fresh_ns(e))
		return 0;
	err = make_text(e, form, true);
	if (err)
		return err;
	*text = e->text.bytes;
	*len = e->text.size - 1;
	e->text_ns[form] = clock__now_ns();
	return 1;
}

static bool is_healthy(void *context)
{
	const struct exporter *e = context;

	if (!e->opts.is_live)
		return true;
	return !e->tally.failed_in_row &&
	       clock__now_ns() - e->tally.last_good_ns <= HEALTHY_INTERVALS * e->opts.interval_ns;
}

/*
 * Leaves out the metrics of this process: node_exporter exports the same names for its own process,
 * and would reject the whole file.
 */
static int write_textfile(struct exporter *e)
{
	int err;

	if (!e->textfile)
		return 0;
	err = make_text(e, EXPOSITION_PROMETHEUS, false);
	if (err)
		return err;
	return textfile__write(e->textfile, e->text.bytes, e->text.size - 1);
}

static int start_server(struct exporter *e)
{
	const struct http_server_opts server_opts = {
		.listen = e->opts.listen,
		.connection_max = CONNECTION_MAX,
		.deadline_ns = DEADLINE_NS,
		.context = e,
		.metrics = serve_metrics,
		.is_healthy = is_healthy,
	};

	return http_server__new(&server_opts, &e->server);
}

static int open_parts(struct exporter *e)
{
	int err = hostfs__open(&e->fs, "/");

	if (err)
		return log__failure("open /", err);
	e->start_ns = self__start_ns(&e->fs);
	if (e->opts.textfile_path)
		err = textfile__new(e->opts.textfile_path, &e->textfile);
	return err || !e->opts.listen ? err : start_server(e);
}

int exporter__new(const struct exporter_opts *opts, struct exporter **exporter)
{
	struct exporter *e = calloc(1, sizeof(*e));
	int err;

	if (!e) {
		pr_err("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	e->opts = *opts;
	e->period_ns = service__watchdog_ns();
	if (!e->period_ns || e->period_ns > opts->interval_ns)
		e->period_ns = opts->interval_ns;
	e->fs.root_fd = -1;
	err = open_parts(e);
	if (err) {
		exporter__free(e);
		return err;
	}
	*exporter = e;
	return 0;
}

void exporter__free(struct exporter *e)
{
	if (!e)
		return;
	http_server__free(e->server);
	textfile__free(e->textfile);
	exposition__free(&e->text);
	hostfs__close(&e->fs);
	free(e);
}

/* There is no configuration to reread; only systemd wants an answer. */
static void reload(void)
{
	service__reloading();
	pr_info("SIGHUP: there is no configuration to reload");
	service__ready();
}

/* Returns 1 to go on, 0 when the run has to end, or -errno. */
static int take_event(struct exporter *e, enum interval_event event)
{
	int err = 0;

	switch (event) {
	case INTERVAL_END:
		return 0;
	case INTERVAL_RELOAD:
		reload();
		break;
	case INTERVAL_INPUT:
	case INTERVAL_TIMEOUT:
		err = e->server ? http_server__run(e->server) : 0;
		break;
	default:
		break;
	}
	return err ? err : 1;
}

/*
 * Takes a snapshot if its time has come. It is checked after every wait, even if requests arrived,
 * so that many requests cannot delay snapshots. Failures have been logged and counted, and the next
 * attempt may succeed, so they are ignored here.
 */
static void take_due(struct exporter *e, __u64 *due_ns)
{
	__u64 now_ns = clock__now_ns();

	if (!e->opts.is_live || now_ns < *due_ns)
		return;
	*due_ns += e->period_ns;
	if (*due_ns <= now_ns)
		*due_ns = now_ns + e->period_ns;
	take_live(e);
	write_textfile(e);
}

/* Returns `on`, or -errno if there is no hope that snapshots will succeed again. */
static int end_if_hopeless(const struct exporter *e, int on)
{
	/*
	 * The measurement that was read has been unpinned. A restarted exporter can make its own.
	 */
	if (on > 0 && e->tally.last_err == -ESHUTDOWN)
		return -ESHUTDOWN;
	if (on <= 0 || e->tally.failed_in_row < FAILURES_MAX)
		return on;
	pr_err("%d snapshots in a row have failed", FAILURES_MAX);
	return -EIO;
}

static int loop(struct exporter *e, const struct interval *interval)
{
	__u64 due_ns = clock__now_ns() + e->period_ns;
	int fd = e->server ? http_server__fd(e->server) : -1;
	int err = interval__start(interval, e->period_ns);
	int on = 1;

	service__ready();
	while (!err && on > 0) {
		int timeout_ms = e->server ? http_server__timeout_ms(e->server) : -1;
		enum interval_event event;

		err = interval__wait_for(interval, fd, timeout_ms, &event);
		if (err)
			break;
		on = take_event(e, event);
		if (on > 0)
			take_due(e, &due_ns);
		on = end_if_hopeless(e, on);
	}
	service__stopping();
	if (err)
		pr_err("cannot wait for an interval: %s", strerror(-err));
	return err ? err : on;
}

/* Returns 0 or -errno. */
static int read_recording(struct exporter *e)
{
	int got;

	do
		got = tally__take(&e->tally);
	while (got == 1);
	return got;
}

static int run(struct exporter *e, struct interval *interval)
{
	int err = e->opts.is_live ? 0 : read_recording(e);
	int got = 1;

	if (err)
		return err;
	if (e->opts.is_live)
		got = take_live(e);
	/* If even the first snapshot fails, later ones will fail too. */
	if (got < 0)
		return got;
	if (interval) {
		interval->reloads = true;
		err = write_textfile(e);
		if (!err)
			err = loop(e, interval);
	}
	if (!err && e->opts.is_live)
		tally__take(&e->tally);
	return err ? err : write_textfile(e);
}

static int can_read(void *source)
{
	return source__check_rights(source);
}

/*
 * Drops the privileges, now that everything that needs them is attached, bound and open; see
 * privileges.h, and exporter_syscalls.h for the system calls that stay allowed. Does nothing if a
 * recording is only converted into a file, because that run ends at once.
 * Returns 0; or -errno, logged: then the exporter must not go on.
 */
static int drop_rights(const struct exporter *e, struct source *source)
{
	static const int caps[] = { PRIVILEGES_NONE, CAP_BPF };
	const struct privileges_opts privileges = {
		.user = e->opts.user,
		.caps = caps,
		.cap_cnt = sizeof(caps) / sizeof(caps[0]),
		.works = can_read,
		.arg = source,
		.syscalls = exporter_syscalls__list(e->opts.textfile_path != NULL),
	};

	return e->opts.is_live || e->server ? privileges__drop(&privileges) : 0;
}

int exporter__run(struct exporter *e, struct source *source, struct interval *interval)
{
	int err = drop_rights(e, source);

	if (err)
		return err;
	/* Ignore SIGPIPE: a client that closes its connection must not end the exporter. */
	signal(SIGPIPE, SIG_IGN);
	tally__open(&e->tally, e->opts.measure, source);
	err = run(e, interval);
	tally__close(&e->tally);
	return err;
}
