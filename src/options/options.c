// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/number.h"
#include "options/option_lists.h"
#include "options/option_rules.h"
#include "options/option_table.h"
#include "options/options.h"
#include "text/utf8.h"

#define NS_PER_MS  1000000ULL
#define NS_PER_SEC 1000000000ULL

#define INTERVAL_MIN_NS     NS_PER_MS
#define INTERVAL_MAX_NS     (1000000 * NS_PER_SEC)
#define METRICS_INTERVAL_NS (10 * NS_PER_SEC)
#define MPERF_RATIO_MAX     4096.0
#define SECONDS_EXPECTED    "a time from 0.001 to 1000000 seconds, such as 10, 0.25, 500ms, 5m or 1h"
#define CNT_EXPECTED        "a number from 1 to 4294967295"

struct parse {
	struct options opts;
	__u64 words; /* words that were given */
	/* --help or --version was handled: ignore the rest of the command line. */
	bool done;
};

static error_t bad_value(const char *what, const char *word, const char *expected)
{
	pr_err("%s '%s' is not %s", what, word, expected);
	return EINVAL;
}

static error_t parse_interval(struct parse *parse, const char *what, const char *word)
{
	__u64 ns;

	if (number__parse_seconds(word, INTERVAL_MAX_NS, &ns) || ns < INTERVAL_MIN_NS)
		return bad_value(what, word, SECONDS_EXPECTED);
	parse->opts.interval_ns = ns;
	return 0;
}

static error_t parse_cnt(const char *what, const char *word, __u64 *cnt)
{
	__u64 value;

	if (number__parse(word, UINT32_MAX, &value) || value == 0)
		return bad_value(what, word, CNT_EXPECTED);
	*cnt = value;
	return 0;
}

static error_t parse_rows(struct parse *parse, const char *word)
{
	__u64 cnt = 0;
	error_t err = parse_cnt("--rows", word, &cnt);

	if (!err)
		parse->opts.view.row_max = (size_t)cnt;
	return err;
}

static error_t parse_sort(struct parse *parse, const char *word)
{
	char expected[256] = "one of";
	size_t len = strlen(expected);
	const char *gap = " ";

	if (column__find(word, &parse->opts.view.sort)) {
		parse->opts.view.sorted = true;
		return 0;
	}
	for (int i = 0; i < COLUMN_CNT; i++) {
		if (!column_defs[i].heading)
			continue;
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s%.*s", gap,
					(int)column__name_len(i), column_defs[i].key);
		gap = ", ";
	}
	return bad_value("--sort", word, expected);
}

static error_t parse_mperf_ratio(struct parse *parse, const char *word)
{
	if (number__parse_ratio(word, MPERF_RATIO_MAX, &parse->opts.mperf_ratio))
		return bad_value("--mperf-ratio", word, "a number above 0 and not above 4096");
	return 0;
}

static error_t parse_mode(struct parse *parse, const char *word)
{
	parse->opts.mode_given = true;
	if (!strcmp(word, mode__name(MODE_ENTRY)))
		parse->opts.mode = MODE_ENTRY;
	else if (!strcmp(word, mode__name(MODE_SWITCH)))
		parse->opts.mode = MODE_SWITCH;
	else
		return bad_value("--mode", word, "entry or switch");
	return 0;
}

static error_t parse_hook(struct parse *parse, const char *word)
{
	for (enum hook hook = HOOK_AUTO; hook < HOOK_CNT; hook++) {
		if (strcmp(word, hook__name(hook)))
			continue;
		parse->opts.hook = hook;
		return 0;
	}
	return bad_value("--hook", word, "auto, fentry, kprobe, vcpu_enter_guest or tracepoint");
}

/* *path: NULL unless the option was given before. */
static error_t parse_path(const char *what, const char *word, const char **path)
{
	if (*path && strcmp(*path, word) != 0) {
		pr_err("%s was given twice: '%s' and '%s'; one file at a time", what, *path, word);
		return EINVAL;
	}
	if (!*word)
		return bad_value(what, word, "a file name");
	*path = word;
	return 0;
}

static error_t parse_group(struct parse *parse, const char *word)
{
	if (!*word)
		return bad_value("--group", word, "the name of a group");
	parse->opts.group = word;
	return 0;
}

/* Parses the path of a file that will be created. */
static error_t parse_new_path(const char *what, const char *word, const char **path)
{
	if (!strcmp(word, "-"))
		return bad_value(what, word, "a file name: stdout cannot be used here");
	return parse_path(what, word, path);
}

static error_t parse_exporter(struct parse *parse, const char *word)
{
	if (listen_address__parse(word ? word : LISTEN_ADDRESS_DEFAULT, &parse->opts.listen))
		return bad_value("--exporter", word,
				 "an address and a port, such as 127.0.0.1:80, [::1]:80 or :80");
	parse->opts.exporter = true;
	return 0;
}

static error_t parse_user(struct parse *parse, const char *word)
{
	if (!*word)
		return bad_value("--user", word, "the name of a user");
	parse->opts.user = word;
	return 0;
}

static error_t parse_positional(struct parse *parse, unsigned int index, const char *word)
{
	switch (index) {
	case 0:
		parse->words |= WORD(INTERVAL);
		parse->opts.repeat = true;
		parse->opts.count = 0;
		return parse_interval(parse, "INTERVAL", word);
	case 1:
		parse->words |= WORD(COUNT);
		return parse_cnt("COUNT", word, &parse->opts.count);
	default:
		pr_err("one argument too many: '%s'", word);
		return EINVAL;
	}
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

/* Handles options without a value. Returns false for all others. */
static bool set_flag(struct options *opts, int key)
{
	switch (key) {
	case 'P':
		opts->view.level = VIEW_VMS;
		return true;
	case 'L':
		opts->view.level = VIEW_VCPUS;
		return true;
	case 'H':
		opts->histogram = true;
		return true;
	case 'm':
		opts->histogram_unit = HISTOGRAM_MS;
		return true;
	case 'N':
		opts->histogram_unit = HISTOGRAM_NS;
		return true;
	case 'T':
		opts->timestamp = true;
		return true;
	case 'C':
		opts->no_clear = true;
		return true;
	case KEY_TOP:
		opts->top = true;
		return true;
	case 'j':
		opts->form = OUTPUT_JSON;
		return true;
	case KEY_CSV:
		opts->form = OUTPUT_CSV;
		return true;
	case KEY_CHECK:
		opts->check = true;
		return true;
	case KEY_WAIT:
		opts->wait = true;
		return true;
	case KEY_BPF_STATS:
		opts->bpf_stats = true;
		return true;
	case KEY_PIN:
		opts->pin = true;
		return true;
	case KEY_RENEW:
		opts->renew = true;
		return true;
	case KEY_UNPIN:
		opts->unpin = true;
		return true;
	case 'v':
		opts->verbosity++;
		return true;
	default:
		return false;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	parse->words |= option_table__word(key);
	if (set_flag(&parse->opts, key))
		return 0;
	switch (key) {
	case ARGP_KEY_INIT:
		/*
		 * getopt's own message suffices; without a stream argp does not add a hint to it.
		 */
		state->err_stream = NULL;
		return 0;
	case 'p':
		return option_lists__add_pids(&parse->opts.filter, arg);
	case 't':
		return option_lists__add_tids(&parse->opts.filter, arg);
	case 'g':
		return option_lists__add_names(&parse->opts.filter, arg);
	case KEY_VCPU:
		return option_lists__add_vcpu_ids(&parse->opts.filter, arg);
	case 's':
		return parse_sort(parse, arg);
	case 'r':
		return parse_rows(parse, arg);
	case 'd':
		return parse_interval(parse, "--duration", arg);
	case KEY_MODE:
		return parse_mode(parse, arg);
	case KEY_HOOK:
		return parse_hook(parse, arg);
	case KEY_MPERF_RATIO:
		return parse_mperf_ratio(parse, arg);
	case KEY_GROUP:
		return parse_group(parse, arg);
	case KEY_RECORD:
		return parse_new_path("--record", arg, &parse->opts.record_path);
	case KEY_REPLAY:
		return parse_path("--replay", arg, &parse->opts.replay_path);
	case KEY_EXPORTER:
		return parse_exporter(parse, arg);
	case KEY_TEXTFILE:
		return parse_new_path("--textfile", arg, &parse->opts.textfile_path);
	case KEY_USER:
		return parse_user(parse, arg);
	case 'V':
		puts("gtimehalt " GTIMEHALT_VERSION);
		return stop(parse);
	case 'h':
	case '?':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return stop(parse);
	case ARGP_KEY_ARG:
		return parse_positional(parse, state->arg_num, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Sets the defaults of a run that exports metrics. */
static void default_to_metrics(struct parse *parse)
{
	struct options *opts = &parse->opts;

	if (!(parse->words & WORD(INTERVAL)))
		opts->interval_ns = METRICS_INTERVAL_NS;
	opts->repeat = true;
	opts->count = 0;
}

/* Sets and checks what depends on several words. */
static error_t finish(struct parse *parse)
{
	struct options *opts = &parse->opts;

	if (options__want_metrics(opts))
		default_to_metrics(parse);
	/*
	 * A measurement that is always on must cost little: use MODE_SWITCH
	 * unless MODE_ENTRY is needed.
	 */
	if ((opts->pin || options__want_metrics(opts)) && !opts->mode_given && !opts->histogram &&
	    opts->hook == HOOK_AUTO)
		opts->mode = MODE_SWITCH;
	if (opts->mode == MODE_SWITCH)
		parse->words |= WORD(MODE_SWITCH);
	if (opts->hook != HOOK_AUTO)
		parse->words |= WORD(HOOK_CHOSEN);
	if (opts->replay_path && !opts->top)
		parse->words |= WORD(REPLAY_AT_ONCE);
	if (opts->view.sorted && !(column_defs[opts->view.sort].modes & 1U << MODE_SWITCH))
		parse->words |= WORD(SORT_IN_ENTRY);
	opts->needs_entry_mode = parse->words & WORD(SORT_IN_ENTRY);
	if (!option_rules__allow(parse->words))
		return EINVAL;
	if ((opts->top || opts->replay_path) && !opts->repeat) {
		opts->repeat = true;
		opts->count = 0;
	}
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
	const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = option_table_args,
		.doc = option_table_doc,
	};
	char name[] = "gtimehalt";
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
	words[0] = name;
	err = argp_parse(&argp, word_cnt, words, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, parse);
	free(words);
	return err ? err : finish(parse);
}

enum options_verdict options__parse(int argc, char **argv, struct options *opts)
{
	struct parse parse = {
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
	filter__free(&opts->filter);
}
