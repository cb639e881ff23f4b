/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * time_text - format a point in time.
 */
#ifndef TIME_TEXT_H
#define TIME_TEXT_H

#include <linux/types.h>

/* Fits every __u64 of nanoseconds; the last one is in 2554. */
#define TIME_TEXT_SIZE sizeof("2554-07-21T23:34:33.709551615Z")

/* Format nanoseconds since 1970: as RFC 3339 in UTC, and as local time of day (HH:MM:SS). */
void time_text__rfc3339(__u64 real_ns, char text[static TIME_TEXT_SIZE]);
void time_text__clock(__u64 real_ns, char text[static TIME_TEXT_SIZE]);

#endif /* TIME_TEXT_H */
