// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "gtimehalt.h"
#include "options.h"

#define MAX_WORDS 8

struct run {
	enum options_verdict verdict;
	struct options opts;
	struct capture out, err;
};

/* Parses the words, NULL at their end, as they are behind a program's path. */
static void run_words(struct run *run, const char **words)
{
	char path[] = "/usr/local/sbin/another-name";
	char *argv[MAX_WORDS + 2] = { path };
	int argc = 1;

	for (; words[argc - 1]; argc++) {
		assert_true(argc <= MAX_WORDS);
		argv[argc] = (char *)words[argc - 1];
	}
	memset(&run->opts, 0xa5, sizeof(run->opts));
	capture__begin(&run->out, stdout);
	capture__begin(&run->err, stderr);
	run->verdict = options__parse(argc, argv, &run->opts);
	capture__end(&run->err);
	capture__end(&run->out);
	/* Not even reordered. */
	assert_ptr_equal(argv[0], path);
	for (int i = 1; i < argc; i++)
		assert_ptr_equal(argv[i], words[i - 1]);
}

#define WORDS(...) ((const char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void run_good(struct run *run, const char **words)
{
	run_words(run, words);
	assert_string_equal(run->err.text, "");
	assert_string_equal(run->out.text, "");
	assert_int_equal(run->verdict, OPTIONS_RUN);
}

/* One line that begins with the program's name and has the word; nothing else, anywhere. */
static void run_bad(const char *word, const char **words)
{
	struct run run;
	struct options untouched;
	const char *text = run.err.text;

	memset(&untouched, 0xa5, sizeof(untouched));
	run_words(&run, words);
	assert_int_equal(run.verdict, OPTIONS_USAGE);
	assert_string_equal(run.out.text, "");
	assert_int_equal(strncmp(text, "gtimehalt: ", strlen("gtimehalt: ")), 0);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	if (!strstr(text + strlen("gtimehalt: "), word))
		fail_msg("\"%s\" is not in: %s", word, text);
	assert_memory_equal(&run.opts, &untouched, sizeof(untouched));
}

static void defaults(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS());
	assert_null(run.opts.pids);
	assert_int_equal(run.opts.pid_cnt, 0);
	assert_true(run.opts.interval_ns == 1000000000);
	assert_int_equal(run.opts.count, 1);
	assert_false(run.opts.repeat);
	assert_int_equal(run.opts.form, OUTPUT_TABLE);
	assert_int_equal(run.opts.mode, MODE_ENTRY);
	assert_int_equal(run.opts.hook, HOOK_AUTO);
	assert_true(run.opts.mperf_ratio == 0);
	assert_int_equal(run.opts.verbosity, 0);
	options__free(&run.opts);
}

static void no_argv_at_all(void **state)
{
	char *argv[] = { NULL };
	struct options opts;

	(void)state;
	assert_int_equal(options__parse(0, argv, &opts), OPTIONS_RUN);
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
	run_bad("INTERVAL '1s'", WORDS("1s"));
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
	/* The last wins, but the first must be good too. */
	run_bad("--duration 'x'", WORDS("-d", "x", "-d", "1"));
}

static void duration_excludes_interval(void **state)
{
	(void)state;
	run_bad("--duration '2'", WORDS("-d", "2", "3"));
	run_bad("INTERVAL '3'", WORDS("3", "--duration", "2"));
}

static void pids(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-p", "12"));
	assert_int_equal(run.opts.pid_cnt, 1);
	assert_int_equal(run.opts.pids[0], 12);
	options__free(&run.opts);
	assert_null(run.opts.pids);
	assert_int_equal(run.opts.pid_cnt, 0);

	run_good(&run, WORDS("-p", "30,10,4194304", "--pid=20", "-p1,10", "-p30"));
	assert_int_equal(run.opts.pid_cnt, 5);
	assert_int_equal(run.opts.pids[0], 30);
	assert_int_equal(run.opts.pids[1], 10);
	assert_int_equal(run.opts.pids[2], 4194304);
	assert_int_equal(run.opts.pids[3], 20);
	assert_int_equal(run.opts.pids[4], 1);
	options__free(&run.opts);
}

static void bad_pids(void **state)
{
	(void)state;
	run_bad("--pid '0'", WORDS("-p", "0"));
	run_bad("--pid '4194305'", WORDS("-p", "4194305"));
	run_bad("--pid '-1'", WORDS("-p", "-1"));
	run_bad("--pid '99999999999999999999'", WORDS("-p", "99999999999999999999"));
	/* The bad one of many. */
	run_bad("--pid 'x'", WORDS("-p", "1,x,2"));
	run_bad("--pid ' 2'", WORDS("-p", "1, 2"));
	/* Nothing between commas. */
	run_bad("--pid ''", WORDS("-p", ""));
	run_bad("--pid ','", WORDS("-p", ","));
	run_bad("--pid ',1'", WORDS("-p", ",1"));
	run_bad("--pid '1,'", WORDS("-p", "1,"));
	run_bad("--pid '1,,2'", WORDS("-p", "1,,2"));
	run_bad("--pid 'x'", WORDS("-p", "1", "-p", "x"));
}

/* From 1 to last, ",1" once more at the end. */
static char *make_pid_list(int last)
{
	char *list = malloc((size_t)last * 8 + 8), *end = list;

	assert_non_null(list);
	for (int pid = 1; pid <= last; pid++)
		end += sprintf(end, "%d,", pid);
	sprintf(end, "1");
	return list;
}

static void most_pids(void **state)
{
	char *most = make_pid_list(GTIMEHALT_MAX_WATCHED);
	char *too_many = make_pid_list(GTIMEHALT_MAX_WATCHED + 1);
	struct run run;

	(void)state;
	/* A repeated one takes no room. */
	run_good(&run, WORDS("-p", most, "-p", "7"));
	assert_int_equal(run.opts.pid_cnt, GTIMEHALT_MAX_WATCHED);
	assert_int_equal(run.opts.pids[GTIMEHALT_MAX_WATCHED - 1], GTIMEHALT_MAX_WATCHED);
	options__free(&run.opts);
	run_bad("'1025'", WORDS("-p", too_many));
	run_bad("'9999'", WORDS("-p", most, "-p", "9999"));
	free(most);
	free(too_many);
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

static void mperf_ratio(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--mperf-ratio", "0.97"));
	assert_true(run.opts.mperf_ratio == 0.97);
	run_good(&run, WORDS("--mperf-ratio=4096"));
	assert_true(run.opts.mperf_ratio == 4096);
	run_good(&run, WORDS("--mperf-ratio=2", "--mperf-ratio=1.5"));
	assert_true(run.opts.mperf_ratio == 1.5);
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
	assert_int_equal(run.opts.mode, MODE_ENTRY);
	run_good(&run, WORDS("--mode=switch"));
	assert_int_equal(run.opts.mode, MODE_SWITCH);
	assert_int_equal(run.opts.hook, HOOK_AUTO);
	run_good(&run, WORDS("--mode=switch", "1", "--mode=entry"));
	assert_int_equal(run.opts.mode, MODE_ENTRY);
	run_good(&run, WORDS("--mode=entry", "--mode=switch", "1"));
	assert_int_equal(run.opts.mode, MODE_SWITCH);
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
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		run_good(&run, WORDS("--hook", hooks[i].word));
		assert_int_equal(run.opts.hook, hooks[i].hook);
		assert_int_equal(run.opts.mode, MODE_ENTRY);
		run_good(&run, WORDS("--hook=kprobe", "--mode=entry", "--hook", hooks[i].word));
		assert_int_equal(run.opts.hook, hooks[i].hook);
	}
	run_bad("--hook ''", WORDS("--hook="));
	run_bad("--hook 'Fentry'", WORDS("--hook", "Fentry"));
	run_bad("--hook 'kprob'", WORDS("--hook", "kprob"));
	run_bad("--hook 'kprobes' is not auto, fentry, kprobe or tracepoint",
		WORDS("--hook", "kprobes"));
	run_bad("--hook 'fentry,kprobe'", WORDS("--hook", "fentry,kprobe"));
	run_bad("--hook 'x'", WORDS("--hook", "x", "--hook", "kprobe"));
}

/* Only at VM entry and exit is there a choice of hooks. */
static void switch_mode_excludes_hook(void **state)
{
	struct run run;

	(void)state;
	run_bad("--hook 'fentry' is for --mode entry", WORDS("--mode=switch", "--hook=fentry"));
	run_bad("--hook 'kprobe' is for --mode entry", WORDS("--mode=switch", "--hook=kprobe"));
	run_bad("--hook 'tracepoint'", WORDS("--hook=tracepoint", "-p", "1", "--mode=switch"));
	/* What counts is how it ends. */
	run_bad("--hook 'fentry'", WORDS("--mode=entry", "--hook=fentry", "--mode=switch"));
	run_good(&run, WORDS("--mode=switch", "--hook=fentry", "--mode=entry"));
	assert_int_equal(run.opts.mode, MODE_ENTRY);
	assert_int_equal(run.opts.hook, HOOK_FENTRY);
	run_good(&run, WORDS("--mode=switch", "--hook=fentry", "--hook=auto"));
	assert_int_equal(run.opts.mode, MODE_SWITCH);
	assert_int_equal(run.opts.hook, HOOK_AUTO);
	/* One line for two such faults. */
	run_bad("--hook 'fentry'", WORDS("--mode=switch", "--hook=fentry", "-d", "1", "2"));
	/* Help is given before words are weighed together. */
	run_words(&run, WORDS("--mode=switch", "--hook=fentry", "--help"));
	assert_int_equal(run.verdict, OPTIONS_DONE);
	assert_string_equal(run.err.text, "");
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
	run_bad("'--json'", WORDS("--json=1"));
	run_bad("'p'", WORDS("-p"));
	run_bad("'p'", WORDS("-jp"));
	run_bad("'d'", WORDS("1", "-d"));
	run_bad("'--pid'", WORDS("--pid"));
	run_bad("'--duration'", WORDS("--duration"));
	run_bad("'--mperf-ratio'", WORDS("--mperf-ratio"));
	run_bad("'--mode'", WORDS("--mode"));
	run_bad("'--hook'", WORDS("1", "--hook"));
	/* Of two options. */
	run_bad("'--m'", WORDS("--m", "switch"));
}

/* Such words must not break the line, nor reach a terminal. */
static void control_characters(void **state)
{
	(void)state;
	run_bad("argument 1 has a control character: '--bo?'", WORDS("--bo\ngus"));
	run_bad("argument 2 has a control character: '?'", WORDS("1", "\x1b[31m"));
	run_bad("argument 3 has a control character: '12?'", WORDS("-j", "-p", "12\x7f"));
}

static void only_one_complaint(void **state)
{
	(void)state;
	run_bad("--pid 'x'", WORDS("-p", "x", "-d", "y", "--bogus"));
	run_bad("'--bogus'", WORDS("--bogus", "-p", "x"));
	run_bad("INTERVAL 'a'", WORDS("a", "b", "c"));
	/* Too late for help. */
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
	/* What follows is not looked at; what goes before was good, and its memory is freed. */
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
		"-p, --pid=PID ",
		"-d, --duration=SECS ",
		"-j, --json ",
		"--mode=MODE ",
		"--hook=HOOK ",
		"--mperf-ratio=R ",
		"-v, --verbose ",
		"-V, --version ",
		"-h, --help ",
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

static void help_fits_a_terminal(void **state)
{
	struct run run;

	(void)state;
	run_words(&run, WORDS("-h"));
	for (const char *line = run.out.text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") < 80);
	assert_int_equal(run.out.text[strlen(run.out.text) - 1], '\n');
}

/* State of an earlier parse, as getopt likes to keep it, has no say in the next. */
static void parses_are_independent(void **state)
{
	struct run run;

	(void)state;
	run_bad("'x'", WORDS("--mode=switch", "-jvx", "-j"));
	run_good(&run, WORDS("-v"));
	assert_int_equal(run.opts.verbosity, 1);
	assert_int_equal(run.opts.form, OUTPUT_TABLE);
	assert_int_equal(run.opts.mode, MODE_ENTRY);
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
		cmocka_unit_test(duration_excludes_interval),
		cmocka_unit_test(pids),
		cmocka_unit_test(bad_pids),
		cmocka_unit_test(most_pids),
		cmocka_unit_test(json_and_verbose),
		cmocka_unit_test(mperf_ratio),
		cmocka_unit_test(mode),
		cmocka_unit_test(hook),
		cmocka_unit_test(switch_mode_excludes_hook),
		cmocka_unit_test(what_getopt_refuses),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(only_one_complaint),
		cmocka_unit_test(version),
		cmocka_unit_test(help),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(parses_are_independent),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
