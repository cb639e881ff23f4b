// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "failing_stream.h"
#include "text/stream.h"

static int put_and_flush(struct fixture *f, FILE *out)
{
	int err = stream__put(out, "text\n");

	(void)f;
	return err ? err : stream__flush(out);
}

static void test_text_arrives(void **state)
{
	assert_string_equal(written(*state, put_and_flush), "text\n");
}

static void test_full_device(void **state)
{
	assert_full_device_is_told(*state, put_and_flush);
}

static void test_stream_that_had_failed(void **state)
{
	assert_earlier_failure_is_told(*state, put_and_flush);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_text_arrives),
		TEST(test_full_device),
		TEST(test_stream_that_had_failed),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
