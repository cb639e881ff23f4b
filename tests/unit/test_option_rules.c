// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every pair of options: it is either accepted, or refused with one line that names both options.
 */
#include "options_run.h"

#define MAX_SAMPLE_WORDS 4

struct sample {
	char letter;
	/* The option's name in messages; the second name is that of an option that it requires. */
	const char *names[2];
	const char *words[MAX_SAMPLE_WORDS];
	/* The letters of all options that it must be refused with. */
	const char *refused;
};

static const struct sample samples[] = {
	{ 'p', { "--pid" }, { "-p", "1" }, "xIUYGD" },
	{ 't', { "--tid" }, { "-t", "1" }, "xIUYGSDM" },
	{ 'g', { "--guest" }, { "-g", "a" }, "xIUYG" },
	{ 'v', { "--vcpu" }, { "--vcpu", "0" }, "xIUYGSDM" },
	{ 'P', { "--per-vm" }, { "-P" }, "LjxIUYGSDM" },
	{ 'L', { "--per-vcpu" }, { "-L" }, "PjxIUYGSDM" },
	{ 's', { "--sort" }, { "-s", "halted" }, "jHmNxIUYGSDM" },
	{ 'b', { "--sort" }, { "-s", "busy" }, "jHmNwxIUYGSDM" },
	{ 'r', { "--rows" }, { "-r", "1" }, "jHmNxIUYGSDM" },
	{ 'H', { "--histogram" }, { "-H" }, "sbrcwOxUYSD" },
	{ 'm', { "--milliseconds", "--histogram" }, { "-H", "-m" }, "sbrNjcwOxIUYGSDM" },
	{ 'N', { "--nanoseconds", "--histogram" }, { "-H", "-N" }, "sbrmjcwOxIUYGSDM" },
	{ 'C', { "--no-clear" }, { "-C" }, "jcOxIUYGSDM" },
	{ 'O', { "--top" }, { "--top" }, "HmNCjcdxIUYGSAZDM" },
	{ 'j', { "--json" }, { "-j" }, "PLsbrmNCcOxIUYGM" },
	{ 'c', { "--csv" }, { "--csv" }, "HmNCOjxIUYGSDM" },
	{ 'd', { "--duration" }, { "-d", "1" }, "inOFIUYGAZD" },
	{ 'i', { "INTERVAL" }, { "1" }, "dIUYG" },
	{ 'n', { "INTERVAL", "COUNT" }, { "1", "2" }, "dIUYG" },
	{ 'e', { "--mode" }, { "--mode", "entry" }, "FUYAZD" },
	{ 'w', { "--mode" }, { "--mode", "switch" }, "bHmNkFUYAZD" },
	{ 'a', { "--hook" }, { "--hook", "auto" }, "FUYAZD" },
	{ 'k', { "--hook" }, { "--hook", "kprobe" }, "wFUYAZD" },
	{ 'R', { "--mperf-ratio" }, { "--mperf-ratio", "1" }, "FUYAZD" },
	{ 'f', { "--record" }, { "--record", "f" }, "FxIUYGAZD" },
	{ 'F', { "--replay" }, { "--replay", "f" }, "dewakRfWxIUYGD" },
	{ 'x', { "--check" }, { "--check" }, "ptgvPLsbrHmNCOjcfFIUYGSAZDM" },
	{ 'W', { "--wait" }, { "--wait" }, "FIUYGAZD" },
	{ 'V', { "--verbose" }, { "-v" }, "" },
	{ 'I', { "--pin" }, { "--pin" }, "ptgvPLsbrmNCOjcdinfFxWUYSAZDM" },
	{ 'U', { "--unpin" }, { "--unpin" }, "ptgvPLsbrmNCOjcdinfFxWHewakRIGYSAZDM" },
	{ 'Y', { "--renew" }, { "--renew" }, "ptgvPLsbrmNCOjcdinfFxWHewakRIGUSAZDM" },
	{ 'G',
	  { "--group", "--pin" },
	  { "--pin", "--group", "a" },
	  "ptgvPLsbrmNCOjcdinfFxWUYSAZDM" },
	{ 'S', { "--summary" }, { "--summary" }, "tvPLsbrHmNCOcxIUYGDM" },
	{ 'D', { "--diff" }, { "--diff", "a", "b" }, "ptvPLsbrHmNCOcdewakRfFxWIUYGSAZM" },
	{ 'M', { "--html" }, { "--html", "p" }, "tvPLsbrmNCOjcSDxIUYG" },
	{ 'A', { "--from", "--replay" }, { "--replay", "f", "--from=1" }, "OdewakRfWxIUYGD" },
	{ 'Z', { "--to", "--replay" }, { "--replay", "f", "--to=1" }, "OdewakRfWxIUYGD" },
};

static const struct sample exporter_samples[] = {
	{ 'p', { "--pid" }, { "-p", "1" }, "" },
	{ 'g', { "--guest" }, { "-g", "a" }, "" },
	{ 'H', { "--histogram" }, { "-H" }, "w" },
	{ 'i', { "INTERVAL" }, { "1" }, "F" },
	{ 'e', { "--mode" }, { "--mode", "entry" }, "F" },
	{ 'w', { "--mode" }, { "--mode", "switch" }, "HkF" },
	{ 'a', { "--hook" }, { "--hook", "auto" }, "F" },
	{ 'k', { "--hook" }, { "--hook", "kprobe" }, "wF" },
	{ 'R', { "--mperf-ratio" }, { "--mperf-ratio", "1" }, "F" },
	{ 'F', { "--replay" }, { "--replay", "f" }, "iewakRWB" },
	{ 'W', { "--wait" }, { "--wait" }, "F" },
	{ 'V', { "--verbose" }, { "-v" }, "" },
	{ 'E', { "--listen" }, { "--listen", ":80" }, "" },
	{ 'X', { "--textfile" }, { "--textfile", "f" }, "" },
	{ 'u', { "--user" }, { "--user", "a" }, "" },
	{ 'B', { "--bpf-stats" }, { "--bpf-stats" }, "F" },
};

#define SAMPLE_CNT(samples) (sizeof(samples) / sizeof((samples)[0]))

/*
 * Such a pair is not a conflict: if an option is repeated, the last one wins; and arguments have an
 * order.
 */
static bool is_no_pair(const struct sample *a, const struct sample *b)
{
	static const char *const groups[] = { "sb", "in", "ew", "ak", "Din" };

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (strchr(groups[i], a->letter) && strchr(groups[i], b->letter))
			return true;
	return false;
}

static void run_pair(struct run *run, const struct sample *a, const struct sample *b)
{
	const char *words[2 * MAX_SAMPLE_WORDS + 1] = { 0 };
	size_t cnt = 0;

	for (size_t i = 0; i < MAX_SAMPLE_WORDS && a->words[i]; i++)
		words[cnt++] = a->words[i];
	for (size_t i = 0; b && i < MAX_SAMPLE_WORDS && b->words[i]; i++)
		words[cnt++] = b->words[i];
	run_words(run, words);
}

static bool is_named(const struct sample *sample, const char *line)
{
	for (size_t i = 0; i < 2 && sample->names[i]; i++) {
		const char *found = line;

		/* "--top" must not be taken for "--to". */
		while ((found = strstr(found, sample->names[i]))) {
			found += strlen(sample->names[i]);
			if (strchr(" :\n", *found))
				return true;
		}
	}
	return false;
}

static void assert_refused(const struct sample *a, const struct sample *b)
{
	struct run run;
	const char *line = run.err.text;

	run_pair(&run, a, b);
	if (run.verdict != OPTIONS_USAGE)
		fail_msg("%s and %s are not refused", a->names[0], b->names[0]);
	assert_string_equal(run.out.text, "");
	if (strncmp(line, program_texts[run_program].name, 9) ||
	    strchr(line, '\n') != line + strlen(line) - 1 || !is_named(a, line) ||
	    !is_named(b, line))
		fail_msg("%s and %s: %s", a->names[0], b->names[0], line);
}

static void assert_allowed(const struct sample *a, const struct sample *b)
{
	struct run run;

	run_pair(&run, a, b);
	if (run.verdict != OPTIONS_RUN)
		fail_msg("%s and %s: %s", a->names[0], b ? b->names[0] : "nothing", run.err.text);
	assert_string_equal(run.err.text, "");
	options__free(&run.opts);
}

static void try_pairs(const struct sample *of, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		assert_allowed(&of[i], NULL);
		for (size_t j = 0; j < cnt; j++) {
			const struct sample *a = &of[i], *b = &of[j];

			if (i == j || is_no_pair(a, b))
				continue;
			if (strchr(a->refused, b->letter))
				assert_refused(a, b);
			else
				assert_allowed(a, b);
		}
	}
}

static void every_pair(void **state)
{
	(void)state;
	try_pairs(samples, SAMPLE_CNT(samples));
}

static void every_pair_of_the_exporter(void **state)
{
	(void)state;
	run_as(PROGRAM_EXPORTER);
	try_pairs(exporter_samples, SAMPLE_CNT(exporter_samples));
	run_as(PROGRAM_TOOL);
}

static void units_need_the_histogram(void **state)
{
	(void)state;
	run_bad("--milliseconds needs --histogram", WORDS("-m"));
	run_bad("--nanoseconds needs --histogram", WORDS("-N", "1"));
}

static void a_group_needs_what_it_reads(void **state)
{
	(void)state;
	run_bad("--group needs --pin", WORDS("--group", "a"));
	run_bad("--unpin cannot be used with --group", WORDS("--unpin", "--group", "a"));
}

/* Only the final value of an option counts: an earlier value causes no conflict. */
static void what_counts_is_how_it_ends(void **state)
{
	struct run run;

	(void)state;
	run_bad("--hook cannot be used with --mode switch",
		WORDS("--mode=entry", "--hook=fentry", "--mode=switch"));
	run_good(&run, WORDS("--mode=switch", "--hook=fentry", "--mode=entry"));
	assert_int_equal(run.opts.measure.mode, MODE_ENTRY);
	assert_int_equal(run.opts.measure.hook, HOOK_FENTRY);
	run_good(&run, WORDS("--mode=switch", "--hook=fentry", "--hook=auto"));
	assert_int_equal(run.opts.measure.mode, MODE_SWITCH);
	assert_int_equal(run.opts.measure.hook, HOOK_AUTO);
	run_good(&run, WORDS("--mode=switch", "-s", "busy", "-s", "blocked"));
	assert_int_equal(run.opts.view.sort, COLUMN_BLOCKED);
	run_bad("--sort cannot be used with --mode switch",
		WORDS("-s", "blocked", "--mode=switch", "-s", "entries"));
}

/* With MODE_SWITCH, exactly the columns that are known in this mode can be sorted by. */
static void sorting_in_each_mode(void **state)
{
	static const char *const in_both[] = { "halted", "loaded", "wait", "blocked" };
	static const char *const in_entry[] = { "busy", "host", "entries" };
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(in_both) / sizeof(*in_both); i++) {
		run_good(&run, WORDS("-s", in_both[i], "--mode=switch"));
		run_good(&run, WORDS("-s", in_both[i], "--mode=entry"));
	}
	for (size_t i = 0; i < sizeof(in_entry) / sizeof(*in_entry); i++) {
		run_bad("--sort cannot be used with --mode switch",
			WORDS("-s", in_entry[i], "--mode=switch"));
		run_good(&run, WORDS("-s", in_entry[i], "--mode=entry"));
	}
}

/* --top shows the recorded intervals one after the other, at a pace that the user can choose. */
static void a_recording_on_a_screen_has_a_pace(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--replay", "f", "--top", "0.5", "3"));
	assert_int_equal(run.opts.interval_ns, 500000000);
	assert_int_equal(run.opts.count, 3);
	assert_int_equal(run.opts.join_ns, 0);
	run_good(&run, WORDS("--replay", "f", "0.5"));
	assert_int_equal(run.opts.join_ns, 500000000);
	assert_int_equal(run.opts.count, 0);
	run_bad("--replay cannot be used with --duration",
		WORDS("--replay", "f", "--top", "-d", "1"));
	run_as(PROGRAM_EXPORTER);
	run_bad("--replay cannot be used with INTERVAL", WORDS("--replay", "f", "1"));
	run_as(PROGRAM_TOOL);
}

static void help_comes_before_rules(void **state)
{
	struct run run;

	(void)state;
	run_words(&run, WORDS("--mode=switch", "--hook=fentry", "-j", "--csv", "--help"));
	assert_int_equal(run.verdict, OPTIONS_DONE);
	assert_string_equal(run.err.text, "");
}

static void one_line_for_several_faults(void **state)
{
	(void)state;
	run_bad("--check cannot be used with --pid",
		WORDS("--check", "-p1", "-P", "-L", "-j", "--csv", "-d1", "2"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair),
		cmocka_unit_test(every_pair_of_the_exporter),
		cmocka_unit_test(units_need_the_histogram),
		cmocka_unit_test(a_group_needs_what_it_reads),
		cmocka_unit_test(what_counts_is_how_it_ends),
		cmocka_unit_test(sorting_in_each_mode),
		cmocka_unit_test(a_recording_on_a_screen_has_a_pace),
		cmocka_unit_test(help_comes_before_rules),
		cmocka_unit_test(one_line_for_several_faults),
	};

	return cmocka_run_group_tests_name("option_rules", tests, NULL, NULL);
}
