/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pinned - opens a measurement that another process has pinned in bpffs (pin.h), and reads it.
 *
 * Needs no capability if the file modes permit reading. Then no read can be forced and no event can
 * be reopened, unless the modes permit that too.
 */
#ifndef PINNED_H
#define PINNED_H

#include <stdbool.h>
#include <stddef.h>
#include "base/log.h"
#include "measure/hooks.h"
#include "report/snapshot.h"

struct hostfs;
struct bpf_reader;
struct pinned;
struct program_stats;

/* Properties of the pinned measurement. */
struct pinned_about {
	enum measure_mode mode;
	bool has_histogram;
	double mperf_ratio;
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
	struct hook_needs needs;
};

struct pinned_opts {
	bool histogram; /* read stints too, if pinned_about.has_histogram */
	bool mend;      /* reopen MPERF events that can no longer be read, if this process may */
	bool bpf_stats; /* let the kernel time all BPF programs of the host meanwhile */
	enum log_level refusal_level; /* level at which a refused measurement is logged */
};

/*
 * Opens the pinned measurement. Returns 0 and *pinned, which the caller frees with pinned__free();
 * -ENOENT when there is none, or none that this process may see; -EPROTO, logged at refusal_level,
 * when another build or possibly another user has pinned it; or another -errno, logged.
 */
int pinned__open(const struct hostfs *fs, const struct pinned_opts *opts, struct pinned **pinned);
void pinned__free(struct pinned *pinned);

const struct pinned_about *pinned__about(const struct pinned *pinned);
/* As bpf_loader__program_stats(); also 0 if this process may not open the programs. */
size_t pinned__program_stats(const struct pinned *pinned, struct program_stats *stats, size_t max);
struct bpf_reader *pinned__reader(const struct pinned *pinned);

#endif /* PINNED_H */
