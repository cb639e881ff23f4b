// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "text/time_text.h"

#define NS_PER_S 1000000000ULL

void time_text__rfc3339(__u64 real_ns, char text[static TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, TIME_TEXT_SIZE - len, ".%09lluZ", real_ns % NS_PER_S);
}

static void format_local(__u64 real_ns, const char *format, char text[static TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, TIME_TEXT_SIZE, format, &tm);
}

void time_text__local(__u64 real_ns, char text[static TIME_TEXT_SIZE])
{
	format_local(real_ns, "%Y-%m-%d %H:%M:%S", text);
}

void time_text__clock(__u64 real_ns, char text[static TIME_TEXT_SIZE])
{
	format_local(real_ns, "%H:%M:%S", text);
}

static unsigned __int128 rounded(__u64 ns, __u64 unit_ns, __u64 ten)
{
	return ((unsigned __int128)ns * ten + unit_ns / 2) / unit_ns;
}

void time_text__in_unit(__u64 ns, __u64 unit_ns, int digits, char text[static TIME_TEXT_SIZE])
{
	unsigned __int128 shown;
	__u64 ten = 1;

	for (int i = 0; i < digits; i++)
		ten *= 10;
	/* One digit more as long as the number has three then: 0.9996 is 1.00, not 1.000. */
	for (; ns && ten < unit_ns && rounded(ns, unit_ns, ten) < 100; digits++)
		ten *= 10;
	shown = rounded(ns, unit_ns, ten);
	if (digits)
		snprintf(text, TIME_TEXT_SIZE, "%llu.%0*llu", (__u64)(shown / ten), digits,
			 (__u64)(shown % ten));
	else
		snprintf(text, TIME_TEXT_SIZE, "%llu", (__u64)shown);
}

void time_text__length(__u64 ns, char text[static TIME_TEXT_SIZE])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	__u64 unit_ns = 1;
	int unit = 0;
	size_t len;

	/* 999.5 of a unit would be shown as 1000. */
	for (; unit < 3 && ns >= 999 * unit_ns + unit_ns / 2 + (unit_ns == 1); unit++)
		unit_ns *= 1000;
	time_text__in_unit(ns, unit_ns, 0, text);
	len = strlen(text);
	snprintf(text + len, TIME_TEXT_SIZE - len, " %s", units[unit]);
}
