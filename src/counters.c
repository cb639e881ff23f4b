// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "counters.h"
#include "hostfs.h"
#include "log.h"
#include "number.h"

/* Beside the events: BPF maps, programs and links, /proc, stdio. */
#define SPARE_FDS 128

struct counters {
	__u32 pmu_type;
	__u64 config;
	int cpu_cnt;
	int fds[];
};

static int open_event(const struct counters *counters, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = counters->pmu_type,
		.config = counters->config,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
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

static int find_event(const struct hostfs *fs, struct counters *counters)
{
	static const char pmu[] = "sys/bus/event_source/devices/msr";
	char text[64];
	__u64 type;
	ssize_t n;

	n = hostfs__read(fs, text, sizeof(text), "%s/type", pmu);
	if (n < 0)
		return (int)n;
	text[strcspn(text, "\n")] = '\0';
	if (number__parse(text, UINT32_MAX, &type))
		return -EINVAL;
	counters->pmu_type = (__u32)type;
	n = hostfs__read(fs, text, sizeof(text), "%s/events/mperf", pmu);
	if (n < 0)
		return (int)n;
	return parse_config(text, &counters->config);
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
		int fd = open_event(counters, cpu);

		/* ENODEV: the CPU is offline, or possible only on paper. */
		if (fd < 0 && fd != -ENODEV) {
			pr_err("cannot open MPERF on CPU %d: %s", cpu, strerror(-fd));
			return fd == -EACCES || fd == -EPERM ? -EOPNOTSUPP : fd;
		}
		counters->fds[cpu] = fd < 0 ? -1 : fd;
		opened += fd >= 0;
	}
	pr_info("MPERF is read on %d of %d possible CPUs", opened, counters->cpu_cnt);
	return 0;
}

int counters__new(const struct hostfs *fs, int cpu_cnt, struct counters **out)
{
	struct counters *counters = malloc(sizeof(*counters) + (size_t)cpu_cnt * sizeof(int));
	int err;

	if (!counters)
		return -ENOMEM;
	counters->cpu_cnt = cpu_cnt;
	for (int cpu = 0; cpu < cpu_cnt; cpu++)
		counters->fds[cpu] = -1;

	err = find_event(fs, counters);
	if (err) {
		pr_err("cannot find MPERF in the perf msr PMU: %s", strerror(-err));
		err = -EOPNOTSUPP;
		goto fail;
	}
	err = open_all(counters);
	if (err)
		goto fail;
	*out = counters;
	return 0;
fail:
	counters__free(counters);
	return err;
}

void counters__free(struct counters *counters)
{
	if (!counters)
		return;
	for (int cpu = 0; cpu < counters->cpu_cnt; cpu++)
		if (counters->fds[cpu] >= 0)
			close(counters->fds[cpu]);
	free(counters);
}

int counters__fd(const struct counters *counters, int cpu)
{
	return counters->fds[cpu];
}

int counters__reopen(struct counters *counters, int cpu)
{
	int fd;

	if (counters->fds[cpu] >= 0)
		close(counters->fds[cpu]);
	fd = open_event(counters, cpu);
	counters->fds[cpu] = fd < 0 ? -1 : fd;
	return fd;
}
