/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exposition_writer - the syntax of both metrics formats: families, samples, labels, numbers.
 *
 * HELP and TYPE of a family are written with its first sample. Labels come
 * between exposition_writer__sample() and the value. Errors of the stream are
 * reported by stream__flush() at the end.
 */
#ifndef EXPOSITION_WRITER_H
#define EXPOSITION_WRITER_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>
#include "export/exposition.h"

enum family_type {
	FAMILY_COUNTER,
	FAMILY_GAUGE,
	FAMILY_HISTOGRAM,
	FAMILY_INFO,
};

struct family {
	const char *prefix, *name; /* concatenated: its name, without _total or _info */
	const char *unit;          /* "": none. If "seconds", values are in nanoseconds */
	const char *help[2];       /* concatenated: the help text; the second may be NULL */
	enum family_type type;
};

struct exposition_writer {
	FILE *out;
	enum exposition_form form;
	const struct family *family;
	bool announced; /* HELP and TYPE have been written */
	bool labelled;  /* the sample has a label */
};

/* Begins a family. *family must stay valid until its last sample. */
void exposition_writer__family(struct exposition_writer *writer, const struct family *family);

/* Begins a sample. suffix: for samples of a histogram, otherwise NULL. */
void exposition_writer__sample(struct exposition_writer *writer, const char *suffix);

void exposition_writer__label(struct exposition_writer *writer, const char *name,
			      const char *value);
void exposition_writer__number_label(struct exposition_writer *writer, const char *name,
				     __u64 value);

/* Each of these ends the sample. */
void exposition_writer__value(struct exposition_writer *writer, __u64 value);
void exposition_writer__count(struct exposition_writer *writer, __u64 cnt);
void exposition_writer__ratio(struct exposition_writer *writer, double ratio);

/* Call it after the last family. */
void exposition_writer__end(struct exposition_writer *writer);

#endif /* EXPOSITION_WRITER_H */
