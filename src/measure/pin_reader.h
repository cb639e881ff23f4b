/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pin_reader - opens a measurement that another process has pinned in bpffs (pin_writer.h), and
 * reads it.
 *
 * Needs no capability if the file modes permit reading. Then no read can be forced and no event can
 * be reopened, unless the modes permit that too.
 */
#ifndef PIN_READER_H
#define PIN_READER_H

#include <stdbool.h>
#include <stddef.h>
#include "base/log.h"
#include "measure/hooks.h"
#include "report/snapshot.h"

struct hostfs;
struct bpf_reader;
struct pin_reader;
struct program_stats;

/* Properties of the pinned measurement. */
struct pin_properties {
	enum measure_mode mode;
	bool has_histogram;
	double mperf_ratio;
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
	struct hook_needs needs;
};

struct pin_reader_opts {
	bool histogram; /* read stints too, if pin_properties.has_histogram */
	bool mend;      /* reopen MPERF events that can no longer be read, if this process may */
	bool bpf_stats; /* let the kernel time all BPF programs of the host meanwhile */
	enum log_level refusal_level; /* level at which a refused measurement is logged */
};

/*
 * Opens the pinned measurement. Returns 0 and *reader, which the caller frees with
 * pin_reader__free(); -ENOENT when there is none, or none that this process may see; -EPROTO,
 * logged at refusal_level, when another build or possibly another user has pinned it; or another
 * -errno, logged.
 */
int pin_reader__open(const struct hostfs *fs, const struct pin_reader_opts *opts,
		     struct pin_reader **reader);
void pin_reader__free(struct pin_reader *reader);

const struct pin_properties *pin_reader__properties(const struct pin_reader *reader);
/* As bpf_loader__program_stats(); also 0 if this process may not open the programs. */
size_t pin_reader__program_stats(const struct pin_reader *reader, struct program_stats *stats,
				 size_t max);
struct bpf_reader *pin_reader__bpf_reader(const struct pin_reader *reader);

#endif /* PIN_READER_H */
