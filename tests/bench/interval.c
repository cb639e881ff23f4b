// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What one interval costs in user space: CPU time and memory, with as many vCPUs as are asked for. It is the
 * tool's own code on the kernel's own map and /proc, which the bench fills: VM processes with threads that
 * are named as QEMU names them, and sums for each thread. Nothing is attached; no KVM is needed.
 *
 * usage: interval VCPUS [INTERVALS]	a row as JSON
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "account.h"
#include "collector.h"
#include "gtimehalt.h"
#include "hooks.h"
#include "hostfs.h"
#include "render.h"
#include "sampler.h"
#include "snapshot.h"

#define VCPUS_OF_VM       64
#define INTERVALS_DEFAULT 30
#define INTERVAL_US       20000
#define VM_LINK           "anon_inode:kvm-vm"
#define VM_STANDIN        "/memfd:bench-vm (deleted)"

/* The parts of an interval, as gtimehalt.c has them one after another. */
enum part {
	PART_SAMPLE,
	PART_ACCOUNT,
	PART_RENDER,
	PART_CNT
};

/* What of PART_SAMPLE went to the collector; the rest is for /proc. Since the process began. */
static __u64 collector_ns;

struct bench {
	unsigned int vcpu_cnt, vm_cnt;
	pid_t *pids;      /* of VMs */
	pid_t *tids;      /* of vCPUs */
	__u64 *births_ns; /* of VMs, CLOCK_BOOTTIME */
	char root[64];
	struct hostfs fs;
	struct collector *collector;
	struct sampler *sampler;
	int map_fd;
	struct snapshot snaps[2];
	struct report report;
	FILE *out;
};

static void die(const char *what, int err)
{
	fprintf(stderr, "interval: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static __u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

/* There is no KVM to open VMs of: a memfd stands for one, at the same price in /proc. Linked by --wrap. */
ssize_t __real_hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *format,
				...);
ssize_t __wrap_hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *format,
				...) __attribute__((format(printf, 4, 5)));

ssize_t __wrap_hostfs__readlink(const struct hostfs *fs, char *buf, size_t size, const char *format,
				...)
{
	char path[256], target[64];
	va_list args;
	ssize_t len;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	len = __real_hostfs__readlink(fs, target, sizeof(target), "%s", path);
	if (len < 0)
		return len;
	return snprintf(buf, size, "%s", strcmp(target, VM_STANDIN) ? target : VM_LINK);
}

int __real_collector__read(struct collector *collector, struct snapshot *snap);
int __wrap_collector__read(struct collector *collector, struct snapshot *snap);

int __wrap_collector__read(struct collector *collector, struct snapshot *snap)
{
	__u64 begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	int err = __real_collector__read(collector, snap);

	collector_ns += now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
	return err;
}

static void *sleep_forever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/* In a child: the threads of one VM, their TIDs to the pipe; then waits to be killed. */
static void run_vm(unsigned int vcpu_cnt, int pipe_fd)
{
	pthread_attr_t attr;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (memfd_create("bench-vm", MFD_CLOEXEC) < 0)
		die("memfd", errno);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	for (unsigned int i = 0; i < vcpu_cnt; i++) {
		char name[16];
		pthread_t thread;
		int err = pthread_create(&thread, &attr, sleep_forever, NULL);

		snprintf(name, sizeof(name), "CPU %u/KVM", i);
		if (err || pthread_setname_np(thread, name))
			die("a vCPU thread", err);
	}
	if (write(pipe_fd, "", 1) != 1)
		die("the pipe", errno);
	sleep_forever(NULL);
}

/* TIDs follow one another in a process that starts threads, but for those that others take meanwhile. */
static void read_tids(struct bench *bench, unsigned int vm, unsigned int vcpu_cnt)
{
	pid_t *tids = &bench->tids[vm * VCPUS_OF_VM], tid = bench->pids[vm];
	char path[64];

	for (unsigned int i = 0; i < vcpu_cnt; i++)
		do {
			tid++;
			snprintf(path, sizeof(path), "/proc/%d/task/%d", bench->pids[vm], tid);
			tids[i] = tid;
		} while (access(path, F_OK));
}

static __u64 birth_ns(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks;
	const char *field;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file) || fclose(file))
		die(path, errno);
	field = strrchr(text, ')');
	for (int i = 2; field && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, "%llu", &ticks) != 1)
		die(path, EPROTO);
	return ticks * (1000000000ULL / (__u64)sysconf(_SC_CLK_TCK));
}

static void start_vms(struct bench *bench)
{
	for (unsigned int vm = 0; vm < bench->vm_cnt; vm++) {
		unsigned int left = bench->vcpu_cnt - vm * VCPUS_OF_VM;
		unsigned int vcpu_cnt = left < VCPUS_OF_VM ? left : VCPUS_OF_VM;
		int fds[2];
		char byte;

		if (pipe2(fds, O_CLOEXEC))
			die("pipe", errno);
		bench->pids[vm] = fork();
		if (!bench->pids[vm])
			run_vm(vcpu_cnt, fds[1]);
		if (bench->pids[vm] < 0 || read(fds[0], &byte, 1) != 1)
			die("a VM process", errno);
		close(fds[0]);
		close(fds[1]);
		read_tids(bench, vm, vcpu_cnt);
		bench->births_ns[vm] = birth_ns(bench->pids[vm]);
	}
}

static void stop_vms(const struct bench *bench)
{
	for (unsigned int vm = 0; vm < bench->vm_cnt; vm++) {
		kill(bench->pids[vm], SIGKILL);
		waitpid(bench->pids[vm], NULL, 0);
	}
}

static void write_file(const char *root, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices/msr/%s", root, name);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file))
		die(path, errno);
}

/* A host whose MPERF is TSC, since there is none here; its /proc is the real one. */
static void make_root(struct bench *bench)
{
	static const char *const dirs[] = { "sys",
					    "sys/bus",
					    "sys/bus/event_source",
					    "sys/bus/event_source/devices",
					    "sys/bus/event_source/devices/msr",
					    "sys/bus/event_source/devices/msr/events" };
	char path[128], type[16];
	FILE *file = fopen("/sys/bus/event_source/devices/msr/type", "re");

	strcpy(bench->root, "/tmp/bench-root-XXXXXX");
	if (!file || !fgets(type, sizeof(type), file) || fclose(file) || !mkdtemp(bench->root))
		die("making a root with MPERF", errno);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", bench->root, dirs[i]);
		if (mkdir(path, 0700))
			die(path, errno);
	}
	write_file(bench->root, "type", type);
	write_file(bench->root, "events/mperf", "event=0x00\n");
	snprintf(path, sizeof(path), "%s/proc", bench->root);
	if (symlink("/proc", path) || hostfs__open(&bench->fs, bench->root))
		die(path, errno);
}

static void remove_root(const struct bench *bench)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", bench->root);
	if (system(command))
		fprintf(stderr, "interval: %s is left\n", bench->root);
}

/* The collector's own map: the last one of its name. */
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

/* Sums as after so many seconds of a vCPU that is 70 % halted and exits a thousand times a second. */
static void fill_map(const struct bench *bench, unsigned int step)
{
	__u64 now = now_ns(CLOCK_MONOTONIC);

	for (unsigned int i = 0; i < bench->vcpu_cnt; i++) {
		pid_t pid = bench->pids[i / VCPUS_OF_VM];
		__u64 ran_ns = (__u64)(step + 1) * (INTERVAL_US * 900ULL + i * 37);
		struct vcpu_sums sums = {
			.start_boottime_ns = bench->births_ns[i / VCPUS_OF_VM],
			.vm_id = 0xffff888000000000ULL + (__u64)pid * 4096,
			.tgid = (__u32)pid,
			.vcpu_id = i % VCPUS_OF_VM,
			.updated_ns = now,
			.loaded_ns = ran_ns,
			.measured_ns = ran_ns,
			.mperf_cycles = ran_ns * 3 / 4,
			.guest_ns = ran_ns * 19 / 20,
			.entry_cnt = (step + 1) * 20ULL,
			.wait_ns = ran_ns / 50,
		};
		int err = bpf_map_update_elem(bench->map_fd, &bench->tids[i], &sums, BPF_ANY);

		if (err)
			die("filling the map", err);
	}
}

/* As gtimehalt.c does it. */
static void run_part(struct bench *bench, enum part part, unsigned int step)
{
	struct snapshot *cur = &bench->snaps[step & 1], *prev = &bench->snaps[~step & 1];
	int err;

	switch (part) {
	case PART_SAMPLE:
		err = sampler__take(bench->sampler, cur);
		break;
	case PART_ACCOUNT:
		err = account__report(prev, cur, &bench->report);
		break;
	default:
		err = render__json(&bench->report, bench->out);
		break;
	}
	if (err)
		die("an interval", err);
}

/* "VmHWM:" of status in kB: the peak of what was resident since it was reset. */
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
	struct collector_opts collector_opts = {
		.fs = &bench->fs, .plan = &no_hooks, .mode = MODE_ENTRY, .mperf_ratio = 1
	};
	struct sampler_opts sampler_opts = { .fs = &bench->fs };
	int err;

	err = collector__new(&collector_opts, &bench->collector);
	if (err)
		die("the collector: this kernel cannot, KVM's types are not in its BTF?", err);
	bench->map_fd = find_map("vcpus");
	sampler_opts.collector = bench->collector;
	err = sampler__new(&sampler_opts, &bench->sampler);
	bench->out = fopen("/dev/null", "we");
	if (err || !bench->out)
		die("the sampler", err);
}

int main(int argc, char **argv)
{
	struct bench bench = { .vcpu_cnt = argc > 1 ? (unsigned int)atoi(argv[1]) : 0 };
	unsigned int interval_cnt = argc > 2 ? (unsigned int)atoi(argv[2]) : INTERVALS_DEFAULT;
	double *ms[PART_CNT + 1], whole, read_ms;
	long start_kb, interval_kb;
	struct utsname host;

	if (!bench.vcpu_cnt || bench.vcpu_cnt > GTIMEHALT_MAX_VCPUS || !interval_cnt) {
		fprintf(stderr, "usage: interval VCPUS [INTERVALS]\n");
		return 2;
	}
	bench.vm_cnt = (bench.vcpu_cnt + VCPUS_OF_VM - 1) / VCPUS_OF_VM;
	bench.pids = calloc(bench.vm_cnt, sizeof(*bench.pids));
	bench.births_ns = calloc(bench.vm_cnt, sizeof(*bench.births_ns));
	bench.tids = calloc((size_t)bench.vm_cnt * VCPUS_OF_VM, sizeof(*bench.tids));
	for (unsigned int i = 0; i <= PART_CNT; i++)
		ms[i] = calloc(interval_cnt, sizeof(**ms));
	uname(&host);
	start_vms(&bench);
	make_root(&bench);
	open_all(&bench);
	start_kb = peak_kb();
	reset_peak();
	fill_map(&bench, 0);
	run_part(&bench, PART_SAMPLE, 0);
	collector_ns = 0;
	for (unsigned int i = 0; i < interval_cnt; i++) {
		usleep(INTERVAL_US);
		fill_map(&bench, i + 1);
		for (enum part part = 0; part < PART_CNT; part++) {
			__u64 begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);

			run_part(&bench, part, i + 1);
			ms[part][i] = (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e6;
			ms[PART_CNT][i] += ms[part][i];
		}
		if (bench.report.vcpu_cnt != bench.vcpu_cnt || bench.report.vm_cnt != bench.vm_cnt)
			die("the report is not of all vCPUs", EIO);
	}
	interval_kb = peak_kb();
	read_ms = (double)collector_ns / 1e6 / interval_cnt;
	whole = median(ms[PART_CNT], interval_cnt);
	printf("{\"name\":\"%u vCPUs\",\"kernel\":\"%s\",\"kind\":\"interval\",\"cpu_ms\":%.2f,"
	       "\"collector_ms\":%.2f,\"proc_ms\":%.2f,\"account_ms\":%.2f,\"render_ms\":%.2f,\"intervals\":%u,"
	       "\"peak_mib\":%.1f,\"peak_start_mib\":%.1f}\n",
	       bench.vcpu_cnt, host.release, whole, read_ms,
	       median(ms[PART_SAMPLE], interval_cnt) - read_ms,
	       median(ms[PART_ACCOUNT], interval_cnt), median(ms[PART_RENDER], interval_cnt),
	       interval_cnt, (double)interval_kb / 1024, (double)start_kb / 1024);
	stop_vms(&bench);
	remove_root(&bench);
	return 0;
}
