/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * tally - take snapshots of a source and add them up to totals since the first one.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include "export/totals.h"
#include "report/account.h"
#include "report/snapshot.h"

struct measure_opts;
struct source;

struct tally {
	const struct measure_opts *opts;
	struct source *source;
	struct snapshot snaps[2];
	int current; /* index of the last snapshot in snaps */
	bool begun;  /* snaps[current] is valid */
	struct report report;
	struct totals totals;
	__u64 taken_cnt, failure_cnt;
	__u64 taking_ns; /* time spent on taking snapshots, or on reading them */
	/* CLOCK_MONOTONIC at the end of the last attempt, good or not */
	__u64 last_ns;
	__u64 last_good_ns;         /* CLOCK_MONOTONIC at the end of the last good one */
	unsigned int failed_in_row; /* attempts that failed since the last good one */
	int last_err;               /* of the last attempt: 0 or -errno */
};

/* Both arguments are borrowed. End it with tally__close(). */
void tally__open(struct tally *tally, const struct measure_opts *opts, struct source *source);
void tally__close(struct tally *tally);

/*
 * Takes the next snapshot and adds the interval since the previous good one to the totals.
 * Returns 1; 0 at the end of the source; or -errno, logged and counted. After a failure, the next
 * good snapshot covers the lost time.
 */
int tally__take(struct tally *tally);

#endif /* TALLY_H */
