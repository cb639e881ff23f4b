/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * top_help - the text of the help page.
 */
#ifndef TOP_HELP_H
#define TOP_HELP_H

#include <stddef.h>

extern const char *const top_help_lines[];
extern const size_t top_help_line_cnt;

#endif /* TOP_HELP_H */
