/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_rules - reject command-line words that make no sense together. Pure.
 */
#ifndef OPTION_RULES_H
#define OPTION_RULES_H

#include <stdbool.h>
#include <linux/types.h>

enum option_word {
	WORD_PID,
	WORD_TID,
	WORD_GUEST,
	WORD_VCPU,
	WORD_PER_VM,
	WORD_PER_VCPU,
	WORD_SORT,
	WORD_SORT_IN_ENTRY, /* --sort by a column that only MODE_ENTRY has */
	WORD_ROWS,
	WORD_HISTOGRAM,
	WORD_MILLISECONDS,
	WORD_NANOSECONDS,
	WORD_TIMESTAMP,
	WORD_NO_CLEAR,
	WORD_TOP,
	WORD_JSON,
	WORD_CSV,
	WORD_DURATION,
	WORD_INTERVAL,
	WORD_MODE,
	WORD_MODE_SWITCH, /* --mode switch */
	WORD_HOOK,
	WORD_HOOK_CHOSEN, /* --hook with anything but auto */
	WORD_MPERF_RATIO,
	WORD_RECORD,
	WORD_REPLAY,
	WORD_REPLAY_AT_ONCE, /* --replay without --top: all intervals at once */
	WORD_CHECK,
	WORD_WAIT,
	WORD_COUNT,
	WORD_EXPORTER,
	WORD_TEXTFILE,
	WORD_USER,
	WORD_BPF_STATS,
	WORD_PIN,
	WORD_RENEW,
	WORD_UNPIN,
	WORD_GROUP,
	WORD_CNT,
};

/* Sets of words are bit masks. */
#define WORD(name) (1ULL << WORD_##name)

/*
 * Returns whether the words may be combined. If not, one line on stderr has named two words that
 * exclude each other, or a word and the one that it needs, and the reason.
 */
bool option_rules__allow(__u64 words);

#endif /* OPTION_RULES_H */
