/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stream - writing to a stdio stream such that no failure is missed and its cause is kept.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdio.h>

/* Returns 0, or -errno when the stream failed. */
int stream__put(FILE *out, const char *text);

/* Returns 0, or -errno when the stream failed; -EIO when it had failed before. */
int stream__flush(FILE *out);

#endif /* STREAM_H */
