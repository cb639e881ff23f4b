// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Malicious recordings: too many or too deeply nested elements, overlong lines, and random damage.
 */
#include <errno.h>
#include "report/account.h"
#include "recording_run.h"

/* Replays a snapshot line with `cnt` times `piece` in an unknown member, followed by `end`. */
static struct replayed replayed_many(const char *piece, size_t cnt, const char *end)
{
	const char *begin = HEADER "{\"x\":[";
	size_t piece_len = strlen(piece);
	char *text = malloc(strlen(begin) + cnt * piece_len + strlen(end) + 1);
	struct replayed got;
	char *at;

	assert_non_null(text);
	at = stpcpy(text, begin);
	while (cnt--)
		at = mempcpy(at, piece, piece_len);
	strcpy(at, end);
	got = replayed(text, strlen(text));
	free(text);
	return got;
}

static void assert_limit(struct replayed got, const char *reason)
{
	assert_string_equal(got.reason, reason);
	assert_int_equal(got.end, -EFBIG);
	assert_int_equal(got.line, 2);
}

static void test_limits(void **state)
{
	static const char good_end[] = "0]}\n";
	struct replayed got;

	(void)state;
	/* A line within the limits is refused only because it has no clock. */
	got = replayed_many("0,", 1000, good_end);
	assert_string_equal(got.reason, "clock: missing");

	assert_limit(replayed_many("[", RECORDING_DEPTH_MAX - 1, ""),
		     "arrays and objects are nested too deeply");
	assert_limit(replayed_many("[", 1000000, "\n"), "arrays and objects are nested too deeply");
	assert_limit(replayed_many("[],", RECORDING_CONTAINERS_MAX, good_end),
		     "too many arrays and objects");
	assert_limit(replayed_many("0,", RECORDING_VALUES_MAX, good_end), "too many values");
}

static void test_deepest(void **state)
{
	char text[256] = "", *at = text;
	struct replayed got;

	(void)state;
	for (int depth = 2; depth < RECORDING_DEPTH_MAX; depth++)
		*at++ = '[';
	for (int depth = 2; depth < RECORDING_DEPTH_MAX; depth++)
		*at++ = ']';
	strcpy(at, "]}\n");
	got = replayed_many("", 0, text);
	assert_string_equal(got.reason, "clock: missing");
}

static void test_elements(void **state)
{
	char *text = malloc(RECORDING_ELEMENTS_MAX * 40UL + 1000), *at;
	const char *vms = strstr(SNAPSHOT, "\"vms\":[") + strlen("\"vms\":[");
	struct replayed got;

	(void)state;
	assert_non_null(text);
	at = stpcpy(text, HEADER);
	at = mempcpy(at, SNAPSHOT, vms - SNAPSHOT);
	for (int i = 0; i < RECORDING_ELEMENTS_MAX; i++)
		at += sprintf(at, "{\"pid\":%d,\"name\":\"\"},", i);
	/* The remaining text holds the two elements of the original list. */
	strcpy(at, vms);
	got = replayed_text(text);
	assert_string_equal(got.reason, "vms: too many elements");
	assert_int_equal(got.end, -EFBIG);
	free(text);
}

/* A stream of blanks that is as long as the cookie says. */
static ssize_t read_spaces(void *cookie, char *bytes, size_t size)
{
	size_t *left = cookie;
	size_t cnt = size < *left ? size : *left;

	memset(bytes, ' ', cnt);
	*left -= cnt;
	return (ssize_t)cnt;
}

static void test_length_of_a_line(void **state)
{
	cookie_io_functions_t functions = { .read = read_spaces };
	const size_t size = 100UL << 20;
	size_t left = size;
	struct recording_header header;
	struct recording_reader *r;
	FILE *in = fopencookie(&left, "r", functions);

	(void)state;
	assert_non_null(in);
	setvbuf(in, NULL, _IOFBF, 65536);
	assert_int_equal(recording_reader__new(in, &r), 0);
	assert_int_equal(recording_reader__header(r, &header), -EFBIG);
	assert_string_equal(recording_reader__reason(r), "the line is too long");
	assert_int_equal(recording_reader__line(r), 1);
	/* The reader does not read on to find the end of the line. */
	assert_true(size - left <= RECORDING_LINE_MAX + 65536);
	recording_reader__free(r);
	fclose(in);
}

/* Changes, deletes or inserts some bytes; returns the new size, which is at most `room`. */
static size_t damage(char *bytes, size_t size, size_t room, __u64 *seed)
{
	static const char marks[] = "{}[]\":,0-9e.\n\\ \xff";
	size_t at = next_random(seed) % size;
	size_t len = next_random(seed) % 40;
	size_t from = next_random(seed) % size;

	if (len > size - at)
		len = size - at;
	switch (next_random(seed) % 4) {
	case 0:
		bytes[at] = (char)next_random(seed);
		return size;
	case 1:
		bytes[at] = marks[next_random(seed) % (sizeof(marks) - 1)];
		return size;
	case 2:
		memmove(bytes + at, bytes + at + len, size - at - len);
		return size - len > 0 ? size - len : 1;
	default:
		if (len > size - from)
			len = size - from;
		if (size + len > room)
			return size;
		memmove(bytes + at + len, bytes + at, size - at);
		memmove(bytes + at, bytes + from, len);
		return size + len;
	}
}

/* Snapshots that the reader accepts must be accepted by account__report(), too. */
static bool replay_damaged(char *bytes, size_t size)
{
	struct recording_header header;
	struct snapshot snaps[2] = { 0 };
	struct report report = { 0 };
	struct recording_reader *r;
	FILE *in = fmemopen(bytes, size, "r");
	size_t cnt = 0;
	int got;

	assert_non_null(in);
	assert_int_equal(recording_reader__new(in, &r), 0);
	got = recording_reader__header(r, &header);
	while (!got || got == 1) {
		got = recording_reader__next(r, &snaps[cnt % 2]);
		if (got != 1)
			break;
		if (cnt++)
			assert_int_equal(account__report(&snaps[cnt % 2], &snaps[(cnt - 1) % 2],
							 &report),
					 0);
	}
	assert_true(got == 0 || got == -ENODATA || got == -EBADMSG || got == -EPROTONOSUPPORT);
	assert_int_equal(got != 0, recording_reader__reason(r)[0] != '\0');
	for (const char *c = recording_reader__reason(r); *c; c++)
		assert_in_range(*c, ' ', '~');
	recording_reader__free(r);
	snapshot__free(&snaps[0]);
	snapshot__free(&snaps[1]);
	report__free(&report);
	fclose(in);
	return got == 0;
}

static void test_random_damage(void **state)
{
	__u64 seed = 0x2545f4914f6cdd1dULL;
	size_t size, whole_cnt = 0;
	char *bytes = recorded_demo(4, &size);
	size_t room = 2 * size;
	char *damaged = malloc(room);

	(void)state;
	assert_non_null(damaged);
	for (int round = 0; round < 20000; round++) {
		size_t damaged_size = size;
		int cnt = 1 + (int)(next_random(&seed) % 3);

		memcpy(damaged, bytes, size);
		while (cnt--)
			damaged_size = damage(damaged, damaged_size, room, &seed);
		whole_cnt += replay_damaged(damaged, damaged_size);
	}
	/* Some damaged recordings stay valid, because a digit may be replaced by another one. */
	assert_in_range(whole_cnt, 100, 19900);
	free(damaged);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_deepest),
		cmocka_unit_test(test_elements),      cmocka_unit_test(test_length_of_a_line),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests_name("recording_hostile", tests, NULL, NULL);
}
