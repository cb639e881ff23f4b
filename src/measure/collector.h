/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * collector - the only owner of the BPF skeleton: loads and attaches the programs. meter reads
 * them.
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
struct perf_events;
struct hook_plan;
struct hostfs;
struct program_stats;
struct meter;
struct opener_ops;

struct collector_opts {
	const struct hostfs *fs;
	const struct hook_plan *plan;
	enum measure_mode mode;
	double mperf_ratio; /* MPERF rate over TSC rate; 0: measure it */
	const pid_t *pids;  /* VMM processes to measure; NULL: all */
	size_t pid_cnt;
	bool histogram; /* count stints by their halted time; only in MODE_ENTRY */
	bool check;     /* also account for whole CPUs */
	bool bpf_stats; /* let the kernel time all BPF programs of the host meanwhile */
	/*
	 * &opener_ops: start a process that opens MPERF on CPUs that come online, so that this one
	 * can give up its rights; see opener.h. NULL: this process opens it.
	 */
	const struct opener_ops *opener;
	const char *opener_user;
	/* made to continue without a process: see pin.h; the plan is from hooks__plan_pinned() */
	bool pinned;
};

/*
 * Loads and attaches the programs, and takes the baseline of vCPUs that are already loaded.
 * Returns 0 and *collector, which the caller frees with collector__free(); -EOPNOTSUPP when this
 * host or kernel does not support it; or another -errno. Every failure has been logged.
 */
int collector__new(const struct collector_opts *opts, struct collector **collector);
void collector__free(struct collector *collector);

/* The meter that reads this measurement; owned by the collector. */
struct meter *collector__meter(const struct collector *collector);

/*
 * Fills stats with what the loaded programs have cost, for at most `max` of them; the collector
 * owns the names. Returns how many: 0 while the kernel does not time BPF programs.
 */
size_t collector__program_stats(const struct collector *collector, struct program_stats *stats,
				size_t max);

/*
 * Makes a collector that neither loads nor attaches. It has the layout of the objects that a pinned
 * one would create on this host, for the two functions below. Needs no rights. Returns as
 * collector__new().
 */
int collector__new_layout(struct collector **layout);

/*
 * collector__map_layout() sets the type, key size, value size, number of entries and flags of
 * *layout to those of the map with this name (pin_objects.h), as it was or would be created.
 * Returns 0, or -EINVAL if there is no such map. collector__program_type() returns the type of a
 * program; 0 if there is no such program.
 */
int collector__map_layout(const struct collector *collector, const char *name,
			  struct bpf_map_info *layout);
unsigned int collector__program_type(const struct collector *collector, const char *name);

/*
 * For pin. collector__object_fd() returns the descriptor of a map, a program or the iterator's link
 * by its name in pin_objects.h; -1 when there is none. collector__link_fd() returns that of the
 * i-th link, and the name of its program; -1 behind the last. The collector owns the descriptors.
 */
int collector__object_fd(const struct collector *collector, const char *name);
int collector__link_fd(const struct collector *collector, size_t i, const char **program);
const struct perf_events *collector__perf_events(const struct collector *collector);
int collector__cpu_cnt(const struct collector *collector);

/* The size of the value of PIN_SHARED, and the slots of the CPUs within a copy of it. */
size_t collector__shared_size(void);
const volatile struct cpu_slot *collector__shared_slots(const void *shared);

#endif /* COLLECTOR_H */
