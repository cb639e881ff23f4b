// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gtimehalt.h"
#include "log.h"
#include "number.h"
#include "options.h"

#define NS_PER_MS  1000000ULL
#define NS_PER_SEC 1000000000ULL

#define INTERVAL_MIN_NS  NS_PER_MS
#define INTERVAL_MAX_NS  (1000000 * NS_PER_SEC)
#define PID_MAX_LIMIT    (1 << 22)
#define MPERF_RATIO_MAX  4096.0
#define SECONDS_EXPECTED "a number of seconds from 0.001 to 1000000"

/* Long options without a letter. */
enum option_key {
	KEY_MPERF_RATIO = 0x100,
	KEY_MODE,
	KEY_HOOK,
	KEY_CHECK,
};

struct parse {
	struct options opts;
	/* The words as given; NULL: not given. */
	const char *duration;
	const char *interval;
	/* --help or --version was obeyed: what follows on the command line does not matter. */
	bool done;
	/* The one line has been printed by us, not by getopt. */
	bool complained;
};

static const char doc[] =
	"Show how long KVM guests halt when the host passes HLT, MWAIT or PAUSE through.\n"
	"\n"
	"USAGE: gtimehalt [--help] [-p PID] [-d SECS] [-j] [INTERVAL [COUNT]]\n"
	"\n"
	"EXAMPLES:\n"
	"    gtimehalt              # measure all VMs for one second\n"
	"    gtimehalt -d 10        # ... for ten seconds; Ctrl-C ends it early\n"
	"    gtimehalt 1            # print every second, until Ctrl-C\n"
	"    gtimehalt 0.5 20       # print every half second, 20 times\n"
	"    gtimehalt -p 2412,3177 # only the VMs of these two processes\n"
	"    gtimehalt -j 5         # one JSON object a line, every five seconds\n"
	"\v"
	"EXIT STATUS:\n"
	"    0  done\n"
	"    1  failed while running\n"
	"    2  wrong usage\n"
	"    3  this host cannot: the message says what is missing";

static const char args_doc[] = "[INTERVAL [COUNT]]";

static const struct argp_option option_table[] = {
	{ "pid", 'p', "PID", 0, "Only the VMs of this process (repeatable; 1,2,3)", 0 },
	{ "duration", 'd', "SECS", 0, "Length of the one shot (default 1)", 0 },
	{ "json", 'j', NULL, 0, "JSON instead of a table", 0 },
	{ "mode", KEY_MODE, "MODE", 0, "entry (default), or switch: nothing at VM entry and exit",
	  0 },
	{ "hook", KEY_HOOK, "HOOK", 0, "fentry, kprobe or tracepoint, in place of the best", 0 },
	{ "mperf-ratio", KEY_MPERF_RATIO, "R", 0, "MPERF rate over TSC rate (default: calibrate)",
	  0 },
	{ "check", KEY_CHECK, NULL, 0, "Check that the sums of CPUs and vCPUs close", 0 },
	{ "verbose", 'v', NULL, 0, "Say what was chosen and why (-vv: libbpf too)", 0 },
	{ "version", 'V', NULL, 0, "Show the version", 0 },
	{ "help", 'h', NULL, 0, "Show this help", 0 },
	{ NULL, '?', NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static error_t bad_value(struct parse *parse, const char *what, const char *word,
			 const char *expected)
{
	pr_err("%s '%s' is not %s", what, word, expected);
	parse->complained = true;
	return EINVAL;
}

static error_t parse_interval(struct parse *parse, const char *what, const char *word)
{
	__u64 ns;

	if (number__parse_seconds(word, INTERVAL_MAX_NS, &ns) || ns < INTERVAL_MIN_NS)
		return bad_value(parse, what, word, SECONDS_EXPECTED);
	parse->opts.interval_ns = ns;
	return 0;
}

static error_t parse_count(struct parse *parse, const char *word)
{
	__u64 count;

	if (number__parse(word, UINT32_MAX, &count) || count == 0)
		return bad_value(parse, "COUNT", word, "a number from 1 to 4294967295");
	parse->opts.count = count;
	return 0;
}

static error_t parse_mperf_ratio(struct parse *parse, const char *word)
{
	if (number__parse_ratio(word, MPERF_RATIO_MAX, &parse->opts.mperf_ratio))
		return bad_value(parse, "--mperf-ratio", word,
				 "a number above 0 and not above 4096");
	return 0;
}

static error_t parse_mode(struct parse *parse, const char *word)
{
	if (!strcmp(word, "entry"))
		parse->opts.mode = MODE_ENTRY;
	else if (!strcmp(word, "switch"))
		parse->opts.mode = MODE_SWITCH;
	else
		return bad_value(parse, "--mode", word, "entry or switch");
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
	return bad_value(parse, "--hook", word, "auto, fentry, kprobe or tracepoint");
}

static error_t add_pid(struct parse *parse, const char *word)
{
	struct options *opts = &parse->opts;
	__u64 pid;

	if (number__parse(word, PID_MAX_LIMIT, &pid) || pid == 0)
		return bad_value(parse, "--pid", word, "a process ID from 1 to 4194304");
	for (size_t i = 0; i < opts->pid_cnt; i++)
		if (opts->pids[i] == (pid_t)pid)
			return 0;
	if (opts->pid_cnt == GTIMEHALT_MAX_WATCHED) {
		pr_err("--pid '%s' is one too many: at most %d", word, GTIMEHALT_MAX_WATCHED);
		parse->complained = true;
		return EINVAL;
	}
	opts->pids[opts->pid_cnt++] = (pid_t)pid;
	return 0;
}

static error_t parse_pids(struct parse *parse, const char *list)
{
	struct options *opts = &parse->opts;
	char *words, *rest, *word;
	error_t err = 0;

	if (!opts->pids)
		opts->pids = calloc(GTIMEHALT_MAX_WATCHED, sizeof(*opts->pids));
	words = strdup(list);
	if (!opts->pids || !words) {
		free(words);
		return ENOMEM;
	}
	rest = words;
	while (!err && (word = strsep(&rest, ",")))
		/* An empty word is not to be found in "1,,2" by its own look: show the list. */
		err = *word ? add_pid(parse, word)
			    : bad_value(parse, "--pid", list, "a list of process IDs");
	free(words);
	return err;
}

static error_t parse_positional(struct parse *parse, unsigned int index, const char *word)
{
	switch (index) {
	case 0:
		parse->interval = word;
		parse->opts.repeat = true;
		parse->opts.count = 0;
		return parse_interval(parse, "INTERVAL", word);
	case 1:
		return parse_count(parse, word);
	default:
		pr_err("one argument too many: '%s'", word);
		parse->complained = true;
		return EINVAL;
	}
}

/* Any error ends the parsing; the one of --help and --version is no error to the outside. */
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
		/* getopt's line says what is wrong; without a stream argp adds no hint to it. */
		state->err_stream = NULL;
		return 0;
	case 'p':
		return parse_pids(parse, arg);
	case 'd':
		parse->duration = arg;
		return parse_interval(parse, "--duration", arg);
	case 'j':
		parse->opts.form = OUTPUT_JSON;
		return 0;
	case KEY_MODE:
		return parse_mode(parse, arg);
	case KEY_HOOK:
		return parse_hook(parse, arg);
	case KEY_MPERF_RATIO:
		return parse_mperf_ratio(parse, arg);
	case KEY_CHECK:
		parse->opts.check = true;
		return 0;
	case 'v':
		parse->opts.verbosity++;
		return 0;
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

/* What only all words together can show. */
static error_t check_together(struct parse *parse)
{
	if (parse->opts.mode == MODE_SWITCH && parse->opts.hook != HOOK_AUTO) {
		pr_err("--hook '%s' is for --mode entry: switch has none at VM entry and exit",
		       hook__name(parse->opts.hook));
		parse->complained = true;
		return EINVAL;
	}
	if (parse->opts.check && (parse->opts.pids || parse->opts.form != OUTPUT_TABLE)) {
		pr_err("--check is a text about all VMs of a host: not together with %s",
		       parse->opts.pids ? "--pid" : "--json");
		parse->complained = true;
		return EINVAL;
	}
	if (parse->duration && parse->interval) {
		pr_err("--duration '%s' is for the one shot: not together with INTERVAL '%s'",
		       parse->duration, parse->interval);
		parse->complained = true;
		return EINVAL;
	}
	return 0;
}

/* getopt repeats words as they are: a line break in one would make two lines of the one. */
static error_t check_words(struct parse *parse, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		for (const unsigned char *c = (const unsigned char *)argv[i]; *c; c++) {
			if (*c >= 0x20 && *c != 0x7f)
				continue;
			pr_err("argument %d has a control character: '%.*s?'", i,
			       (int)((const char *)c - argv[i]), argv[i]);
			parse->complained = true;
			return EINVAL;
		}
	}
	return 0;
}

static error_t parse_words(struct parse *parse, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = args_doc,
		.doc = doc,
	};
	char name[] = "gtimehalt";
	int word_cnt = argc > 0 ? argc : 1;
	char **words;
	error_t err;

	err = check_words(parse, argc, argv);
	if (err)
		return err;
	/* A copy, for getopt reorders the words and begins its lines with the first. */
	words = calloc((size_t)word_cnt + 1, sizeof(*words));
	if (!words)
		return ENOMEM;
	for (int i = 1; i < argc; i++)
		words[i] = argv[i];
	words[0] = name;
	err = argp_parse(&argp, word_cnt, words, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, parse);
	free(words);
	if (!err)
		err = check_together(parse);
	return err;
}

enum options_verdict options__parse(int argc, char **argv, struct options *opts)
{
	struct parse parse = {
		.opts = {
			.interval_ns = NS_PER_SEC,
			.count = 1,
			.form = OUTPUT_TABLE,
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
	if (err == ENOMEM && !parse.complained)
		pr_err("no memory for the command line");
	return OPTIONS_USAGE;
}

void options__free(struct options *opts)
{
	free(opts->pids);
	opts->pids = NULL;
	opts->pid_cnt = 0;
}
