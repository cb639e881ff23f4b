/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stream - write to a stdio stream without missing a failure or its cause.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdio.h>

/* Returns 0 or -errno. */
int stream__put(FILE *out, const char *text);

/* Returns 0; -errno; or -EIO if an earlier write to the stream had failed. */
int stream__flush(FILE *out);

#endif /* STREAM_H */
