// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "capture.h"

/*
 * Sets JOURNAL_STREAM as systemd does if stderr goes to the journal; with `off` != 0, as for
 * another stream.
 */
static void set_journal(unsigned int off)
{
	char stream[64];
	struct stat st;

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + off);
	setenv("JOURNAL_STREAM", stream, 1);
}

static int teardown(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log__set_level(LOG_LEVEL_WARN);
	return 0;
}

static void print_all(void)
{
	pr_err("a%d", 1);
	pr_warn("b");
	pr_info("c");
	pr_debug("d");
}

static void test_levels_above_the_one_set_are_dropped(void **state)
{
	struct capture capture;

	(void)state;
	capture__begin(&capture, stderr);
	print_all();
	log__set_level(LOG_LEVEL_DEBUG);
	print_all();
	capture__end(&capture);
	assert_string_equal(capture.text,
			    "gtimehalt: a1\ngtimehalt: warning: b\n"
			    "gtimehalt: a1\ngtimehalt: warning: b\ngtimehalt: c\ngtimehalt: d\n");
}

static void test_the_journal_is_told_the_level(void **state)
{
	struct capture capture;

	(void)state;
	log__set_level(LOG_LEVEL_DEBUG);
	capture__begin(&capture, stderr);
	set_journal(0);
	print_all();
	capture__end(&capture);
	assert_string_equal(capture.text, "<3>gtimehalt: a1\n<4>gtimehalt: warning: b\n"
					  "<6>gtimehalt: c\n<7>gtimehalt: d\n");
}

static void test_another_stream_is_not_the_journal(void **state)
{
	struct capture capture;

	(void)state;
	capture__begin(&capture, stderr);
	set_journal(1);
	pr_err("a");
	setenv("JOURNAL_STREAM", "rubbish", 1);
	pr_err("b");
	setenv("JOURNAL_STREAM", "", 1);
	pr_err("c");
	capture__end(&capture);
	assert_string_equal(capture.text, "gtimehalt: a\ngtimehalt: b\ngtimehalt: c\n");
}

static void test_no_text_passes_for_another_level(void **state)
{
	struct capture capture;

	(void)state;
	capture__begin(&capture, stderr);
	set_journal(0);
	pr_err("no %s", "such thing\n<0>the kernel is on fire\n\nlast\n");
	capture__end(&capture);
	assert_string_equal(capture.text, "<3>gtimehalt: no such thing\n"
					  "<3>gtimehalt: <0>the kernel is on fire\n"
					  "<3>gtimehalt: last\n");
}

static void test_control_characters_are_masked(void **state)
{
	struct capture capture;

	(void)state;
	capture__begin(&capture, stderr);
	pr_err("%s", "a\tb\033[2J\r\x7f ü");
	/*
	 * CSI as a UTF-8 character and as a single byte, a right-to-left override, an incomplete
	 * character.
	 */
	pr_err("%s", "\xc2\x9b"
		     "2J \x9b"
		     "2J \xe2\x80\xae \xe2\x80");
	capture__end(&capture);
	assert_string_equal(capture.text, "gtimehalt: a\tb?[2J?? ü\ngtimehalt: ?2J ?2J ? ??\n");
}

static void test_long_texts_are_cut(void **state)
{
	struct capture capture;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	capture__begin(&capture, stderr);
	pr_err("%s", text);
	/* The largest number of prefixes: each line gets one. */
	for (size_t i = 1; i < sizeof(text) - 1; i += 2)
		text[i] = '\n';
	pr_warn("%s", text);
	capture__end(&capture);
	assert_int_equal(strcspn(capture.text, "\n"), strlen("gtimehalt: ") + 1023);
	assert_true(strlen(capture.text) < 1100 + 4096);
	assert_int_equal(capture.text[strlen(capture.text) - 1], '\n');
	assert_non_null(strstr(capture.text, "\ngtimehalt: warning: x\ngtimehalt: warning: x\n"));
}

static void test_a_failure_is_printed_and_returned(void **state)
{
	struct capture capture;

	(void)state;
	capture__begin(&capture, stderr);
	assert_int_equal(log__failure("open /", 0), 0);
	assert_int_equal(log__failure("open /", -EACCES), -EACCES);
	capture__end(&capture);
	assert_string_equal(capture.text, "gtimehalt: cannot open /: Permission denied\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_levels_above_the_one_set_are_dropped, teardown),
		cmocka_unit_test_teardown(test_the_journal_is_told_the_level, teardown),
		cmocka_unit_test_teardown(test_another_stream_is_not_the_journal, teardown),
		cmocka_unit_test_teardown(test_no_text_passes_for_another_level, teardown),
		cmocka_unit_test_teardown(test_control_characters_are_masked, teardown),
		cmocka_unit_test_teardown(test_long_texts_are_cut, teardown),
		cmocka_unit_test(test_a_failure_is_printed_and_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
