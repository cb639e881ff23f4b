// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "gtimehalt.h"
#include "measure/counters.h"
#include "measure/cpu_event.h"
#include "measure/host_rights.h"
#include "measure/opener.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "base/number.h"

struct counters {
	struct cpu_events events;
	struct opener *opener; /* NULL: this process opens them itself */
	const struct opener_ops *opener_ops;
	int cpu_cnt;
	int fds[][EVENT_CNT_PER_CPU];
};

static int open_cpu(struct counters *counters, int cpu)
{
	int *fds = counters->fds[cpu];

	return counters->opener ? counters->opener_ops->open(counters->opener, cpu, fds)
				: cpu_events__open(&counters->events, cpu, fds);
}

/* Parses the content of an event's file, such as "event=0x02". */
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
	counters->events.type = (__u32)type;
	err = find_config(fs, "tsc", &counters->events.configs[EVENT_TSC]);
	return err ? err : find_config(fs, "mperf", &counters->events.configs[EVENT_MPERF]);
}

static int open_all(struct counters *counters)
{
	int opened = 0;

	for (int cpu = 0; cpu < counters->cpu_cnt; cpu++) {
		int err = open_cpu(counters, cpu);

		/* ENODEV: the CPU is offline, or only possible. */
		if (err && err != -ENODEV) {
			char what[32];

			snprintf(what, sizeof(what), "open MPERF on CPU %d", cpu);
			return host_rights__refused(err, what, "perf_event_open", false);
		}
		opened += !err;
	}
	pr_info("MPERF is read on %d of %d possible CPUs", opened, counters->cpu_cnt);
	return 0;
}

int counters__new_closed(const struct hostfs *fs, int cpu_cnt, struct counters **out)
{
	size_t fds_size = (size_t)cpu_cnt * EVENT_CNT_PER_CPU * sizeof(int);
	struct counters *counters = malloc(sizeof(*counters) + fds_size);
	int err;

	if (!counters)
		return -ENOMEM;
	counters->opener = NULL;
	counters->cpu_cnt = cpu_cnt;
	memset(counters->fds, -1, fds_size);

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
	if (counters->opener)
		counters->opener_ops->free(counters->opener);
	for (int cpu = 0; cpu < counters->cpu_cnt; cpu++)
		cpu_events__close(counters->fds[cpu]);
	free(counters);
}

int counters__fd(const struct counters *counters, int cpu)
{
	return counters->fds[cpu][EVENT_MPERF];
}

int counters__hand_over(const struct counters *counters, int cpu, int map_fd)
{
	for (int event = 0; event < EVENT_CNT_PER_CPU; event++) {
		__u32 index = (__u32)(cpu * EVENT_CNT_PER_CPU + event);
		const int *fd = &counters->fds[cpu][event];
		int err = *fd < 0 ? 0 : bpf_map_update_elem(map_fd, &index, fd, BPF_ANY);

		if (err)
			return err;
	}
	return 0;
}

int counters__start_opener(struct counters *counters, const struct opener_ops *ops,
			   const char *user)
{
	const struct opener_opts opts = {
		.events = counters->events,
		.cpu_cnt = counters->cpu_cnt,
		.user = user,
	};

	counters->opener_ops = ops;
	return ops->start(&opts, &counters->opener);
}

int counters__reopen(struct counters *counters, int cpu)
{
	cpu_events__close(counters->fds[cpu]);
	return open_cpu(counters, cpu);
}

static int read_count(int fd, __u64 *count)
{
	ssize_t n = read(fd, count, sizeof(*count));

	if (n < 0)
		return -errno;
	/*
	 * End of file: the event is in an error state, which can happen when its CPU went offline.
	 */
	return n == sizeof(*count) ? 0 : -ENODEV;
}

int counters__stand_still(const struct counters *counters, int cpu)
{
	int fd = counters__fd(counters, cpu);
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
	return cpu_events__open(&counters->events, cpu, pair->fds);
}

void counter_pair__close(struct counter_pair *pair)
{
	cpu_events__close(pair->fds);
}

int counter_pair__read(const struct counter_pair *pair, struct pair_reading *reading)
{
	/* PERF_FORMAT_GROUP: the leader's count comes first. */
	struct {
		__u64 cnt, tsc_cycles, mperf_cycles;
	} group;
	ssize_t n = read(pair->fds[EVENT_TSC], &group, sizeof(group));

	if (n < 0)
		return -errno;
	if (n != sizeof(group) || group.cnt != 2)
		return -EIO;
	*reading = (struct pair_reading){ group.tsc_cycles, group.mperf_cycles };
	return 0;
}
