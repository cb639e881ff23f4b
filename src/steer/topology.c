// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hostfs.h"
#include "steer/topology.h"

#define SYS_CPU "sys/devices/system/cpu/"

static int read_list(const struct hostfs *fs, const char *name, struct cpus *cpus)
{
	char text[CPUS_TEXT_MAX + 1];
	ssize_t len = hostfs__read(fs, text, sizeof(text), SYS_CPU "%s", name);

	return len < 0 ? (int)len : cpus__parse(text, cpus);
}

static int read_core(const struct hostfs *fs, int cpu)
{
	char text[CPUS_TEXT_MAX + 1];
	struct cpus siblings;
	int first = 0;

	/* The file does not exist for an offline CPU. */
	if (hostfs__read(fs, text, sizeof(text), SYS_CPU "cpu%d/topology/thread_siblings_list",
			 cpu) < 0 ||
	    cpus__parse(text, &siblings) || !cpus__has(&siblings, cpu))
		return cpu;
	while (!cpus__has(&siblings, first))
		first++;
	return first;
}

int topology__read(const struct hostfs *fs, struct topology *topology)
{
	struct cpus possible;
	int err = read_list(fs, "possible", &possible);

	*topology = (struct topology){ 0 };
	if (!err)
		err = read_list(fs, "isolated", &topology->isolated);
	if (err)
		return err;
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus__has(&possible, cpu))
			topology->cpu_cnt = cpu + 1;
	topology->core_of = calloc((size_t)topology->cpu_cnt + 1, sizeof(*topology->core_of));
	if (!topology->core_of)
		return -ENOMEM;
	for (int cpu = 0; cpu < topology->cpu_cnt; cpu++)
		topology->core_of[cpu] = read_core(fs, cpu);
	return 0;
}

void topology__free(struct topology *topology)
{
	free(topology->core_of);
	topology->core_of = NULL;
}

/* proc_pid_stat(5): field 39 is "processor"; field 2, the name, ends with the last ")". */
int topology__cpu_of(const struct hostfs *fs, pid_t tid)
{
	char text[1024];
	ssize_t len = hostfs__read_line(fs, text, sizeof(text), "proc/%d/stat", tid);
	const char *field = len < 0 ? NULL : strrchr(text, ')');
	char *end;
	long cpu;

	for (int i = 2; field && i < 39; i++)
		field = strchr(field + 1, ' ');
	if (!field)
		return -1;
	cpu = strtol(field + 1, &end, 10);
	return end == field + 1 || cpu < 0 || cpu >= CPUS_MAX ? -1 : (int)cpu;
}
