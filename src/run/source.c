// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "run/source_ops.h"

int source__next(struct source *source, struct snapshot *snap)
{
	return source->ops->next(source, snap);
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
