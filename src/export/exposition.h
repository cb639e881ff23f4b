/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exposition - write totals as metrics in the two exposition formats that Prometheus reads. One
 * table of families serves both.
 *
 * Times are kept in nanoseconds and written exactly, in seconds with nine
 * decimals. Unknown values are absent, never zero, and a family without known
 * values is omitted. gtimehalt(8) lists the families.
 */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include "measure/program_stats.h"

struct recording_header;
struct totals;

enum exposition_form {
	EXPOSITION_PROMETHEUS,  /* text format 0.0.4 */
	EXPOSITION_OPENMETRICS, /* 1.0.0 */
	EXPOSITION_FORM_CNT,
};

/* Families that have a single value, in the order in which they are written. */
enum exposition_scalar {
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

struct exposition_source {
	const struct totals *totals;
	const struct recording_header *header;
	__u64 scalars[SCALAR_CNT];
	const struct scrape_cnt *scrapes;
	size_t scrape_code_cnt;
	const struct program_stats *programs;
	size_t program_cnt;
};

/* Writes the metrics and flushes the stream. Returns 0 or -errno. */
int exposition__write(const struct exposition_source *source, enum exposition_form form, FILE *out);

/*
 * A text in memory, which is overwritten by the next one. A new buffer for each
 * scrape would be shrunk to its final size, and the remainders, which malloc()
 * of glibc caches, would fragment the heap over hours.
 */
struct exposition {
	FILE *out;
	char *bytes;
	size_t size;
};

/*
 * Like exposition__write(), but into *text, which must be zero-initialized before the first call
 * and freed with exposition__free().
 * Returns 0, and text->bytes is a string of text->size
 * - 1 bytes, valid until the next call; or -errno.
 */
int exposition__make(struct exposition *text, const struct exposition_source *source,
		     enum exposition_form form);
void exposition__free(struct exposition *text);

#endif /* EXPOSITION_H */
