/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pinned - a measurement that another process has pinned in bpffs (pin.h), opened to be read.
 *
 * Needs no capability where file modes let the reader through; then no read can be forced and no event
 * mended, unless the reader may do so.
 */
#ifndef PINNED_H
#define PINNED_H

#include <stdbool.h>
#include <stddef.h>
#include "base/log.h"
#include "measure/hooks.h"
#include "report/snapshot.h"

struct hostfs;
struct meter;
struct pinned;
struct program_stats;

/* What it can give. */
struct pinned_about {
	enum measure_mode mode;
	bool has_histogram;
	double mperf_ratio;
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
	struct hook_needs needs;
};

struct pinned_opts {
	bool histogram; /* stints are wanted too, if pinned_about.has_histogram */
	bool mend;      /* open MPERF events anew that no longer read, if this process may */
	bool bpf_stats; /* let the kernel time BPF programs, all of the host's, meanwhile */
	enum log_level refusal_level; /* at which is told that what is pinned is refused */
};

/*
 * Opens it. Returns 0 and *pinned, which the caller ends with pinned__free(); -ENOENT when there is none, or
 * none that this process may see; -EPROTO, logged at refusal_level, when another build has pinned it, or a stranger;
 * or another -errno, logged.
 */
int pinned__open(const struct hostfs *fs, const struct pinned_opts *opts, struct pinned **pinned);
void pinned__free(struct pinned *pinned);

const struct pinned_about *pinned__about(const struct pinned *pinned);
/* As collector__program_stats(); none either where the process may not look at the programs. */
size_t pinned__program_stats(const struct pinned *pinned, struct program_stats *stats, size_t max);
struct meter *pinned__meter(const struct pinned *pinned);

#endif /* PINNED_H */
