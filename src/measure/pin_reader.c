// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "gtimehalt.h"
#include "measure/bpf_loader.h"
#include "measure/bpf_reader.h"
#include "measure/perf_events.h"
#include "measure/pin_dir.h"
#include "measure/pin_objects.h"
#include "measure/pin_programs.h"
#include "measure/pin_reader.h"

struct pin_reader {
	/* Used only while the measurement is opened. */
	struct pin_dir dir;
	struct pin_refusal why;
	struct bpf_loader *layout;
	bool is_logged; /* the reason for the failure was logged */

	struct pin_properties about;
	double ns_per_tsc_cycle;
	int cpu_cnt;
	int about_fd, vcpus_fd, ended_fd, stints_fd, processes_fd, healths_fd;
	int shared_fd, events_fd, forced_read_fd, accounts_fd;
	void *shared; /* a copy of the programs' .bss */
	struct perf_events *perf_events;
	struct pin_programs programs;
	struct program_clock program_clock;
	struct bpf_reader *reader;
};

/*
 * Returns a descriptor; -EPROTO and p->why when the object is not as this build makes it; or
 * another -errno.
 */
static int open_object(struct pin_reader *p, const char *name, __u32 flags)
{
	return pin_objects__open(&p->dir, p->layout, name, flags, p->why.text, sizeof(p->why.text));
}

static int read_about(struct pin_reader *p)
{
	struct pin_about about;
	__u32 key = 0;
	int err;

	p->about_fd = open_object(p, PIN_ABOUT, BPF_F_RDONLY);
	if (p->about_fd < 0)
		return p->about_fd;
	err = bpf_map_lookup_elem(p->about_fd, &key, &about);
	if (err)
		return err;
	/* The measurement was unpinned a moment ago. */
	if (!about.layout)
		return -ENOENT;
	if (about.layout != GTIMEHALT_PIN_LAYOUT || !about.mperf_ratio_ppb ||
	    !about.ns_per_tsc_cycle || about.cpu_cnt != (__u32)p->cpu_cnt) {
		snprintf(p->why.text, sizeof(p->why.text),
			 PIN_DIR "/" PIN_ABOUT " was written by another version of gtimehalt");
		return -EPROTO;
	}
	p->about.mode = about.is_entry_mode ? MODE_ENTRY : MODE_SWITCH;
	p->about.has_histogram = about.has_histogram;
	p->about.mperf_ratio = (double)about.mperf_ratio_ppb / 1e9;
	p->ns_per_tsc_cycle = (double)about.ns_per_tsc_cycle / (double)(1ULL << TSC_NS_SHIFT);
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

static int open_maps(struct pin_reader *p, bool histogram)
{
	const struct {
		const char *name;
		int *fd;
		bool wanted;
	} maps[] = {
		{ PIN_VCPUS, &p->vcpus_fd, true },
		{ PIN_ENDED, &p->ended_fd, true },
		{ PIN_HEALTHS, &p->healths_fd, true },
		{ PIN_PROCESSES, &p->processes_fd, true },
		{ PIN_STINTS, &p->stints_fd, histogram && p->about.has_histogram },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		int fd = maps[i].wanted ? open_object(p, maps[i].name, BPF_F_RDONLY) : -1;

		if (maps[i].wanted && fd < 0)
			return fd;
		*maps[i].fd = fd;
	}
	/*
	 * Readers that may only read the sums cannot open PIN_SHARED, because it contains kernel
	 * addresses.
	 */
	p->shared_fd = open_object(p, PIN_SHARED, BPF_F_RDONLY);
	if (p->shared_fd == -EACCES || p->shared_fd == -EPERM)
		return 0;
	if (p->shared_fd < 0)
		return p->shared_fd;
	p->shared = calloc(1, bpf_loader__shared_size());
	return p->shared ? 0 : -ENOMEM;
}

/* Opens the objects that need more rights than reading. Returns 0, or -EPROTO and p->why. */
static int open_for_writing(struct pin_reader *p, const struct hostfs *fs, bool mend)
{
	p->forced_read_fd = open_object(p, PIN_FORCED_READ, 0);
	p->accounts_fd = open_object(p, PIN_ACCOUNTS, 0);
	if (mend)
		p->events_fd = open_object(p, PIN_EVENTS, 0);
	if (p->forced_read_fd == -EPROTO || p->accounts_fd == -EPROTO || p->events_fd == -EPROTO)
		return -EPROTO;
	if (p->events_fd >= 0 && perf_events__new_closed(fs, p->cpu_cnt, &p->perf_events)) {
		close(p->events_fd);
		p->events_fd = -1;
	}
	if (p->forced_read_fd < 0 || !p->shared)
		pr_info("no permission to force a read: sums are up to a second old");
	return 0;
}

static int start_reader(struct pin_reader *p)
{
	const struct bpf_reader_opts opts = {
		.mode = p->about.mode,
		.mperf_ratio = p->about.mperf_ratio,
		.ns_per_tsc_cycle = p->ns_per_tsc_cycle,
		.cpu_cnt = p->cpu_cnt,
		.slots = p->shared ? bpf_loader__shared_slots(p->shared) : NULL,
		.shared_fd = p->shared_fd,
		.shared = p->shared,
		.sums = {
			.vcpus_fd = p->vcpus_fd,
			.stints_fd = p->stints_fd,
			.ended_fd = p->ended_fd,
			.processes_fd = p->processes_fd,
		},
		.healths_fd = p->healths_fd,
		.forced_read_fd = p->forced_read_fd,
		.accounts_fd = p->accounts_fd,
		.cpu_accounts_fd = -1,
		.about_fd = p->about_fd,
		.events_fd = p->events_fd,
		.perf_events = p->perf_events,
	};

	return bpf_reader__new(&opts, &p->reader);
}

static int open_all(struct pin_reader *p, const struct hostfs *fs,
		    const struct pin_reader_opts *opts)
{
	int err = pin_dir__find(&p->dir, &p->why);

	if (!err) {
		err = bpf_loader__new_layout(&p->layout);
		p->is_logged = err != 0;
	}
	if (err)
		return err;
	p->cpu_cnt = bpf_loader__cpu_cnt(p->layout);
	err = read_about(p);
	if (!err)
		err = open_maps(p, opts->histogram);
	if (!err)
		err = open_for_writing(p, fs, opts->mend);
	if (err)
		return err;
	pin_programs__open(&p->programs, &p->dir, p->layout);
	err = program_clock__start(&p->program_clock, fs, opts->bpf_stats);
	return err ? err : start_reader(p);
}

/*
 * Logs why the pinned measurement is not used. A measurement that cannot be trusted never keeps
 * this process from measuring, because otherwise any user who can write in bpffs could disable the
 * tool. Measuring then costs a second set of hooks. refusal_level: the level at which a refusal is
 * logged.
 */
static int tell(const struct pin_reader *p, int err, enum log_level refusal_level)
{
	switch (err) {
	case -EPROTO:
		log__print(
			refusal_level,
			"the pinned measurement is not used, because another build may have made it: %s;"
			" --unpin it and --pin it again",
			p->why.text);
		return err;
	case -EPERM:
		/*
		 * A permission is missing, or the directory belongs to another user: log the latter
		 * only if it looks like a measurement.
		 */
		if (!p->why.text[0])
			return -ENOENT;
		log__print(
			p->why.looks_pinned ? refusal_level : LOG_LEVEL_INFO,
			"the pinned measurement is not used, because another user may have made it: %s",
			p->why.text);
		return p->why.looks_pinned ? -EPROTO : -ENOENT;
	/*
	 * Without permission to read, this process measures by itself; if that is not permitted
	 * either, the measurement reports it.
	 */
	case -EACCES:
	case -ENOSYS:
	case -ENOENT:
		return -ENOENT;
	default:
		pr_err("cannot read the measurement pinned in " PIN_DIR ": %s", strerror(-err));
		return err;
	}
}

int pin_reader__open(const struct hostfs *fs, const struct pin_reader_opts *opts,
		     struct pin_reader **out)
{
	struct pin_reader *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->program_clock.fd = -1;
	p->dir = (struct pin_dir){ -1, -1 };
	p->about_fd = p->vcpus_fd = p->ended_fd = p->stints_fd = p->processes_fd = p->healths_fd =
		-1;
	p->shared_fd = p->events_fd = p->forced_read_fd = p->accounts_fd = -1;
	err = open_all(p, fs, opts);
	pin_dir__close(&p->dir);
	bpf_loader__free(p->layout);
	p->layout = NULL;
	if (err) {
		err = p->is_logged ? err : tell(p, err, opts->refusal_level);
		pin_reader__free(p);
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

void pin_reader__free(struct pin_reader *p)
{
	if (!p)
		return;
	bpf_reader__free(p->reader);
	perf_events__free(p->perf_events);
	program_clock__stop(&p->program_clock);
	pin_programs__close(&p->programs);
	free(p->shared);
	close_fd(p->shared_fd);
	close_fd(p->about_fd);
	close_fd(p->vcpus_fd);
	close_fd(p->ended_fd);
	close_fd(p->stints_fd);
	close_fd(p->processes_fd);
	close_fd(p->healths_fd);
	close_fd(p->events_fd);
	close_fd(p->forced_read_fd);
	close_fd(p->accounts_fd);
	free(p);
}

const struct pin_properties *pin_reader__properties(const struct pin_reader *p)
{
	return &p->about;
}

size_t pin_reader__program_stats(const struct pin_reader *p, struct program_stats *stats,
				 size_t max)
{
	return program_clock__runs(&p->program_clock)
		       ? pin_programs__stats(&p->programs, stats, max)
		       : 0;
}

struct bpf_reader *pin_reader__bpf_reader(const struct pin_reader *p)
{
	return p->reader;
}
