// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "vm/asked.h"
#include "measure/collector.h"
#include "measure/hooks.h"
#include "measure/host.h"
#include "base/log.h"
#include "options/options.h"
#include "measure/sampler.h"
#include "run/source_ops.h"

struct source_live {
	struct source source;
	struct host host;
	struct hook_plan plan; /* the collector's, as host is the plan's */
	struct collector *collector;
	struct sampler *sampler;
	bool begun;
};

static struct source_live *live_of(struct source *source)
{
	return (struct source_live *)source;
}

static int next_live(struct source *source, struct snapshot *snap)
{
	struct source_live *live = live_of(source);
	int err = sampler__take(live->sampler, snap);

	if (err)
		return err;
	if (!live->begun && !snap->vm_cnt)
		pr_warn("no VM is running");
	live->begun = true;
	source->header.mperf_ratio = snap->mperf_ratio;
	return 1;
}

/* Of a name there may be another VM yet: only IDs do not come back. */
static bool has_live_ended(const struct source *source, const struct filter *filter)
{
	const struct source_live *live = (const struct source_live *)source;

	return filter->pid_cnt && !sampler__vm_cnt(live->sampler);
}

static size_t live_program_stats(const struct source *source, struct program_stats *stats,
				 size_t max)
{
	const struct source_live *live = (const struct source_live *)source;

	return collector__program_stats(live->collector, stats, max);
}

static int check_live_rights(const struct source *source)
{
	return collector__check_rights(((const struct source_live *)source)->collector);
}

static void free_live(struct source *source)
{
	struct source_live *live = live_of(source);

	sampler__free(live->sampler);
	collector__free(live->collector);
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

static void fill_header(struct recording_header *header, const struct options *opts,
			const struct hook_plan *plan)
{
	struct utsname uts;

	header->mode = opts->mode;
	copy_text(header->gtimehalt_version, sizeof(header->gtimehalt_version), GTIMEHALT_VERSION);
	if (!uname(&uts))
		copy_text(header->kernel_release, sizeof(header->kernel_release), uts.release);
	copy_text(header->window_hook, sizeof(header->window_hook), plan->window_hook);
	copy_text(header->stint_hook, sizeof(header->stint_hook), plan->stint_hook);
}

static int plan_hooks(struct source_live *live, const struct options *opts, const struct hostfs *fs)
{
	int err = host__probe(fs, &live->host);

	if (err)
		return err;
	if (opts->hook == HOOK_ENTER_GUEST)
		host__find_enter_guest(fs, &live->host);
	return hooks__plan(&live->host, opts->mode, opts->hook, &live->plan);
}

static int start_collector(struct source_live *live, const struct options *opts,
			   const struct hostfs *fs)
{
	const struct collector_opts collector_opts = {
		.fs = fs,
		.plan = &live->plan,
		.mode = opts->mode,
		.mperf_ratio = opts->mperf_ratio,
		.pids = opts->filter.pids,
		.pid_cnt = opts->filter.pid_cnt,
		.histogram = opts->histogram,
		.check = opts->check,
		.bpf_stats = opts->bpf_stats,
		.opener = options__want_metrics(opts),
		.opener_user = opts->user,
	};

	return collector__new(&collector_opts, &live->collector);
}

static int start_sampler(struct source_live *live, const struct options *opts,
			 const struct hostfs *fs)
{
	const struct sampler_opts sampler_opts = {
		.fs = fs,
		.collector = live->collector,
		.pids = opts->filter.pids,
		.pid_cnt = opts->filter.pid_cnt,
	};

	return sampler__new(&sampler_opts, &live->sampler);
}

int source_live__new(const struct options *opts, const struct hostfs *fs, struct source **source)
{
	struct source_live *live = calloc(1, sizeof(*live));
	int err;

	if (!live) {
		pr_err("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	live->source.ops = &live_ops;
	err = plan_hooks(live, opts, fs);
	if (!err)
		err = asked__check_ids(&opts->filter, fs);
	if (!err)
		err = start_collector(live, opts, fs);
	if (!err)
		err = start_sampler(live, opts, fs);
	if (err) {
		free_live(&live->source);
		return err;
	}
	fill_header(&live->source.header, opts, &live->plan);
	*source = &live->source;
	return 0;
}
