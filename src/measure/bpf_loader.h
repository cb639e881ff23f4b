/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_loader - the only owner of the BPF skeleton: loads and attaches the programs. bpf_reader
 * reads them.
 *
 * Measures from bpf_loader__new() to bpf_loader__free(). Knows threads and windows, not names.
 */
#ifndef BPF_LOADER_H
#define BPF_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "report/snapshot.h"

struct bpf_map_info;
struct bpf_loader;
struct perf_events;
struct hook_plan;
struct hostfs;
struct program_stats;
struct bpf_reader;
struct perf_helper_ops;

struct bpf_loader_opts {
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
	 * &perf_helper_ops: start a process that opens MPERF on CPUs that come online, so that this
	 * one can give up its rights; see perf_helper.h. NULL: this process opens it.
	 */
	const struct perf_helper_ops *helper;
	const char *helper_user;
	/* for pin_writer, to continue without a process; the plan is from hooks__plan_pinned() */
	bool pinned;
};

/*
 * Loads and attaches the programs, and takes the baseline of vCPUs that are already loaded.
 * Returns 0 and *loader, which the caller frees with bpf_loader__free(); -EOPNOTSUPP when this
 * host or kernel does not support it; or another -errno. Every failure has been logged.
 */
int bpf_loader__new(const struct bpf_loader_opts *opts, struct bpf_loader **loader);
void bpf_loader__free(struct bpf_loader *loader);

/* The reader of this measurement; owned by the loader. */
struct bpf_reader *bpf_loader__bpf_reader(const struct bpf_loader *loader);

/*
 * Fills stats with what the loaded programs have cost, for at most `max` of them; the loader
 * owns the names. Returns how many: 0 while the kernel does not time BPF programs.
 */
size_t bpf_loader__program_stats(const struct bpf_loader *loader, struct program_stats *stats,
				 size_t max);

/*
 * Makes a loader that neither loads nor attaches. It has the layout of the objects that a pinned
 * one would create on this host, for the two functions below. Needs no rights. Returns as
 * bpf_loader__new().
 */
int bpf_loader__new_layout(struct bpf_loader **layout);

/*
 * bpf_loader__map_layout() sets the type, key size, value size, number of entries and flags of
 * *layout to those of the map with this name (pin_objects.h), as it was or would be created.
 * Returns 0, or -EINVAL if there is no such map. bpf_loader__program_type() returns the type of a
 * program; 0 if there is no such program.
 */
int bpf_loader__map_layout(const struct bpf_loader *loader, const char *name,
			   struct bpf_map_info *layout);
unsigned int bpf_loader__program_type(const struct bpf_loader *loader, const char *name);

/*
 * For pin. bpf_loader__object_fd() returns the descriptor of a map, a program or the iterator's
 * link by its name in pin_objects.h; -1 when there is none. bpf_loader__link_fd() returns that of
 * the i-th link, and the name of its program; -1 behind the last. The loader owns the descriptors.
 */
int bpf_loader__object_fd(const struct bpf_loader *loader, const char *name);
int bpf_loader__link_fd(const struct bpf_loader *loader, size_t i, const char **program);
const struct perf_events *bpf_loader__perf_events(const struct bpf_loader *loader);
int bpf_loader__cpu_cnt(const struct bpf_loader *loader);

/* The size of the value of PIN_SHARED, and the slots of the CPUs within a copy of it. */
size_t bpf_loader__shared_size(void);
const volatile struct cpu_slot *bpf_loader__shared_slots(const void *shared);

#endif /* BPF_LOADER_H */
