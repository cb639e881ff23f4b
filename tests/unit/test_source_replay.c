// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Results of a recording as a source, and the one line that is printed if the recording is faulty.
 */
#include <errno.h>
#include "capture.h"
#include "report/filter.h"
#include "recording_run.h"
#include "run/source.h"

struct played {
	int err; /* result of opening the recording */
	size_t snap_cnt;
	int end;
	bool ended;
	struct capture said;
	char path[64];
};

/* Plays a file with these bytes. */
static void play(struct played *played, const char *bytes, size_t size)
{
	const struct filter filter = { 0 };
	struct snapshot snap = { 0 };
	struct source *source;
	int fd;

	*played = (struct played){ 0 };
	strcpy(played->path, "/tmp/gtimehalt-unit.XXXXXX");
	fd = mkstemp(played->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	capture__begin(&played->said, stderr);
	played->err = source_replay__new(played->path, &source);
	if (!played->err) {
		while ((played->end = source__next(source, &snap)) == 1) {
			played->snap_cnt++;
			played->ended |= source__has_ended(source, &filter);
		}
		source__free(source);
	}
	capture__end(&played->said);
	snapshot__free(&snap);
	assert_int_equal(unlink(played->path), 0);
}

static void play_text(struct played *played, const char *text)
{
	play(played, text, strlen(text));
}

/* The output must be one line: the program's name, `before`, the file and `after`. */
static void assert_said(const struct played *played, const char *before, const char *after)
{
	char expected[512];

	snprintf(expected, sizeof(expected), "gtimehalt: %s%s%s\n", before, played->path, after);
	assert_string_equal(played->said.text, expected);
}

static void test_whole(void **state)
{
	struct played played;
	size_t size;
	char *bytes = recorded_demo(3, &size);

	(void)state;
	play(&played, bytes, size);
	assert_int_equal(played.err, 0);
	assert_int_equal(played.snap_cnt, 3);
	assert_int_equal(played.end, 0);
	assert_false(played.ended);
	assert_string_equal(played.said.text, "");
	free(bytes);
}

static void test_header(void **state)
{
	char path[] = "/tmp/gtimehalt-unit.XXXXXX";
	struct source *source;
	size_t size;
	char *bytes = recorded_demo(1, &size);
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	assert_int_equal(source_replay__new(path, &source), 0);
	assert_string_equal(source__header(source)->stint_hook, "kprobe");
	assert_string_equal(source__header(source)->kernel_release, "6.12.0");
	source__free(source);
	source__free(NULL);
	assert_int_equal(unlink(path), 0);
	free(bytes);
}

/*
 * A recording that was cut off after two snapshots is replayed like a complete one, with a warning.
 */
static void test_cut_off(void **state)
{
	struct played played;
	size_t size;
	char *bytes = recorded_demo(3, &size);

	(void)state;
	play(&played, bytes, size - 20);
	assert_int_equal(played.snap_cnt, 2);
	assert_int_equal(played.end, 0);
	assert_said(&played, "warning: ", ":4: the recording is cut off here");
	free(bytes);
}

static void test_no_interval(void **state)
{
	struct played played;
	size_t size;
	char *bytes = recorded_demo(2, &size);

	(void)state;
	play(&played, bytes, size - 20);
	assert_int_equal(played.end, -ENODATA);
	assert_said(&played, "", ": the recording is cut off here; there is no interval to show");
	play_text(&played, HEADER SNAPSHOT);
	assert_int_equal(played.end, -ENODATA);
	assert_said(&played, "", ": there is no interval to show");
	play_text(&played, HEADER);
	assert_int_equal(played.end, -ENODATA);
	assert_said(&played, "", ": there is no interval to show");
	play_text(&played, "{\"format\":\"gtime");
	assert_int_equal(played.err, -ENODATA);
	assert_said(&played, "", ": the recording is cut off here; there is no interval to show");
	play_text(&played, "");
	assert_int_equal(played.err, -ENODATA);
	assert_said(&played, "", ": the recording is empty; there is no interval to show");
	free(bytes);
}

static void test_at_fault(void **state)
{
	struct played played;

	(void)state;
	play_text(&played, "hello\n");
	assert_int_equal(played.err, -EBADMSG);
	assert_said(&played, "", ":1: not a JSON object");
	play_text(&played, "{\"format\":\"gtimehalt-recording\",\"version\":2}\n");
	assert_int_equal(played.err, -EPROTONOSUPPORT);
	assert_said(&played, "", ":1: version 2 of the format is not supported, only version 1");
	play_text(&played, HEADER SNAPSHOT "{}\n" SNAPSHOT);
	assert_int_equal(played.err, 0);
	assert_int_equal(played.end, -EBADMSG);
	assert_said(&played, "", ":3: clock: missing");
	play_text(&played, HEADER SNAPSHOT "[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n" SNAPSHOT);
	assert_int_equal(played.end, -EBADMSG);
	assert_said(&played, "", ":3: not a JSON object");
}

static void test_no_file(void **state)
{
	static struct capture said;
	struct source *source;
	int err;

	(void)state;
	capture__begin(&said, stderr);
	err = source_replay__new("/nowhere/at/all", &source);
	capture__end(&said);
	assert_int_equal(err, -ENOENT);
	assert_string_equal(said.text,
			    "gtimehalt: cannot open /nowhere/at/all: No such file or directory\n");
	capture__begin(&said, stderr);
	err = source_replay__new("/", &source);
	capture__end(&said);
	assert_int_equal(err, -EISDIR);
	assert_string_equal(said.text, "gtimehalt: /: Is a directory\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),    cmocka_unit_test(test_header),
		cmocka_unit_test(test_cut_off),  cmocka_unit_test(test_no_interval),
		cmocka_unit_test(test_at_fault), cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests_name("source_replay", tests, NULL, NULL);
}
