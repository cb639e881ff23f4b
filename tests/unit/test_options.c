// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include "options_run.h"

static void defaults(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS());
	assert_int_equal(run.opts.measure.filter.pid_cnt, 0);
	assert_int_equal(run.opts.measure.filter.tid_cnt, 0);
	assert_int_equal(run.opts.measure.filter.name_cnt, 0);
	assert_int_equal(run.opts.measure.filter.vcpu_id_cnt, 0);
	assert_true(run.opts.interval_ns == 1000000000);
	assert_int_equal(run.opts.count, 1);
	assert_false(run.opts.repeat);
	assert_int_equal(run.opts.form, OUTPUT_TABLE);
	assert_int_equal(run.opts.view.level, VIEW_VMS_AND_VCPUS);
	assert_false(run.opts.view.sorted);
	assert_int_equal(run.opts.view.row_max, 0);
	assert_false(run.opts.no_clear);
	assert_false(run.opts.top);
	assert_false(run.opts.measure.histogram);
	assert_int_equal(run.opts.histogram_unit, HISTOGRAM_US);
	assert_false(run.opts.measure.check);
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	assert_int_equal(run.opts.measure.hook, HOOK_AUTO);
	assert_true(run.opts.measure.mperf_ratio == 0);
	assert_null(run.opts.record_path);
	assert_null(run.opts.replay_path);
	assert_int_equal(run.opts.listen.len, 0);
	assert_null(run.opts.textfile_path);
	assert_null(run.opts.user);
	assert_false(run.opts.measure.bpf_stats);
	assert_false(run.opts.pin.pin);
	assert_false(run.opts.pin.unpin);
	assert_false(run.opts.pin.renew);
	assert_null(run.opts.pin.group);
	assert_false(run.opts.measure.mode_given);
	assert_int_equal(run.opts.verbosity, 0);
	options__free(&run.opts);
}

static void no_argv_at_all(void **state)
{
	char *argv[] = { NULL };
	struct options opts;

	(void)state;
	assert_int_equal(options__parse(PROGRAM_TOOL, 0, argv, &opts), OPTIONS_RUN);
	assert_int_equal(opts.count, 1);
	options__free(&opts);
}

static void interval_and_count(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("2"));
	assert_true(run.opts.interval_ns == 2000000000);
	assert_true(run.opts.repeat);
	assert_int_equal(run.opts.count, 0);

	run_good(&run, WORDS("0.5", "20"));
	assert_true(run.opts.interval_ns == 500000000);
	assert_true(run.opts.repeat);
	assert_int_equal(run.opts.count, 20);

	run_good(&run, WORDS("0.001", "1"));
	assert_true(run.opts.interval_ns == 1000000);
	assert_int_equal(run.opts.count, 1);
	assert_true(run.opts.repeat);

	run_good(&run, WORDS("1000000", "4294967295"));
	assert_true(run.opts.interval_ns == 1000000000000000);
	assert_true(run.opts.count == 4294967295);
}

static void bad_interval(void **state)
{
	(void)state;
	run_bad("INTERVAL 'abc'", WORDS("abc"));
	run_bad("INTERVAL ''", WORDS(""));
	run_bad("INTERVAL '0'", WORDS("0"));
	run_bad("INTERVAL '0.000999999'", WORDS("0.000999999"));
	run_bad("INTERVAL '1000000.000000001'", WORDS("1000000.000000001"));
	run_bad("INTERVAL '99999999999999999999'", WORDS("99999999999999999999"));
	run_bad("INTERVAL '1d'", WORDS("1d"));
	run_bad("INTERVAL '0.9ms'", WORDS("0.9ms"));
	run_bad("INTERVAL '300h'", WORDS("300h"));
	run_bad("INTERVAL '-1'", WORDS("--", "-1"));
	run_bad("'1'", WORDS("-1"));
	run_bad("INTERVAL '-'", WORDS("-"));
}

static void bad_count(void **state)
{
	(void)state;
	run_bad("COUNT '0'", WORDS("1", "0"));
	run_bad("COUNT '1.5'", WORDS("1", "1.5"));
	run_bad("COUNT '4294967296'", WORDS("1", "4294967296"));
	run_bad("COUNT ''", WORDS("1", ""));
	run_bad("COUNT 'x'", WORDS("1", "x"));
}

static void too_many_arguments(void **state)
{
	(void)state;
	run_bad("'three'", WORDS("1", "2", "three"));
	run_bad("'3'", WORDS("1", "2", "3", "4"));
	run_bad("''", WORDS("1", "2", ""));
	run_bad("'-j'", WORDS("--", "1", "2", "-j"));
}

static void options_may_follow(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("1", "-j", "2", "-v"));
	assert_true(run.opts.interval_ns == 1000000000);
	assert_int_equal(run.opts.count, 2);
	assert_int_equal(run.opts.form, OUTPUT_JSON);
	assert_int_equal(run.opts.verbosity, 1);
}

static void duration(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-d", "10"));
	assert_true(run.opts.interval_ns == 10000000000);
	assert_false(run.opts.repeat);
	assert_int_equal(run.opts.count, 1);
	run_good(&run, WORDS("--duration=0.25"));
	assert_true(run.opts.interval_ns == 250000000);
	run_good(&run, WORDS("-d3", "-d", "4"));
	assert_true(run.opts.interval_ns == 4000000000);
}

static void bad_duration(void **state)
{
	(void)state;
	run_bad("--duration 'x'", WORDS("-d", "x"));
	run_bad("--duration '0'", WORDS("-d", "0"));
	run_bad("--duration '-1'", WORDS("-d", "-1"));
	run_bad("--duration '1000001'", WORDS("--duration", "1000001"));
	run_bad("--duration ''", WORDS("--duration="));
	/* The last value wins, but all values must be valid. */
	run_bad("--duration 'x'", WORDS("-d", "x", "-d", "1"));
}

static void json_and_verbose(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-j"));
	assert_int_equal(run.opts.form, OUTPUT_JSON);
	run_good(&run, WORDS("--json", "--json", "-v"));
	assert_int_equal(run.opts.form, OUTPUT_JSON);
	assert_int_equal(run.opts.verbosity, 1);
	run_good(&run, WORDS("-vjv", "--verbose"));
	assert_int_equal(run.opts.form, OUTPUT_JSON);
	assert_int_equal(run.opts.verbosity, 3);
}

/* Each flag sets its own option and no other. */
static void flags(void **state)
{
	static const char *const words[][2] = {
		{ "-P", "--per-vm" },   { "-L", "--per-vcpu" }, { "-H", "--histogram" },
		{ "-C", "--no-clear" }, { "--top", "--top" },   { "--csv", "--cs" },
		{ "--check", "--che" }, { "--wait", "--wa" },
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		for (size_t form = 0; form < 2; form++) {
			run_good(&run, WORDS(words[i][form]));
			assert_int_equal(run.opts.view.level, i == 0   ? VIEW_VMS
							      : i == 1 ? VIEW_VCPUS
								       : VIEW_VMS_AND_VCPUS);
			assert_int_equal(run.opts.measure.histogram, i == 2);
			assert_int_equal(run.opts.no_clear, i == 3);
			assert_int_equal(run.opts.top, i == 4);
			assert_int_equal(run.opts.form, i == 5 ? OUTPUT_CSV : OUTPUT_TABLE);
			assert_int_equal(run.opts.measure.check, i == 6);
			assert_int_equal(run.opts.wait, i == 7);
		}
	}
	run_bad("'--top'", WORDS("--top=1"));
	run_bad("'--check'", WORDS("--check=1"));
}

static void histogram_units(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-H"));
	assert_int_equal(run.opts.histogram_unit, HISTOGRAM_US);
	run_good(&run, WORDS("-Hm"));
	assert_int_equal(run.opts.histogram_unit, HISTOGRAM_MS);
	run_good(&run, WORDS("--milliseconds", "--histogram"));
	assert_int_equal(run.opts.histogram_unit, HISTOGRAM_MS);
	run_good(&run, WORDS("-H", "-N"));
	assert_int_equal(run.opts.histogram_unit, HISTOGRAM_NS);
	run_good(&run, WORDS("-H", "--nanoseconds"));
	assert_int_equal(run.opts.histogram_unit, HISTOGRAM_NS);
}

/* --top runs until it is ended, unless COUNT is given. */
static void top(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--top"));
	assert_true(run.opts.repeat);
	assert_int_equal(run.opts.count, 0);
	assert_true(run.opts.interval_ns == 1000000000);
	run_good(&run, WORDS("--top", "5"));
	assert_int_equal(run.opts.count, 0);
	assert_true(run.opts.interval_ns == 5000000000);
	run_good(&run, WORDS("--top", "5", "2"));
	assert_int_equal(run.opts.count, 2);
}

static void rows(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-r", "1"));
	assert_int_equal(run.opts.view.row_max, 1);
	run_good(&run, WORDS("--rows=4294967295"));
	assert_true(run.opts.view.row_max == 4294967295);
	run_bad("--rows '0'", WORDS("-r", "0"));
	run_bad("--rows '4294967296'", WORDS("-r", "4294967296"));
	run_bad("--rows 'all' is not a number from 1", WORDS("-r", "all"));
}

static void moments(void **state)
{
	static const char *const bad[] = { "", "x", "2026-12-01", "2026-12-01T14:30Z", "1d", "-1" };
	struct run run;

	(void)state;
	assert_int_equal(setenv("TZ", "FAR-05:30", 1), 0);
	run_good(&run, WORDS("--replay", "f", "--from", "5m", "--to=2026-12-01T14:30:01"));
	assert_int_equal(run.opts.from.kind, MOMENT_AFTER_BEGIN);
	assert_int_equal(run.opts.from.ns, 300 * 1000000000ULL);
	assert_int_equal(run.opts.to.kind, MOMENT_REAL);
	assert_int_equal(run.opts.to.ns, 1796115601ULL * 1000000000);
	run_good(&run, WORDS("--replay", "f", "--to", "2026-12-01T14:30"));
	assert_int_equal(run.opts.from.kind, MOMENT_NONE);
	assert_int_equal(run.opts.to.ns, 1796115600ULL * 1000000000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		run_bad("is not a time after the begin", WORDS("--replay", "f", "--from", bad[i]));
	run_bad("--from needs --replay", WORDS("--from", "1"));
	run_bad("--top cannot be used with --to", WORDS("--replay", "f", "--top", "--to", "1"));
}

static void summaries(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--summary"));
	assert_true(run.opts.summary && run.opts.repeat);
	assert_int_equal(run.opts.count, 0);
	run_good(&run, WORDS("--summary", "-d", "90.5"));
	assert_int_equal(run.opts.interval_ns, 1000000000);
	assert_int_equal(run.opts.count, 91);
	run_good(&run, WORDS("--summary", "-d", "0.5"));
	assert_int_equal(run.opts.interval_ns, 500000000);
	assert_int_equal(run.opts.count, 1);
	run_good(&run, WORDS("--summary", "10", "6"));
	assert_int_equal(run.opts.interval_ns, 10000000000);
	assert_int_equal(run.opts.count, 6);
}

static void pages(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--html", "p", "-d", "90"));
	assert_string_equal(run.opts.html_path, "p");
	assert_int_equal(run.opts.interval_ns, 1000000000);
	assert_int_equal(run.opts.count, 90);
	run_good(&run, WORDS("--html=p", "--replay", "f", "-H"));
	assert_true(run.opts.repeat);
	run_bad("--html '-' is not a file name", WORDS("--html", "-"));
}

static void comparisons(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--diff", "a", "b"));
	assert_string_equal(run.opts.before_path, "a");
	assert_string_equal(run.opts.after_path, "b");
	assert_null(run.opts.replay_path);
	assert_int_equal(run.opts.count, 0);
	assert_int_equal(run.opts.join_ns, 0);
	/* Arguments keep their order, wherever the option is. */
	run_good(&run, WORDS("b", "60", "--diff=a", "--from", "10", "-jg", "web-*"));
	assert_string_equal(run.opts.before_path, "a");
	assert_string_equal(run.opts.after_path, "b");
	assert_int_equal(run.opts.join_ns, 60000000000);
	assert_int_equal(run.opts.from.ns, 10000000000);
	options__free(&run.opts);
	run_bad("--diff needs two recordings", WORDS("--diff", "a"));
	run_bad("AFTER '' is not a file name", WORDS("--diff", "a", ""));
	run_bad("one argument too many: '2'", WORDS("--diff", "a", "b", "1", "3", "2"));
}

static void sort(void **state)
{
	static const struct {
		enum column column;
		const char *words[7];
	} cases[] = {
		{ COLUMN_IDLE, { "idle", "IDLE%", "idle_ns" } },
		{ COLUMN_HALTED, { "halted", "HALTED%", "Halted", "halted_ns", "halted%" } },
		{ COLUMN_LOADED, { "loaded", "LOADED%" } },
		{ COLUMN_BUSY, { "busy", "BUSY%", "BUSY" } },
		{ COLUMN_HOST, { "host", "HOST%" } },
		{ COLUMN_WAIT, { "wait", "WAIT%" } },
		{ COLUMN_BLOCKED, { "blocked", "BLOCK%", "block", "BLOCKED_NS" } },
		{ COLUMN_ENTRIES, { "entries", "ENTRIES/s", "ENTRIES/S" } },
	};
	static const char *const bad[] = { "",      "halt",    "halted_",   "HALTED%%",
					   "wall",  "clamped", "_ns",       "%",
					   "guest", "halted ", "entries_ns" };
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (const char *const *word = cases[i].words; *word; word++) {
			run_good(&run, WORDS("-s", *word));
			assert_true(run.opts.view.sorted);
			assert_int_equal(run.opts.view.sort, cases[i].column);
		}
	}
	run_good(&run, WORDS("--sort=wait", "-sbusy"));
	assert_int_equal(run.opts.view.sort, COLUMN_BUSY);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		run_bad(" is not one of idle, halted, loaded, busy, host, wait, blocked, entries\n",
			WORDS("-s", bad[i]));
	run_bad("--sort 'x' is not", WORDS("-s", "x", "-s", "busy"));
}

static void recordings(void **state)
{
	static const char path[] = "a file", option[] = "--replay=b/c";
	struct run run;

	(void)state;
	/* The paths point into argv. */
	run_good(&run, WORDS("--record", path));
	assert_ptr_equal(run.opts.record_path, path);
	assert_null(run.opts.replay_path);
	run_good(&run, WORDS(option));
	assert_ptr_equal(run.opts.replay_path, option + strlen("--replay="));
	assert_null(run.opts.record_path);
	run_bad("--record '' is not a file name", WORDS("--record", ""));
	run_bad("--replay '' is not a file name", WORDS("--replay="));
	run_bad("--replay was given twice: 'a' and 'b'", WORDS("--replay", "a", "--replay", "b"));
	run_good(&run, WORDS("--record", "a", "--record", "a"));
	/*
	 * A replay has no end of its own: all intervals are shown. "-" is stdin for --replay, but
	 * --record refuses stdout.
	 */
	run_good(&run, WORDS("--replay", "-"));
	assert_true(run.opts.repeat);
	assert_int_equal(run.opts.count, 0);
	run_bad("--record '-' is not a file name: stdout", WORDS("--record", "-"));
}

static void mperf_ratio(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--mperf-ratio", "0.97"));
	assert_true(run.opts.measure.mperf_ratio == 0.97);
	run_good(&run, WORDS("--mperf-ratio=4096"));
	assert_true(run.opts.measure.mperf_ratio == 4096);
	run_good(&run, WORDS("--mperf-ratio=2", "--mperf-ratio=1.5"));
	assert_true(run.opts.measure.mperf_ratio == 1.5);
	run_bad("--mperf-ratio '0'", WORDS("--mperf-ratio", "0"));
	run_bad("--mperf-ratio '-1'", WORDS("--mperf-ratio", "-1"));
	run_bad("--mperf-ratio '4096.000000001'", WORDS("--mperf-ratio", "4096.000000001"));
	run_bad("--mperf-ratio 'nan'", WORDS("--mperf-ratio", "nan"));
	run_bad("--mperf-ratio ''", WORDS("--mperf-ratio="));
}

static void mode(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--mode", "entry"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	run_good(&run, WORDS("--mode=switch"));
	assert_int_equal(run.opts.measure.mode, MODE_SWITCH);
	assert_int_equal(run.opts.measure.hook, HOOK_AUTO);
	run_good(&run, WORDS("--mode=switch", "1", "--mode=entry"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	run_good(&run, WORDS("--mode=entry", "--mode=switch", "1"));
	assert_int_equal(run.opts.measure.mode, MODE_SWITCH);
	run_bad("--mode ''", WORDS("--mode="));
	run_bad("--mode 'Entry'", WORDS("--mode", "Entry"));
	run_bad("--mode 'entr'", WORDS("--mode", "entr"));
	run_bad("--mode 'switched' is not entry or switch", WORDS("--mode", "switched"));
	run_bad("--mode 'entry,switch'", WORDS("--mode", "entry,switch"));
	run_bad("--mode 'x'", WORDS("--mode", "x", "--mode", "switch"));
}

static void hook(void **state)
{
	static const struct {
		const char *word;
		enum hook hook;
	} hooks[] = {
		{ "auto", HOOK_AUTO },
		{ "fentry", HOOK_FENTRY },
		{ "kprobe", HOOK_KPROBE },
		{ "tracepoint", HOOK_TRACEPOINT },
		{ "vcpu_enter_guest", HOOK_ENTER_GUEST },
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		run_good(&run, WORDS("--hook", hooks[i].word));
		assert_int_equal(run.opts.measure.hook, hooks[i].hook);
		assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
		run_good(&run, WORDS("--hook=kprobe", "--mode=entry", "--hook", hooks[i].word));
		assert_int_equal(run.opts.measure.hook, hooks[i].hook);
	}
	run_bad("--hook ''", WORDS("--hook="));
	run_bad("--hook 'Fentry'", WORDS("--hook", "Fentry"));
	run_bad("--hook 'kprob'", WORDS("--hook", "kprob"));
	run_bad("--hook 'kprobes' is not auto, fentry, kprobe, vcpu_enter_guest or tracepoint",
		WORDS("--hook", "kprobes"));
	run_bad("--hook 'fentry,kprobe'", WORDS("--hook", "fentry,kprobe"));
	run_bad("--hook 'x'", WORDS("--hook", "x", "--hook", "kprobe"));
}

static void what_getopt_refuses(void **state)
{
	(void)state;
	run_bad("'--bogus'", WORDS("--bogus"));
	run_bad("'--bogus=1'", WORDS("--bogus=1"));
	run_bad("'--usage'", WORDS("--usage"));
	run_bad("'x'", WORDS("-x"));
	run_bad("'x'", WORDS("-jx"));
	run_bad("'--ver'", WORDS("--ver"));
	run_bad("'--re'", WORDS("--re", "f"));
	run_bad("'--per-v'", WORDS("--per-v"));
	run_bad("'t'", WORDS("-t"));
	run_bad("'g'", WORDS("-g"));
	run_bad("'s'", WORDS("-s"));
	run_bad("'r'", WORDS("-r"));
	run_bad("'--vcpu'", WORDS("--vcpu"));
	run_bad("'--record'", WORDS("--record"));
	run_bad("'--json'", WORDS("--json=1"));
	run_bad("'p'", WORDS("-p"));
	run_bad("'p'", WORDS("-jp"));
	run_bad("'d'", WORDS("1", "-d"));
	run_bad("'--pid'", WORDS("--pid"));
	run_bad("'--duration'", WORDS("--duration"));
	run_bad("'--mperf-ratio'", WORDS("--mperf-ratio"));
	run_bad("'--mode'", WORDS("--mode"));
	run_bad("'--hook'", WORDS("1", "--hook"));
	/* An ambiguous abbreviation of two options. */
	run_bad("'--m'", WORDS("--m", "switch"));
}

/* Control characters in arguments must not break the line of the message or reach a terminal. */
static void control_characters(void **state)
{
	(void)state;
	run_bad("argument 1 has a control character: '--bo?'", WORDS("--bo\ngus"));
	run_bad("argument 2 has a control character: '?'", WORDS("1", "\x1b[31m"));
	run_bad("argument 3 has a control character: '12?'", WORDS("-j", "-p", "12\x7f"));
	run_bad("argument 1 has a control character: '--a=?'", WORDS("--a=\xc2\x9b"
								     "31m"));
	run_bad("argument 1 has a control character: '-?'", WORDS("-\x9b"
								  "31m"));
	run_bad("argument 1 has a control character: '--?'", WORDS("--\xe2\x80\xae"));
	/* The byte 0xff is -1 as a char, which argp would take for its own option -?. */
	run_bad("argument 1 has a control character: '-j?'", WORDS("-j\xff"));
	run_bad("argument 1 has a control character: '-?'", WORDS("-\xff", "--help"));
}

static void only_one_complaint(void **state)
{
	(void)state;
	run_bad("--pid 'x'", WORDS("-p", "x", "-d", "y", "--bogus"));
	run_bad("'--bogus'", WORDS("--bogus", "-p", "x"));
	run_bad("INTERVAL 'a'", WORDS("a", "b", "c"));
	/* An error before --help wins. */
	run_bad("'--bogus'", WORDS("--bogus", "--help"));
}

static void version(void **state)
{
	static const char *const forms[] = { "-V", "--version", "--vers" };
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		run_words(&run, WORDS(forms[i]));
		assert_int_equal(run.verdict, OPTIONS_DONE);
		assert_string_equal(run.out.text, "gtimehalt " GTIMEHALT_VERSION "\n");
		assert_string_equal(run.err.text, "");
	}
	/*
	 * Arguments after -V are not parsed; those before it were valid, and their memory is
	 * freed.
	 */
	run_words(&run, WORDS("-p", "1", "-V", "--bogus", "x"));
	assert_int_equal(run.verdict, OPTIONS_DONE);
	assert_string_equal(run.err.text, "");
}

static void help(void **state)
{
	static const char *const forms[] = { "-h", "--help", "-?" };
	static const char *const parts[] = {
		"Usage: gtimehalt [OPTION...] [INTERVAL [COUNT]]\n",
		"\nUSAGE: gtimehalt ",
		"\nEXAMPLES:\n",
		"\nEXIT STATUS:\n",
		"\n  -p, --pid=PID ",
		"\n  -t, --tid=TID ",
		"\n  -g, --guest=NAME ",
		"\n      --vcpu=N ",
		"\n  -P, --per-vm ",
		"\n  -L, --per-vcpu ",
		"\n  -s, --sort=COLUMN ",
		"\n  -r, --rows=ROWS ",
		"\n  -H, --histogram ",
		"\n  -m, --milliseconds ",
		"\n  -N, --nanoseconds ",
		"\n  -C, --no-clear ",
		"\n      --top ",
		"\n  -j, --json ",
		"\n      --csv ",
		"\n  -d, --duration=TIME ",
		"\n      --mode=MODE ",
		"\n      --hook=HOOK ",
		"\n      --mperf-ratio=R ",
		"\n      --wait ",
		"\n      --record=FILE ",
		"\n      --replay=FILE ",
		"\n      --check ",
		"\n  -v, --verbose ",
		"\n  -V, --version ",
		"\n  -h, --help ",
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		run_words(&run, WORDS(forms[i], "--bogus"));
		assert_int_equal(run.verdict, OPTIONS_DONE);
		assert_string_equal(run.err.text, "");
		for (size_t j = 0; j < sizeof(parts) / sizeof(*parts); j++)
			if (!strstr(run.out.text, parts[j]))
				fail_msg("\"%s\" is not in:\n%s", parts[j], run.out.text);
		assert_null(strstr(run.out.text, "-?"));
	}
}

/* The help text of --sort lists the columns by hand, so it may miss one. */
static void help_has_every_column(void **state)
{
	struct run run;

	(void)state;
	run_words(&run, WORDS("--help"));
	for (int i = 0; i < COLUMN_CNT; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)column__name_len(i), column_defs[i].key);
		if (column_defs[i].heading && !strstr(strstr(run.out.text, "--sort="), name))
			fail_msg("\"%s\" is not in:\n%s", name, run.out.text);
	}
}

static void help_fits_a_terminal(void **state)
{
	struct run run;

	(void)state;
	run_words(&run, WORDS("-h"));
	for (const char *line = run.out.text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") < 80);
	assert_int_equal(run.out.text[strlen(run.out.text) - 1], '\n');
}

/* State that getopt keeps from an earlier parse must not influence the next one. */
static void parses_are_independent(void **state)
{
	struct run run;

	(void)state;
	run_bad("'x'", WORDS("--mode=switch", "-jvx", "-j"));
	run_good(&run, WORDS("-v"));
	assert_int_equal(run.opts.verbosity, 1);
	assert_int_equal(run.opts.form, OUTPUT_TABLE);
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
}

static int as_exporter(void **state)
{
	(void)state;
	run_as(PROGRAM_EXPORTER);
	return 0;
}

static int as_tool(void **state)
{
	(void)state;
	run_as(PROGRAM_TOOL);
	return 0;
}

static void metrics(void **state)
{
	char text[LISTEN_ADDRESS_TEXT_SIZE];
	struct run run;

	(void)state;
	run_good(&run, WORDS());
	assert_null(run.opts.textfile_path);
	assert_null(run.opts.user);
	assert_false(run.opts.measure.bpf_stats);
	listen_address__format(&run.opts.listen, text);
	assert_string_equal(text, LISTEN_ADDRESS_DEFAULT);
	assert_true(run.opts.interval_ns == 10000000000);
	assert_true(run.opts.repeat);
	assert_int_equal(run.opts.count, 0);
	run_good(&run, WORDS("--listen=[::1]:99", "--user=a", "--bpf-stats", "2.5"));
	listen_address__format(&run.opts.listen, text);
	assert_string_equal(text, "[::1]:99");
	assert_string_equal(run.opts.user, "a");
	assert_true(run.opts.measure.bpf_stats);
	assert_true(run.opts.interval_ns == 2500000000);
	/* A file replaces the default address, but not one that was asked for. */
	run_good(&run, WORDS("--textfile=f"));
	assert_int_equal(run.opts.listen.len, 0);
	assert_string_equal(run.opts.textfile_path, "f");
	run_good(&run, WORDS("--textfile=f", "--listen", ":80"));
	listen_address__format(&run.opts.listen, text);
	assert_string_equal(text, "127.0.0.1:80");
	assert_string_equal(run.opts.textfile_path, "f");
}

static void mode_of_metrics(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS());
	assert_int_equal(run.opts.measure.mode, MODE_SWITCH);
	run_good(&run, WORDS("--mode=entry"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	run_good(&run, WORDS("-H"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	run_good(&run, WORDS("--textfile=f", "--hook=kprobe"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	run_bad("--mode switch", WORDS("-H", "--mode=switch"));
}

/* Neither program takes options or arguments that only the other one has. */
static void options_of_the_other_program(void **state)
{
	static const char *const not_of_exporter[] = { "-L",         "-j",  "--top", "--pin",
						       "--record=f", "-d1", "-t1" };
	static const char *const not_of_tool[] = { "--listen=:80", "--textfile=f", "--user=a",
						   "--bpf-stats", "--exporter" };

	(void)state;
	for (size_t i = 0; i < sizeof(not_of_exporter) / sizeof(*not_of_exporter); i++)
		run_bad("option", WORDS(not_of_exporter[i]));
	run_bad("one argument too many: '2'", WORDS("1", "2"));
	run_as(PROGRAM_TOOL);
	for (size_t i = 0; i < sizeof(not_of_tool) / sizeof(*not_of_tool); i++)
		run_bad("unrecognized option", WORDS(not_of_tool[i]));
}

static void pinning(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--pin"));
	assert_true(run.opts.pin.pin);
	assert_int_equal(run.opts.measure.mode, MODE_SWITCH);
	assert_false(run.opts.measure.mode_given);
	run_good(&run, WORDS("--pin", "--mode=entry", "--group=a"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	assert_true(run.opts.measure.mode_given);
	assert_string_equal(run.opts.pin.group, "a");
	run_good(&run, WORDS("--pin", "-H"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	run_good(&run, WORDS("--unpin"));
	assert_true(run.opts.pin.unpin);
	run_good(&run, WORDS("--renew"));
	assert_true(run.opts.pin.renew);
	assert_false(run.opts.pin.pin);
	run_bad("--group ''", WORDS("--pin", "--group="));
	/* needs_entry_mode: a pinned measurement in switch mode would not be sufficient. */
	run_good(&run, WORDS("-s", "busy"));
	assert_true(run.opts.measure.needs_entry_mode);
	run_good(&run, WORDS("-s", "halted"));
	assert_false(run.opts.measure.needs_entry_mode);
}

static void bad_metrics(void **state)
{
	(void)state;
	run_bad("--listen 'here'", WORDS("--listen=here"));
	run_bad("--listen ''", WORDS("--listen="));
	run_bad("--textfile ''", WORDS("--textfile="));
	run_bad("--textfile '-'", WORDS("--textfile=-"));
	run_bad("--textfile was given twice", WORDS("--textfile", "a", "--textfile", "b"));
	run_bad("--user ''", WORDS("--user="));
}

/* The texts of the exporter: its name, its options and no others. */
static void help_of_the_exporter(void **state)
{
	struct run run;

	(void)state;
	run_words(&run, WORDS("--help"));
	assert_int_equal(run.verdict, OPTIONS_DONE);
	assert_non_null(strstr(run.out.text, "Usage: gtimehalt-exporter [OPTION...] [INTERVAL]\n"));
	assert_non_null(strstr(run.out.text, "\n      --listen=ADDR:PORT "));
	assert_null(strstr(run.out.text, "--top"));
	for (const char *line = run.out.text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") < 80);
	run_words(&run, WORDS("-V"));
	assert_string_equal(run.out.text, "gtimehalt-exporter " GTIMEHALT_VERSION "\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(no_argv_at_all),
		cmocka_unit_test(interval_and_count),
		cmocka_unit_test(bad_interval),
		cmocka_unit_test(bad_count),
		cmocka_unit_test(too_many_arguments),
		cmocka_unit_test(options_may_follow),
		cmocka_unit_test(duration),
		cmocka_unit_test(bad_duration),
		cmocka_unit_test(json_and_verbose),
		cmocka_unit_test(flags),
		cmocka_unit_test(histogram_units),
		cmocka_unit_test(top),
		cmocka_unit_test(rows),
		cmocka_unit_test(moments),
		cmocka_unit_test(summaries),
		cmocka_unit_test(pages),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(sort),
		cmocka_unit_test(recordings),
		cmocka_unit_test(mperf_ratio),
		cmocka_unit_test(mode),
		cmocka_unit_test(hook),
		cmocka_unit_test(what_getopt_refuses),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(only_one_complaint),
		cmocka_unit_test(version),
		cmocka_unit_test(help),
		cmocka_unit_test(help_has_every_column),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(parses_are_independent),
		cmocka_unit_test_setup_teardown(metrics, as_exporter, as_tool),
		cmocka_unit_test_setup_teardown(mode_of_metrics, as_exporter, as_tool),
		cmocka_unit_test(pinning),
		cmocka_unit_test_setup_teardown(bad_metrics, as_exporter, as_tool),
		cmocka_unit_test_setup_teardown(options_of_the_other_program, as_exporter, as_tool),
		cmocka_unit_test_setup_teardown(help_of_the_exporter, as_exporter, as_tool),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
