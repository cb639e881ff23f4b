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
#include "report/snapshot.h"

struct hostfs;
struct meter;
struct pinned;

/* What it can give. */
struct pinned_about {
	enum measure_mode mode;
	bool has_histogram;
	double mperf_ratio;
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
};

/*
 * Opens it. Returns 0 and *pinned, which the caller ends with pinned__free(); -ENOENT when there is none, or
 * none that this process may see; -EPROTO, logged, when another build has pinned it; or another -errno, logged.
 * `histogram`: stints are wanted too, which pinned_about.has_histogram tells of. `mend`: MPERF events
 * that no longer read are to be opened anew, if this process may.
 */
int pinned__open(const struct hostfs *fs, bool histogram, bool mend, struct pinned **pinned);
void pinned__free(struct pinned *pinned);

const struct pinned_about *pinned__about(const struct pinned *pinned);
struct meter *pinned__meter(const struct pinned *pinned);

#endif /* PINNED_H */
