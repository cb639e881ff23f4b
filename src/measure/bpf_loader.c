// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "gtimehalt.h"
#include "measure/bpf_log.h"
#include "measure/calibration.h"
#include "base/clock.h"
#include "measure/bpf_loader.h"
#include "measure/bpf_loader_state.h"
#include "measure/perf_events.h"
#include "measure/forced_read.h"
#include "measure/hooks.h"
#include "measure/host_rights.h"
#include "measure/bpf_reader.h"
#include "measure/sched_clock.h"
#include "base/log.h"
#include "report/snapshot.h"

static int refused(int err, const char *what)
{
	return host_rights__refused(err, what, "bpf", true);
}

/*
 * Checks that bpf(2) works. Without this check, the search for KVM's functions would fail first,
 * with an error that does not name the cause.
 */
static int try_bpf(void)
{
	__u32 id;
	int err = bpf_prog_get_next_id(0, &id);

	return err && err != -ENOENT ? host_rights__refused(err, "use BPF", "bpf", false) : 0;
}

static int choose_programs(struct bpf_loader *c, const struct hook_plan *plan)
{
	for (size_t i = 0; i < plan->point_cnt; i++) {
		const struct hook_point *point = &plan->points[i];
		struct bpf_program *prog =
			bpf_object__find_program_by_name(c->skel->obj, point->program);
		int err = 0;

		if (point->by == ATTACH_FENTRY)
			err = bpf_program__set_attach_target(prog, 0, point->target);
		if (err) {
			pr_err("cannot find %s() in the kernel's BTF: %s", point->target,
			       strerror(-err));
			/*
			 * The function does not exist, or BTF may not be read; any other error is
			 * no proof that the host cannot be measured.
			 */
			return err == -ENOENT || err == -ESRCH || err == -EPERM || err == -EACCES
				       ? -EOPNOTSUPP
				       : err;
		}
		bpf_program__set_autoload(prog, true);
		pr_debug("%s on %s", point->program, point->target);
	}
	c->forced_read = c->check ? c->skel->progs.check_read : c->skel->progs.forced_read;
	bpf_program__set_autoload(c->forced_read, true);
	bpf_program__set_autoload(c->skel->progs.take_accounts, true);
	bpf_program__set_autoload(c->skel->progs.drop_entry, !c->pinned);
	bpf_program__set_autoload(c->skel->progs.heartbeat, c->pinned);
	return 0;
}

/*
 * Disables maps that this measurement does not need, and sizes those that depend on the host's
 * CPUs.
 */
static int set_up_map_sizes(struct bpf_loader *c)
{
	const struct {
		struct bpf_map *map;
		int per_cpu; /* elements for each CPU; 0: the size does not depend on the CPUs */
		bool wanted, keeps_events;
	} maps[] = {
		{ c->skel->maps.counter_events, EVENT_CNT_PER_CPU, true, c->pinned },
		{ c->skel->maps.cpu_healths, 1, true, false },
		{ c->skel->maps.cpu_beats, 1, c->pinned, false },
		{ c->skel->maps.cpu_accounts, 1, c->check, false },
		{ c->skel->maps.ended, 0, c->pinned, false },
		{ c->skel->maps.about, 0, c->pinned, false },
		{ c->skel->maps.stints, 0, c->histogram, false },
		{ c->skel->maps.blank_stints, 0, c->histogram, false },
	};
	struct bpf_map *by_index[] = { c->skel->maps.vcpus, c->skel->maps.objects,
				       c->skel->maps.free_indexes, c->skel->maps.stints };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(maps) / sizeof(maps[0]); i++) {
		err = bpf_map__set_autocreate(maps[i].map, maps[i].wanted);
		if (!err && maps[i].per_cpu)
			err = bpf_map__set_max_entries(maps[i].map,
						       (__u32)(c->cpu_cnt * maps[i].per_cpu));
		/*
		 * Without this flag, the kernel removes events from the map when the process that
		 * added them exits.
		 */
		if (!err && maps[i].keeps_events)
			err = bpf_map__set_map_flags(maps[i].map, BPF_F_PRESERVE_ELEMS);
	}
#ifdef GTIMEHALT_TEST_MAX_VCPUS
	/* A build for tests, whose map of entries fills up quickly. */
	c->room = GTIMEHALT_TEST_MAX_VCPUS + 1;
#else
	c->room = GTIMEHALT_MAX_VCPUS;
#endif
	for (size_t i = 0; !err && i < sizeof(by_index) / sizeof(by_index[0]); i++)
		err = bpf_map__set_max_entries(by_index[i], c->room);
	return err ? refused(err, "size the BPF maps") : 0;
}

static int count_cpus(struct bpf_loader *c)
{
	c->cpu_cnt = libbpf_num_possible_cpus();
	if (c->cpu_cnt < 0)
		return refused(c->cpu_cnt, "count the CPUs");
	if (c->cpu_cnt > GTIMEHALT_MAX_CPUS) {
		pr_err("this host can have %d CPUs, but this build supports at most %d", c->cpu_cnt,
		       GTIMEHALT_MAX_CPUS);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int open_counters(struct bpf_loader *c, const struct bpf_loader_opts *opts)
{
	int err = count_cpus(c);

	if (err)
		return err;
	err = perf_events__new(opts->fs, c->cpu_cnt, &c->perf_events);
	/* Fork before any BPF object exists that the helper would inherit. */
	if (!err && opts->helper)
		err = perf_events__start_helper(c->perf_events, opts->helper, opts->helper_user);
	return err;
}

static int calibrate(struct bpf_loader *c, const struct bpf_loader_opts *opts)
{
	int err;

	if (opts->mperf_ratio > 0) {
		/*
		 * The ratio holds for all CPUs. If MPERF has stopped, the time shows as unmeasured
		 * later.
		 */
		c->mperf_ratio = opts->mperf_ratio;
		c->calibration.kinds.cnt = 1;
		return 0;
	}
	err = calibration__measure(opts->fs, c->perf_events, c->cpu_cnt, &c->calibration);
	if (!err)
		c->mperf_ratio = c->calibration.ratio[0];
	return err;
}

static int open_clock(struct bpf_loader *c,
		      const struct bpf_loader_opts *opts __attribute__((unused)))
{
	return sched_clock__new(&c->sched_clock);
}

static double ns_per_tsc_cycle(const struct bpf_loader *c)
{
	return sched_clock__ns_per_tsc_cycle(c->sched_clock);
}

/* Converts a factor to the fixed-point form of the BPF programs, in 2^-shift. */
static __u64 fixed_point(double factor, int shift)
{
	return (__u64)(factor * (double)(1ULL << shift) + 0.5);
}

/*
 * Sets a random key for this measurement, with which kernel addresses are hashed before readers see
 * them.
 */
static int set_hash_key(struct bpf_loader *c)
{
	__u64 key[2];

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	memcpy((void *)c->skel->rodata->targ_hash_key, key, sizeof(key));
	return 0;
}

static int load(struct bpf_loader *c, const struct bpf_loader_opts *opts)
{
	int err = try_bpf();

	if (err)
		return err;
	c->skel = gtimehalt_bpf__open();
	if (!c->skel)
		return refused(-errno, "open the BPF programs");
	c->mode = opts->mode;
	c->check = opts->check;
	c->histogram = opts->histogram;
	c->pinned = opts->pinned;
	c->plan = opts->plan;
	err = choose_programs(c, opts->plan);
	if (err)
		return err;
	c->skel->rodata->targ_scaled = c->calibration.kinds.cnt > 1;
	c->skel->rodata->targ_watched_only = opts->pids != NULL;
	c->skel->rodata->targ_check = c->check;
	c->skel->rodata->targ_histogram = c->histogram;
	c->skel->rodata->targ_pinned = c->pinned;
	c->skel->rodata->targ_guest = c->mode == MODE_ENTRY;
	c->skel->rodata->targ_ns_per_tsc_cycle = fixed_point(ns_per_tsc_cycle(c), TSC_NS_SHIFT);
	c->skel->rodata->targ_tsc_per_mperf = fixed_point(1 / c->mperf_ratio, TSC_PER_MPERF_SHIFT);
#ifdef GTIMEHALT_TEST_TIME_STRETCH
	/* A build for tests on an emulated host, where everything takes this many times longer. */
	c->skel->rodata->targ_stint_min_ns *= GTIMEHALT_TEST_TIME_STRETCH;
	c->skel->rodata->targ_stint_refresh_ns *= GTIMEHALT_TEST_TIME_STRETCH;
	c->skel->rodata->targ_stint_floor_ns *= GTIMEHALT_TEST_TIME_STRETCH;
#endif
	err = set_up_map_sizes(c);
	if (!err)
		err = set_hash_key(c);
	if (err)
		return err;
	c->skel->rodata->targ_entry_max = c->room - 1;
	/* A pinned measurement uses this value until its timers fire for the first time. */
	c->skel->bss->sched_offset_ns = sched_clock__offset_ns(c->sched_clock);
	err = gtimehalt_bpf__load(c->skel);
	if (err)
		return refused(err, "load the BPF programs");
	return 0;
}

/*
 * The map is a stack, so the lowest index is used first. Index 0 stays unused: it means "no entry".
 */
static int fill_free_indexes(struct bpf_loader *c)
{
	int fd = bpf_map__fd(c->skel->maps.free_indexes);

	for (__u32 index = c->room - 1; index; index--) {
		int err = bpf_map_update_elem(fd, NULL, &index, BPF_ANY);

		if (err)
			return refused(err, "fill the list of free vCPU entries");
	}
	return 0;
}

static int start_reader(struct bpf_loader *c)
{
	const struct gtimehalt_bpf *skel = c->skel;
	const struct bpf_reader_opts reader_opts = {
		.mode = c->mode,
		.mperf_ratio = c->mperf_ratio,
		.ns_per_tsc_cycle = ns_per_tsc_cycle(c),
		.sched_clock = c->sched_clock,
		.cpu_cnt = c->cpu_cnt,
		.slots = skel->bss->slots,
		.shared_fd = -1,
		.sums = {
			.vcpus_fd = bpf_map__fd(skel->maps.vcpus),
			.stints_fd = c->histogram ? bpf_map__fd(skel->maps.stints) : -1,
			.ended_fd = -1,
			.drop_fd = bpf_program__fd(skel->progs.drop_entry),
			.processes_fd = bpf_map__fd(skel->maps.processes),
		},
		.healths_fd = bpf_map__fd(skel->maps.cpu_healths),
		.forced_read_fd = bpf_program__fd(c->forced_read),
		.accounts_fd = bpf_program__fd(skel->progs.take_accounts),
		.cpu_accounts_fd = c->check ? bpf_map__fd(skel->maps.cpu_accounts) : -1,
		.events_fd = bpf_map__fd(skel->maps.counter_events),
		.about_fd = -1,
		.calibration = &c->calibration,
		.perf_events = c->perf_events,
	};

	return bpf_reader__new(&reader_opts, &c->reader);
}

static void set_up_slot(struct bpf_loader *c, int cpu)
{
	const struct calibration *calibration = &c->calibration;
	double ratio = calibration->ratio[core_kinds__of(&calibration->kinds, cpu)];
	struct cpu_slot *slot = &c->skel->bss->slots[cpu];

	slot->entry_ns = STINT_OFF;
	if (calibration->kinds.cnt > 1)
		slot->mperf_scale = (__u64)(calibration->ratio[0] / ratio *
					    (double)(1 << GTIMEHALT_SCALE_SHIFT));
}

static int put_about(struct bpf_loader *c)
{
	struct pin_about about = {
		.layout = GTIMEHALT_PIN_LAYOUT,
		.is_entry_mode = c->mode == MODE_ENTRY,
		.has_histogram = c->histogram,
		.cpu_cnt = (__u32)c->cpu_cnt,
		.mperf_ratio_ppb = (__u64)(c->mperf_ratio * 1e9 + 0.5),
		.ns_per_tsc_cycle = fixed_point(ns_per_tsc_cycle(c), TSC_NS_SHIFT),
	};
	__u32 key = 0;
	int err;

	for (int i = 0; i < HOOK_SWITCH_CNT; i++)
		about.switches |= (__u32)c->plan->needs.switches[i] << i;
	for (int i = 0; i < HOOK_MODULE_CNT; i++) {
		memcpy(about.modules[i], c->plan->needs.modules[i].name, sizeof(about.modules[i]));
		about.module_instances[i] = c->plan->needs.modules[i].instance;
	}
	snprintf(about.window_hook, sizeof(about.window_hook), "%s", c->plan->window_hook);
	if (c->plan->stint_hook)
		snprintf(about.stint_hook, sizeof(about.stint_hook), "%s", c->plan->stint_hook);
	err = bpf_map__update_elem(c->skel->maps.about, &key, sizeof(key), &about, sizeof(about),
				   BPF_ANY);
	return err ? refused(err, "write the parameters of the pinned measurement") : 0;
}

static int set_up_maps(struct bpf_loader *c, const struct bpf_loader_opts *opts)
{
	const __u8 present = 1;
	int err;

	err = fill_free_indexes(c);
	if (!err)
		err = start_reader(c);
	if (!err && c->pinned)
		err = put_about(c);
	if (err)
		return err;
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		set_up_slot(c, cpu);
		err = perf_events__hand_over(c->perf_events, cpu,
					     bpf_map__fd(c->skel->maps.counter_events));
		if (err)
			return refused(err, "pass the MPERF events to BPF");
	}
	for (size_t i = 0; i < opts->pid_cnt; i++) {
		__u32 key = (__u32)opts->pids[i];

		err = bpf_map__update_elem(c->skel->maps.watched, &key, sizeof(key), &present,
					   sizeof(present), BPF_ANY);
		if (err)
			return refused(err, "pass the PIDs to BPF");
	}
	return 0;
}

static struct bpf_link *attach_point(struct bpf_loader *c, const struct hook_point *point)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(c->skel->obj, point->program);

	switch (point->by) {
	case ATTACH_FENTRY:
		return bpf_program__attach(prog);
	case ATTACH_ITERATOR:
		return bpf_program__attach_iter(prog, NULL);
	case ATTACH_RAW_TRACEPOINT:
		return bpf_program__attach_raw_tracepoint(prog, point->target);
	default:
		return bpf_program__attach_kprobe(prog, point->by == ATTACH_KRETPROBE,
						  point->target);
	}
}

static int attach(struct bpf_loader *c, const struct bpf_loader_opts *opts)
{
	for (size_t i = 0; i < opts->plan->point_cnt; i++) {
		const struct hook_point *point = &opts->plan->points[i];

		c->links[i] = attach_point(c, point);
		if (!c->links[i]) {
			int err = -errno;
			char what[96];

			snprintf(what, sizeof(what), "attach to %s", point->target);
			err = refused(err, what);
			return err == -ENOENT ? -EOPNOTSUPP : err;
		}
	}
	return 0;
}

/* Starts the kernel's statistics before any program runs, so that they are complete. */
static int enable_stats(struct bpf_loader *c, const struct bpf_loader_opts *opts)
{
	int err = program_clock__start(&c->program_clock, opts->fs, opts->bpf_stats);

	return err ? refused(err, "enable the kernel's statistics of BPF programs") : 0;
}

/*
 * Opens windows for vCPUs that were loaded before the hooks were attached. Interrupting every CPU
 * once is no more than attaching did: patching the kernel's text interrupts them all.
 */
static int take_baseline(struct bpf_loader *c,
			 const struct bpf_loader_opts *opts __attribute__((unused)))
{
	__s64 offset_ns = sched_clock__offset_ns(c->sched_clock);
	int opened = 0;

	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		int answer =
			perf_events__fd(c->perf_events, cpu) < 0
				? FORCED_READ_NONE
				: forced_read__run(bpf_program__fd(c->forced_read), cpu, offset_ns);

		if (answer < 0 && answer != -ENXIO)
			return refused(answer, "read a CPU's counters from BPF");
		opened += answer == FORCED_READ_OPENED;
	}
	pr_info("%d vCPUs were loaded when the hooks were attached", opened);
	return 0;
}

/* The steps of opening. The time of each is logged, to show what starting up costs. */
static const struct {
	const char *what;
	int (*run)(struct bpf_loader *c, const struct bpf_loader_opts *opts);
} steps[] = {
	{ "open MPERF", open_counters },
	{ "calibrate", calibrate },
	{ "open the clock", open_clock },
	{ "load", load },
	{ "set up maps", set_up_maps },
	{ "enable statistics", enable_stats },
	{ "attach", attach },
	{ "baseline", take_baseline },
};

int bpf_loader__new(const struct bpf_loader_opts *opts, struct bpf_loader **out)
{
	struct bpf_loader *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->program_clock.fd = -1;
	bpf_log__enable();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		__u64 begin_ns = clock__now_ns();
		int err = steps[i].run(c, opts);

		if (err) {
			bpf_loader__free(c);
			return err;
		}
		pr_info("%s: %.1f ms", steps[i].what, (double)(clock__now_ns() - begin_ns) / 1e6);
	}
	*out = c;
	return 0;
}

int bpf_loader__new_layout(struct bpf_loader **out)
{
	struct bpf_loader *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->program_clock.fd = -1;
	/* The size of `stints` is the same whether the map is created or not. */
	c->pinned = true;
	bpf_log__enable();
	err = count_cpus(c);
	if (!err) {
		c->skel = gtimehalt_bpf__open();
		err = c->skel ? set_up_map_sizes(c) : refused(-errno, "open the BPF programs");
	}
	if (err) {
		bpf_loader__free(c);
		return err;
	}
	*out = c;
	return 0;
}

void bpf_loader__free(struct bpf_loader *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HOOK_POINTS_MAX; i++)
		bpf_link__destroy(c->links[i]);
	bpf_reader__free(c->reader);
	gtimehalt_bpf__destroy(c->skel);
	perf_events__free(c->perf_events);
	sched_clock__free(c->sched_clock);
	program_clock__stop(&c->program_clock);
	free(c);
}
