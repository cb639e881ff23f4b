// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "measure/counters.h"
#include "measure/cpu_event.h"
#include "measure/host_rights.h"
#include "measure/opener.h"
#include "base/clock.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "base/number.h"

/* Beside the events: BPF maps, programs and links, /proc, stdio. */
#define SPARE_FDS 128

struct counters {
	__u32 pmu_type;
	__u64 mperf_config, tsc_config;
	struct opener *opener; /* NULL: this process opens them itself */
	int cpu_cnt;
	int fds[];
};

static int open_alone(const struct counters *counters, __u64 config, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = counters->pmu_type,
		.config = config,
	};

	return cpu_event__open(&attr, cpu, -1);
}

static int open_mperf(const struct counters *counters, int cpu)
{
	return open_alone(counters, counters->mperf_config, cpu);
}

/* For so long TSC is held against the clock where the kernel does not tell its rate. */
#define RATE_SPAN_NS 100000000ULL

/* The kernel tells it where its clock is TSC (arch_perf_update_userpage()): the factor that it uses itself. */
static bool ask_rate(int fd, double *ns_per_cycle)
{
	const volatile struct perf_event_mmap_page *page =
		mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	bool known;

	if (page == MAP_FAILED)
		return false;
	known = page->cap_user_time && page->time_mult;
	if (known)
		*ns_per_cycle = (double)page->time_mult / (double)(1ULL << page->time_shift);
	munmap((void *)page, (size_t)sysconf(_SC_PAGESIZE));
	return known;
}

static void measure_rate(double *ns_per_cycle)
{
	struct clock_reading first, now;

	clock__read(&first);
	do
		clock__read(&now);
	while (now.raw_ns - first.raw_ns < RATE_SPAN_NS);
	*ns_per_cycle =
		(double)(now.raw_ns - first.raw_ns) / (double)(now.tsc_cycles - first.tsc_cycles);
}

int counters__ns_per_tsc_cycle(const struct counters *counters, double *ns_per_cycle)
{
	int fd = -ENODEV;

	for (int cpu = 0; cpu < counters->cpu_cnt && fd == -ENODEV; cpu++)
		fd = open_alone(counters, counters->tsc_config, cpu);
	if (fd < 0)
		return fd;
	if (!ask_rate(fd, ns_per_cycle)) {
		pr_info("the kernel's clock is not TSC alone: its rate is measured");
		measure_rate(ns_per_cycle);
	}
	close(fd);
	return 0;
}

/* "0x02" of an events file that reads "event=0x02". */
static int parse_config(const char *text, __u64 *config)
{
	static const char prefix[] = "event=0x";
	char *end;

	if (strncmp(text, prefix, strlen(prefix)))
		return -EINVAL;
	text += strlen(prefix);
	if (!isxdigit((unsigned char)*text))
		return -EINVAL;
	*config = strtoull(text, &end, 16);
	return *end == '\n' || *end == '\0' ? 0 : -EINVAL;
}

#define PMU "sys/bus/event_source/devices/msr"

static int find_config(const struct hostfs *fs, const char *event, __u64 *config)
{
	char text[64];
	ssize_t n = hostfs__read(fs, text, sizeof(text), PMU "/events/%s", event);

	return n < 0 ? (int)n : parse_config(text, config);
}

static int find_events(const struct hostfs *fs, struct counters *counters)
{
	char text[64];
	__u64 type;
	ssize_t n;
	int err;

	n = hostfs__read(fs, text, sizeof(text), PMU "/type");
	if (n < 0)
		return (int)n;
	text[strcspn(text, "\n")] = '\0';
	if (number__parse(text, UINT32_MAX, &type))
		return -EINVAL;
	counters->pmu_type = (__u32)type;
	err = find_config(fs, "tsc", &counters->tsc_config);
	return err ? err : find_config(fs, "mperf", &counters->mperf_config);
}

/* A descriptor a CPU, and the usual soft limit is 1024. */
static void raise_fd_limit(int cpu_cnt)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= (rlim_t)cpu_cnt + SPARE_FDS)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_all(struct counters *counters)
{
	int opened = 0;

	raise_fd_limit(counters->cpu_cnt);

	for (int cpu = 0; cpu < counters->cpu_cnt; cpu++) {
		int fd = open_mperf(counters, cpu);

		/* ENODEV: the CPU is offline, or possible only on paper. */
		if (fd < 0 && fd != -ENODEV) {
			char what[32];

			snprintf(what, sizeof(what), "open MPERF on CPU %d", cpu);
			return host_rights__refused(fd, what, "perf_event_open", false);
		}
		counters->fds[cpu] = fd < 0 ? -1 : fd;
		opened += fd >= 0;
	}
	pr_info("MPERF is read on %d of %d possible CPUs", opened, counters->cpu_cnt);
	return 0;
}

int counters__new_closed(const struct hostfs *fs, int cpu_cnt, struct counters **out)
{
	struct counters *counters = malloc(sizeof(*counters) + (size_t)cpu_cnt * sizeof(int));
	int err;

	if (!counters)
		return -ENOMEM;
	counters->opener = NULL;
	counters->cpu_cnt = cpu_cnt;
	for (int cpu = 0; cpu < cpu_cnt; cpu++)
		counters->fds[cpu] = -1;

	err = find_events(fs, counters);
	if (err) {
		pr_err("cannot find MPERF in the perf msr PMU: %s", strerror(-err));
		counters__free(counters);
		return -EOPNOTSUPP;
	}
	*out = counters;
	return 0;
}

int counters__new(const struct hostfs *fs, int cpu_cnt, struct counters **out)
{
	struct counters *counters;
	int err = counters__new_closed(fs, cpu_cnt, &counters);

	if (err)
		return err;
	err = open_all(counters);
	if (err) {
		counters__free(counters);
		return err;
	}
	*out = counters;
	return 0;
}

void counters__free(struct counters *counters)
{
	if (!counters)
		return;
	opener__free(counters->opener);
	for (int cpu = 0; cpu < counters->cpu_cnt; cpu++)
		if (counters->fds[cpu] >= 0)
			close(counters->fds[cpu]);
	free(counters);
}

int counters__fd(const struct counters *counters, int cpu)
{
	return counters->fds[cpu];
}

int counters__start_opener(struct counters *counters, const char *user)
{
	const struct opener_opts opts = {
		.type = counters->pmu_type,
		.config = counters->mperf_config,
		.cpu_cnt = counters->cpu_cnt,
		.user = user,
	};

	return opener__new(&opts, &counters->opener);
}

int counters__reopen(struct counters *counters, int cpu)
{
	int fd;

	if (counters->fds[cpu] >= 0)
		close(counters->fds[cpu]);
	fd = counters->opener ? opener__open(counters->opener, cpu) : open_mperf(counters, cpu);
	counters->fds[cpu] = fd < 0 ? -1 : fd;
	return fd;
}

static int read_count(int fd, __u64 *count)
{
	ssize_t n = read(fd, count, sizeof(*count));

	if (n < 0)
		return -errno;
	/* End of file: the event is in error, as one whose CPU has gone can be. */
	return n == sizeof(*count) ? 0 : -ENODEV;
}

int counters__stand_still(const struct counters *counters, int cpu)
{
	int fd = counters->fds[cpu];
	__u64 first, again;
	int err;

	if (fd < 0)
		return -ENODEV;
	err = read_count(fd, &first);
	if (!err)
		err = read_count(fd, &again);
	return err ? err : first == again;
}

int counter_pair__open(const struct counters *counters, int cpu, struct counter_pair *pair)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = counters->pmu_type,
		.config = counters->tsc_config,
		.read_format = PERF_FORMAT_GROUP,
	};
	int tsc_fd = cpu_event__open(&attr, cpu, -1), mperf_fd;

	if (tsc_fd < 0)
		return tsc_fd;
	attr.config = counters->mperf_config;
	mperf_fd = cpu_event__open(&attr, cpu, tsc_fd);
	if (mperf_fd < 0) {
		close(tsc_fd);
		return mperf_fd;
	}
	*pair = (struct counter_pair){ tsc_fd, mperf_fd };
	return 0;
}

void counter_pair__close(struct counter_pair *pair)
{
	close(pair->mperf_fd);
	close(pair->tsc_fd);
}

int counter_pair__read(const struct counter_pair *pair, struct pair_reading *reading)
{
	/* PERF_FORMAT_GROUP: the leader's first. */
	struct {
		__u64 cnt, tsc_cycles, mperf_cycles;
	} group;
	ssize_t n = read(pair->tsc_fd, &group, sizeof(group));

	if (n < 0)
		return -errno;
	if (n != sizeof(group) || group.cnt != 2)
		return -EIO;
	*reading = (struct pair_reading){ group.tsc_cycles, group.mperf_cycles };
	return 0;
}
