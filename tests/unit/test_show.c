// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include "report/check.h"
#include "failing_stream.h"
#include "options/options.h"
#include "render/show.h"

#define HEADING "VM/vCPU                PID/TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% ENTRIES/s\n"
#define ROW     "a                            1  49.1    49.1  50.0   0.9   0.0    0.0       212\n"
#define HOST    "0 vCPUs of 1 VM on 8 CPUs\n"
#define TABLE_1 "14:26:41, 1.00 s\n" HOST HEADING ROW
#define TABLE_2 "14:26:42, 1.00 s\n" HOST HEADING ROW
#define CLEAR   "\033[H\033[2J"

/* Shows two reports in a row, as the options say. */
static void show_twice(struct fixture *f, const struct options *opts, FILE *out)
{
	struct show *show;

	f->report.vm_cnt = 0;
	add_vm(f, 1, "a", half_halted);
	assert_int_equal(show__new(opts, out, isatty(fileno(out)), &show), 0);
	assert_int_equal(show__report(show, &f->report), 0);
	f->report.end.real_ns += S;
	assert_int_equal(show__report(show, &f->report), 0);
	show__free(show);
}

static const char *shown_twice(struct fixture *f, const struct options *opts)
{
	size_t size;
	FILE *out;

	free(f->text);
	f->text = NULL;
	out = open_memstream(&f->text, &size);
	assert_non_null(out);
	show_twice(f, opts, out);
	assert_int_equal(fclose(out), 0);
	return f->text;
}

/* The same on a terminal of the given type; NULL: TERM is not set. */
static const char *shown_on_terminal(struct fixture *f, const struct options *opts,
				     const char *term)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	size_t len = 0, room = 4096;
	FILE *out;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	out = fopen(ptsname(master), "we");
	assert_non_null(out);
	if (term)
		assert_int_equal(setenv("TERM", term, 1), 0);
	else
		assert_int_equal(unsetenv("TERM"), 0);
	show_twice(f, opts, out);
	assert_int_equal(fputc('\4', out), '\4');
	assert_int_equal(fflush(out), 0);
	free(f->text);
	f->text = malloc(room);
	assert_non_null(f->text);
	while (len == 0 || f->text[len - 1] != '\4') {
		ssize_t size = read(master, f->text + len, room - 1 - len);

		assert_true(size > 0);
		len += (size_t)size;
	}
	f->text[len - 1] = '\0';
	fclose(out);
	close(master);
	return f->text;
}

static void test_tables(void **state)
{
	const struct options opts = { .repeat = true };

	assert_string_equal(shown_twice(*state, &opts), TABLE_1 "\n" TABLE_2);
}

static void test_view(void **state)
{
	const struct options opts = { .view = { .level = VIEW_VCPUS } };
	const char *const heading =
		"VM                vCPU     TID IDLE% HALTED% BUSY% HOST% WAIT% BLOCK% ENTRIES/s\n";

	const char *text = shown_twice(*state, &opts);

	assert_non_null(strstr(text, heading));
}

static size_t cnt_of(const char *text, const char *what)
{
	size_t cnt = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		cnt++;
	}
	return cnt;
}

static void test_csv_has_one_heading(void **state)
{
	const struct options opts = { .form = OUTPUT_CSV };
	const char *text = shown_twice(*state, &opts);

	assert_ptr_equal(strstr(text, "time,interval_ns,"), text);
	assert_int_equal(cnt_of(text, "time,interval_ns,"), 1);
	assert_int_equal(cnt_of(text, ",vm,1,1,\"a\","), 2);
	assert_int_equal(cnt_of(text, "\n"), 5);
}

static void test_json_is_a_line_each(void **state)
{
	const struct options opts = { .form = OUTPUT_JSON };
	const char *text = shown_twice(*state, &opts);

	assert_int_equal(cnt_of(text, "{\"schema\":"), 2);
	assert_int_equal(cnt_of(text, "\n"), 2);
}

/* On a terminal, a line ends with two bytes. */
static void assert_terminal(struct fixture *f, const struct options *opts, const char *term,
			    bool clears)
{
	const char *text = shown_on_terminal(f, opts, term);

	if (clears) {
		/* The screen must be cleared between the two tables, and nowhere else. */
		assert_int_equal(cnt_of(text, "\033"), 2);
		assert_int_equal(cnt_of(text, "212\r\n" CLEAR "14:26:"), 1);
	} else {
		assert_int_equal(cnt_of(text, "\033"), 0);
		assert_int_equal(cnt_of(text, "212\r\n\r\n14:26:"), 1);
	}
}

static void test_a_terminal_is_cleared(void **state)
{
	const struct options opts = { .repeat = true };
	const struct options no_clear = { .repeat = true, .no_clear = true };

	assert_terminal(*state, &opts, "xterm", true);
	assert_terminal(*state, &no_clear, "xterm", false);
	assert_terminal(*state, &opts, "dumb", false);
	assert_terminal(*state, &opts, "", false);
	assert_terminal(*state, &opts, NULL, false);
}

/* CSV and JSON are for programs, even on a terminal. */
static void test_csv_and_json_clear_nothing(void **state)
{
	const struct options csv = { .repeat = true, .form = OUTPUT_CSV };
	const struct options json = { .repeat = true, .form = OUTPUT_JSON };

	assert_null(strchr(shown_on_terminal(*state, &csv, "xterm"), '\033'));
	assert_null(strchr(shown_on_terminal(*state, &json, "xterm"), '\033'));
}

static int show_two_checks(struct fixture *f, FILE *out)
{
	const struct options opts = { .measure.check = true };
	const struct check check = { 0 };
	struct show *show;
	int err = show__new(&opts, out, false, &show);

	(void)f;
	if (!err)
		err = show__check(show, &check);
	if (!err)
		err = show__check(show, &check);
	show__free(show);
	return err;
}

static void test_checks(void **state)
{
	const char *text = written(*state, show_two_checks);
	const char *gap = strstr(text, "\n\n");

	/* The same text twice, with an empty line between. */
	assert_non_null(gap);
	assert_int_equal(strlen(gap + 2), gap + 1 - text);
	assert_memory_equal(text, gap + 2, strlen(gap + 2));
}

static int show_as(enum output_form form, struct fixture *f, FILE *out)
{
	const struct options opts = { .form = form };
	struct show *show;
	int err = show__new(&opts, out, false, &show);

	if (!err)
		err = show__report(show, &f->report);
	show__free(show);
	return err;
}

static int show_table(struct fixture *f, FILE *out)
{
	return show_as(OUTPUT_TABLE, f, out);
}

static int show_csv(struct fixture *f, FILE *out)
{
	return show_as(OUTPUT_CSV, f, out);
}

static int show_json(struct fixture *f, FILE *out)
{
	return show_as(OUTPUT_JSON, f, out);
}

static void test_failures_are_told(void **state)
{
	add_demo(*state);
	assert_full_device_is_told(*state, show_table);
	assert_full_device_is_told(*state, show_csv);
	assert_full_device_is_told(*state, show_json);
	assert_earlier_failure_is_told(*state, show_table);
	assert_earlier_failure_is_told(*state, show_csv);
	assert_earlier_failure_is_told(*state, show_json);
	assert_earlier_failure_is_told(*state, show_two_checks);
}

static void test_free_of_nothing(void **state)
{
	(void)state;
	show__free(NULL);
}

int main(void)
{
	setenv("TZ", "UTC0", 1);
	static const struct CMUnitTest tests[] = {
		TEST(test_tables),
		TEST(test_view),
		TEST(test_csv_has_one_heading),
		TEST(test_json_is_a_line_each),
		TEST(test_a_terminal_is_cleared),
		TEST(test_csv_and_json_clear_nothing),
		TEST(test_checks),
		TEST(test_failures_are_told),
		cmocka_unit_test(test_free_of_nothing),
	};

	return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
