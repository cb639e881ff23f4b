// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "options/option_rules.h"
#include "options/option_table.h"
#include "options/options.h"
#include "report/columns.h"
#include "text/utf8.h"

#define NS_PER_SEC 1000000000ULL

#define METRICS_INTERVAL_NS (10 * NS_PER_SEC)

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

static error_t take_argument(struct parse *parse, unsigned int index, const char *word)
{
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
		if (option_table__key(word) == key)
			return take(parse, word, arg);
	return ARGP_ERR_UNKNOWN;
}

/* Sets the defaults of a run that exports metrics. */
static void default_to_metrics(struct parse *parse)
{
	struct options *opts = &parse->opts;

	if (!(parse->words & WORD(INTERVAL)))
		opts->interval_ns = METRICS_INTERVAL_NS;
	opts->repeat = true;
	opts->count = 0;
	if (!opts->listen.len && !opts->textfile_path)
		listen_address__parse(LISTEN_ADDRESS_DEFAULT, &opts->listen);
}

/* Sets and checks what depends on several words. */
static error_t finish(struct parse *parse)
{
	struct options *opts = &parse->opts;
	struct measure_opts *measure = &opts->measure;
	bool is_exporter = parse->program == PROGRAM_EXPORTER;

	if (is_exporter)
		default_to_metrics(parse);
	/*
	 * A measurement that is always on must cost little: use MODE_SWITCH
	 * unless MODE_ENTRY is needed.
	 */
	if ((opts->pin || is_exporter) && !measure->mode_given && !measure->histogram &&
	    measure->hook == HOOK_AUTO)
		measure->mode = MODE_SWITCH;
	if (measure->mode == MODE_SWITCH)
		parse->words |= WORD(MODE_SWITCH);
	if (measure->hook != HOOK_AUTO)
		parse->words |= WORD(HOOK_CHOSEN);
	if (opts->replay_path && !opts->top)
		parse->words |= WORD(REPLAY_AT_ONCE);
	if (opts->view.sorted && !(column_defs[opts->view.sort].modes & 1U << MODE_SWITCH))
		parse->words |= WORD(SORT_IN_ENTRY);
	measure->needs_entry_mode = parse->words & WORD(SORT_IN_ENTRY);
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
	option_table__list(parse->program, options);
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
