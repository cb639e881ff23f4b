/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * cmdline - iterate over the words of a command line in the form of /proc/PID/cmdline. Pure text.
 */
#ifndef CMDLINE_H
#define CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

struct cmdline {
	const char *text; /* NUL between words; text[len] is NUL too */
	size_t len;
	bool cut; /* truncated: the last word may be incomplete */
};

/*
 * Returns the next word that is known to be complete, or NULL at the end. *pos must be 0 at first
 * and is only changed by this function.
 */
const char *cmdline__next(const struct cmdline *cmdline, size_t *pos);

/*
 * Returns the value of an option, given as "--id VALUE" or "--id=VALUE", or NULL if it is missing
 * or empty. If the option is repeated, the last one counts, as in most option parsers.
 */
const char *cmdline__option(const struct cmdline *cmdline, const char *option);

#endif /* CMDLINE_H */
