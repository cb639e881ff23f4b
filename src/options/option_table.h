/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_table - all options, for argp, and the text of --help.
 */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include <argp.h>
#include <linux/types.h>

/* Long options without a letter. */
enum option_key {
	KEY_MPERF_RATIO = 0x100,
	KEY_MODE,
	KEY_HOOK,
	KEY_CHECK,
	KEY_VCPU,
	KEY_CSV,
	KEY_TOP,
	KEY_RECORD,
	KEY_REPLAY,
	KEY_WAIT,
	KEY_EXPORTER,
	KEY_TEXTFILE,
	KEY_USER,
	KEY_BPF_STATS,
	KEY_PIN,
	KEY_RENEW,
	KEY_UNPIN,
	KEY_GROUP,
};

extern const struct argp_option option_table[];
extern const char option_table_doc[];
extern const char option_table_args[];

/* Returns the option's bit in the set of option_rules; 0 if it can be combined with all others. */
__u64 option_table__word(int key);

#endif /* OPTION_TABLE_H */
