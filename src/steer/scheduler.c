// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "measure/bpf_log.h"
#include "measure/calibration.h"
#include "measure/perf_events.h"
#include "measure/host.h"
#include "measure/host_rights.h"
#include "measure/sched_clock.h"
#include "steer/sched_host.h"
#include "steer/scheduler.h"
#include "steer-sched.skel.h"

/* The span that targ_span_cycles stands for. */
#define SPAN_NS 16000000

/* Not in the headers of Linux 6.1, which Debian 12 has. */
#define MAP_WITH_LINK     (1U << 13) /* BPF_F_LINK */
#define ATTACH_STRUCT_OPS 44         /* BPF_STRUCT_OPS of enum bpf_attach_type */

struct scheduler {
	struct steer_sched_bpf *skel;
	struct bpf_link *link; /* registers the scheduler */
	int link_fd;           /* keeps it registered; -1: `link` does */
	struct perf_events *perf_events;
	int cpu_cnt;
};

static int open_counters(struct scheduler *s, const struct scheduler_opts *opts)
{
	s->cpu_cnt = libbpf_num_possible_cpus();
	if (s->cpu_cnt < 0)
		return host_rights__refused(s->cpu_cnt, "count the CPUs", "bpf", false);
	if (s->cpu_cnt > GTIMEHALT_MAX_CPUS) {
		pr_err("this host can have %d CPUs, but this build supports at most %d", s->cpu_cnt,
		       GTIMEHALT_MAX_CPUS);
		return -EOPNOTSUPP;
	}
	return perf_events__new(opts->fs, s->cpu_cnt, &s->perf_events);
}

static int calibrate(const struct scheduler *s, const struct scheduler_opts *opts,
		     struct calibration *calibration)
{
	if (opts->mperf_ratio <= 0)
		return calibration__measure(opts->fs, s->perf_events, s->cpu_cnt, calibration);
	*calibration = (struct calibration){ .ratio = { opts->mperf_ratio }, .kinds.cnt = 1 };
	return 0;
}

static int set_span(struct scheduler *s)
{
	struct sched_clock *clock;
	int err = sched_clock__new(&clock);

	if (err)
		return err;
	s->skel->rodata->targ_span_cycles = (__u64)(SPAN_NS / sched_clock__ns_per_tsc_cycle(clock));
	sched_clock__free(clock);
	return 0;
}

static int check_functions(const struct scheduler *s)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	int err;

	if (!kernel)
		return host_rights__refused(-errno, "read the kernel's BTF", "bpf", false);
	err = sched_host__check_functions(bpf_object__btf(s->skel->obj), kernel);
	btf__free(kernel);
	return err;
}

static int load(struct scheduler *s, const struct scheduler_opts *opts)
{
	int err;

	s->skel = steer_sched_bpf__open();
	if (!s->skel)
		return host_rights__refused(-errno, "open the scheduler", "bpf", true);
	err = check_functions(s);
	if (!err)
		err = set_span(s);
	if (err)
		return err;
	s->skel->rodata->targ_cpu_cnt = (__u32)s->cpu_cnt;
	s->skel->rodata->targ_busy_share = (__u32)(opts->busy_share * SHARE_ONE);
	s->skel->rodata->targ_halted_share = (__u32)(opts->halted_share * SHARE_ONE);
	err = bpf_map__set_max_entries(s->skel->maps.counter_events,
				       (__u32)s->cpu_cnt * EVENT_CNT_PER_CPU);
	/* steer_init() creates the queues, which sleeps. */
	if (!err)
		err = bpf_program__set_flags(s->skel->progs.steer_init, BPF_F_SLEEPABLE);
	/* Without a link, the scheduler would remain when the process has ended. */
	if (!err)
		err = bpf_map__set_map_flags(s->skel->maps.steer_ops, MAP_WITH_LINK);
	if (!err)
		err = steer_sched_bpf__load(s->skel);
	return err ? host_rights__refused(err, "load the scheduler", "bpf", true) : 0;
}

static int set_up_cpus(struct scheduler *s, const struct calibration *calibration)
{
	for (int cpu = 0; cpu < s->cpu_cnt; cpu++) {
		double ratio = calibration->ratio[core_kinds__of(&calibration->kinds, cpu)];
		int err = perf_events__hand_over(s->perf_events, cpu,
						 bpf_map__fd(s->skel->maps.counter_events));

		if (err)
			return host_rights__refused(err, "pass the MPERF events to BPF", "bpf",
						    true);
		s->skel->bss->cpus[cpu].tsc_per_mperf =
			(__u64)((double)(1 << TSC_PER_MPERF_SHIFT) / ratio + 0.5);
	}
	return 0;
}

static int attach(struct scheduler *s)
{
	s->link = bpf_map__attach_struct_ops(s->skel->maps.steer_ops);
	if (!s->link)
		return host_rights__refused(-errno, "register the scheduler", "bpf", false);
	/* libbpf before 1.2 only prepares the map, and does not know of links to such maps. */
	if (libbpf_major_version() > 1 || libbpf_minor_version() >= 2)
		return 0;
	s->link_fd =
		bpf_link_create(bpf_map__fd(s->skel->maps.steer_ops), 0, ATTACH_STRUCT_OPS, NULL);
	if (s->link_fd < 0)
		return host_rights__refused(s->link_fd, "start the scheduler", "bpf", false);
	return 0;
}

int scheduler__new(const struct scheduler_opts *opts, struct scheduler **out)
{
	struct calibration calibration;
	struct scheduler *s;
	int err = host__check_rest(opts->fs);

	if (!err)
		err = sched_host__check(opts->fs);
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s) {
		pr_err("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	bpf_log__enable();
	s->link_fd = -1;
	err = open_counters(s, opts);
	if (!err)
		err = calibrate(s, opts, &calibration);
	if (!err)
		err = load(s, opts);
	if (!err)
		err = set_up_cpus(s, &calibration);
	if (!err)
		err = attach(s);
	if (err) {
		scheduler__free(s);
		return err;
	}
	host__warn_of_hypervisor(opts->fs);
	*out = s;
	return 0;
}

void scheduler__free(struct scheduler *s)
{
	if (!s)
		return;
	if (s->link_fd >= 0)
		close(s->link_fd);
	bpf_link__destroy(s->link);
	steer_sched_bpf__destroy(s->skel);
	perf_events__free(s->perf_events);
	free(s);
}

void scheduler__read(const struct scheduler *s, struct scheduler_account *account)
{
	*account = (struct scheduler_account){ 0 };
	for (int i = 0; i < s->cpu_cnt; i++) {
		const struct sched_cpu *cpu = &s->skel->bss->cpus[i];

		if (cpu->is_busy)
			cpus__add(&account->busy, i);
		for (int place = 0; place < PLACEMENT_CNT; place++)
			account->placed_cnt[place] += cpu->placed_cnt[place];
		account->flip_cnt += cpu->flip_cnt;
		account->unread_cnt += cpu->unread_cnt;
	}
}

const struct sched_end *scheduler__end(const struct scheduler *s)
{
	/* The program writes `kind` last. */
	return __atomic_load_n(&s->skel->bss->end.kind, __ATOMIC_ACQUIRE) ? &s->skel->bss->end
									  : NULL;
}
