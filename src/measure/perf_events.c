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
#include "measure/perf_events.h"
#include "measure/cpu_event.h"
#include "measure/host_rights.h"
#include "measure/perf_helper.h"
#include "base/hostfs.h"
#include "base/log.h"
#include "base/number.h"

struct perf_events {
	struct cpu_events attrs;
	struct perf_helper *helper; /* NULL: this process opens them itself */
	const struct perf_helper_ops *helper_ops;
	int cpu_cnt;
	int fds[][EVENT_CNT_PER_CPU];
};

static int open_cpu(struct perf_events *events, int cpu)
{
	int *fds = events->fds[cpu];

	return events->helper ? events->helper_ops->open(events->helper, cpu, fds)
			      : cpu_events__open(&events->attrs, cpu, fds);
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

static int find_events(const struct hostfs *fs, struct perf_events *events)
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
	events->attrs.type = (__u32)type;
	err = find_config(fs, "tsc", &events->attrs.configs[EVENT_TSC]);
	return err ? err : find_config(fs, "mperf", &events->attrs.configs[EVENT_MPERF]);
}

static int open_all(struct perf_events *events)
{
	int opened = 0;

	for (int cpu = 0; cpu < events->cpu_cnt; cpu++) {
		int err = open_cpu(events, cpu);

		/* ENODEV: the CPU is offline, or only possible. */
		if (err && err != -ENODEV) {
			char what[32];

			snprintf(what, sizeof(what), "open MPERF on CPU %d", cpu);
			return host_rights__refused(err, what, "perf_event_open", false);
		}
		opened += !err;
	}
	pr_info("MPERF is read on %d of %d possible CPUs", opened, events->cpu_cnt);
	return 0;
}

int perf_events__new_closed(const struct hostfs *fs, int cpu_cnt, struct perf_events **out)
{
	size_t fds_size = (size_t)cpu_cnt * EVENT_CNT_PER_CPU * sizeof(int);
	struct perf_events *events = malloc(sizeof(*events) + fds_size);
	int err;

	if (!events)
		return -ENOMEM;
	events->helper = NULL;
	events->cpu_cnt = cpu_cnt;
	memset(events->fds, -1, fds_size);

	err = find_events(fs, events);
	if (err) {
		pr_err("cannot find MPERF in the perf msr PMU: %s", strerror(-err));
		perf_events__free(events);
		return -EOPNOTSUPP;
	}
	*out = events;
	return 0;
}

int perf_events__new(const struct hostfs *fs, int cpu_cnt, struct perf_events **out)
{
	struct perf_events *events;
	int err = perf_events__new_closed(fs, cpu_cnt, &events);

	if (err)
		return err;
	err = open_all(events);
	if (err) {
		perf_events__free(events);
		return err;
	}
	*out = events;
	return 0;
}

void perf_events__free(struct perf_events *events)
{
	if (!events)
		return;
	if (events->helper)
		events->helper_ops->free(events->helper);
	for (int cpu = 0; cpu < events->cpu_cnt; cpu++)
		cpu_events__close(events->fds[cpu]);
	free(events);
}

int perf_events__fd(const struct perf_events *events, int cpu)
{
	return events->fds[cpu][EVENT_MPERF];
}

int perf_events__hand_over(const struct perf_events *events, int cpu, int map_fd)
{
	for (int event = 0; event < EVENT_CNT_PER_CPU; event++) {
		__u32 index = (__u32)(cpu * EVENT_CNT_PER_CPU + event);
		const int *fd = &events->fds[cpu][event];
		int err = *fd < 0 ? 0 : bpf_map_update_elem(map_fd, &index, fd, BPF_ANY);

		if (err)
			return err;
	}
	return 0;
}

int perf_events__start_helper(struct perf_events *events, const struct perf_helper_ops *ops,
			      const char *user)
{
	const struct perf_helper_opts opts = {
		.events = events->attrs,
		.cpu_cnt = events->cpu_cnt,
		.user = user,
	};

	events->helper_ops = ops;
	return ops->start(&opts, &events->helper);
}

int perf_events__reopen(struct perf_events *events, int cpu)
{
	cpu_events__close(events->fds[cpu]);
	return open_cpu(events, cpu);
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

int perf_events__have_stopped(const struct perf_events *events, int cpu)
{
	int fd = perf_events__fd(events, cpu);
	__u64 first, again;
	int err;

	if (fd < 0)
		return -ENODEV;
	err = read_count(fd, &first);
	if (!err)
		err = read_count(fd, &again);
	return err ? err : first == again;
}

int perf_pair__open(const struct perf_events *events, int cpu, struct perf_pair *pair)
{
	return cpu_events__open(&events->attrs, cpu, pair->fds);
}

void perf_pair__close(struct perf_pair *pair)
{
	cpu_events__close(pair->fds);
}

int perf_pair__read(const struct perf_pair *pair, struct pair_reading *reading)
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
