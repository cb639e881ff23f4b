/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * self - what this process takes: the metrics that every client library of Prometheus has, process_*.
 */
#ifndef SELF_H
#define SELF_H

#include "export/metrics_text.h"

struct hostfs;

/* When the process started, in nanoseconds since 1970; SCALAR_UNKNOWN where /proc does not tell. */
__u64 self__start_ns(const struct hostfs *fs);

/* Sets those of the process but for its start. One that cannot be read is SCALAR_UNKNOWN. */
void self__read(const struct hostfs *fs, __u64 scalars[static SCALAR_CNT]);

#endif /* SELF_H */
