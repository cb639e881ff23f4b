// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures the nanoseconds per run of each BPF program, on this machine instead of a VM of the bed,
 * by BPF_PROG_TEST_RUN and the kernel's run-time statistics (those of kernel.bpf_stats_enabled).
 * Machines without MPERF can be used, because the map of MPERF events holds msr/tsc/, which costs
 * the same to read.
 *
 * The kernel can test-run raw tracepoint programs directly, but not fentry programs on kvm's
 * functions. Their body is run here as the kprobe's: with checked copies (bpf_probe_read_kernel())
 * instead of plain loads.
 *
 * usage: native [RUNS]            prints rows as JSON lines; the cost of "nothing" is subtracted
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "gtimehalt.h"
#include "tests/bench/native.skel.h"

#define RUNS_DEFAULT 200000
#define READINGS     7

struct bench {
	struct native_bpf *skel;
	struct utsname host;
	long runs;
};

/* A row of the result: `before`, which is not timed, runs before each run of `timed`. */
struct row {
	const char *name;
	const char *timed;
	const char *before;
	bool needs_slot;
};

static const struct row rows[] = {
	{ "nothing", "native_nothing", NULL, false },
	/* Before a vCPU is loaded for the first time. */
	{ "end of a thread that runs no vCPU", "raw_tp_process_exit", NULL, false },
	{ "VM entry (raw_tp)", "raw_tp_kvm_entry", "raw_tp_kvm_exit", true },
	{ "VM exit (raw_tp)", "raw_tp_kvm_exit", "raw_tp_kvm_entry", true },
	{ "load, window goes on (as kprobe)", "native_load", NULL, false },
	{ "load, window opened (as kprobe)", "native_load", "native_idle", false },
	{ "idle entry, window closed", "native_idle", "native_load", false },
	{ "idle entry, no window", "native_idle", NULL, false },
	{ "forced read, no vCPU loaded", "forced_read", NULL, false },
};

#define ROW_CNT (sizeof(rows) / sizeof(rows[0]))

static void die(const char *what, int err)
{
	fprintf(stderr, "native: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

/* Opens the msr PMU's tsc on this CPU: event 0 of the PMU type that sysfs shows. */
static int open_tsc(int cpu)
{
	FILE *file = fopen("/sys/bus/event_source/devices/msr/type", "re");
	struct perf_event_attr attr = { .size = sizeof(attr) };
	long fd;

	if (!file || fscanf(file, "%u", &attr.type) != 1)
		die("the msr PMU", errno);
	fclose(file);
	fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		die("msr/tsc/", errno);
	return (int)fd;
}

static struct bpf_program *find(const struct bench *bench, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(bench->skel->obj, name);

	if (!prog)
		die(name, ENOENT);
	return prog;
}

static void run(const struct bench *bench, const char *name)
{
	/* The arguments of forced_read; the other programs use none. */
	__u64 args[1] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(find(bench, name)), &opts);

	if (err)
		die(name, err);
}

static void account_of(const struct bench *bench, const char *name, __u64 *ns, __u64 *cnt)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(bpf_program__fd(find(bench, name)), &info, &len);

	if (err)
		die("run-time statistics", err);
	*ns = info.run_time_ns;
	*cnt = info.run_cnt;
}

/* Makes the slot of the CPU look as if a window were open, so that stints begin and end. */
static void open_slot(const struct bench *bench, int cpu, bool open)
{
	bench->skel->bss->slots[cpu] = (struct cpu_slot){ .tid = open, .entry_ns = !open };
}

static double measure(const struct bench *bench, const struct row *row)
{
	__u64 ns, cnt, ns_before, cnt_before;

	account_of(bench, row->timed, &ns_before, &cnt_before);
	for (long i = 0; i < bench->runs; i++) {
		if (row->before)
			run(bench, row->before);
		run(bench, row->timed);
	}
	account_of(bench, row->timed, &ns, &cnt);
	if (cnt - cnt_before != (__u64)bench->runs)
		die("a run is missing in the statistics", EIO);
	return (double)(ns - ns_before) / (double)(cnt - cnt_before);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Prints the median of several measurements as a row. */
static double print_row(const struct bench *bench, const struct row *row, double nothing_ns,
			int cpu)
{
	double readings[READINGS], median;

	open_slot(bench, cpu, row->needs_slot);
	for (int i = 0; i < READINGS; i++)
		readings[i] = measure(bench, row) - nothing_ns;
	qsort(readings, READINGS, sizeof(readings[0]), compare_doubles);
	median = readings[READINGS / 2];
	printf("{\"name\":\"%s\",\"kernel\":\"%s\",\"kind\":\"native\",\"ns\":%.1f,\"readings\":[",
	       row->name, bench->host.release, median);
	for (int i = 0; i < READINGS; i++)
		printf("%s%.1f", i ? "," : "", readings[i]);
	puts("]}");
	return median;
}

static void load(struct bench *bench, int cpu)
{
	int tsc_fd = open_tsc(cpu), cpu_cnt = libbpf_num_possible_cpus(), err;
	const __u32 index = 1;

	bench->skel = native_bpf__open();
	if (!bench->skel || cpu_cnt < 0)
		die("opening the programs", errno);
	for (size_t i = 0; i < ROW_CNT; i++) {
		bpf_program__set_autoload(find(bench, rows[i].timed), true);
		if (rows[i].before)
			bpf_program__set_autoload(find(bench, rows[i].before), true);
	}
	bpf_program__set_autoload(bench->skel->progs.native_adopt, true);
	bpf_map__set_max_entries(bench->skel->maps.counter_events,
				 (__u32)cpu_cnt * EVENT_CNT_PER_CPU);
	err = native_bpf__load(bench->skel);
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd(bench->skel->maps.free_indexes), NULL, &index,
					  BPF_ANY);
	/* No CPU here has MPERF: TSC stands for it. */
	for (int event = 0; !err && event < EVENT_CNT_PER_CPU; event++) {
		__u32 key = (__u32)(cpu * EVENT_CNT_PER_CPU + event);

		err = bpf_map__update_elem(bench->skel->maps.counter_events, &key, sizeof(key),
					   &tsc_fd, sizeof(tsc_fd), BPF_ANY);
	}
	if (err)
		die("loading the programs (are KVM's types in this kernel's BTF?)", err);
}

int main(int argc, char **argv)
{
	struct bench bench = { .runs = argc > 1 ? atol(argv[1]) : RUNS_DEFAULT };
	double nothing_ns = 0;
	cpu_set_t cpus;
	int cpu;

	if (bench.runs <= 0) {
		fprintf(stderr, "usage: native [RUNS]\n");
		return 2;
	}
	cpu = sched_getcpu();
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (cpu < 0 || sched_setaffinity(0, sizeof(cpus), &cpus) || uname(&bench.host))
		die("pinning", errno);
	load(&bench, cpu);
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		die("bpf_stats", errno);
	run(&bench, "native_adopt");
	for (size_t i = 0; i < ROW_CNT; i++) {
		double ns = print_row(&bench, &rows[i], nothing_ns, cpu);

		if (!i)
			nothing_ns = ns;
	}
	native_bpf__destroy(bench.skel);
	return 0;
}
