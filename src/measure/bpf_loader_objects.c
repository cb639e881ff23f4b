// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "measure/bpf_loader.h"
#include "measure/bpf_loader_state.h"
#include "measure/pin_dir.h"
#include "measure/pin_objects.h"

struct bpf_reader *bpf_loader__bpf_reader(const struct bpf_loader *c)
{
	return c->reader;
}

/* Returns a map by its name in pin_objects.h; NULL if there is none. */
static const struct bpf_map *map_of(const struct bpf_loader *c, const char *name)
{
	const struct gtimehalt_bpf *skel = c->skel;
	const struct {
		const char *name;
		const struct bpf_map *map;
	} maps[] = {
		{ PIN_ABOUT, skel->maps.about },         { PIN_VCPUS, skel->maps.vcpus },
		{ PIN_ENDED, skel->maps.ended },         { PIN_STINTS, skel->maps.stints },
		{ PIN_SHARED, skel->maps.bss },          { PIN_EVENTS, skel->maps.counter_events },
		{ PIN_HEALTHS, skel->maps.cpu_healths }, { PIN_PROCESSES, skel->maps.processes },
		{ PIN_CPU_BEATS, skel->maps.cpu_beats },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (!strcmp(name, maps[i].name))
			return maps[i].map;
	return NULL;
}

static const struct bpf_program *program_of(const struct bpf_loader *c, const char *name)
{
	if (!strcmp(name, PIN_FORCED_READ))
		return c->skel->progs.forced_read;
	if (!strcmp(name, PIN_ACCOUNTS))
		return c->skel->progs.take_accounts;
	return !strcmp(name, PIN_HEARTBEAT) ? c->skel->progs.heartbeat : NULL;
}

int bpf_loader__object_fd(const struct bpf_loader *c, const char *name)
{
	const struct bpf_map *map = map_of(c, name);
	const struct bpf_program *program = program_of(c, name);

	/*
	 * libbpf also has a descriptor of a map that was not created, but the descriptor is of
	 * another object.
	 */
	if (map)
		return strcmp(name, PIN_STINTS) || c->histogram ? bpf_map__fd(map) : -1;
	if (program)
		return bpf_program__fd(program);
	for (size_t i = 0; i < c->plan->point_cnt && !strcmp(name, PIN_STAT); i++)
		if (c->plan->points[i].by == ATTACH_ITERATOR)
			return bpf_link__fd(c->links[i]);
	return -1;
}

int bpf_loader__map_layout(const struct bpf_loader *c, const char *name,
			   struct bpf_map_info *layout)
{
	const struct bpf_map *map = map_of(c, name);

	if (!map)
		return -EINVAL;
	layout->type = bpf_map__type(map);
	layout->key_size = bpf_map__key_size(map);
	layout->value_size = bpf_map__value_size(map);
	layout->max_entries = bpf_map__max_entries(map);
	layout->map_flags = bpf_map__map_flags(map);
	return 0;
}

unsigned int bpf_loader__program_type(const struct bpf_loader *c, const char *name)
{
	const struct bpf_program *program = program_of(c, name);

	return program ? bpf_program__type(program) : BPF_PROG_TYPE_UNSPEC;
}

int bpf_loader__link_fd(const struct bpf_loader *c, size_t i, const char **program)
{
	if (i >= c->plan->point_cnt)
		return -1;
	*program = c->plan->points[i].program;
	return bpf_link__fd(c->links[i]);
}

const struct perf_events *bpf_loader__perf_events(const struct bpf_loader *c)
{
	return c->perf_events;
}

size_t bpf_loader__program_stats(const struct bpf_loader *c, struct program_stats *stats,
				 size_t max)
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

int bpf_loader__cpu_cnt(const struct bpf_loader *c)
{
	return c->cpu_cnt;
}

size_t bpf_loader__shared_size(void)
{
	return sizeof(struct gtimehalt_bpf__bss);
}

const volatile struct cpu_slot *bpf_loader__shared_slots(const void *shared)
{
	return ((const struct gtimehalt_bpf__bss *)shared)->slots;
}
