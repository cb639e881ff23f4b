/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * option_table - one row for each option of gtimehalt and gtimehalt-exporter, and the texts of
 * --help.
 */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include <stddef.h>
#include "options/option_values.h"
#include "options/options.h"

/* Words of a command line: indexes into option_rows. */
enum option_word {
	WORD_PID,
	WORD_TID,
	WORD_GUEST,
	WORD_VCPU,
	WORD_PER_VM,
	WORD_PER_VCPU,
	WORD_SORT,
	WORD_ROWS,
	WORD_SUMMARY,
	WORD_HTML,
	WORD_HISTOGRAM,
	WORD_MILLISECONDS,
	WORD_NANOSECONDS,
	WORD_NO_CLEAR,
	WORD_TOP,
	WORD_JSON,
	WORD_CSV,
	WORD_LISTEN,
	WORD_TEXTFILE,
	WORD_DURATION,
	WORD_MODE,
	WORD_HOOK,
	WORD_MPERF_RATIO,
	WORD_WAIT,
	WORD_PIN,
	WORD_GROUP,
	WORD_RENEW,
	WORD_UNPIN,
	WORD_RECORD,
	WORD_REPLAY,
	WORD_DIFF,
	WORD_FROM,
	WORD_TO,
	WORD_USER,
	WORD_BPF_STATS,
	WORD_CHECK,
	WORD_VERBOSE,
	WORD_VERSION,
	WORD_HELP,
	/* Words that are not options: arguments, and options with a certain value. */
	WORD_INTERVAL,
	WORD_FIRST_OTHER = WORD_INTERVAL,
	WORD_COUNT,
	WORD_AFTER,          /* the second recording of --diff */
	WORD_SORT_IN_ENTRY,  /* --sort by a column that only MODE_ENTRY has */
	WORD_MODE_SWITCH,    /* --mode switch, or MODE_SWITCH by default */
	WORD_HOOK_CHOSEN,    /* --hook with anything but auto */
	WORD_REPLAY_AT_ONCE, /* --replay of the exporter: all intervals at once */
	WORD_CNT,
};

/* Sets of words are bit masks. */
#define WORD(name) (1ULL << WORD_##name)

struct option_row {
	const char *name;              /* as in messages: "--pid", "INTERVAL" */
	const char *arg;               /* name of the value; NULL: the option has none */
	const char *heading;           /* in --help; the rows of a heading follow each other */
	const char *help[PROGRAM_CNT]; /* NULL: the program does not have this option */
	/* Parses the value and stores it; NULL: the option has none, and `value` is stored. */
	option_parser *parse;
	size_t offset, size; /* the member of struct options; 0: none, or known to the parser */
	int value;
	char letter; /* 0: none */
};

extern const struct option_row option_rows[WORD_CNT];

struct program_text {
	const char *name;
	const char *args; /* the arguments in --help */
	int arg_max;      /* how many arguments the program takes */
	const char *doc;
};

extern const struct program_text program_texts[PROGRAM_CNT];

#endif /* OPTION_TABLE_H */
