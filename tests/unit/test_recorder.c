// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "capture.h"
#include "run/recorder.h"
#include "recording_run.h"

static void test_nothing_is_recorded(void **state)
{
	struct recorder *recorder = (struct recorder *)-1;
	struct snapshot snap = { 0 };

	(void)state;
	assert_int_equal(recorder__new(NULL, &demo_header, &recorder), 0);
	assert_null(recorder);
	assert_int_equal(recorder__add(recorder, &snap), 0);
	assert_int_equal(recorder__end(recorder), 0);
}

static void test_a_recording(void **state)
{
	char path[] = "/tmp/gtimehalt-unit.XXXXXX";
	int fd = mkstemp(path);
	struct recorder *recorder;
	struct snapshot snap = { 0 };
	struct replayed got;
	char *bytes;
	size_t size;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(recorder__new(path, &demo_header, &recorder), 0);
	for (__u64 i = 1; i <= 3; i++) {
		fill_demo(&snap, i * 1000);
		assert_int_equal(recorder__add(recorder, &snap), 0);
	}
	assert_int_equal(recorder__end(recorder), 0);
	bytes = bytes_of(fd, &size);
	got = replayed(bytes, size);
	assert_int_equal(got.end, 0);
	assert_int_equal(got.snap_cnt, 3);
	free(bytes);
	close(fd);
	assert_int_equal(unlink(path), 0);
	snapshot__free(&snap);
}

static void test_failures_are_told(void **state)
{
	static struct capture said;
	struct recorder *recorder;
	struct snapshot snap = { 0 };
	int err;

	(void)state;
	capture__begin(&said, stderr);
	err = recorder__new("/nowhere/at/all", &demo_header, &recorder);
	capture__end(&said);
	assert_int_equal(err, -ENOENT);
	assert_string_equal(
		said.text,
		"gtimehalt: cannot record to /nowhere/at/all: No such file or directory\n");
	/* The header cannot be written. */
	capture__begin(&said, stderr);
	err = recorder__new("/dev/full", &demo_header, &recorder);
	capture__end(&said);
	assert_int_equal(err, -ENOSPC);
	assert_string_equal(said.text,
			    "gtimehalt: cannot record to /dev/full: No space left on device\n");
	/* A snapshot without an MPERF ratio could not be read back. */
	assert_int_equal(recorder__new("/dev/null", &demo_header, &recorder), 0);
	capture__begin(&said, stderr);
	err = recorder__add(recorder, &snap);
	capture__end(&said);
	assert_int_equal(err, -EINVAL);
	assert_string_equal(said.text, "gtimehalt: cannot record to /dev/null: Invalid argument\n");
	assert_int_equal(recorder__end(recorder), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_recorded),
		cmocka_unit_test(test_a_recording),
		cmocka_unit_test(test_failures_are_told),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
