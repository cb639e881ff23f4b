/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * metrics_text - write totals in the formats that Prometheus reads. One table of
 * families serves both formats.
 *
 * Times are kept in nanoseconds and written exactly, in seconds with nine
 * decimals. Unknown values are absent, never zero, and a family without known
 * values is omitted. gtimehalt(8) lists the families.
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

/* Families that have a single value, in the order in which they are written. */
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

/* Unknown, or not to be shown. */
#define SCALAR_UNKNOWN (~0ULL)

/* Number of answers to scrapes with this HTTP status code. */
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

/* Writes the metrics and flushes the stream. Returns 0 or -errno. */
int metrics_text__write(const struct metrics_source *source, enum metrics_form form, FILE *out);

/*
 * A text in memory, which is overwritten by the next one. A new buffer for each
 * scrape would be shrunk to its final size, and the remainders, which malloc()
 * of glibc caches, would fragment the heap over hours.
 */
struct metrics_text {
	FILE *out;
	char *bytes;
	size_t size;
};

/*
 * Like metrics_text__write(), but into *text, which must be zero-initialized before the first call
 * and freed with metrics_text__free().
 * Returns 0, and text->bytes is a string of text->size
 * - 1 bytes, valid until the next call; or -errno.
 */
int metrics_text__make(struct metrics_text *text, const struct metrics_source *source,
		       enum metrics_form form);
void metrics_text__free(struct metrics_text *text);

#endif /* METRICS_TEXT_H */
