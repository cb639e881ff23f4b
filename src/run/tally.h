/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tally - snapshots of a source, one after the other, as totals since the first.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include "export/totals.h"
#include "report/account.h"
#include "report/snapshot.h"

struct options;
struct source;

struct tally {
	const struct options *opts;
	struct source *source;
	struct snapshot snaps[2];
	int current; /* of snaps: what the next one is compared with */
	bool begun;  /* there is one */
	struct report report;
	struct totals totals;
	__u64 taken_cnt, failure_cnt;
	__u64 taking_ns;            /* spent taking them; a recording's are not taken */
	__u64 last_ns;              /* CLOCK_MONOTONIC at the end of the last one, failed or not */
	__u64 last_good_ns;         /* of the last one that did not fail */
	unsigned int failed_in_row; /* how many have since then */
	int last_err;               /* of the last one, 0 or -errno */
};

/* Both are borrowed. The caller ends it with tally__close(). */
void tally__open(struct tally *tally, const struct options *opts, struct source *source);
void tally__close(struct tally *tally);

/*
 * Takes the next snapshot, and adds what there was since the one before. Returns 1; 0 when there is none any
 * more; or -errno, logged and counted: the time since the last good one is in the next good one.
 */
int tally__take(struct tally *tally);

#endif /* TALLY_H */
