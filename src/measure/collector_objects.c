// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <string.h>
#include "measure/collector.h"
#include "measure/collector_state.h"
#include "measure/pin.h"

struct meter *collector__meter(const struct collector *c)
{
	return c->meter;
}

int collector__object_fd(const struct collector *c, const char *name)
{
	const struct gtimehalt_bpf *skel = c->skel;
	const struct {
		const char *name;
		const struct bpf_map *map;
	} maps[] = {
		{ PIN_ABOUT, skel->maps.about },
		{ PIN_VCPUS, skel->maps.vcpus },
		{ PIN_ENDED, skel->maps.ended },
		{ PIN_SHARED, skel->maps.bss },
		{ PIN_MPERF_EVENTS, skel->maps.mperf_events },
		{ PIN_TSC_EVENTS, skel->maps.tsc_events },
		{ PIN_CPU_BEATS, skel->maps.cpu_beats },
	};

	/* libbpf has a descriptor of a map that is not created, too: it is of something else. */
	if (!strcmp(name, PIN_STINTS))
		return c->histogram ? bpf_map__fd(skel->maps.stints) : -1;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (!strcmp(name, maps[i].name))
			return bpf_map__fd(maps[i].map);
	if (!strcmp(name, PIN_FORCED_READ))
		return bpf_program__fd(skel->progs.forced_read);
	if (!strcmp(name, PIN_HEARTBEAT))
		return bpf_program__fd(skel->progs.heartbeat);
	for (size_t i = 0; i < c->plan->point_cnt && !strcmp(name, PIN_STAT); i++)
		if (c->plan->points[i].by == ATTACH_ITERATOR)
			return bpf_link__fd(c->links[i]);
	return -1;
}

int collector__link_fd(const struct collector *c, size_t i, const char **program)
{
	if (i >= c->plan->point_cnt)
		return -1;
	*program = c->plan->points[i].program;
	return bpf_link__fd(c->links[i]);
}

const struct counters *collector__counters(const struct collector *c)
{
	return c->counters;
}

size_t collector__program_stats(const struct collector *c, struct program_stats *stats, size_t max)
{
	struct bpf_program *prog;
	size_t cnt = 0;

	if (!program_clock__runs(&c->program_clock))
		return 0;
	bpf_object__for_each_program(prog, c->skel->obj)
	{
		int fd = bpf_program__fd(prog);

		if (cnt < max && fd >= 0)
			cnt += !program_stats__read(fd, bpf_program__name(prog), &stats[cnt]);
	}
	return cnt;
}

int collector__cpu_cnt(const struct collector *c)
{
	return c->cpu_cnt;
}

size_t collector__shared_size(void)
{
	return sizeof(struct gtimehalt_bpf__bss);
}

const volatile struct cpu_slot *collector__shared_slots(const void *shared)
{
	return ((const struct gtimehalt_bpf__bss *)shared)->slots;
}
