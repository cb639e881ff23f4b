/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render_summary - write the summary of a run, as a table with advice in words, or as JSON.
 */
#ifndef RENDER_SUMMARY_H
#define RENDER_SUMMARY_H

#include <stdio.h>

struct summary;

/* Values are in vCPUs; "-" is unknown. Flush the stream. Return 0, -ENOMEM or -errno. */
int render__summary(const struct summary *summary, FILE *out);
int render__summary_json(const struct summary *summary, FILE *out);

#endif /* RENDER_SUMMARY_H */
