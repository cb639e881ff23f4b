// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
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

void time_text__clock(__u64 real_ns, char text[static TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, TIME_TEXT_SIZE, "%H:%M:%S", &tm);
}
