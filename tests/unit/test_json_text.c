// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "failing_json.h"
#include "text/json_text.h"
#include "test.h"

FAILING_JSON(json_object_new_string, (const char *value), (value))
FAILING_APPEND

/* Returns what json_text__write() writes, and frees the text; *err is the function's result. */
static char *written(struct json_text *text, int *err)
{
	char *bytes = NULL;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);

	assert_non_null(out);
	*err = json_text__write(text, out);
	assert_int_equal(fclose(out), 0);
	json_text__free(text);
	return bytes;
}

static void assert_written(struct json_text *text, const char *expected)
{
	int err;
	char *bytes = written(text, &err);

	assert_int_equal(err, 0);
	assert_string_equal(bytes, expected);
	free(bytes);
}

static void test_empty(void **state)
{
	struct json_text text = { 0 };

	(void)state;
	assert_written(&text, "\n");
}

static void test_numbers(void **state)
{
	struct json_text text = { 0 };

	(void)state;
	json_text__open(&text, NULL, '[');
	json_text__add_u64(&text, NULL, 0);
	json_text__add_u64(&text, NULL, 9);
	json_text__add_u64(&text, NULL, 10);
	json_text__add_u64(&text, NULL, 9007199254740993ULL);
	json_text__add_u64(&text, NULL, UINT64_MAX);
	json_text__close(&text, ']');
	assert_written(&text, "[0,9,10,9007199254740993,18446744073709551615]\n");
}

/* Commas belong between any two members, whatever these are, and nowhere else. */
static void fill(struct json_text *text)
{
	json_text__open(text, NULL, '{');
	json_text__open(text, "empty", '[');
	json_text__close(text, ']');
	json_text__open(text, "objects", '[');
	json_text__open(text, NULL, '{');
	json_text__close(text, '}');
	json_text__open(text, NULL, '{');
	json_text__add_null(text, "none");
	json_text__add(text, "text", json_object_new_string("[{\"\\/\n"));
	json_text__add_u64(text, "one", 1);
	json_text__close(text, '}');
	json_text__close(text, ']');
	json_text__add(text, "last", json_object_new_string("{"));
	json_text__close(text, '}');
}

static const char filled[] = "{\"empty\":[],\"objects\":[{},{\"none\":null,"
			     "\"text\":\"[{\\\"\\\\/\\n\",\"one\":1}],\"last\":\"{\"}\n";

static void test_structure(void **state)
{
	struct json_text text = { 0 };

	(void)state;
	fill(&text);
	assert_written(&text, filled);
	fill(&text); /* a freed text can be used again */
	assert_written(&text, filled);
}

static void test_full_device(void **state)
{
	struct json_text text = { 0 };
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(setvbuf(out, NULL, _IONBF, 0), 0);
	fill(&text);
	assert_int_equal(json_text__write(&text, out), -ENOSPC);
	json_text__free(&text);
	fclose(out);
}

/* Whichever allocation fails: everything is written, or nothing. */
static void test_no_memory(void **state)
{
	int failed_cnt = 0, err;

	(void)state;
	do {
		struct json_text text = { 0 };
		char *bytes;

		failing_json_left = failed_cnt;
		fill(&text);
		failing_json_left = -1;
		bytes = written(&text, &err);
		assert_int_equal(err, err ? -ENOMEM : 0);
		assert_string_equal(bytes, err ? "" : filled);
		free(bytes);
	} while (err && ++failed_cnt);
	assert_true(failed_cnt > 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_structure), cmocka_unit_test(test_full_device),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
