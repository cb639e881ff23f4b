/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_rules - reject command-line words that make no sense together. Pure.
 */
#ifndef OPTION_RULES_H
#define OPTION_RULES_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * Returns whether the words (see option_table.h) may be combined. If not, one line on stderr has
 * named two words that exclude each other, or a word and the one that it needs, and the reason.
 */
bool option_rules__allow(__u64 words);

#endif /* OPTION_RULES_H */
