/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * number - a strict parser of numbers, for the command line and for /proc.
 *
 * Unlike strtol() it rejects blanks, signs, trailing characters and empty strings.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <linux/types.h>

/*
 * Parses a string that consists of decimal digits only.
 * Returns 0, -EINVAL (not a number) or -ERANGE (above max). On failure *value is unchanged.
 */
int number__parse(const char *string, __u64 max, __u64 *value);

/*
 * Parses a duration into nanoseconds: decimal seconds such as "2" or "0.25", or a decimal number
 * with a unit, as in "500ms", "10s", "1.5m", "1h". At most nine digits follow the
 * point (six with ms).
 * Returns 0, -EINVAL or -ERANGE (above max_ns). On failure *ns is unchanged.
 */
int number__parse_seconds(const char *string, __u64 max_ns, __u64 *ns);

/*
 * Parses a decimal number above zero such as "0.97" or "1024", with at most nine digits after the
 * point. Values above 1.8e10 are out of range, whatever max is.
 * Returns 0, -EINVAL or -ERANGE (zero, or above max). On failure *ratio is unchanged.
 */
int number__parse_ratio(const char *string, double max, double *ratio);

#endif /* NUMBER_H */
