// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "gtimehalt.h"
#include "measure/collector.h"
#include "measure/counters.h"
#include "measure/meter.h"
#include "measure/pin.h"
#include "measure/pinned.h"
#include "measure/pinned_programs.h"

struct pinned {
	struct pinned_about about;
	int cpu_cnt;
	int about_fd, vcpus_fd, ended_fd, stints_fd, shared_fd, mperf_events_fd, reader_fd;
	void *shared; /* a copy of what the programs have in .bss */
	struct counters *counters;
	struct pinned_programs programs;
	struct program_clock program_clock;
	struct meter *meter;
};

static int open_map(const char *name, __u32 flags)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = flags);
	char path[128];

	snprintf(path, sizeof(path), PIN_DIR "/%s", name);
	return bpf_obj_get_opts(path, &opts);
}

/* Another build's map is told by its size before anything is read from it. */
static int check_size(int fd, const char *name, size_t value_size)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &len);

	if (err || info.value_size == value_size)
		return err;
	pr_err("%s/%s is of another version of gtimehalt: --unpin it and --pin it again", PIN_DIR,
	       name);
	return -EPROTO;
}

static int read_about(struct pinned *p)
{
	struct pin_about about;
	__u32 key = 0;
	int err = check_size(p->about_fd, PIN_ABOUT, sizeof(about));

	if (!err)
		err = bpf_map_lookup_elem(p->about_fd, &key, &about);
	if (err)
		return err;
	/* It was unpinned a moment ago. */
	if (!about.layout)
		return -ENOENT;
	if (about.layout != GTIMEHALT_PIN_LAYOUT || !about.mperf_ratio_ppb ||
	    about.cpu_cnt > GTIMEHALT_MAX_CPUS) {
		pr_err("%s is of another version of gtimehalt: --unpin it and --pin it again",
		       PIN_DIR);
		return -EPROTO;
	}
	p->cpu_cnt = (int)about.cpu_cnt;
	p->about.mode = about.is_entry_mode ? MODE_ENTRY : MODE_SWITCH;
	p->about.has_histogram = about.has_histogram;
	p->about.mperf_ratio = (double)about.mperf_ratio_ppb / 1e9;
	_Static_assert(sizeof(p->about.window_hook) == sizeof(about.window_hook), "same text");
	memcpy(p->about.window_hook, about.window_hook, sizeof(about.window_hook) - 1);
	memcpy(p->about.stint_hook, about.stint_hook, sizeof(about.stint_hook) - 1);
	for (int i = 0; i < HOOK_SWITCH_CNT; i++)
		p->about.needs.switches[i] = about.switches >> i & 1;
	for (int i = 0; i < HOOK_MODULE_CNT; i++) {
		memcpy(p->about.needs.modules[i].name, about.modules[i],
		       sizeof(about.modules[i]) - 1);
		p->about.needs.modules[i].instance = about.module_instances[i];
	}
	return 0;
}

static int open_maps(struct pinned *p, bool histogram)
{
	int err;

	p->vcpus_fd = open_map(PIN_VCPUS, BPF_F_RDONLY);
	if (p->vcpus_fd < 0)
		return p->vcpus_fd;
	err = check_size(p->vcpus_fd, PIN_VCPUS, sizeof(struct vcpu_sums));
	if (err)
		return err;
	p->ended_fd = open_map(PIN_ENDED, BPF_F_RDONLY);
	if (p->ended_fd < 0)
		return p->ended_fd;
	if (!histogram || !p->about.has_histogram)
		return 0;
	p->stints_fd = open_map(PIN_STINTS, BPF_F_RDONLY);
	return p->stints_fd < 0 ? p->stints_fd : 0;
}

static int open_shared(struct pinned *p)
{
	int err;

	p->shared_fd = open_map(PIN_SHARED, BPF_F_RDONLY);
	if (p->shared_fd < 0)
		return p->shared_fd;
	err = check_size(p->shared_fd, PIN_SHARED, collector__shared_size());
	if (err)
		return err;
	p->shared = malloc(collector__shared_size());
	return p->shared ? 0 : -ENOMEM;
}

/* What only those have who may do more than read. */
static void open_for_writing(struct pinned *p, const struct hostfs *fs, bool mend)
{
	p->reader_fd = open_map(PIN_FORCED_READ, 0);
	if (mend)
		p->mperf_events_fd = open_map(PIN_MPERF_EVENTS, 0);
	if (p->mperf_events_fd >= 0 && counters__new_closed(fs, p->cpu_cnt, &p->counters)) {
		close(p->mperf_events_fd);
		p->mperf_events_fd = -1;
	}
	if (p->reader_fd < 0)
		pr_info("no right to force a read: sums are up to a second old");
}

static int start_meter(struct pinned *p)
{
	const struct meter_opts opts = {
		.mode = p->about.mode,
		.mperf_ratio = p->about.mperf_ratio,
		.cpu_cnt = p->cpu_cnt,
		.slots = collector__shared_slots(p->shared),
		.shared_fd = p->shared_fd,
		.shared = p->shared,
		.vcpus_fd = p->vcpus_fd,
		.reader_fd = p->reader_fd,
		.stints_fd = p->stints_fd,
		.ended_fd = p->ended_fd,
		.cpu_accounts_fd = -1,
		.about_fd = p->about_fd,
		.mperf_events_fd = p->mperf_events_fd,
		.counters = p->counters,
	};

	return meter__new(&opts, &p->meter);
}

static int open_all(struct pinned *p, const struct hostfs *fs, const struct pinned_opts *opts)
{
	int err = read_about(p);

	if (!err)
		err = open_maps(p, opts->histogram);
	if (!err)
		err = open_shared(p);
	if (err)
		return err;
	open_for_writing(p, fs, opts->mend);
	pinned_programs__open(&p->programs);
	err = program_clock__start(&p->program_clock, fs, opts->bpf_stats);
	if (err)
		return err;
	return start_meter(p);
}

int pinned__open(const struct hostfs *fs, const struct pinned_opts *opts, struct pinned **out)
{
	int about_fd = open_map(PIN_ABOUT, BPF_F_RDONLY);
	struct pinned *p;
	int err;

	/* Who may not look has to measure by himself, and will be told if he may not either. */
	if (about_fd == -ENOENT || about_fd == -EACCES || about_fd == -EPERM || about_fd == -ENOSYS)
		return -ENOENT;
	if (about_fd < 0) {
		pr_err("cannot open %s: %s", PIN_DIR, strerror(-about_fd));
		return about_fd;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		close(about_fd);
		return -ENOMEM;
	}
	p->program_clock.fd = -1;
	p->about_fd = about_fd;
	p->vcpus_fd = p->ended_fd = p->stints_fd = -1;
	p->shared_fd = p->mperf_events_fd = p->reader_fd = -1;
	err = open_all(p, fs, opts);
	if (err) {
		if (err != -EPROTO && err != -ENOENT)
			pr_err("cannot read what is pinned in %s: %s", PIN_DIR, strerror(-err));
		pinned__free(p);
		return err;
	}
	*out = p;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void pinned__free(struct pinned *p)
{
	if (!p)
		return;
	meter__free(p->meter);
	counters__free(p->counters);
	program_clock__stop(&p->program_clock);
	pinned_programs__close(&p->programs);
	free(p->shared);
	close_fd(p->shared_fd);
	close_fd(p->about_fd);
	close_fd(p->vcpus_fd);
	close_fd(p->ended_fd);
	close_fd(p->stints_fd);
	close_fd(p->mperf_events_fd);
	close_fd(p->reader_fd);
	free(p);
}

const struct pinned_about *pinned__about(const struct pinned *p)
{
	return &p->about;
}

size_t pinned__program_stats(const struct pinned *p, struct program_stats *stats, size_t max)
{
	return program_clock__runs(&p->program_clock)
		       ? pinned_programs__stats(&p->programs, stats, max)
		       : 0;
}

struct meter *pinned__meter(const struct pinned *p)
{
	return p->meter;
}
