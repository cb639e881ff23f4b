/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * number - the one strict parser of numbers, for the command line and for /proc alike.
 *
 * strtol() takes blanks, signs, prefixes of numbers and nothing at all; none of that is a number
 * here.
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <linux/types.h>

/*
 * The decimal number that is the whole of the string: digits only.
 * Returns 0, -EINVAL (not a number) or -ERANGE (above max). *value is left alone on failure.
 */
int number__parse(const char *string, __u64 max, __u64 *value);

/*
 * Decimal seconds, "2" or "0.25", at most nine digits after the point, as nanoseconds.
 * Returns 0, -EINVAL or -ERANGE (above max_ns). *ns is left alone on failure.
 */
int number__parse_seconds(const char *string, __u64 max_ns, __u64 *ns);

/*
 * A decimal fraction above zero, "0.97" or "1024", at most nine digits after the point. Above
 * 1.8e10 all is out of range, whatever max is.
 * Returns 0, -EINVAL or -ERANGE (zero, or above max). *ratio is left alone on failure.
 */
int number__parse_ratio(const char *string, double max, double *ratio);

#endif /* NUMBER_H */
