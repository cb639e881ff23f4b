// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * gtimehalt-steer.c - main program of the daemon that keeps housekeeping off busy vCPUs: parses the
 * options, and runs what they ask for.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/interval.h"
#include "src/base/log.h"
#include "src/base/number.h"
#include "src/base/program.h"
#include "src/steer/housekeeping.h"
#include "src/steer/sched_run.h"
#include "src/steer/steer.h"
#include "src/steer/steer_status.h"
#include "src/text/stream.h"

#define NS_PER_S 1000000000ULL

#define INTERVAL_MIN_NS (NS_PER_S / 20)
#define INTERVAL_MAX_NS (10 * NS_PER_S)
#define DWELL_MAX_NS    (60 * NS_PER_S)
#define MPERF_RATIO_MAX 4096

enum key {
	KEY_BUSY = 256,
	KEY_HALTED,
	KEY_DWELL,
	KEY_MIN,
	KEY_RATE,
	KEY_MPERF_RATIO,
	KEY_DRY_RUN,
	KEY_STATUS,
	KEY_UNSTEER,
	KEY_TEXTFILE,
	KEY_USER,
	KEY_SCHED,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "Which CPUs:", 1 },
	{ "busy", KEY_BUSY, "PCT", 0, "Take a CPU at this busy share or above (60)", 0 },
	{ "halted", KEY_HALTED, "PCT", 0, "Give a CPU below this share for --dwell (40)", 0 },
	{ "dwell", KEY_DWELL, "SECS", 0, "Time for which a CPU has to be halted (1)", 0 },
	{ "min", KEY_MIN, "N", 0, "Fewest CPUs that are enough (1)", 0 },
	{ "rate", KEY_RATE, "N", 0, "Most writes per second to a cgroup, 1 to 16 (4)", 0 },
	{ "mperf-ratio", KEY_MPERF_RATIO, "R", 0, "MPERF rate over TSC rate (default: calibrate)",
	  0 },

	{ NULL, 0, NULL, 0, "What is shown and set:", 2 },
	{ "dry-run", KEY_DRY_RUN, NULL, 0, "Print what would be set, and set nothing", 0 },
	{ "json", 'j', NULL, 0, "Print changes, or the status, as JSON", 0 },
	{ "textfile", KEY_TEXTFILE, "FILE", 0,
	  "Write metrics to FILE every 10 s, for node_exporter", 0 },
	{ "user", KEY_USER, "NAME", 0, "User to switch to after the start (default nobody)", 0 },
	{ "verbose", 'v', NULL, 0, "Print each change (-vv: libbpf's messages, too)", 0 },

	{ NULL, 0, NULL, 0, "Instead of steering cgroups:", 3 },
	{ "sched", KEY_SCHED, NULL, 0, "Replace the host's scheduler (Linux 6.18 and later)", 0 },
	{ "status", KEY_STATUS, NULL, 0, "Show the status of the current run", 0 },
	{ "unsteer", KEY_UNSTEER, NULL, 0, "Restore the cgroups of a run that was killed", 0 },
	{ "version", 'V', NULL, 0, "Show the version", 0 },
	{ "help", 'h', NULL, 0, "Show this help", 0 },
	{ NULL, '?', NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static const char doc[] =
	"Keep housekeeping off the CPUs whose vCPUs are busy inside the guest.\n"
	"\n"
	"USAGE: gtimehalt-steer [OPTIONS] CGROUP... [INTERVAL]\n"
	"       gtimehalt-steer [OPTIONS] --sched\n"
	"\n"
	"CGROUP is a path below /sys/fs/cgroup, or a systemd unit. INTERVAL is 0.05 to\n"
	"10 s; the default is 0.2 s, or 0.5 s above 64 vCPUs.\n"
	"\n"
	"EXAMPLES:\n"
	"    gtimehalt-steer system.slice user.slice  # until Ctrl-C\n"
	"    gtimehalt-steer --dry-run system.slice   # what would it do?\n"
	"    gtimehalt-steer --status                 # what does the service do?\n"
	"\v"
	"EXIT STATUS:\n"
	"    0  done\n"
	"    1  failed while running\n"
	"    2  wrong usage\n"
	"    3  this host, or a cgroup in its present state, cannot be steered";

struct options {
	struct steer_opts steer;
	const char **names;
	bool status, unsteer, sched;
	bool is_tuned;             /* an option was given that only steering uses */
	bool is_tuned_for_cgroups; /* an option was given that --sched does not use */
	bool done;                 /* --help or --version was printed */
	int verbosity;
};

static error_t bad_value(const char *option, const char *word, const char *wanted)
{
	pr_err("%s: '%s' is not %s", option, word, wanted);
	return EINVAL;
}

static error_t parse_share(const char *option, const char *word, double *share)
{
	__u64 pct;

	if (number__parse(word, 100, &pct))
		return bad_value(option, word, "a number from 0 to 100");
	*share = (double)pct / 100;
	return 0;
}

static error_t parse_cnt(const char *option, const char *word, int max, int *cnt)
{
	__u64 value;

	if (number__parse(word, (__u64)max, &value) || !value) {
		pr_err("%s: '%s' is not a number from 1 to %d", option, word, max);
		return EINVAL;
	}
	*cnt = (int)value;
	return 0;
}

static error_t parse_dwell(const char *word, __u64 *dwell_ns)
{
	if (number__parse_seconds(word, DWELL_MAX_NS, dwell_ns))
		return bad_value("--dwell", word, "a number of seconds, 0 to 60");
	return 0;
}

static error_t parse_mperf_ratio(const char *word, double *ratio)
{
	if (number__parse_ratio(word, MPERF_RATIO_MAX, ratio))
		return bad_value("--mperf-ratio", word, "a number above 0 and not above 4096");
	return 0;
}

static error_t parse_word(const char *option, const char *word, const char **value)
{
	if (!*word || !strcmp(word, "-"))
		return bad_value(option, word, "a name");
	*value = word;
	return 0;
}

static error_t parse_tuning(struct steer_opts *steer, int key, const char *arg)
{
	switch (key) {
	case KEY_BUSY:
		return parse_share("--busy", arg, &steer->policy.busy_share);
	case KEY_HALTED:
		return parse_share("--halted", arg, &steer->policy.halted_share);
	case KEY_DWELL:
		return parse_dwell(arg, &steer->policy.dwell_ns);
	case KEY_MIN:
		return parse_cnt("--min", arg, CPUS_MAX, &steer->policy.min_cnt);
	case KEY_RATE:
		return parse_cnt("--rate", arg, WRITE_BUDGET_MAX, &steer->writes_per_s);
	case KEY_MPERF_RATIO:
		return parse_mperf_ratio(arg, &steer->mperf_ratio);
	case KEY_DRY_RUN:
		steer->dry_run = true;
		return 0;
	case KEY_TEXTFILE:
		return parse_word("--textfile", arg, &steer->textfile_path);
	case KEY_USER:
		return parse_word("--user", arg, &steer->user);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t print(struct options *opts, struct argp_state *state)
{
	if (state)
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
	else
		puts("gtimehalt-steer " GTIMEHALT_VERSION);
	opts->done = true;
	return ECANCELED;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;
	error_t err;

	switch (key) {
	case ARGP_KEY_INIT:
		/*
		 * getopt's message is enough; without a stream, argp does not append a hint to it.
		 */
		state->err_stream = NULL;
		return 0;
	case 'j':
		opts->steer.json = true;
		return 0;
	case 'v':
		opts->verbosity++;
		return 0;
	case KEY_STATUS:
		opts->status = true;
		return 0;
	case KEY_UNSTEER:
		opts->unsteer = true;
		return 0;
	case KEY_SCHED:
		opts->sched = true;
		return 0;
	case 'V':
		return print(opts, NULL);
	case 'h':
	case '?':
		return print(opts, state);
	case ARGP_KEY_ARG:
		opts->names[opts->steer.cnt++] = arg;
		return 0;
	default:
		err = parse_tuning(&opts->steer, key, arg);
		opts->is_tuned |= !err;
		opts->is_tuned_for_cgroups |=
			key == KEY_DWELL || key == KEY_MIN || key == KEY_RATE || key == KEY_DRY_RUN;
		return err;
	}
}

/*
 * Takes the last argument as the INTERVAL if it has only digits and dots: a cgroup with such a name
 * has to be given as "/NAME".
 */
static error_t take_interval(struct steer_opts *steer)
{
	const char *last = steer->cnt ? steer->names[steer->cnt - 1] : "";

	if (!*last || last[strspn(last, "0123456789.")])
		return 0;
	steer->cnt--;
	if (number__parse_seconds(last, INTERVAL_MAX_NS, &steer->interval_ns) ||
	    steer->interval_ns < INTERVAL_MIN_NS)
		return bad_value("INTERVAL", last, "a number of seconds, 0.05 to 10");
	return 0;
}

/* Checks arguments that depend on each other. Returns 0 or EINVAL, logged. */
static error_t finish(struct options *opts)
{
	struct steer_opts *steer = &opts->steer;

	if (take_interval(steer))
		return EINVAL;
	if (opts->status || opts->unsteer) {
		if (!steer->cnt && !steer->interval_ns && !opts->is_tuned && !opts->sched &&
		    !(opts->status && opts->unsteer) && !(opts->unsteer && steer->json))
			return 0;
		pr_err("%s cannot be combined with other arguments%s",
		       opts->unsteer ? "--unsteer" : "--status",
		       opts->unsteer ? "" : ", except --json");
		return EINVAL;
	}
	if (opts->sched &&
	    (steer->cnt || steer->interval_ns || opts->is_tuned_for_cgroups || steer->json)) {
		pr_err("--sched cannot be combined with CGROUP, INTERVAL, --dwell, --min, --rate, --dry-run and --json");
		return EINVAL;
	}
	if (!opts->sched && !steer->cnt) {
		pr_err("no CGROUP is given: name the cgroups or systemd units of housekeeping");
		return EINVAL;
	}
	if (steer->policy.halted_share >= steer->policy.busy_share) {
		pr_err("--halted must be less than --busy");
		return EINVAL;
	}
	return 0;
}

/* Parses the command line. Returns the same as argp_parse(); every error has been logged. */
static error_t parse(int argc, char **argv, struct options *opts)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "CGROUP... [INTERVAL]",
		.doc = doc,
	};
	static char name[] = "gtimehalt-steer";
	error_t err;

	opts->names = calloc((size_t)argc + 1, sizeof(*opts->names));
	if (!opts->names) {
		pr_err("no memory for the command line");
		return ENOMEM;
	}
	opts->steer.names = opts->names;
	if (argc > 0)
		argv[0] = name;
	err = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, opts);
	return err ? err : finish(opts);
}

static int steer(const struct options *opts)
{
	struct interval interval = INTERVAL_CLOSED;
	int err = interval__open(&interval, true);

	if (err)
		pr_err("cannot time an interval: %s", strerror(-err));
	else
		err = opts->sched ? sched_run__run(&opts->steer, &interval)
				  : steer__run(&opts->steer, &interval);
	interval__close(&interval);
	return err;
}

static enum exit_code run(const struct options *opts)
{
	int err;

	if (opts->status)
		err = steer_status__show(opts->steer.json);
	else if (opts->unsteer)
		err = housekeeping__undo();
	else
		err = steer(opts);
	return err == -EINVAL ? EXIT_USAGE : program__status(err);
}

int main(int argc, char **argv)
{
	struct options opts = {
		.steer = {
			.policy = {
				.busy_share = 0.6,
				.halted_share = 0.4,
				.dwell_ns = NS_PER_S,
				.min_cnt = 1,
			},
			.writes_per_s = 4,
		},
	};
	enum exit_code code = EXIT_USAGE;

	if (!program__start("gtimehalt-steer"))
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN);
	if (!parse(argc, argv, &opts)) {
		program__set_verbosity(opts.verbosity);
		code = run(&opts);
	} else if (opts.done) {
		code = program__end_text();
	}
	free(opts.names);
	return code;
}
