// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stddef.h>
#include "base/log.h"
#include "measure/measure_opts.h"
#include "run/source_ops.h"

int source__next(struct source *source, struct snapshot *snap)
{
	return source->ops->next(source, snap);
}

int source__narrow(const struct measure_opts *opts, struct snapshot *snap)
{
	filter__apply(&opts->filter, snap);
	if (!opts->histogram)
		snap->has_stints = false;
	if (opts->histogram && !snap->has_stints) {
		pr_err("the recording has no histogram: it was made without -H");
		return -ENODATA;
	}
	return 0;
}

bool source__has_ended(const struct source *source, const struct filter *filter)
{
	return source->ops->has_ended(source, filter);
}

size_t source__program_stats(const struct source *source, struct program_stats *stats, size_t max)
{
	return source->ops->program_stats ? source->ops->program_stats(source, stats, max) : 0;
}

int source__check_rights(const struct source *source)
{
	return source->ops->check_rights ? source->ops->check_rights(source) : 0;
}

const struct recording_header *source__header(const struct source *source)
{
	return &source->header;
}

void source__free(struct source *source)
{
	if (source)
		source->ops->free(source);
}
