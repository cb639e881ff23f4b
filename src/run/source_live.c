// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "vm/asked.h"
#include "vm/pid_space.h"
#include "measure/bpf_loader.h"
#include "measure/hook_watch.h"
#include "measure/hooks.h"
#include "measure/measure_opts.h"
#include "measure/host.h"
#include "measure/host_rights.h"
#include "base/clock.h"
#include "base/log.h"
#include "report/columns.h"
#include "measure/bpf_reader.h"
#include "measure/pin_writer.h"
#include "measure/pin_dir.h"
#include "measure/pin_reader.h"
#include "measure/plan.h"
#include "measure/snapshot_taker.h"
#include "run/source_ops.h"

struct source_live {
	struct source source;
	struct host host;
	struct hook_plan plan; /* borrowed by the loader; borrows host */
	struct hook_watch watch;
	/*
	 * the hooks were not known to run at the last snapshot, which spoils the next interval too
	 */
	bool hooks_off;
	/* with hooks_off: CLOCK_MONOTONIC since when the hooks run again; 0: they do not */
	__u64 resumed_ns;
	__u64 hooks_off_cnt;
	struct pin_reader *pinned; /* NULL: loader is used */
	struct bpf_loader *loader;
	struct snapshot_taker *taker;
	bool begun;
};

static struct source_live *live_of(struct source *source)
{
	return (struct source_live *)source;
}

static struct bpf_reader *reader_of(const struct source_live *live)
{
	return live->pinned ? pin_reader__bpf_reader(live->pinned)
			    : bpf_loader__bpf_reader(live->loader);
}

/* Returns 0, or -errno, logged. */
static int look_at_hooks(struct source_live *live)
{
	int state = hook_watch__look(&live->watch);

	if (state < 0 || state == HOOKS_RAN)
		return state < 0 ? state : 0;
	live->hooks_off = true;
	live->resumed_ns = state == HOOKS_RESUMED ? clock__now_ns() : 0;
	return 0;
}

/* Returns the number of CPUs; 0 if unknown. */
static __u32 online_cpu_cnt(void)
{
	long cnt = sysconf(_SC_NPROCESSORS_ONLN);

	return cnt > 0 ? (__u32)cnt : 0;
}

/*
 * Checks the hooks before and after reading. If both checks are good, the sums read in between are,
 * and an interval is complete if this holds at both of its ends.
 */
static int take_snapshot(struct source_live *live, struct snapshot *snap)
{
	int err = look_at_hooks(live), found;
	bool off = live->hooks_off;

	if (!err && live->resumed_ns) {
		found = bpf_reader__find_loaded(reader_of(live), live->resumed_ns);
		err = found < 0 ? found : 0;
		live->hooks_off = found != 1;
		if (found == 1)
			live->resumed_ns = 0;
	}
	if (!err)
		err = snapshot_taker__take(live->taker, snap);
	if (!err)
		err = look_at_hooks(live);
	/* Count failed snapshots too, because their interval becomes part of the next one. */
	live->hooks_off_cnt += off || live->hooks_off;
	snap->health.hooks_off_cnt = live->hooks_off_cnt;
	snap->pinned = live->pinned;
	snap->online_cpu_cnt = online_cpu_cnt();
	return err;
}

static int next_live(struct source *source, struct snapshot *snap)
{
	struct source_live *live = live_of(source);
	int err = take_snapshot(live, snap);

	if (err)
		return err;
	if (!live->begun && !snap->vm_cnt && !snap->vcpu_cnt)
		pr_warn("no VM is running");
	live->begun = true;
	source->header.mperf_ratio = snap->mperf_ratio;
	return 1;
}

/* A new VM may still match a name filter; a PID filter is over once its processes have exited. */
static bool has_live_ended(const struct source *source, const struct filter *filter)
{
	const struct source_live *live = (const struct source_live *)source;

	return filter->pid_cnt && !snapshot_taker__vm_cnt(live->taker);
}

static size_t live_program_stats(const struct source *source, struct program_stats *stats,
				 size_t max)
{
	const struct source_live *live = (const struct source_live *)source;

	return live->pinned ? pin_reader__program_stats(live->pinned, stats, max)
			    : bpf_loader__program_stats(live->loader, stats, max);
}

static int check_live_rights(const struct source *source)
{
	return bpf_reader__check_rights(reader_of((const struct source_live *)source));
}

static void free_live(struct source *source)
{
	struct source_live *live = live_of(source);

	snapshot_taker__free(live->taker);
	pin_reader__free(live->pinned);
	bpf_loader__free(live->loader);
	hook_watch__close(&live->watch);
	free(live);
}

static const struct source_ops live_ops = {
	.next = next_live,
	.has_ended = has_live_ended,
	.program_stats = live_program_stats,
	.check_rights = check_live_rights,
	.free = free_live,
};

static void copy_text(char *to, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;

	if (len)
		memcpy(to, text, len);
	to[len] = '\0';
}

static void fill_header(struct source_live *live)
{
	struct recording_header *header = &live->source.header;
	const char *window_hook = live->plan.window_hook, *stint_hook = live->plan.stint_hook;
	struct utsname uts;

	if (live->pinned) {
		window_hook = pin_reader__properties(live->pinned)->window_hook;
		stint_hook = pin_reader__properties(live->pinned)->stint_hook;
	}
	copy_text(header->gtimehalt_version, sizeof(header->gtimehalt_version), GTIMEHALT_VERSION);
	if (!uname(&uts))
		copy_text(header->kernel_release, sizeof(header->kernel_release), uts.release);
	copy_text(header->window_hook, sizeof(header->window_hook), window_hook);
	copy_text(header->stint_hook, sizeof(header->stint_hook), stint_hook);
}

/* Returns whether a pinned measurement provides everything that the options ask for explicitly. */
static bool is_enough(const struct pin_properties *about, const struct measure_opts *opts)
{
	if (opts->mode_given && opts->mode != about->mode)
		return false;
	if (opts->histogram && !about->has_histogram)
		return false;
	return !opts->needs_entry_mode || about->mode == MODE_ENTRY;
}

/*
 * Opens a pinned measurement if there is one and it is sufficient: measuring a second time would
 * double the cost for the guests. live->pinned stays NULL otherwise.
 * Returns 0 or -errno.
 */
static int find_pinned(struct source_live *live, const struct measure_opts *opts,
		       const struct hostfs *fs)
{
	const struct pin_reader_opts reader_opts = {
		.histogram = opts->histogram,
		/* The exporter drops its privileges, so it cannot open perf events later. */
		.mend = !opts->helper,
		.bpf_stats = opts->bpf_stats,
		.refusal_level = LOG_LEVEL_WARN,
	};
	int err;

	if (opts->check || opts->hook != HOOK_AUTO || opts->mperf_ratio > 0)
		return 0;
	err = pin_reader__open(fs, &reader_opts, &live->pinned);
	if (err == -ENOENT && pin_writer__is_left_over())
		pr_warn("an interrupted --pin or --unpin has left programs running in " PIN_DIR
			": remove them with --unpin");
	/* A measurement pinned by another version or by someone else does not prevent our own. */
	if (err == -ENOENT || err == -EPROTO)
		return 0;
	if (err)
		return err;
	if (is_enough(pin_reader__properties(live->pinned), opts)) {
		pr_info("the pinned measurement is read (--mode %s)",
			mode__name(pin_reader__properties(live->pinned)->mode));
		live->source.header.mode = pin_reader__properties(live->pinned)->mode;
		return 0;
	}
	pr_info("the pinned measurement does not provide what the options ask for: starting another one");
	pin_reader__free(live->pinned);
	live->pinned = NULL;
	return 0;
}

/* Checks that /proc shows the host's processes, and that those the filter asks for exist. */
static int check_processes(const struct measure_opts *opts, const struct hostfs *fs)
{
	int err = pid_space__check(fs);

	return err ? err : asked__check_ids(&opts->filter, fs);
}

static int start_loader(struct source_live *live, const struct measure_opts *opts,
			const struct hostfs *fs)
{
	const struct bpf_loader_opts loader_opts = {
		.fs = fs,
		.plan = &live->plan,
		.mode = opts->mode,
		.mperf_ratio = opts->mperf_ratio,
		.pids = opts->filter.pids,
		.pid_cnt = opts->filter.pid_cnt,
		.histogram = opts->histogram,
		.check = opts->check,
		.bpf_stats = opts->bpf_stats,
		.helper = opts->helper,
		.helper_user = opts->helper_user,
	};
	int err;

	live->source.header.mode = opts->mode;
	err = plan__make(fs, opts->mode, opts->hook, &live->host, &live->plan);
	if (!err)
		err = check_processes(opts, fs);
	if (err)
		return err;
	err = hook_watch__open(fs, &live->plan.needs, &live->watch);
	if (!err)
		err = bpf_loader__new(&loader_opts, &live->loader);
	/* Warn only now, so that a host that cannot be measured gets just one line of error. */
	if (!err)
		host__warn_of_hypervisor(fs);
	return err;
}

static int start_reader(struct source_live *live, const struct measure_opts *opts,
			const struct hostfs *fs)
{
	int err = host_rights__check_reading(fs);

	if (!err)
		err = check_processes(opts, fs);
	return err ? err
		   : hook_watch__open(fs, &pin_reader__properties(live->pinned)->needs,
				      &live->watch);
}

static int start_taker(struct source_live *live, const struct measure_opts *opts,
		       const struct hostfs *fs)
{
	const struct snapshot_taker_opts taker_opts = {
		.fs = fs,
		.reader = reader_of(live),
		.pids = opts->filter.pids,
		.pid_cnt = opts->filter.pid_cnt,
	};

	return snapshot_taker__new(&taker_opts, &live->taker);
}

int source_live__new(const struct measure_opts *opts, const struct hostfs *fs,
		     struct source **source)
{
	struct source_live *live = calloc(1, sizeof(*live));
	int err;

	if (!live) {
		pr_err("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	live->source.ops = &live_ops;
	live->watch.inotify_fd = -1;
	err = find_pinned(live, opts, fs);
	if (!err)
		err = live->pinned ? start_reader(live, opts, fs) : start_loader(live, opts, fs);
	if (!err)
		err = start_taker(live, opts, fs);
	if (err) {
		free_live(&live->source);
		return err;
	}
	fill_header(live);
	*source = &live->source;
	return 0;
}
