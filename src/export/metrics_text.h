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

/*
 * A text in memory, which the next one is written over. One that is made anew for each scrape is cut to its length at
 * its end, and malloc() of glibc caches what is cut off, which holds the rest apart: over hours, heaps of holes.
 */
struct metrics_text {
	FILE *out;
	char *bytes;
	size_t size;
};

/*
 * The same as metrics_text__write(), in *text, which is zero-initialised before the first time and freed by
 * metrics_text__free(). Returns 0 with text->bytes, a string of text->size - 1 bytes, until the next call; or -errno.
 */
int metrics_text__make(struct metrics_text *text, const struct metrics_source *source,
		       enum metrics_form form);
void metrics_text__free(struct metrics_text *text);

#endif /* METRICS_TEXT_H */
