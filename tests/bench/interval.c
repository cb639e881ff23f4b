// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cost of one interval in user space: CPU time and memory, by the number of vCPUs. The tool's
 * own code reads a real BPF map and the real /proc, which the benchmark fills: processes of VMs
 * with threads named like QEMU's, and sums for each thread. Nothing is attached; no KVM is needed.
 *
 * usage: interval VCPUS [INTERVALS]       prints a row as JSON
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "report/account.h"
#include "measure/bpf_loader.h"
#include "measure/bpf_reader.h"
#include "fake_host.h"
#include "gtimehalt.h"
#include "measure/hooks.h"
#include "render/render.h"
#include "report/snapshot.h"
#include "measure/snapshot_taker.h"

#define INTERVALS_DEFAULT 30
#define INTERVAL_US       20000

/* The parts of an interval, in the order in which gtimehalt.c runs them. */
enum part {
	PART_SAMPLE,
	PART_ACCOUNT,
	PART_TABLE,
	PART_JSON, /* instead of the table */
	PART_CNT
};

/*
 * CPU time that bpf_reader has used in all PART_SAMPLE so far; the rest of PART_SAMPLE is for
 * /proc.
 */
static __u64 reader_ns;

struct bench {
	struct fake_host host;
	struct bpf_loader *loader;
	struct snapshot_taker *taker;
	int map_fd;
	struct snapshot snaps[2];
	struct report report;
	struct view view;
	FILE *out;
};

static __u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

int __real_bpf_reader__read(struct bpf_reader *reader, struct snapshot *snap);
int __wrap_bpf_reader__read(struct bpf_reader *reader, struct snapshot *snap);

int __wrap_bpf_reader__read(struct bpf_reader *reader, struct snapshot *snap)
{
	__u64 begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	int err = __real_bpf_reader__read(reader, snap);

	reader_ns += now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
	return err;
}

/* Returns the loader's own map: the newest one with this name. */
static int find_map(const char *name)
{
	int found = -1;
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && !strcmp(info.name, name)) {
			if (found >= 0)
				close(found);
			found = fd;
		} else {
			close(fd);
		}
	}
	if (found < 0)
		die("the map of vCPUs", ENOENT);
	return found;
}

/*
 * Sets the sums that vCPUs have after this number of intervals if they are halted for 70 % of their
 * loaded time (with a TSC of 2.5 GHz) and exit 1000 times a second.
 */
static void fill_map(const struct bench *bench, unsigned int step)
{
	__u64 now = now_ns(CLOCK_MONOTONIC);

	for (unsigned int i = 0; i < bench->host.vcpu_cnt; i++) {
		pid_t pid = bench->host.pids[i / FAKE_HOST_VCPUS_OF_VM];
		__u64 ran_ns = (__u64)(step + 1) * (INTERVAL_US * 900ULL + i * 37);
		struct vcpu_sums sums = {
			.tid = (__u32)bench->host.tids[i],
			.thread_boottime_ns = bench->host.births_ns[i / FAKE_HOST_VCPUS_OF_VM],
			.start_boottime_ns = bench->host.births_ns[i / FAKE_HOST_VCPUS_OF_VM],
			.vm_id = (__u64)pid,
			.tgid = (__u32)pid,
			.vcpu_id = i % FAKE_HOST_VCPUS_OF_VM,
			.at_ns = now,
			.ran_ns = ran_ns,
			.local.tsc_cycles = ran_ns,
			.local.mperf_cycles = ran_ns * 3 / 4,
			.local.guest_ns = ran_ns * 19 / 20,
			.local.entry_cnt = (step + 1) * 20ULL,
			.wait_ns = ran_ns / 50,
		};
		/* Index 0 is nobody's. */
		__u32 index = i + 1;
		int err = bpf_map_update_elem(bench->map_fd, &index, &sums, BPF_ANY);

		if (err)
			die("filling the map", err);
	}
}

/* Runs a part as gtimehalt.c does. */
static void run_part(struct bench *bench, enum part part, unsigned int step)
{
	struct snapshot *cur = &bench->snaps[step & 1], *prev = &bench->snaps[~step & 1];
	int err;

	switch (part) {
	case PART_SAMPLE:
		err = snapshot_taker__take(bench->taker, cur);
		break;
	case PART_ACCOUNT:
		err = account__report(prev, cur, &bench->report);
		break;
	case PART_TABLE:
		err = view__make(&bench->report, &(struct view_opts){ 0 }, &bench->view);
		if (!err)
			err = render__table(&bench->report, &bench->view, 0, bench->out);
		break;
	default:
		err = render__json(&bench->report, bench->out);
		break;
	}
	if (err)
		die("an interval", err);
}

/* Returns VmHWM in kB, the peak of resident memory since it was reset. */
static long peak_kb(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kb = -1;

	if (!file)
		die("status", errno);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			break;
	fclose(file);
	return kb;
}

static void reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "5", 1) != 1)
		die("clear_refs", errno);
	close(fd);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values, unsigned int cnt)
{
	qsort(values, cnt, sizeof(*values), compare);
	return values[cnt / 2];
}

static void open_all(struct bench *bench)
{
	static const struct hook_plan no_hooks;
	struct bpf_loader_opts loader_opts = {
		.fs = &bench->host.fs, .plan = &no_hooks, .mode = MODE_ENTRY, .mperf_ratio = 1
	};
	struct snapshot_taker_opts taker_opts = { .fs = &bench->host.fs };
	int err;

	err = bpf_loader__new(&loader_opts, &bench->loader);
	if (err)
		die("the loader (are KVM's types in this kernel's BTF?)", err);
	bench->map_fd = find_map("vcpus");
	taker_opts.reader = bpf_loader__bpf_reader(bench->loader);
	err = snapshot_taker__new(&taker_opts, &bench->taker);
	bench->out = fopen("/dev/null", "we");
	if (err || !bench->out)
		die("the snapshots", err);
}

int main(int argc, char **argv)
{
	struct bench bench = { .map_fd = -1 };
	unsigned int vcpu_cnt = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	unsigned int interval_cnt = argc > 2 ? (unsigned int)atoi(argv[2]) : INTERVALS_DEFAULT;
	double *ms[PART_CNT + 1], whole, read_ms;
	long start_kb, interval_kb;
	struct utsname machine;

	if (!vcpu_cnt || vcpu_cnt >= GTIMEHALT_MAX_VCPUS || !interval_cnt) {
		fprintf(stderr, "usage: interval VCPUS [INTERVALS]\n");
		return 2;
	}
	for (unsigned int i = 0; i <= PART_CNT; i++)
		ms[i] = calloc(interval_cnt, sizeof(**ms));
	uname(&machine);
	fake_host__start(&bench.host, vcpu_cnt);
	open_all(&bench);
	start_kb = peak_kb();
	reset_peak();
	fill_map(&bench, 0);
	run_part(&bench, PART_SAMPLE, 0);
	reader_ns = 0;
	for (unsigned int i = 0; i < interval_cnt; i++) {
		usleep(INTERVAL_US);
		fill_map(&bench, i + 1);
		for (enum part part = 0; part < PART_CNT; part++) {
			__u64 begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);

			run_part(&bench, part, i + 1);
			ms[part][i] = (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e6;
			/* The total includes the table, not JSON. */
			if (part != PART_JSON)
				ms[PART_CNT][i] += ms[part][i];
		}
		if (bench.report.vcpu_cnt != vcpu_cnt || bench.report.vm_cnt != bench.host.vm_cnt)
			die("the report does not contain all vCPUs", EIO);
	}
	interval_kb = peak_kb();
	read_ms = (double)reader_ns / 1e6 / interval_cnt;
	whole = median(ms[PART_CNT], interval_cnt);
	printf("{\"name\":\"%u vCPUs\",\"kernel\":\"%s\",\"kind\":\"interval\",\"cpu_ms\":%.2f,"
	       "\"reader_ms\":%.2f,\"proc_ms\":%.2f,\"account_ms\":%.2f,\"table_ms\":%.2f,\"json_ms\":%.2f,\"intervals\":%u,"
	       "\"peak_mib\":%.1f,\"peak_start_mib\":%.1f}\n",
	       vcpu_cnt, machine.release, whole, read_ms,
	       median(ms[PART_SAMPLE], interval_cnt) - read_ms,
	       median(ms[PART_ACCOUNT], interval_cnt), median(ms[PART_TABLE], interval_cnt),
	       median(ms[PART_JSON], interval_cnt), interval_cnt, (double)interval_kb / 1024,
	       (double)start_kb / 1024);
	fake_host__stop(&bench.host);
	return 0;
}
