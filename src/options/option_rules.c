// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stddef.h>
#include "base/log.h"
#include "options/option_rules.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(WORD_CNT <= 64, "a set of words is a __u64");

static const char *const word_names[WORD_CNT] = {
	[WORD_PID] = "--pid",
	[WORD_TID] = "--tid",
	[WORD_GUEST] = "--guest",
	[WORD_VCPU] = "--vcpu",
	[WORD_PER_VM] = "--per-vm",
	[WORD_PER_VCPU] = "--per-vcpu",
	[WORD_SORT] = "--sort",
	[WORD_SORT_IN_ENTRY] = "--sort",
	[WORD_ROWS] = "--rows",
	[WORD_HISTOGRAM] = "--histogram",
	[WORD_MILLISECONDS] = "--milliseconds",
	[WORD_NANOSECONDS] = "--nanoseconds",
	[WORD_TIMESTAMP] = "--timestamp",
	[WORD_NO_CLEAR] = "--no-clear",
	[WORD_TOP] = "--top",
	[WORD_JSON] = "--json",
	[WORD_CSV] = "--csv",
	[WORD_DURATION] = "--duration",
	[WORD_INTERVAL] = "INTERVAL",
	[WORD_MODE] = "--mode",
	[WORD_MODE_SWITCH] = "--mode switch",
	[WORD_HOOK] = "--hook",
	[WORD_HOOK_CHOSEN] = "--hook",
	[WORD_MPERF_RATIO] = "--mperf-ratio",
	[WORD_RECORD] = "--record",
	[WORD_REPLAY] = "--replay",
	[WORD_REPLAY_AT_ONCE] = "--replay",
	[WORD_CHECK] = "--check",
	[WORD_WAIT] = "--wait",
	[WORD_COUNT] = "COUNT",
	[WORD_EXPORTER] = "--exporter",
	[WORD_TEXTFILE] = "--textfile",
	[WORD_USER] = "--user",
	[WORD_BPF_STATS] = "--bpf-stats",
	[WORD_PIN] = "--pin",
	[WORD_RENEW] = "--renew",
	[WORD_UNPIN] = "--unpin",
	[WORD_GROUP] = "--group",
};

/*
 * Options that select how long and in what form something is shown to people. Metrics are for
 * programs, and do not end.
 */
#define NOT_FOR_METRICS                                                                            \
	(WORD(TID) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) | WORD(SORT) | WORD(ROWS) |        \
	 WORD(MILLISECONDS) | WORD(NANOSECONDS) | WORD(TIMESTAMP) | WORD(NO_CLEAR) | WORD(TOP) |   \
	 WORD(JSON) | WORD(CSV) | WORD(DURATION) | WORD(COUNT) | WORD(RECORD))
#define WHY_NOT_FOR_METRICS "metrics always cover whole VMs, in one format, until a signal"

/* Options that select what is shown, how, and for how long. */
#define SHOWN                                                                                      \
	(WORD(PID) | WORD(TID) | WORD(GUEST) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) |        \
	 WORD(SORT) | WORD(ROWS) | WORD(TIMESTAMP) | WORD(NO_CLEAR) | WORD(TOP) | WORD(JSON) |     \
	 WORD(CSV) | WORD(DURATION) | WORD(INTERVAL) | WORD(RECORD) | WORD(REPLAY) | WORD(CHECK) | \
	 WORD(WAIT) | WORD(EXPORTER) | WORD(TEXTFILE))

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
		  WORD(TOP) | WORD(JSON) | WORD(CSV) | WORD(RECORD) | WORD(REPLAY) |
		  WORD(EXPORTER) | WORD(TEXTFILE),
	  "a check has its own output and covers all VMs of this host" },
	{ WORD_EXPORTER, NOT_FOR_METRICS, WHY_NOT_FOR_METRICS },
	{ WORD_TEXTFILE, NOT_FOR_METRICS, WHY_NOT_FOR_METRICS },
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
	enum option_word word;
	enum option_word needed, or_needed; /* one of these is needed; equal if there is only one */
	const char *why;
} needs[] = {
	{ WORD_MILLISECONDS, WORD_HISTOGRAM, WORD_HISTOGRAM, "it is the unit of the histogram" },
	{ WORD_NANOSECONDS, WORD_HISTOGRAM, WORD_HISTOGRAM, "it is the unit of the histogram" },
	{ WORD_USER, WORD_EXPORTER, WORD_TEXTFILE, "only these switch to another user" },
	{ WORD_BPF_STATS, WORD_EXPORTER, WORD_TEXTFILE, "only metrics show them" },
	{ WORD_GROUP, WORD_PIN, WORD_PIN, "it is the group that may read what is pinned" },
};

static bool has(__u64 words, enum option_word word)
{
	return words & 1ULL << word;
}

static void tell_need(const struct need *need)
{
	bool is_one = need->needed == need->or_needed;

	pr_err("%s needs %s%s%s: %s", word_names[need->word], word_names[need->needed],
	       is_one ? "" : " or ", is_one ? "" : word_names[need->or_needed], need->why);
}

bool option_rules__allow(__u64 words)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		__u64 found = words & rules[i].others;

		if (!found || !has(words, rules[i].word))
			continue;
		pr_err("%s cannot be used with %s: %s", word_names[rules[i].word],
		       word_names[__builtin_ctzll(found)], rules[i].why);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		if (!has(words, needs[i].word) || has(words, needs[i].needed) ||
		    has(words, needs[i].or_needed))
			continue;
		tell_need(&needs[i]);
		return false;
	}
	return true;
}
