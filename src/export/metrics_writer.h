/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * metrics_writer - the grammar of both forms of metrics: families, samples, labels, numbers.
 *
 * A family is announced with its first sample. Between metrics_writer__sample() and the value come labels.
 * Failures of the stream are told by stream__flush() at the end.
 */
#ifndef METRICS_WRITER_H
#define METRICS_WRITER_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>
#include "export/metrics_text.h"

enum family_type {
	FAMILY_COUNTER,
	FAMILY_GAUGE,
	FAMILY_HISTOGRAM,
	FAMILY_INFO,
};

struct family {
	const char *prefix, *name; /* together its name, without _total or _info */
	const char *unit;          /* "": it has none. Of "seconds" values are in nanoseconds */
	const char *help[2];       /* together the text; the second may be NULL */
	enum family_type type;
};

struct metrics_writer {
	FILE *out;
	enum metrics_form form;
	const struct family *family;
	bool announced; /* the family */
	bool labelled;  /* the sample */
};

/* The samples that follow are of this family, which outlives them. */
void metrics_writer__family(struct metrics_writer *writer, const struct family *family);

/* A sample of a histogram has a suffix of its own; else it is NULL. */
void metrics_writer__sample(struct metrics_writer *writer, const char *suffix);

void metrics_writer__label(struct metrics_writer *writer, const char *name, const char *value);
void metrics_writer__number_label(struct metrics_writer *writer, const char *name, __u64 value);

/* Each ends the sample. */
void metrics_writer__value(struct metrics_writer *writer, __u64 value);
void metrics_writer__count(struct metrics_writer *writer, __u64 cnt);
void metrics_writer__ratio(struct metrics_writer *writer, double ratio);

/* Behind the last family. */
void metrics_writer__end(struct metrics_writer *writer);

#endif /* METRICS_WRITER_H */
