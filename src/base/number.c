// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "base/number.h"

#define NANO        1000000000ULL
#define NANO_DIGITS 9

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Appends a decimal digit. Returns false on overflow. */
static bool append_digit(__u64 *value, char digit)
{
	return !__builtin_mul_overflow(*value, 10ULL, value) &&
	       !__builtin_add_overflow(*value, (__u64)(digit - '0'), value);
}

/*
 * Parses digits, optionally followed by a decimal point and at most frac_digits digits, in units of
 * 10^-frac_digits. The whole string is checked even after an overflow: "99999999999999999999x" is
 * -EINVAL, not -ERANGE.
 */
static int parse_fixed(const char *string, size_t len, unsigned int frac_digits, __u64 max,
		       __u64 *value)
{
	const char *s = string, *end = string + len;
	unsigned int left = frac_digits;
	bool fits = true;
	__u64 units = 0;

	if (!is_digit(*s))
		return -EINVAL;
	for (; is_digit(*s); s++)
		fits = fits && append_digit(&units, *s);
	if (*s == '.' && frac_digits) {
		if (!is_digit(*++s))
			return -EINVAL;
		for (; left && is_digit(*s); s++, left--)
			fits = fits && append_digit(&units, *s);
	}
	if (s != end)
		return -EINVAL;
	for (; left; left--)
		fits = fits && append_digit(&units, '0');
	if (!fits || units > max)
		return -ERANGE;
	*value = units;
	return 0;
}

int number__parse(const char *string, __u64 max, __u64 *value)
{
	return parse_fixed(string, strlen(string), 0, max, value);
}

int number__parse_seconds(const char *string, __u64 max_ns, __u64 *ns)
{
	static const struct {
		const char *suffix;
		unsigned int frac_digits; /* 10^frac_digits nanoseconds are one unit */
		__u64 factor;
	} units[] = {
		/* The first suffix that fits wins: "ms" before "s", and no suffix last. */
		{ "ms", NANO_DIGITS - 3, 1 },     { "s", NANO_DIGITS, 1 }, { "m", NANO_DIGITS, 60 },
		{ "h", NANO_DIGITS, 60ULL * 60 }, { "", NANO_DIGITS, 1 },
	};
	size_t len = strlen(string), i = 0, suffix_len;
	__u64 value = 0;
	int err;

	while (suffix_len = strlen(units[i].suffix),
	       len < suffix_len || strcmp(string + len - suffix_len, units[i].suffix) != 0)
		i++;
	err = parse_fixed(string, len - suffix_len, units[i].frac_digits, ~0ULL, &value);
	if (err)
		return err;
	if (__builtin_mul_overflow(value, units[i].factor, &value) || value > max_ns)
		return -ERANGE;
	*ns = value;
	return 0;
}

int number__parse_ratio(const char *string, double max, double *ratio)
{
	__u64 units;
	int err;

	err = parse_fixed(string, strlen(string), NANO_DIGITS, ~0ULL, &units);
	if (err)
		return err;
	/* A single division rounds once, so "0.97" gives the same double as the literal in C. */
	if (!units || (double)units / NANO > max)
		return -ERANGE;
	*ratio = (double)units / NANO;
	return 0;
}
