// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hostfs.h"
#include "base/log.h"
#include "measure/core_kinds.h"

#define PREFIX "cpu_"
#define FIRST  "cpu_core"

int cpulist__has(const char *list, int cpu)
{
	while (*list) {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (end == list)
			return 0;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return 1;
		list = *end == ',' ? end + 1 : "";
	}
	return 0;
}

int core_kinds__of(const struct core_kinds *kinds, int cpu)
{
	for (int i = 0; i < kinds->cnt; i++)
		if (cpulist__has(kinds->kinds[i].cpus, cpu))
			return i;
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

static int too_much(void)
{
	pr_err("the host has more kinds of core, or more CPUs of one, than this build supports");
	return -E2BIG;
}

/*
 * Adds the kind of a device. A device that is not a PMU of cores has no list of CPUs and is
 * skipped.
 */
static int add_kind(const struct hostfs *fs, const char *name, struct core_kinds *kinds)
{
	char cpus[sizeof(kinds->kinds[0].cpus)];
	ssize_t len;
	int i = 0;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 ||
	    strlen(name) >= sizeof(kinds->kinds[0].name))
		return 0;
	len = hostfs__read(fs, cpus, sizeof(cpus), "sys/devices/%s/cpus", name);
	if (len <= 0)
		return 0;
	/* The first element is for cpu_core, or for all CPUs without a device. */
	if (strcmp(name, FIRST) != 0)
		i = kinds->cnt++;
	if (i == CORE_KINDS_MAX || len == sizeof(cpus) - 1)
		return too_much();
	snprintf(kinds->kinds[i].name, sizeof(kinds->kinds[i].name), "%s", name);
	snprintf(kinds->kinds[i].cpus, sizeof(kinds->kinds[i].cpus), "%s", cpus);
	return 0;
}

int core_kinds__find(const struct hostfs *fs, struct core_kinds *kinds)
{
	DIR *devices = hostfs__opendir(fs, "sys/devices");
	struct dirent *entry;
	int err = 0;

	*kinds = (struct core_kinds){ .cnt = 1 };
	if (!devices)
		return 0;
	while (!err && (entry = readdir(devices)))
		err = add_kind(fs, entry->d_name, kinds);
	closedir(devices);
	if (!err)
		qsort(kinds->kinds + 1, (size_t)kinds->cnt - 1, sizeof(kinds->kinds[0]),
		      compare_names);
	return err;
}
