/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * source_ops - the operations of a kind of source; private to source*.c.
 */
#ifndef SOURCE_OPS_H
#define SOURCE_OPS_H

#include "recording/recording.h"
#include "run/source.h"

struct source_ops {
	/* See the functions of the same names in source.h. */
	int (*next)(struct source *source, struct snapshot *snap);
	bool (*has_ended)(const struct source *source, const struct filter *filter);
	size_t (*program_stats)(const struct source *source, struct program_stats *stats,
				size_t max);              /* NULL: there are no programs */
	int (*check_rights)(const struct source *source); /* NULL: no privileges needed */
	void (*free)(struct source *source);
};

/* Base of each kind of source, which has it as its first member. */
struct source {
	const struct source_ops *ops;
	struct recording_header header;
};

#endif /* SOURCE_OPS_H */
