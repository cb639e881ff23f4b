// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "base/log.h"
#include "options/option_rules.h"
#include "options/option_table.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Options that select what is shown, how, and for how long. */
#define SHOWN                                                                                      \
	(WORD(PID) | WORD(TID) | WORD(GUEST) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) |        \
	 WORD(SORT) | WORD(ROWS) | WORD(TIMESTAMP) | WORD(NO_CLEAR) | WORD(TOP) | WORD(JSON) |     \
	 WORD(CSV) | WORD(DURATION) | WORD(INTERVAL) | WORD(RECORD) | WORD(REPLAY) | WORD(CHECK) | \
	 WORD(WAIT))

/*
 * Options that select how to measure or show. They come too late for a pinned
 * measurement, which is already running.
 */
#define NOT_FOR_PINNED                                                                             \
	(SHOWN | WORD(HISTOGRAM) | WORD(MILLISECONDS) | WORD(NANOSECONDS) | WORD(MODE) |           \
	 WORD(HOOK) | WORD(MPERF_RATIO) | WORD(GROUP))

/* Only the first rule that is violated is reported. */
static const struct rule {
	enum option_word word;
	__u64 others;
	const char *why;
} rules[] = {
	{ WORD_CHECK,
	  WORD(PID) | WORD(TID) | WORD(GUEST) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) |
		  WORD(SORT) | WORD(ROWS) | WORD(HISTOGRAM) | WORD(TIMESTAMP) | WORD(NO_CLEAR) |
		  WORD(TOP) | WORD(JSON) | WORD(CSV) | WORD(RECORD) | WORD(REPLAY),
	  "a check has its own output and covers all VMs of this host" },
	{ WORD_PIN, WORD(RENEW) | WORD(UNPIN), "use one of them at a time" },
	{ WORD_RENEW, WORD(UNPIN), "use one of them at a time" },
	{ WORD_PIN, SHOWN | WORD(MILLISECONDS) | WORD(NANOSECONDS),
	  "it shows nothing, and measures all VMs from then on" },
	{ WORD_RENEW, NOT_FOR_PINNED, "it only adds CPUs to the pinned measurement" },
	{ WORD_UNPIN, NOT_FOR_PINNED, "it only ends the pinned measurement" },
	{ WORD_REPLAY, WORD(RECORD), "the data is already a recording" },
	{ WORD_REPLAY, WORD(MODE) | WORD(HOOK) | WORD(MPERF_RATIO),
	  "this was decided when it was recorded" },
	{ WORD_REPLAY, WORD(WAIT), "a recording needs no KVM" },
	{ WORD_REPLAY, WORD(BPF_STATS), "a recording has no running BPF programs" },
	{ WORD_REPLAY, WORD(DURATION), "a recording has its own intervals" },
	{ WORD_REPLAY_AT_ONCE, WORD(INTERVAL), "a recording has its own intervals" },
	{ WORD_JSON, WORD(CSV), "use one output format at a time" },
	{ WORD_JSON, WORD(PER_VM) | WORD(PER_VCPU) | WORD(SORT) | WORD(ROWS),
	  "JSON always has all VMs and all their vCPUs" },
	{ WORD_JSON, WORD(MILLISECONDS) | WORD(NANOSECONDS), "JSON is always in nanoseconds" },
	{ WORD_CSV, WORD(HISTOGRAM), "CSV has only the rows of the table" },
	{ WORD_TIMESTAMP, WORD(JSON) | WORD(CSV), "the time is always included" },
	{ WORD_NO_CLEAR, WORD(JSON) | WORD(CSV), "the screen is cleared between tables only" },
	{ WORD_TOP, WORD(JSON) | WORD(CSV), "a full screen is not for programs" },
	{ WORD_TOP, WORD(HISTOGRAM), "the full screen shows only the table" },
	{ WORD_TOP, WORD(TIMESTAMP), "the full screen always shows the time" },
	{ WORD_TOP, WORD(NO_CLEAR), "the full screen is updated in place" },
	{ WORD_TOP, WORD(DURATION), "the full screen runs until you quit it" },
	{ WORD_PER_VM, WORD(PER_VCPU), "omit both to get both kinds of rows" },
	{ WORD_HISTOGRAM, WORD(MODE_SWITCH), "stints are known in --mode entry only" },
	{ WORD_HISTOGRAM, WORD(SORT) | WORD(ROWS), "a histogram has no such rows" },
	{ WORD_MILLISECONDS, WORD(NANOSECONDS), "use one unit at a time" },
	{ WORD_SORT_IN_ENTRY, WORD(MODE_SWITCH), "that column is known in --mode entry only" },
	{ WORD_HOOK_CHOSEN, WORD(MODE_SWITCH), "--mode switch has no hooks at VM entry and exit" },
	{ WORD_DURATION, WORD(INTERVAL), "a single measurement has no INTERVAL" },
};

static const struct need {
	enum option_word word, needed;
	const char *why;
} needs[] = {
	{ WORD_MILLISECONDS, WORD_HISTOGRAM, "it is the unit of the histogram" },
	{ WORD_NANOSECONDS, WORD_HISTOGRAM, "it is the unit of the histogram" },
	{ WORD_GROUP, WORD_PIN, "it is the group that may read what is pinned" },
};

static bool has(__u64 words, enum option_word word)
{
	return words & 1ULL << word;
}

bool option_rules__allow(__u64 words)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		__u64 found = words & rules[i].others;

		if (!found || !has(words, rules[i].word))
			continue;
		pr_err("%s cannot be used with %s: %s", option_rows[rules[i].word].name,
		       option_rows[__builtin_ctzll(found)].name, rules[i].why);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		if (!has(words, needs[i].word) || has(words, needs[i].needed))
			continue;
		pr_err("%s needs %s: %s", option_rows[needs[i].word].name,
		       option_rows[needs[i].needed].name, needs[i].why);
		return false;
	}
	return true;
}
