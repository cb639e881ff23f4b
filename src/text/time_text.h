/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * time_text - a moment as text.
 */
#ifndef TIME_TEXT_H
#define TIME_TEXT_H

#include <linux/types.h>

/* For every __u64 there is: it ends in 2554. */
#define TIME_TEXT_SIZE sizeof("2554-07-21T23:34:33.709551615Z")

/* Of nanoseconds since 1970: RFC 3339 in UTC, or the local time of day as hours, minutes, seconds. */
void time_text__rfc3339(__u64 real_ns, char text[static TIME_TEXT_SIZE]);
void time_text__clock(__u64 real_ns, char text[static TIME_TEXT_SIZE]);

#endif /* TIME_TEXT_H */
