// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include "base/log.h"

static enum log_level max_level = LOG_LEVEL_WARN;

void log__set_level(enum log_level level)
{
	max_level = level;
}

enum log_level log__level(void)
{
	return max_level;
}

void log__print(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > max_level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One call, one write: lines of several processes do not mix. */
	fprintf(stderr, "gtimehalt: %s%s\n", level == LOG_LEVEL_WARN ? "warning: " : "", line);
}
