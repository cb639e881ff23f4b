/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * metrics_text - totals as Prometheus and its like read them. One table of families drives both forms.
 *
 * Times are counted in nanoseconds and written in seconds with nine decimals, exactly. What is not known is
 * absent: no line has a zero in its place, and a family of which nothing is known is not there at all.
 * gtimehalt(8) lists the families.
 */
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H

#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include "measure/program_stats.h"

struct recording_header;
struct totals;

enum metrics_form {
	METRICS_PROMETHEUS,  /* text format 0.0.4 */
	METRICS_OPENMETRICS, /* 1.0.0 */
	METRICS_FORM_CNT,
};

/* Families that are one number, in the order in which they are written. */
enum metrics_scalar {
	SCALAR_SNAPSHOT_CNT,
	SCALAR_SNAPSHOT_FAILURE_CNT,
	SCALAR_SNAPSHOT_NS,
	SCALAR_DROPPED_SERIES_CNT,
	SCALAR_CONNECTION_CNT,
	SCALAR_DROPPED_CONNECTION_CNT,
	SCALAR_PROCESS_CPU_NS,
	SCALAR_PROCESS_RESIDENT_BYTES,
	SCALAR_PROCESS_OPEN_FD_CNT,
	SCALAR_PROCESS_MAX_FD_CNT,
	SCALAR_PROCESS_START_NS, /* since 1970 */
	SCALAR_CNT,
};

/* Not known, or not to be shown. */
#define SCALAR_UNKNOWN (~0ULL)

/* Answers to requests for metrics, by HTTP's status code. */
struct scrape_cnt {
	unsigned int code;
	__u64 cnt;
};

struct metrics_source {
	const struct totals *totals;
	const struct recording_header *header;
	__u64 scalars[SCALAR_CNT];
	const struct scrape_cnt *scrapes;
	size_t scrape_code_cnt;
	const struct program_stats *programs;
	size_t program_cnt;
};

/* Flushes the stream. Returns 0, or -errno when it failed. */
int metrics_text__write(const struct metrics_source *source, enum metrics_form form, FILE *out);

/* The same in memory that the caller frees. Returns 0 or -errno; *text is left alone then. */
int metrics_text__make(const struct metrics_source *source, enum metrics_form form, char **text,
		       size_t *len);

#endif /* METRICS_TEXT_H */
