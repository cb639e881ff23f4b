// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "gtimehalt.h"
#include "gtimehalt.skel.h"
#include "calibration.h"
#include "clock.h"
#include "collector.h"
#include "counters.h"
#include "forced_read.h"
#include "hooks.h"
#include "log.h"
#include "snapshot.h"

/*
 * A copy is torn only while a window closes, which takes a microsecond; longer when the CPU of the one
 * that closes it is taken away meanwhile. A copy that stays torn for so long is not whole at all.
 */
#define TORN_MAX_NS  1000000000ULL
#define TORN_WAIT_US 50

struct collector {
	struct gtimehalt_bpf *skel;
	struct counters *counters;
	struct calibration calibration;
	double mperf_ratio;
	struct bpf_link *links[HOOK_POINTS_MAX];
	struct bpf_program *reader; /* what a forced read runs */
	bool check;
	enum measure_mode mode;
	int cpu_cnt;
	const volatile struct cpu_slot *slots; /* mapped from the kernel, one a possible CPU */
	size_t slots_size;
	__u64 *mperf_error_cnts; /* of each slot, when its event was last (re)opened */
	__u32 *tids;             /* room for one read of the whole map of vCPUs */
	struct vcpu_sums *sums;
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
	c->cpu_cnt = libbpf_num_possible_cpus();
	if (c->cpu_cnt < 0)
		return refused(c->cpu_cnt, "count the CPUs");
	return counters__new(opts->fs, c->cpu_cnt, &c->counters);
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
	err = choose_programs(c, opts->plan);
	if (err)
		return err;
	c->skel->rodata->targ_scaled = c->calibration.kind_cnt > 1;
	c->skel->rodata->targ_watched_only = opts->pids != NULL;
	c->skel->rodata->targ_check = c->check;
	err = bpf_map__set_max_entries(c->skel->maps.slots, (__u32)c->cpu_cnt);
	if (!err)
		err = bpf_map__set_max_entries(c->skel->maps.mperf_events, (__u32)c->cpu_cnt);
	if (!err)
		err = bpf_map__set_max_entries(c->skel->maps.cpu_accounts, (__u32)c->cpu_cnt);
	if (!err)
		err = bpf_map__set_autocreate(c->skel->maps.cpu_accounts, c->check);
	if (err)
		return refused(err, "size the BPF maps");
	err = gtimehalt_bpf__load(c->skel);
	if (err)
		return refused(err, "load the BPF programs");
	return 0;
}

static int map_slots(struct collector *c)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *slots;

	c->slots_size = ((size_t)c->cpu_cnt * sizeof(struct cpu_slot) + page - 1) / page * page;
	slots = mmap(NULL, c->slots_size, PROT_READ, MAP_SHARED, bpf_map__fd(c->skel->maps.slots),
		     0);
	if (slots == MAP_FAILED)
		return refused(-errno, "map the CPUs' slots");
	c->slots = slots;
	return 0;
}

static int alloc_buffers(struct collector *c)
{
	size_t room = bpf_map__max_entries(c->skel->maps.vcpus);

	c->mperf_error_cnts = calloc((size_t)c->cpu_cnt, sizeof(*c->mperf_error_cnts));
	c->tids = calloc(room, sizeof(*c->tids));
	c->sums = calloc(room, sizeof(*c->sums));
	if (!c->mperf_error_cnts || !c->tids || !c->sums)
		return refused(-ENOMEM, "make room for the vCPUs");
	return 0;
}

static int put_event(struct collector *c, int cpu, int fd)
{
	__u32 key = (__u32)cpu;

	return bpf_map__update_elem(c->skel->maps.mperf_events, &key, sizeof(key), &fd, sizeof(fd),
				    BPF_ANY);
}

static int put_scale(struct collector *c, int cpu)
{
	const struct calibration *calibration = &c->calibration;
	double ratio = calibration->ratio[calibration__kind(calibration, cpu)];
	struct cpu_slot slot = {
		.mperf_scale = (__u64)(calibration->ratio[0] / ratio *
				       (double)(1 << GTIMEHALT_SCALE_SHIFT)),
	};
	__u32 key = (__u32)cpu;

	if (calibration->kind_cnt == 1)
		return 0;
	return bpf_map__update_elem(c->skel->maps.slots, &key, sizeof(key), &slot, sizeof(slot),
				    BPF_ANY);
}

static int set_up_maps(struct collector *c, const struct collector_opts *opts)
{
	const __u8 present = 1;
	int err;

	err = alloc_buffers(c);
	if (!err)
		err = map_slots(c);
	if (err)
		return err;
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		int fd = counters__fd(c->counters, cpu);

		err = fd < 0 ? 0 : put_event(c, cpu, fd);
		if (!err)
			err = put_scale(c, cpu);
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
	pr_info("%d vCPUs were loaded when the hooks were attached", opened);
	return 0;
}

/* Opening is a row of steps; each is timed, for those who wonder what starting up costs. */
static const struct {
	const char *what;
	int (*run)(struct collector *c, const struct collector_opts *opts);
} steps[] = {
	{ "open MPERF", open_counters }, { "calibrate", calibrate }, { "load", load },
	{ "set up maps", set_up_maps },  { "attach", attach },       { "baseline", take_baseline },
};

int collector__new(const struct collector_opts *opts, struct collector **out)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	libbpf_set_print(print_libbpf);
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
	if (c->slots)
		munmap((void *)c->slots, c->slots_size);
	for (size_t i = 0; i < HOOK_POINTS_MAX; i++)
		bpf_link__destroy(c->links[i]);
	gtimehalt_bpf__destroy(c->skel);
	counters__free(c->counters);
	free(c->mperf_error_cnts);
	free(c->tids);
	free(c->sums);
	free(c);
}

static bool is_whole(const struct vcpu_sums *sums)
{
	return sums->begun_head == sums->done_head && sums->begun_head == sums->begun_tail &&
	       sums->begun_head == sums->done_tail;
}

/* Reads an entry again until the copy is whole. -ENOENT: it is gone. */
static int read_whole(struct collector *c, __u32 tid, struct vcpu_sums *sums)
{
	__u64 end_ns = clock__now_ns() + TORN_MAX_NS;

	while (!is_whole(sums)) {
		int err;

		if (clock__now_ns() > end_ns)
			return -EIO;
		err = bpf_map__lookup_elem(c->skel->maps.vcpus, &tid, sizeof(tid), sums,
					   sizeof(*sums), 0);
		if (err)
			return err;
		if (!is_whole(sums))
			usleep(TORN_WAIT_US);
	}
	return 0;
}

static int add_reading(struct snapshot *snap, __u32 tid, const struct vcpu_sums *sums)
{
	struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

	if (!vcpu)
		return -ENOMEM;
	vcpu->pid = (pid_t)sums->tgid;
	vcpu->tid = (pid_t)tid;
	vcpu->vcpu_id = sums->vcpu_id;
	vcpu->seen = true;
	vcpu->wait_known = true;
	vcpu->vm_id = sums->vm_id;
	vcpu->start_boottime_ns = sums->start_boottime_ns;
	/*
	 * Sums that were complete before the snapshot began have not grown since: had the thread been
	 * loaded, the forced read would have brought them up to date.
	 */
	vcpu->at_ns =
		sums->updated_ns > snap->clock.mono_ns ? sums->updated_ns : snap->clock.mono_ns;
	vcpu->loaded_ns = sums->loaded_ns;
	vcpu->measured_ns = sums->measured_ns;
	vcpu->mperf_cycles = sums->mperf_cycles;
	vcpu->guest_ns = sums->guest_ns;
	vcpu->entry_cnt = sums->entry_cnt;
	vcpu->wait_ns = sums->wait_ns;
	if (sums->waiting)
		vcpu->wait_ns += vcpu->at_ns - sums->updated_ns;
	return 0;
}

static int read_vcpus(struct collector *c, struct snapshot *snap)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 next, cnt = bpf_map__max_entries(c->skel->maps.vcpus);
	int err;

	/* ENOENT: the end of the map was reached. */
	err = bpf_map_lookup_batch(bpf_map__fd(c->skel->maps.vcpus), NULL, &next, c->tids, c->sums,
				   &cnt, &opts);
	if (err && err != -ENOENT)
		return refused(err, "read the vCPUs' sums");
	for (__u32 i = 0; i < cnt; i++) {
		err = read_whole(c, c->tids[i], &c->sums[i]);
		if (err == -ENOENT)
			continue;
		if (!err)
			err = add_reading(snap, c->tids[i], &c->sums[i]);
		if (err)
			return refused(err, "read a vCPU's sums");
	}
	return 0;
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

	c->skel->bss->snapshot_seq++;
	clock__read(&snap->clock);
	snap->mode = c->mode;
	snap->mperf_ratio = c->mperf_ratio;
	for (int cpu = 0; cpu < c->cpu_cnt; cpu++) {
		err = read_cpu(c, cpu, snap);
		if (err < 0)
			return refused(err, "read a CPU's counters from BPF");
	}
	err = read_vcpus(c, snap);
	sum_health(c, &snap->health);
	mend_events(c);
	return err;
}

void collector__forget(struct collector *c, pid_t tid)
{
	__u32 key = (__u32)tid;

	bpf_map__delete_elem(c->skel->maps.vcpus, &key, sizeof(key), 0);
}
