// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/interruptible_io.h"
#include "base/log.h"
#include "text/utf8.h"

static enum log_level max_level = LOG_LEVEL_WARN;
static const char *program = "gtimehalt";

void log__set_program(const char *name)
{
	program = name;
}

void log__set_level(enum log_level level)
{
	max_level = level;
}

enum log_level log__level(void)
{
	return max_level;
}

/*
 * JOURNAL_STREAM has device and inode of the journal's stream (systemd.exec(5));
 * stderr may have been redirected.
 */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

/* Level prefixes of sd-daemon(3). */
static const char *journal_prefix(enum log_level level)
{
	static const char *const prefixes[] = {
		[LOG_LEVEL_ERR] = "<3>",
		[LOG_LEVEL_WARN] = "<4>",
		[LOG_LEVEL_INFO] = "<6>",
		[LOG_LEVEL_DEBUG] = "<7>",
	};

	return is_journal() ? prefixes[level] : "";
}

/* Replaces characters that would control a terminal. This never makes the text longer. */
static void mask_controls(char *text)
{
	const char *rest = text;

	while (*rest) {
		bool is_blank = *rest == '\t' || *rest == '\n';
		struct utf8_glyph glyph = { .bytes = rest, .len = 1 };

		if (is_blank)
			rest++;
		else
			glyph = utf8__next_glyph(&rest);
		memmove(text, glyph.bytes, glyph.len);
		text += glyph.len;
	}
	*text = '\0';
}

void log__print(enum log_level level, const char *format, ...)
{
	char text[1024], lines[4096], *rest = text, *line;
	const char *prefix;
	size_t len = 0, written;
	va_list args;

	if (level > max_level)
		return;
	prefix = journal_prefix(level);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	mask_controls(text);
	/*
	 * Put the prefix in front of every line, so that no part of a message
	 * looks like one of another level.
	 */
	while ((line = strsep(&rest, "\n")) && len < sizeof(lines))
		if (*line || (!rest && !len))
			len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s%s: %s%s\n",
						prefix, program,
						level == LOG_LEVEL_WARN ? "warning: " : "", line);
	if (len >= sizeof(lines)) {
		len = sizeof(lines) - 1;
		lines[len - 1] = '\n';
	}
	/*
	 * One write per call, so that lines of several processes do not mix. If it fails, there is
	 * nowhere to report it.
	 */
	(void)interruptible_io__write(STDERR_FILENO, lines, len, &written);
}

int log__failure(const char *what, int err)
{
	if (err)
		pr_err("cannot %s: %s", what, strerror(-err));
	return err;
}
