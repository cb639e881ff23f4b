/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * render - a report as a table or as JSON. One table of columns drives all forms.
 *
 * Writes to the stream that it is given and nowhere else. A metric that was not measured is "-" in a
 * table and null in JSON, never zero.
 */
#ifndef RENDER_H
#define RENDER_H

#include <stdio.h>
#include "account.h"

/*
 * A row for each VM and one for each of its vCPUs, with a heading; shares in per cent of wall time,
 * those of a VM being the mean over its vCPUs. At most 79 columns whatever the names are. Below it a
 * line for each kind of failure, clamp or unmeasured time worth knowing, none when all is well.
 * Returns 0, or -errno when the stream failed.
 */
int render__table(const struct report *report, FILE *out);

/* One JSON object on one line. Returns 0, -ENOMEM, or -errno when the stream failed. */
int render__json(const struct report *report, FILE *out);

#endif /* RENDER_H */
