/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cmdline - the words of a command line as /proc/PID/cmdline has them. Pure text.
 */
#ifndef CMDLINE_H
#define CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

struct cmdline {
	const char *text; /* NUL between the words; text[len] is NUL too */
	size_t len;
	bool cut; /* there was more: the last word may not be whole */
};

/*
 * The next word that is known to be whole; *pos is 0 at first and belongs to this function.
 * Returns NULL at the end.
 */
const char *cmdline__next(const struct cmdline *cmdline, size_t *pos);

/*
 * The value of an option, "--id VALUE" or "--id=VALUE"; of several the last, as most parsers have it.
 * Returns NULL when there is none, or an empty one.
 */
const char *cmdline__option(const struct cmdline *cmdline, const char *option);

#endif /* CMDLINE_H */
