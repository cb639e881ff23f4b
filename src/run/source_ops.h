/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * source_ops - what a kind of source has to have; only for these.
 */
#ifndef SOURCE_OPS_H
#define SOURCE_OPS_H

#include "recording/recording.h"
#include "run/source.h"

struct source_ops {
	/* As their namesakes in source.h. */
	int (*next)(struct source *source, struct snapshot *snap);
	bool (*has_ended)(const struct source *source, const struct filter *filter);
	size_t (*program_stats)(const struct source *source, struct program_stats *stats,
				size_t max);              /* NULL: none, ever */
	int (*check_rights)(const struct source *source); /* NULL: none are needed */
	void (*free)(struct source *source);
};

/* The first member of each kind's own struct. */
struct source {
	const struct source_ops *ops;
	struct recording_header header;
};

#endif /* SOURCE_OPS_H */
