/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * self - the process_* metrics, which all client libraries of Prometheus provide.
 */
#ifndef SELF_H
#define SELF_H

#include "export/exposition.h"

struct hostfs;

/*
 * Returns when the process started, in nanoseconds since 1970, or SCALAR_UNKNOWN
 * if /proc is not readable.
 */
__u64 self__start_ns(const struct hostfs *fs);

/*
 * Sets the process_* values except the start time. Values that cannot be read
 * become SCALAR_UNKNOWN.
 */
void self__read(const struct hostfs *fs, __u64 scalars[static SCALAR_CNT]);

#endif /* SELF_H */
