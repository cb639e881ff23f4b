/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * collector - the BPF side: the only owner of the skeleton. Loads and attaches; meter reads.
 *
 * Measures from collector__new() to collector__free(). Knows threads and windows, not names.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "report/snapshot.h"

struct bpf_map_info;
struct collector;
struct counters;
struct hook_plan;
struct hostfs;
struct program_stats;
struct meter;

struct collector_opts {
	const struct hostfs *fs;
	const struct hook_plan *plan;
	enum measure_mode mode;
	double mperf_ratio; /* MPERF rate over TSC rate; 0: to be measured */
	const pid_t *pids;  /* VMM processes to measure; NULL: all */
	size_t pid_cnt;
	bool histogram; /* count stints by how long they were halted; only in MODE_ENTRY */
	bool check;     /* account for whole CPUs too */
	bool bpf_stats; /* let the kernel time BPF programs, all of the host's, while we run */
	/* Start a process that opens MPERF on CPUs that come online, for one that gives up its rights; see opener.h */
	bool opener;
	const char *opener_user;
	bool pinned; /* made to go on without a process: see pin.h; the plan is hooks__plan_pinned() */
};

/*
 * Loads and attaches the programs, and takes the baseline of vCPUs that are loaded already.
 * Returns 0 and *collector, which the caller ends with collector__free(); -EOPNOTSUPP when this host
 * or kernel cannot do it; or another -errno. Every failure has been logged.
 */
int collector__new(const struct collector_opts *opts, struct collector **collector);
void collector__free(struct collector *collector);

/* Reads what is measured; the collector's own. */
struct meter *collector__meter(const struct collector *collector);

/*
 * What the programs that are loaded have cost, for as many as there is room; the names are the collector's.
 * Returns how many: none while the kernel does not time BPF programs.
 */
size_t collector__program_stats(const struct collector *collector, struct program_stats *stats,
				size_t max);

/*
 * A collector that neither loads nor attaches: it has the layout of what a pinned one would make on this host, for
 * the two below. Takes no rights. Returns as collector__new().
 */
int collector__new_layout(struct collector **layout);

/*
 * Type, key and value size, number of entries and flags of a map by its name in pin_objects.h, as it was or would be
 * created. Returns 0, or -EINVAL for what is no map. The type of a program by its name; 0 for what is none.
 */
int collector__map_layout(const struct collector *collector, const char *name,
			  struct bpf_map_info *layout);
unsigned int collector__program_type(const struct collector *collector, const char *name);

/*
 * For pin. The descriptor of a map or program, or of the iterator's link, by its name in pin_objects.h; -1 when there
 * is none. That of the i-th link, with the name of its program; -1 behind the last.
 */
int collector__object_fd(const struct collector *collector, const char *name);
int collector__link_fd(const struct collector *collector, size_t i, const char **program);
const struct counters *collector__counters(const struct collector *collector);
int collector__cpu_cnt(const struct collector *collector);

/* What PIN_SHARED holds: its size, and where the slots of the CPUs lie in it. */
size_t collector__shared_size(void);
const volatile struct cpu_slot *collector__shared_slots(const void *shared);

#endif /* COLLECTOR_H */
