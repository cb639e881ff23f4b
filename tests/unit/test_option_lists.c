// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include "gtimehalt.h"
#include "options_run.h"

static void pids(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-p", "12"));
	assert_int_equal(run.opts.measure.filter.pid_cnt, 1);
	assert_int_equal(run.opts.measure.filter.pids[0], 12);
	options__free(&run.opts);
	assert_null(run.opts.measure.filter.pids);
	assert_int_equal(run.opts.measure.filter.pid_cnt, 0);

	run_good(&run, WORDS("-p", "30,10,4194304", "--pid=20", "-p1,10", "-p30"));
	assert_int_equal(run.opts.measure.filter.pid_cnt, 5);
	assert_int_equal(run.opts.measure.filter.pids[0], 30);
	assert_int_equal(run.opts.measure.filter.pids[1], 10);
	assert_int_equal(run.opts.measure.filter.pids[2], 4194304);
	assert_int_equal(run.opts.measure.filter.pids[3], 20);
	assert_int_equal(run.opts.measure.filter.pids[4], 1);
	options__free(&run.opts);

	/* Separated by blanks, as pidof prints PIDs. */
	run_good(&run, WORDS("-p", "30 10,  20 , 7 "));
	assert_int_equal(run.opts.measure.filter.pid_cnt, 4);
	assert_int_equal(run.opts.measure.filter.pids[0], 30);
	assert_int_equal(run.opts.measure.filter.pids[3], 7);
	options__free(&run.opts);
}

static void bad_pids(void **state)
{
	(void)state;
	run_bad("--pid '0'", WORDS("-p", "0"));
	run_bad("--pid '4194305'", WORDS("-p", "4194305"));
	run_bad("--pid '-1'", WORDS("-p", "-1"));
	run_bad("--pid '99999999999999999999'", WORDS("-p", "99999999999999999999"));
	/* Only the bad element of a list is named. */
	run_bad("--pid 'x' is not a process ID", WORDS("-p", "1,x,2"));
	/* Empty elements. */
	run_bad("--pid '' is not a list of process IDs", WORDS("-p", ""));
	run_bad("--pid ','", WORDS("-p", ","));
	run_bad("--pid ' ' is not a list of process IDs", WORDS("-p", " "));
	run_bad("--pid '1, ,2' is not a list of process IDs", WORDS("-p", "1, ,2"));
	run_bad("--pid '1-3' is not a process ID", WORDS("-p", "1-3"));
	run_bad("--pid ',1'", WORDS("-p", ",1"));
	run_bad("--pid '1,'", WORDS("-p", "1,"));
	run_bad("--pid '1,,2'", WORDS("-p", "1,,2"));
	run_bad("--pid 'x'", WORDS("-p", "1", "-p", "x"));
}

static void tids(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("-t", "7,4194304", "--tid=1", "-t7"));
	assert_int_equal(run.opts.measure.filter.tid_cnt, 3);
	assert_int_equal(run.opts.measure.filter.tids[0], 7);
	assert_int_equal(run.opts.measure.filter.tids[1], 4194304);
	assert_int_equal(run.opts.measure.filter.tids[2], 1);
	assert_int_equal(run.opts.measure.filter.pid_cnt, 0);
	assert_int_equal(run.opts.measure.filter.vcpu_id_cnt, 0);
	options__free(&run.opts);
	run_bad("--tid '0' is not a thread ID", WORDS("-t", "0"));
	run_bad("--tid '4194305'", WORDS("--tid", "4194305"));
	run_bad("--tid '1,,2' is not a list of thread IDs", WORDS("-t", "1,,2"));
}

static void vcpus(void **state)
{
	struct run run;

	(void)state;
	run_good(&run, WORDS("--vcpu", "3,0", "--vcpu=4294967295,3"));
	assert_int_equal(run.opts.measure.filter.vcpu_id_cnt, 3);
	assert_int_equal(run.opts.measure.filter.vcpu_ids[0], 3);
	assert_int_equal(run.opts.measure.filter.vcpu_ids[1], 0);
	assert_int_equal(run.opts.measure.filter.vcpu_ids[2], UINT32_MAX);
	options__free(&run.opts);
	run_good(&run, WORDS("--vcpu", "0-3,2-5 9", "--vcpu=4294967294-4294967295"));
	assert_int_equal(run.opts.measure.filter.vcpu_id_cnt, 9);
	assert_int_equal(run.opts.measure.filter.vcpu_ids[5], 5);
	assert_int_equal(run.opts.measure.filter.vcpu_ids[6], 9);
	assert_int_equal(run.opts.measure.filter.vcpu_ids[8], UINT32_MAX);
	options__free(&run.opts);
	run_bad("--vcpu '3-0' is not a vCPU number", WORDS("--vcpu", "3-0"));
	run_bad("--vcpu '0-' is not a vCPU number", WORDS("--vcpu", "0-"));
	run_bad("--vcpu '0-1-2' is not a vCPU number", WORDS("--vcpu", "0-1-2"));
	run_bad("--vcpu '0-4294967295' is one too many", WORDS("--vcpu", "0-4294967295"));
	run_bad("--vcpu '4294967296' is not a vCPU number", WORDS("--vcpu", "4294967296"));
	run_bad("--vcpu '-1'", WORDS("--vcpu", "-1"));
	run_bad("--vcpu '0,' is not a list of vCPU numbers", WORDS("--vcpu", "0,"));
}

static void assert_names(const char **words, size_t cnt, const char **names)
{
	struct run run;

	run_good(&run, words);
	assert_int_equal(run.opts.measure.filter.name_cnt, cnt);
	for (size_t i = 0; i < cnt; i++)
		assert_string_equal(run.opts.measure.filter.names[i], names[i]);
	options__free(&run.opts);
	assert_null(run.opts.measure.filter.names);
}

static void names(void **state)
{
	(void)state;
	assert_names(WORDS("-g", "web-*"), 1, WORDS("web-*"));
	assert_names(WORDS("-g", "a,b c,*", "--guest=[xy]?", "-ga"), 4,
		     WORDS("a", "b c", "*", "[xy]?"));
	assert_names(WORDS("-g", " "), 1, WORDS(" "));
	assert_names(WORDS("-g", "\xc3\xa9"), 1, WORDS("\xc3\xa9"));
}

/* The parser keeps the backslash, which fnmatch(3) removes. */
static void names_with_a_comma(void **state)
{
	(void)state;
	assert_names(WORDS("-g", "a\\,b"), 1, WORDS("a\\,b"));
	assert_names(WORDS("-g", "\\,,\\,\\,"), 2, WORDS("\\,", "\\,\\,"));
	/* An escaped backslash does not escape the comma after it. */
	assert_names(WORDS("-g", "a\\\\,b"), 2, WORDS("a\\\\", "b"));
	assert_names(WORDS("-g", "a\\*,b"), 2, WORDS("a\\*", "b"));
}

static void bad_names(void **state)
{
	(void)state;
	run_bad("--guest '' is not a list of patterns", WORDS("-g", ""));
	run_bad("--guest ','", WORDS("-g", ","));
	run_bad("--guest 'a,'", WORDS("-g", "a,"));
	run_bad("--guest ',a'", WORDS("-g", ",a"));
	run_bad("--guest 'a,,b'", WORDS("-g", "a,,b"));
	/* A backslash at the end escapes nothing. */
	run_bad("--guest 'a\\'", WORDS("-g", "a\\"));
	run_bad("--guest 'b,a\\'", WORDS("-g", "b,a\\"));
	run_bad("--guest '\\'", WORDS("-g", "\\"));
	/* The list of the earlier, valid option is freed. */
	run_bad("--guest ''", WORDS("-g", "a,b", "-g", ""));
}

/* Returns the list of the numbers from 1 to `last`, followed by another 1. */
static char *make_list(int last)
{
	char *list = malloc((size_t)last * 8 + 8), *end = list;

	assert_non_null(list);
	for (int id = 1; id <= last; id++)
		end += sprintf(end, "%d,", id);
	sprintf(end, "1");
	return list;
}

static void longest_lists(void **state)
{
	static const char *const options[] = { "--pid", "--tid", "--vcpu", "--guest" };
	char *most = make_list(GTIMEHALT_MAX_WATCHED);
	char *too_many = make_list(GTIMEHALT_MAX_WATCHED + 1);
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		char text[64];

		/* A repeated element takes no additional room. */
		run_good(&run, WORDS(options[i], most, options[i], "7"));
		assert_int_equal(run.opts.measure.filter.pid_cnt + run.opts.measure.filter.tid_cnt +
					 run.opts.measure.filter.vcpu_id_cnt +
					 run.opts.measure.filter.name_cnt,
				 GTIMEHALT_MAX_WATCHED);
		options__free(&run.opts);
		sprintf(text, "%s '1025' is one too many: at most 1024", options[i]);
		run_bad(text, WORDS(options[i], too_many));
		sprintf(text, "%s '9999' is one too many", options[i]);
		run_bad(text, WORDS(options[i], most, options[i], "9999"));
	}
	run_good(&run, WORDS("-p", most));
	assert_int_equal(run.opts.measure.filter.pids[GTIMEHALT_MAX_WATCHED - 1],
			 GTIMEHALT_MAX_WATCHED);
	options__free(&run.opts);
	free(most);
	free(too_many);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pids),      cmocka_unit_test(bad_pids),
		cmocka_unit_test(tids),      cmocka_unit_test(vcpus),
		cmocka_unit_test(names),     cmocka_unit_test(names_with_a_comma),
		cmocka_unit_test(bad_names), cmocka_unit_test(longest_lists),
	};

	return cmocka_run_group_tests_name("option_lists", tests, NULL, NULL);
}
