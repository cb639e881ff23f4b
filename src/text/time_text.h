/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * time_text - format points in time and lengths of time.
 */
#ifndef TIME_TEXT_H
#define TIME_TEXT_H

#include <linux/types.h>

/* Fits every __u64 of nanoseconds; the last one is in 2554. */
#define TIME_TEXT_SIZE sizeof("2554-07-21T23:34:33.709551615Z")

/*
 * Format nanoseconds since 1970: as RFC 3339 in UTC, as local date and time (2026-12-01 14:30:15),
 * and as local time of day (HH:MM:SS).
 */
void time_text__rfc3339(__u64 real_ns, char text[static TIME_TEXT_SIZE]);
void time_text__local(__u64 real_ns, char text[static TIME_TEXT_SIZE]);
void time_text__clock(__u64 real_ns, char text[static TIME_TEXT_SIZE]);

/*
 * Formats a length of time without its unit, with at least `digits` after the decimal point, and so
 * many more that three digits are significant: 1.00, 0.00512, 12.3, 3600. No digit is below 1 ns.
 */
void time_text__in_unit(__u64 ns, __u64 unit_ns, int digits, char text[static TIME_TEXT_SIZE]);

/* Formats a length of time with the unit that fits it: "512 us", "1.00 s". */
void time_text__length(__u64 ns, char text[static TIME_TEXT_SIZE]);

#endif /* TIME_TEXT_H */
