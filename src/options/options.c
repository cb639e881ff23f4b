// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "options/option_table.h"
#include "options/options.h"
#include "report/columns.h"
#include "text/utf8.h"

#define NS_PER_SEC 1000000000ULL

#define METRICS_INTERVAL_NS (10 * NS_PER_SEC)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Options that select what is shown, how, and for how long. */
#define SHOWN                                                                                      \
	(WORD(PID) | WORD(TID) | WORD(GUEST) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) |        \
	 WORD(SORT) | WORD(ROWS) | WORD(NO_CLEAR) | WORD(TOP) | WORD(JSON) | WORD(CSV) |           \
	 WORD(DURATION) | WORD(INTERVAL) | WORD(RECORD) | WORD(REPLAY) | WORD(CHECK) |             \
	 WORD(WAIT) | WORD(SUMMARY) | WORD(HTML) | WORD(DIFF) | WORD(FROM) | WORD(TO))

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
		  WORD(SORT) | WORD(ROWS) | WORD(HISTOGRAM) | WORD(NO_CLEAR) | WORD(TOP) |
		  WORD(JSON) | WORD(CSV) | WORD(RECORD) | WORD(REPLAY) | WORD(SUMMARY) |
		  WORD(HTML) | WORD(DIFF),
	  "a check has its own output and covers all VMs of this host" },
	{ WORD_PIN, WORD(RENEW) | WORD(UNPIN), "use one of them at a time" },
	{ WORD_RENEW, WORD(UNPIN), "use one of them at a time" },
	{ WORD_PIN, SHOWN | WORD(MILLISECONDS) | WORD(NANOSECONDS),
	  "it shows nothing, and measures all VMs from then on" },
	{ WORD_RENEW, NOT_FOR_PINNED, "it only adds CPUs to the pinned measurement" },
	{ WORD_UNPIN, NOT_FOR_PINNED, "it only ends the pinned measurement" },
	{ WORD_DIFF, WORD(REPLAY) | WORD(RECORD) | WORD(DURATION),
	  "it reads two recordings, and nothing else" },
	{ WORD_DIFF, WORD(MODE) | WORD(HOOK) | WORD(MPERF_RATIO) | WORD(WAIT),
	  "recordings are not measured now" },
	{ WORD_DIFF, WORD(PID), "VMs are compared by name: use -g" },
	{ WORD_DIFF,
	  WORD(TID) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) | WORD(SORT) | WORD(ROWS) |
		  WORD(SUMMARY) | WORD(HTML) | WORD(HISTOGRAM) | WORD(NO_CLEAR) | WORD(TOP) |
		  WORD(CSV),
	  "a comparison has one form, of whole VMs; or -j" },
	{ WORD_REPLAY, WORD(RECORD), "the data is already a recording" },
	{ WORD_REPLAY, WORD(MODE) | WORD(HOOK) | WORD(MPERF_RATIO),
	  "this was decided when it was recorded" },
	{ WORD_REPLAY, WORD(WAIT), "a recording needs no KVM" },
	{ WORD_REPLAY, WORD(BPF_STATS), "a recording has no running BPF programs" },
	{ WORD_REPLAY, WORD(DURATION), "a recording has its own intervals" },
	{ WORD_REPLAY_AT_ONCE, WORD(INTERVAL), "a recording has its own intervals" },
	{ WORD_SUMMARY,
	  WORD(TID) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) | WORD(SORT) | WORD(ROWS) |
		  WORD(HISTOGRAM) | WORD(NO_CLEAR) | WORD(TOP) | WORD(CSV),
	  "a summary has one form, of whole VMs, at the end; or -j" },
	{ WORD_HTML,
	  WORD(TID) | WORD(VCPU) | WORD(PER_VM) | WORD(PER_VCPU) | WORD(SORT) | WORD(ROWS) |
		  WORD(SUMMARY) | WORD(MILLISECONDS) | WORD(NANOSECONDS) | WORD(NO_CLEAR) |
		  WORD(TOP) | WORD(JSON) | WORD(CSV),
	  "the page has one form, of whole VMs, with the summary" },
	{ WORD_TOP, WORD(FROM) | WORD(TO), "the full screen shows all of a recording" },
	{ WORD_JSON, WORD(CSV), "use one output format at a time" },
	{ WORD_JSON, WORD(PER_VM) | WORD(PER_VCPU) | WORD(SORT) | WORD(ROWS),
	  "JSON always has all VMs and all their vCPUs" },
	{ WORD_JSON, WORD(MILLISECONDS) | WORD(NANOSECONDS), "JSON is always in nanoseconds" },
	{ WORD_CSV, WORD(HISTOGRAM), "CSV has only the rows of the table" },
	{ WORD_NO_CLEAR, WORD(JSON) | WORD(CSV), "the screen is cleared between tables only" },
	{ WORD_TOP, WORD(JSON) | WORD(CSV), "a full screen is not for programs" },
	{ WORD_TOP, WORD(HISTOGRAM), "the full screen shows only the table" },
	{ WORD_TOP, WORD(NO_CLEAR), "the full screen is updated in place" },
	{ WORD_TOP, WORD(DURATION), "the full screen runs until you quit it" },
	{ WORD_PER_VM, WORD(PER_VCPU), "omit both to get both kinds of rows" },
	{ WORD_HISTOGRAM, WORD(MODE_SWITCH), "stints are known in --mode entry only" },
	{ WORD_HISTOGRAM, WORD(SORT) | WORD(ROWS), "a histogram has no such rows" },
	{ WORD_MILLISECONDS, WORD(NANOSECONDS), "use one unit at a time" },
	{ WORD_SORT_IN_ENTRY, WORD(MODE_SWITCH), "that column is known in --mode entry only" },
	{ WORD_HOOK_CHOSEN, WORD(MODE_SWITCH), "--mode switch has no hooks at VM entry and exit" },
	{ WORD_DURATION, WORD(INTERVAL), "a single measurement has no INTERVAL" },
}, needs[] = {
	{ WORD_MILLISECONDS, WORD(HISTOGRAM), "it is the unit of the histogram" },
	{ WORD_NANOSECONDS, WORD(HISTOGRAM), "it is the unit of the histogram" },
	{ WORD_FROM, WORD(REPLAY) | WORD(DIFF), "it is a time in a recording" },
	{ WORD_TO, WORD(REPLAY) | WORD(DIFF), "it is a time in a recording" },
	{ WORD_GROUP, WORD(PIN), "it is the group that may read what is pinned" },
};

/*
 * Returns whether the words agree with the rules. If not, one line on stderr has named two words
 * and the reason. is_need: a word needs the other one, instead of excluding the others.
 */
static bool check_rules(__u64 words, const struct rule *rule, size_t cnt, bool is_need)
{
	for (; cnt--; rule++) {
		__u64 found = words & rule->others;

		if (!(words & 1ULL << rule->word) || !found != is_need)
			continue;
		pr_err("%s %s %s: %s", option_rows[rule->word].name,
		       is_need ? "needs" : "cannot be used with",
		       option_rows[__builtin_ctzll(is_need ? rule->others : found)].name,
		       rule->why);
		return false;
	}
	return true;
}

#define ARGP_OPTION_MAX (2 * WORD_CNT)

static int key_of(enum option_word word)
{
	return option_rows[word].letter ? option_rows[word].letter : 0x100 + (int)word;
}

/* Fills `options` with the headings, the options of the program, "-?" and an end. */
static void list_options(enum program program, struct argp_option options[static ARGP_OPTION_MAX])
{
	const char *heading = NULL;
	int group = 0;

	for (enum option_word word = 0; word < WORD_FIRST_OTHER; word++) {
		const struct option_row *row = &option_rows[word];

		if (!row->help[program])
			continue;
		group += heading != row->heading;
		if (heading != row->heading)
			*options++ = (struct argp_option){ .doc = row->heading, .group = group };
		heading = row->heading;
		*options++ = (struct argp_option){
			.name = row->name + strlen("--"),
			.key = key_of(word),
			.arg = row->arg,
			.doc = row->help[program],
			.group = group,
		};
	}
	*options++ = (struct argp_option){ .key = '?', .flags = OPTION_HIDDEN };
	*options = (struct argp_option){ 0 };
}

struct parse {
	enum program program;
	struct options opts;
	__u64 words; /* words that were given */
	/* --help or --version was handled: ignore the rest of the command line. */
	bool done;
};

/* Handles an option or an argument. value: NULL unless the word has one. */
static error_t take(struct parse *parse, enum option_word word, const char *value)
{
	const struct option_row *row = &option_rows[word];

	parse->words |= 1ULL << word;
	if (row->parse)
		return row->parse(&parse->opts, row, value);
	/* x86 is little-endian: the first bytes of an int are its value as a smaller type. */
	memcpy((char *)&parse->opts + row->offset, &row->value, row->size);
	return 0;
}

/* Options come before arguments here, wherever they are in argv. */
static error_t take_argument(struct parse *parse, unsigned int index, const char *word)
{
	if (parse->words & WORD(DIFF)) {
		if (!index)
			return take(parse, WORD_AFTER, word);
		index--;
	}
	if (index >= (unsigned int)program_texts[parse->program].arg_max) {
		pr_err("one argument too many: '%s'", word);
		return EINVAL;
	}
	if (index)
		return take(parse, WORD_COUNT, word);
	parse->opts.repeat = true;
	parse->opts.count = 0;
	return take(parse, WORD_INTERVAL, word);
}

/*
 * Makes argp stop parsing, which takes an error. options__parse() does not treat
 * this one as a failure.
 */
static error_t stop(struct parse *parse)
{
	parse->done = true;
	return ECANCELED;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		/*
		 * getopt's own message suffices; without a stream argp does not add a hint to it.
		 */
		state->err_stream = NULL;
		return 0;
	case 'v':
		parse->opts.verbosity++;
		return 0;
	case 'V':
		printf("%s %s\n", program_texts[parse->program].name, GTIMEHALT_VERSION);
		return stop(parse);
	case 'h':
	case '?':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return stop(parse);
	case ARGP_KEY_ARG:
		return take_argument(parse, state->arg_num, arg);
	default:
		break;
	}
	for (enum option_word word = 0; word < WORD_FIRST_OTHER; word++)
		if (key_of(word) == key)
			return take(parse, word, arg);
	return ARGP_ERR_UNKNOWN;
}

/* A summary or page of a run that has a length, but no interval, has intervals of a second. */
static void divide_into_seconds(struct options *opts)
{
	if (opts->interval_ns <= NS_PER_SEC)
		return;
	opts->count = (opts->interval_ns + NS_PER_SEC - 1) / NS_PER_SEC;
	opts->interval_ns = NS_PER_SEC;
}

/* Sets and checks what depends on several words. */
static error_t finish(struct parse *parse)
{
	struct options *opts = &parse->opts;
	struct measure_opts *measure = &opts->measure;
	bool is_exporter = parse->program == PROGRAM_EXPORTER, is_repeated;

	if (is_exporter && !(parse->words & WORD(INTERVAL)))
		opts->interval_ns = METRICS_INTERVAL_NS;
	if (is_exporter && !opts->listen.len && !opts->textfile_path)
		listen_address__parse(LISTEN_ADDRESS_DEFAULT, &opts->listen);
	/*
	 * A measurement that is always on must cost little: use MODE_SWITCH
	 * unless MODE_ENTRY is needed.
	 */
	if ((opts->pin.pin || is_exporter) && !measure->mode_given && !measure->histogram &&
	    measure->hook == HOOK_AUTO)
		measure->mode = MODE_SWITCH;
	if (measure->mode == MODE_SWITCH)
		parse->words |= WORD(MODE_SWITCH);
	if (measure->hook != HOOK_AUTO)
		parse->words |= WORD(HOOK_CHOSEN);
	if (opts->replay_path && is_exporter)
		parse->words |= WORD(REPLAY_AT_ONCE);
	if (opts->view.sorted && !(column_defs[opts->view.sort].modes & 1U << MODE_SWITCH))
		parse->words |= WORD(SORT_IN_ENTRY);
	measure->needs_entry_mode = parse->words & WORD(SORT_IN_ENTRY);
	if (!check_rules(parse->words, rules, ARRAY_SIZE(rules), false) ||
	    !check_rules(parse->words, needs, ARRAY_SIZE(needs), true))
		return EINVAL;
	if (parse->words & WORD(DIFF) && !opts->after_path) {
		pr_err("--diff needs two recordings: --diff BEFORE AFTER");
		return EINVAL;
	}
	if ((opts->replay_path || opts->after_path) && !opts->top && parse->words & WORD(INTERVAL))
		opts->join_ns = opts->interval_ns;
	is_repeated = opts->top || opts->replay_path || opts->after_path || opts->summary ||
		      opts->html_path || is_exporter;
	if ((opts->summary || opts->html_path) && parse->words & WORD(DURATION))
		divide_into_seconds(opts);
	else if (is_repeated && !opts->repeat)
		opts->count = 0;
	opts->repeat |= is_repeated;
	return 0;
}

/*
 * Finds a character that getopt would pass to the terminal when it repeats an option in a message.
 * Other words may be file names in any encoding; they are only checked for ASCII control characters
 * here, and made printable where they are shown.
 */
static const char *find_control(const char *word)
{
	bool is_option = *word == '-';

	while (*word) {
		const char *here = word;
		const char *glyph = utf8__next_glyph(&word).bytes;

		if ((unsigned char)*here < 0x20 || *here == 0x7f || (is_option && glyph != here))
			return here;
	}
	return NULL;
}

static error_t check_words(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *control = find_control(argv[i]);

		if (!control)
			continue;
		pr_err("argument %d has a control character: '%.*s?'", i, (int)(control - argv[i]),
		       argv[i]);
		return EINVAL;
	}
	return 0;
}

static error_t parse_words(struct parse *parse, int argc, char **argv)
{
	const struct program_text *text = &program_texts[parse->program];
	struct argp_option options[ARGP_OPTION_MAX];
	const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.args_doc = text->args,
		.doc = text->doc,
	};
	char name[32];
	int word_cnt = argc > 0 ? argc : 1;
	char **words;
	error_t err;

	err = check_words(argc, argv);
	if (err)
		return err;
	/*
	 * Pass a copy, because getopt reorders the words and begins its messages
	 * with the first one.
	 */
	words = calloc((size_t)word_cnt + 1, sizeof(*words));
	if (!words)
		return ENOMEM;
	for (int i = 1; i < argc; i++)
		words[i] = argv[i];
	snprintf(name, sizeof(name), "%s", text->name);
	words[0] = name;
	list_options(parse->program, options);
	err = argp_parse(&argp, word_cnt, words, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, parse);
	free(words);
	return err ? err : finish(parse);
}

enum options_verdict options__parse(enum program program, int argc, char **argv,
				    struct options *opts)
{
	struct parse parse = {
		.program = program,
		.opts = {
			.interval_ns = NS_PER_SEC,
			.count = 1,
		},
	};
	error_t err = parse_words(&parse, argc, argv);

	if (!err) {
		*opts = parse.opts;
		return OPTIONS_RUN;
	}
	options__free(&parse.opts);
	if (parse.done)
		return OPTIONS_DONE;
	/* All other errors have been reported already. */
	if (err == ENOMEM)
		pr_err("cannot parse the command line: out of memory");
	return OPTIONS_USAGE;
}

void options__free(struct options *opts)
{
	filter__free(&opts->measure.filter);
}
