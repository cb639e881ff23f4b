// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gtimehalt.h"
#include "gtimehalt.skel.h"
#include "measure/calibration.h"
#include "base/clock.h"
#include "measure/collector.h"
#include "measure/counters.h"
#include "measure/forced_read.h"
#include "base/hostfs.h"
#include "measure/hooks.h"
#include "measure/program_stats.h"
#include "base/log.h"
#include "report/snapshot.h"
#include "measure/sums_reader.h"

struct collector {
	struct gtimehalt_bpf *skel;
	struct counters *counters;
	struct calibration calibration;
	double mperf_ratio;
	struct bpf_link *links[HOOK_POINTS_MAX];
	struct bpf_program *reader; /* what a forced read runs */
	bool check, histogram;
	enum measure_mode mode;
	struct clock_reading opened_at; /* what the rate of TSC is measured from */
	int cpu_cnt;
	const volatile struct cpu_slot *slots; /* in the kernel's memory, one a possible CPU */
	__u64 *mperf_error_cnts; /* of each slot, when its event was last (re)opened */
	struct sums_reader *sums;
	const struct hostfs *fs;
	int stats_fd; /* while it is open the kernel times BPF programs; -1: it is not our doing */
};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];
	size_t len;

	if (log__level() < (level == LIBBPF_WARN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG))
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	len = strlen(line);
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	log__print(level == LIBBPF_WARN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "%s", line);
	return 0;
}

/* What a refusal by the kernel means to the caller: rights that are missing, or a failure. */
static int refused(int err, const char *what)
{
	pr_err("cannot %s: %s", what, strerror(-err));
	return err == -EPERM || err == -EACCES ? -EOPNOTSUPP : err;
}

static int choose_programs(struct collector *c, const struct hook_plan *plan)
{
	for (size_t i = 0; i < plan->point_cnt; i++) {
		const struct hook_point *point = &plan->points[i];
		struct bpf_program *prog =
			bpf_object__find_program_by_name(c->skel->obj, point->program);
		int err = 0;

		if (point->by == ATTACH_FENTRY)
			err = bpf_program__set_attach_target(prog, 0, point->target);
		if (err) {
			pr_err("%s() is not in the kernel's BTF: %s", point->target,
			       strerror(-err));
			return -EOPNOTSUPP;
		}
		bpf_program__set_autoload(prog, true);
		pr_debug("%s on %s", point->program, point->target);
	}
	c->reader = c->check ? c->skel->progs.check_read : c->skel->progs.forced_read;
	bpf_program__set_autoload(c->reader, true);
	return 0;
}

static int open_counters(struct collector *c, const struct collector_opts *opts)
{
	int err;

	c->cpu_cnt = libbpf_num_possible_cpus();
	if (c->cpu_cnt < 0)
		return refused(c->cpu_cnt, "count the CPUs");
	if (c->cpu_cnt > GTIMEHALT_MAX_CPUS) {
		pr_err("this host can have %d CPUs: this build is made for %d", c->cpu_cnt,
		       GTIMEHALT_MAX_CPUS);
		return -EOPNOTSUPP;
	}
	err = counters__new(opts->fs, c->cpu_cnt, &c->counters);
	/* Before there is any BPF that it would get a hold of. */
	if (!err && opts->opener)
		err = counters__start_opener(c->counters, opts->opener_user);
	return err;
}

static int calibrate(struct collector *c, const struct collector_opts *opts)
{
	int err;

	if (opts->mperf_ratio > 0) {
		/* For all CPUs. An MPERF that stands still then shows as time not measured. */
		c->mperf_ratio = opts->mperf_ratio;
		c->calibration.kind_cnt = 1;
		return 0;
	}
	err = calibration__measure(opts->fs, c->counters, c->cpu_cnt, &c->calibration);
	if (!err)
		c->mperf_ratio = c->calibration.ratio[0];
	return err;
}

static int load(struct collector *c, const struct collector_opts *opts)
{
	int err;

	c->skel = gtimehalt_bpf__open();
	if (!c->skel)
		return refused(-errno, "open the BPF programs");
	c->mode = opts->mode;
	c->check = opts->check;
	c->histogram = opts->histogram;
	err = choose_programs(c, opts->plan);
	if (err)
		return err;
	c->skel->rodata->targ_scaled = c->calibration.kind_cnt > 1;
	c->skel->rodata->targ_watched_only = opts->pids != NULL;
	c->skel->rodata->targ_check = c->check;
	c->skel->rodata->targ_histogram = c->histogram;
#ifdef GTIMEHALT_TEST_TIME_STRETCH
	/* A test's build, for a host that is emulated: what takes a microsecond takes so many there. */
	c->skel->rodata->targ_stint_min_ns *= GTIMEHALT_TEST_TIME_STRETCH;
	c->skel->rodata->targ_stint_refresh_ns *= GTIMEHALT_TEST_TIME_STRETCH;
	c->skel->rodata->targ_stint_floor_ns *= GTIMEHALT_TEST_TIME_STRETCH;
#endif
	err = bpf_map__set_max_entries(c->skel->maps.mperf_events, (__u32)c->cpu_cnt);
	if (!err)
		err = bpf_map__set_max_entries(c->skel->maps.cpu_accounts, (__u32)c->cpu_cnt);
	if (!err)
		err = bpf_map__set_autocreate(c->skel->maps.cpu_accounts, c->check);
	if (!err)
		err = bpf_map__set_autocreate(c->skel->maps.stints, c->histogram);
	if (!err)
		err = bpf_map__set_autocreate(c->skel->maps.blank_stints, c->histogram);
	if (err)
		return refused(err, "size the BPF maps");
	err = gtimehalt_bpf__load(c->skel);
	if (err)
		return refused(err, "load the BPF programs");
	return 0;
}

static int alloc_buffers(struct collector *c)
{
	const struct bpf_map *vcpus = c->skel->maps.vcpus;
	int err;

	c->mperf_error_cnts = calloc((size_t)c->cpu_cnt, sizeof(*c->mperf_error_cnts));
	err = c->mperf_error_cnts ? 0 : -ENOMEM;
	if (!err)
		err = sums_reader__new(bpf_map__fd(vcpus), bpf_map__max_entries(vcpus),
				       c->histogram ? bpf_map__fd(c->skel->maps.stints) : -1,
				       &c->sums);
	return err ? refused(err, "make room for the vCPUs") : 0;
}

static double ns_per_tsc_cycle(const struct collector *c, const struct clock_reading *now)
{
	return (double)(now->mono_ns - c->opened_at.mono_ns) /
	       (double)(now->tsc_cycles - c->opened_at.tsc_cycles);
}

/* Tells the BPF side what TSC is in CLOCK_MONOTONIC. It may be reading the one that is in use. */
static void put_tsc_clock(struct collector *c, const struct clock_reading *now)
{
	struct gtimehalt_bpf__bss *bss = c->skel->bss;
	__u32 next = !bss->tsc_clock_index;

	bss->tsc_clocks[next] = (struct tsc_clock){
		.tsc_cycles = now->tsc_cycles,
		.mono_ns = now->mono_ns,
		.ns_per_cycle = (__u64)(ns_per_tsc_cycle(c, now) * (1 << TSC_CLOCK_SHIFT) + 0.5),
	};
	__atomic_store_n(&bss->tsc_clock_index, next, __ATOMIC_RELEASE);
}

static void put_mperf_rate(struct collector *c, const struct clock_reading *now)
{
	double ns_per_cycle = ns_per_tsc_cycle(c, now) / c->mperf_ratio;

	c->skel->bss->ns_per_mperf_cycle = (__u64)(ns_per_cycle * (1 << STINT_NS_SHIFT) + 0.5);
}

static int put_event(struct collector *c, int cpu, int fd)
{
	__u32 key = (__u32)cpu;

	return bpf_map__update_elem(c->skel->maps.mperf_events, &key, sizeof(key), &fd, sizeof(fd),
				    BPF_ANY);
}

static void set_up_slot(struct collector *c, int cpu)
{
	const struct calibration *calibration = &c->calibration;
	double ratio = calibration->ratio[calibration__kind(calibration, cpu)];
	struct cpu_slot *slot = &c->skel->bss->slots[cpu];

	slot->entry_ns = STINT_OFF;
	if (calibration->kind_cnt > 1)
		slot->mperf_scale = (__u64)(calibration->ratio[0] / ratio *
					    (double)(1 << GTIMEHALT_SCALE_SHIFT));
}

static int set_up_maps(struct collector *c, const struct collector_opts *opts)
{
	const __u8 present = 1;
	struct clock_reading now;
	int err;

	clock__read(&now);
	put_tsc_clock(c, &now);
	put_mperf_rate(c, &now);
	err = alloc_buffers(c);
	if (err)
		return err;
	c->slots = c->skel->bss->slots;
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		int fd = counters__fd(c->counters, cpu);

		set_up_slot(c, cpu);
		err = fd < 0 ? 0 : put_event(c, cpu, fd);
		if (err)
			return refused(err, "hand the MPERF events to BPF");
	}
	for (size_t i = 0; i < opts->pid_cnt; i++) {
		__u32 key = (__u32)opts->pids[i];

		err = bpf_map__update_elem(c->skel->maps.watched, &key, sizeof(key), &present,
					   sizeof(present), BPF_ANY);
		if (err)
			return refused(err, "hand the PIDs to BPF");
	}
	return 0;
}

static struct bpf_link *attach_point(struct collector *c, const struct hook_point *point)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(c->skel->obj, point->program);

	switch (point->by) {
	case ATTACH_FENTRY:
		return bpf_program__attach(prog);
	case ATTACH_RAW_TRACEPOINT:
		return bpf_program__attach_raw_tracepoint(prog, point->target);
	default:
		return bpf_program__attach_kprobe(prog, point->by == ATTACH_KRETPROBE,
						  point->target);
	}
}

static int attach(struct collector *c, const struct collector_opts *opts)
{
	for (size_t i = 0; i < opts->plan->point_cnt; i++) {
		const struct hook_point *point = &opts->plan->points[i];

		c->links[i] = attach_point(c, point);
		if (!c->links[i]) {
			int err = -errno;

			pr_err("cannot attach to %s: %s", point->target, strerror(-err));
			return err == -EPERM || err == -ENOENT ? -EOPNOTSUPP : err;
		}
	}
	return 0;
}

/* Before anything runs, so that nothing is left out. */
static int enable_stats(struct collector *c, const struct collector_opts *opts)
{
	c->fs = opts->fs;
	if (!opts->bpf_stats)
		return 0;
	c->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return c->stats_fd < 0 ? refused(c->stats_fd, "let the kernel time BPF programs") : 0;
}

/*
 * vCPUs that were loaded before the hooks were there. Asking every CPU once is no more than attaching
 * has done already: patching the kernel's text interrupts them all.
 */
static int take_baseline(struct collector *c,
			 const struct collector_opts *opts __attribute__((unused)))
{
	int opened = 0;

	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		int answer = counters__fd(c->counters, cpu) < 0
				     ? FORCED_READ_NONE
				     : forced_read__run(bpf_program__fd(c->reader), cpu);

		if (answer < 0 && answer != -ENXIO)
			return refused(answer, "read a CPU's counters from BPF");
		opened += answer == FORCED_READ_OPENED;
	}
	c->skel->bss->baseline_taken = 1;
	pr_info("%d vCPUs were loaded when the hooks were attached", opened);
	return 0;
}

/* Opening is a row of steps; each is timed, for those who wonder what starting up costs. */
static const struct {
	const char *what;
	int (*run)(struct collector *c, const struct collector_opts *opts);
} steps[] = {
	{ "open MPERF", open_counters },
	{ "calibrate", calibrate },
	{ "load", load },
	{ "set up maps", set_up_maps },
	{ "enable statistics", enable_stats },
	{ "attach", attach },
	{ "baseline", take_baseline },
};

int collector__new(const struct collector_opts *opts, struct collector **out)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->stats_fd = -1;
	libbpf_set_print(print_libbpf);
	clock__read(&c->opened_at);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		__u64 begin_ns = clock__now_ns();
		int err = steps[i].run(c, opts);

		if (err) {
			collector__free(c);
			return err;
		}
		pr_info("%s: %.1f ms", steps[i].what, (double)(clock__now_ns() - begin_ns) / 1e6);
	}
	*out = c;
	return 0;
}

void collector__free(struct collector *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HOOK_POINTS_MAX; i++)
		bpf_link__destroy(c->links[i]);
	sums_reader__free(c->sums);
	gtimehalt_bpf__destroy(c->skel);
	counters__free(c->counters);
	if (c->stats_fd >= 0)
		close(c->stats_fd);
	free(c->mperf_error_cnts);
	free(c);
}

static void sum_health(const struct collector *c, struct health *health)
{
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		health->lost_window_cnt += c->slots[cpu].lost_window_cnt;
		health->mperf_error_cnt += c->slots[cpu].mperf_error_cnt;
		health->map_full_cnt += c->slots[cpu].map_full_cnt;
	}
}

/* A CPU whose reads failed came online after its event was opened, or was offline in between. */
static void mend_events(struct collector *c)
{
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		int fd;

		if (c->slots[cpu].mperf_error_cnt == c->mperf_error_cnts[cpu])
			continue;
		c->mperf_error_cnts[cpu] = c->slots[cpu].mperf_error_cnt;
		fd = counters__reopen(c->counters, cpu);
		if (fd >= 0)
			put_event(c, cpu, fd);
		pr_info("MPERF did not read on CPU %d: opened again", cpu);
	}
}

static int read_cpu(struct collector *c, int cpu, struct snapshot *snap)
{
	const struct calibration *calibration = &c->calibration;
	double ratio = c->mperf_ratio;
	int err;

	if (!c->check) {
		err = c->slots[cpu].tid ? forced_read__run(bpf_program__fd(c->reader), cpu) : 0;
		return err == -ENXIO ? 0 : err;
	}
	if (calibration->kind_cnt > 1)
		ratio = calibration->ratio[calibration__kind(calibration, cpu)];
	return forced_read__account(bpf_program__fd(c->reader),
				    bpf_map__fd(c->skel->maps.cpu_accounts), cpu, ratio, snap);
}

int collector__read(struct collector *c, struct snapshot *snap)
{
	int err;

	clock__read(&snap->clock);
	put_tsc_clock(c, &snap->clock);
	snap->mode = c->mode;
	snap->mperf_ratio = c->mperf_ratio;
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		err = read_cpu(c, cpu, snap);
		if (err < 0)
			return refused(err, "read a CPU's counters from BPF");
	}
	err = sums_reader__read(c->sums, snap);
	if (err)
		return refused(err, "read the vCPUs' sums");
	sum_health(c, &snap->health);
	mend_events(c);
	return 0;
}

static bool kernel_counts(const struct collector *c)
{
	char line[8];

	return c->stats_fd >= 0 || (hostfs__read_line(c->fs, line, sizeof(line),
						      "proc/sys/kernel/bpf_stats_enabled") > 0 &&
				    line[0] == '1');
}

size_t collector__program_stats(const struct collector *c, struct program_stats *stats, size_t max)
{
	struct bpf_program *prog;
	size_t cnt = 0;

	if (!kernel_counts(c))
		return 0;
	bpf_object__for_each_program(prog, c->skel->obj)
	{
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_program__fd(prog);

		if (cnt == max || fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		stats[cnt++] = (struct program_stats){
			.name = bpf_program__name(prog),
			.run_cnt = info.run_cnt,
			.run_ns = info.run_time_ns,
		};
	}
	return cnt;
}

int collector__check_rights(const struct collector *c)
{
	struct vcpu_sums sums;
	__u32 no_thread = 0;
	int err = bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.vcpus), &no_thread, &sums);

	if (err && err != -ENOENT)
		return err;
	err = forced_read__run(bpf_program__fd(c->reader), 0);
	return err == -EPERM || err == -EACCES ? err : 0;
}

void collector__forget(struct collector *c, pid_t tid)
{
	sums_reader__forget(c->sums, tid);
}
