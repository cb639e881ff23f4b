// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings that are none, are damaged, or want to do harm. */
#include <errno.h>
#include "account.h"
#include "recording_run.h"

#define HEADER "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"entry\"}\n"
#define VCPU                                                                                       \
	"{\"pid\":1,\"tid\":2,\"vcpu\":0,\"seen\":true,\"vm_id\":1,\"start_boottime_ns\":1,"       \
	"\"at_monotonic_ns\":1,\"loaded_ns\":1,\"measured_ns\":1,\"mperf_cycles\":1,"              \
	"\"guest_ns\":1,\"entries\":1,\"wait_ns\":1}"
#define SNAPSHOT                                                                                   \
	"{\"clock\":{\"monotonic_ns\":1,\"boottime_ns\":1,\"realtime_ns\":1,\"tsc_cycles\":1},"    \
	"\"mode\":\"entry\",\"mperf_ratio\":1,"                                                    \
	"\"health\":{\"lost_windows\":0,\"mperf_errors\":0,\"map_full\":0},"                       \
	"\"vms\":[{\"pid\":1,\"name\":\"a\"},{\"pid\":2,\"name\":\"b\"}],"                         \
	"\"vcpus\":[" VCPU "]}\n"

/* `text` with the first `old` in it replaced. The caller frees it. */
static char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *result = NULL;

	assert_non_null(at);
	assert_true(asprintf(&result, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) >=
		    0);
	return result;
}

static struct replayed replayed_text(const char *text)
{
	return replayed(text, strlen(text));
}

static void test_base_is_right(void **state)
{
	struct replayed got = replayed_text(HEADER SNAPSHOT);

	(void)state;
	assert_string_equal(got.reason, "");
	assert_int_equal(got.end, 0);
	assert_int_equal(got.snap_cnt, 1);
}

static void test_headers(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *reason;
	} cases[] = {
		{ "hello", -EBADMSG, "no JSON object" },
		{ "\n{}\n", -EBADMSG, "the line ends too early" },
		{ "[1]\n", -EBADMSG, "no JSON object" },
		{ "null\n", -EBADMSG, "no JSON object" },
		{ "\x7f"
		  "ELF\n",
		  -EBADMSG, "no JSON object" },
		{ "{}\n", -EBADMSG, "this is no recording: no gtimehalt-recording" },
		{ "{\"schema\":1}\n", -EBADMSG, "this is no recording: no gtimehalt-recording" },
		{ "{\"format\":7,\"version\":1}\n", -EBADMSG,
		  "this is no recording: no gtimehalt-recording" },
		{ "{\"format\":\"gtimehalt-recording\"}\n", -EBADMSG,
		  "version: missing, or no integer" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":\"1\"}\n", -EBADMSG,
		  "version: missing, or no integer" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":2}\n", -EPROTONOSUPPORT,
		  "version 2 of the format; known here is 1" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":18446744073709551615}\n",
		  -EPROTONOSUPPORT, "version 9223372036854775807 of the format; known here is 1" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":-1}\n", -EPROTONOSUPPORT,
		  "version -1 of the format; known here is 1" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1}\n", -EBADMSG,
		  "mode: missing" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"exit\"}\n",
		  -EBADMSG, "mode: a mode that is not known here" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"entry\","
		  "\"mperf_ratio\":0}\n",
		  -EBADMSG, "mperf_ratio: no number above 0" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"entry\","
		  "\"stint_hook\":\"0123456789012345678901234567890123456789\"}\n",
		  -EBADMSG, "stint_hook: too long a text" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct replayed got = replayed_text(cases[i].text);

		assert_string_equal(got.reason, cases[i].reason);
		assert_int_equal(got.header_err, cases[i].err);
		assert_int_equal(got.end, cases[i].err);
		assert_int_equal(got.line, 1);
	}
}

/* Refused by json-c or behind it, which depends on its version. */
#define ANY ""

/* One thing wrong in the one snapshot. */
static void test_snapshots(void **state)
{
	static const struct {
		const char *old, *new;
		const char *reason;
	} cases[] = {
		{ "\"clock\":{", "\"clock\":[],\"x\":{", "clock: no object" },
		{ "\"clock\":{", "\"clock\":null,\"x\":{", "clock: no object" },
		{ "\"clock\":{", "\"x\":{", "clock: missing" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":-1",
		  "clock.tsc_cycles: no integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":1.0",
		  "clock.tsc_cycles: no integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":1e3",
		  "clock.tsc_cycles: no integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":\"1\"",
		  "clock.tsc_cycles: no integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":null",
		  "clock.tsc_cycles: no integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":-9223372036854775809", ANY },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":18446744073709551616",
		  "an integer that does not fit 64 bits" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":100000000000000000000",
		  "an integer that does not fit 64 bits" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":01", "no JSON: " },
		{ "\"mode\":\"entry\"", "\"mode\":1", "mode: no text" },
		{ "\"mode\":\"entry\"", "\"mode\":\"entry\\u0000\"",
		  "mode: a text with a NUL in it" },
		{ "\"mode\":\"entry\"", "\"mode\":\"\"", "mode: a mode that is not known here" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":\"1\"", "mperf_ratio: no number above 0" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":-0.5", "mperf_ratio: no number above 0" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":1e999", "mperf_ratio: no number above 0" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":NaN", ANY },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":Infinity", ANY },
		{ "\"map_full\":0", "\"full\":0", "health.map_full: missing" },
		{ "\"map_full\":0", "\"map_full\":true",
		  "health.map_full: no integer from 0 to 18446744073709551615" },
		{ "\"vms\":[", "\"vms\":{},\"x\":[", "vms: no list" },
		{ "\"vms\":[", "\"x\":[", "vms: missing" },
		{ "\"vcpus\":[", "\"vcpus\":null,\"x\":[", "vcpus: no list" },
		{ "{\"pid\":2,\"name\":\"b\"}", "2", "vms[1]: no object" },
		{ "{\"pid\":2,\"name\":\"b\"}", "null", "vms[1]: no object" },
		{ "{\"pid\":2", "{\"pid\":2147483648",
		  "vms[1].pid: no integer from 0 to 2147483647" },
		{ "{\"pid\":2", "{\"pid\":-2147483648",
		  "vms[1].pid: no integer from 0 to 2147483647" },
		{ "{\"pid\":2", "{\"pid\":1", "vms[1]: out of order, or there twice" },
		{ "{\"pid\":2", "{\"pid\":0", "vms[1]: out of order, or there twice" },
		{ "{\"pid\":2,", "{\"pid\":2,\"pid\":2,", "a member is there twice" },
		{ "{\"pid\":2,", "{\"pid\":2,\"pid\\u0000x\":2,", "a member is there twice" },
		{ "\"vms\":[", "\"vms\":[],\"vms\":[", "a member is there twice" },
		{ "\"b\"", "\"b\\u0000c\"", "vms[1].name: a text with a NUL in it" },
		{ "\"b\"", "[\"b\"]", "vms[1].name: no text" },
		{ VCPU, VCPU "," VCPU, "vcpus[1]: out of order, or there twice" },
		{ "\"vcpu\":0", "\"vcpu\":4294967296",
		  "vcpus[0].vcpu: no integer from 0 to 4294967295" },
		{ "\"seen\":true", "\"seen\":1", "vcpus[0].seen: neither true nor false" },
		{ "\"seen\":true", "\"seen\":null", "vcpus[0].seen: neither true nor false" },
		{ "\"wait_ns\":1", "\"wait\":1", "vcpus[0].wait_ns: missing" },
		{ "\"wait_ns\":1", "\"wait_ns\":false",
		  "vcpus[0].wait_ns: no integer from 0 to 18446744073709551615" },
		{ "]}\n", "],\"cpus\":[{}]}\n", "cpus[0].cpu: missing" },
		{ "]}\n", "]\n", "the line ends too early" },
		{ "]}\n", "]}}\n", "no JSON: " },
		{ "]}\n", "]} {}\n", "no JSON: " },
		{ "]}\n", "],}\n", "no JSON: " },
		{ "]}\n", "]/* */}\n", "no JSON: " },
		{ "]}\n", "}\n", "no JSON: " },
		{ "\"b\"", "'b'", "no JSON: " },
		{ "{\"pid\":2,", "{\"pid\" 2,", "no JSON: " },
		{ "{\"clock\"", "\"clock\"", "no JSON object" },
		{ "{\"clock\"", "\n{\"clock\"", "the line ends too early" },
		{ "{\"clock\"", "\xef\xbb\xbf{\"clock\"", "no JSON object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Behind a good header, and before a line that may well be good. */
		char *bad = replaced(SNAPSHOT, cases[i].old, cases[i].new);
		char *text = NULL;
		struct replayed got;

		assert_true(asprintf(&text, "%s%s%s", HEADER, bad, SNAPSHOT) >= 0);
		got = replayed_text(text);
		if (got.end != -EBADMSG ||
		    strncmp(got.reason, cases[i].reason, strlen(cases[i].reason)))
			fail_msg("%s: %d, %s", cases[i].new, got.end, got.reason);
		/* Where a reason ends openly, it ends so here too. */
		if (cases[i].reason[0] && !strstr(cases[i].reason, "no JSON: "))
			assert_string_equal(got.reason, cases[i].reason);
		assert_int_equal(got.line, 2);
		assert_int_equal(got.snap_cnt, 0);
		free(text);
		free(bad);
	}
}

static void test_nul_bytes(void **state)
{
	static const char *const places[] = { "{\"clock\"", "lock\"", ":0,", "a\"}",
					      "]}\n",       "}\n",    "\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char text[] = HEADER "#" SNAPSHOT SNAPSHOT;
		char *snapshot = strchr(text, '#');
		char *at = strstr(snapshot, places[i]);
		struct replayed got;

		assert_non_null(at);
		/* Everything up to there makes room. */
		memmove(snapshot, snapshot + 1, (size_t)(at - snapshot) - 1);
		at[-1] = '\0';
		got = replayed(text, sizeof(text) - 1);
		assert_string_equal(got.reason, "a NUL byte, which no JSON has");
		assert_int_equal(got.end, -EBADMSG);
		assert_int_equal(got.line, 2);
	}
}

static void test_length_of_a_name(void **state)
{
	const size_t max = sizeof(((struct vm_reading *)NULL)->name) - 1;

	(void)state;
	for (size_t len = max; len <= max + 1; len++) {
		char *name = NULL, *text;
		struct replayed got;

		assert_true(asprintf(&name, "\"%0*d\"", (int)len, 0) >= 0);
		text = replaced(HEADER SNAPSHOT, "\"b\"", name);
		got = replayed_text(text);
		assert_string_equal(got.reason, len > max ? "vms[1].name: too long a text" : "");
		assert_int_equal(got.snap_cnt, len <= max);
		free(text);
		free(name);
	}
}

static void test_what_is_not_known_is_skipped(void **state)
{
	char *text = replaced(HEADER SNAPSHOT, "\"version\":1,",
			      "\"version\":1,\"later\":{\"a\":[1,{\"99999999999999999999\":null}],"
			      "\"c\":[0.333333333333333333333,99999999999999999999.5,"
			      "1e-00000000000000000000001,18446744073709551615]},");
	char *more = replaced(text, "\"seen\":true,", "\"seen\":true,\"buckets\":[[1,2],[3,4]],");
	struct replayed got = replayed_text(more);

	(void)state;
	assert_string_equal(got.reason, "");
	assert_int_equal(got.end, 0);
	assert_int_equal(got.snap_cnt, 1);
	free(more);
	free(text);
}

static void test_clocks_go_on(void **state)
{
	static const struct {
		const char *mono_ns, *tsc_cycles, *reason;
	} cases[] = {
		{ "2", "2", "" },
		{ "1", "2", "clock.monotonic_ns: not later than the one before" },
		{ "0", "2", "clock.monotonic_ns: not later than the one before" },
		{ "9223372036854775809", "2", "clock.monotonic_ns: not later than the one before" },
		{ "2", "1", "clock.tsc_cycles: not later than the one before" },
		{ "2", "9223372036854775809", "clock.tsc_cycles: not later than the one before" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		struct replayed got;

		assert_true(asprintf(&text,
				     HEADER SNAPSHOT "{\"clock\":{\"monotonic_ns\":%s,"
						     "\"boottime_ns\":1,\"realtime_ns\":1,"
						     "\"tsc_cycles\":%s}%s",
				     cases[i].mono_ns, cases[i].tsc_cycles,
				     strchr(SNAPSHOT, '}') + 1) >= 0);
		got = replayed_text(text);
		assert_string_equal(got.reason, cases[i].reason);
		assert_int_equal(got.end, cases[i].reason[0] ? -EBADMSG : 0);
		assert_int_equal(got.snap_cnt, cases[i].reason[0] ? 1 : 2);
		assert_int_equal(got.line, 3);
		free(text);
	}
}

/* What is shown later must not act on the terminal. */
static void test_names_are_made_printable(void **state)
{
	static const char expected[] = "?|?|?|?|\xc3\xa9";
	char *text = replaced(HEADER SNAPSHOT, "\"b\"", "\"\\u001b|\x1b|\xff|\\u202e|\xc3\xa9\"");
	struct recording_header header;
	struct snapshot snap = { 0 };
	struct recording_reader *r;
	FILE *in = fmemopen(text, strlen(text), "r");

	(void)state;
	assert_non_null(in);
	assert_int_equal(recording_reader__new(in, &r), 0);
	assert_int_equal(recording_reader__header(r, &header), 0);
	assert_int_equal(recording_reader__next(r, &snap), 1);
	assert_string_equal(snap.vms[1].name, expected);
	recording_reader__free(r);
	snapshot__free(&snap);
	fclose(in);
	free(text);
}

/* Limits */

/* A snapshot line with `cnt` times `piece` in a member that is not known, and `end` behind them. */
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
	/* A good line is only refused for what it lacks. */
	got = replayed_many("0,", 1000, good_end);
	assert_string_equal(got.reason, "clock: missing");

	assert_limit(replayed_many("[", RECORDING_DEPTH_MAX - 1, ""),
		     "too many lists and objects in each other");
	assert_limit(replayed_many("[", 1000000, "\n"), "too many lists and objects in each other");
	assert_limit(replayed_many("[],", RECORDING_CONTAINERS_MAX, good_end),
		     "too many lists and objects");
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
	/* The end of the list that is left has two more. */
	strcpy(at, vms);
	got = replayed_text(text);
	assert_string_equal(got.reason, "vms: too many elements");
	assert_int_equal(got.end, -EFBIG);
	free(text);
}

/* A stream of one byte, without end. */
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
	assert_string_equal(recording_reader__reason(r), "too long a line");
	assert_int_equal(recording_reader__line(r), 1);
	/* It does not read on to see how long the line is. */
	assert_true(size - left <= RECORDING_LINE_MAX + 65536);
	recording_reader__free(r);
	fclose(in);
}

/* Anything */

static __u64 next_random(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Changes some bytes; returns the new size, which is at most `room`. */
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

/* Whatever gets through is taken by account, too. */
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
	/* Both happen: a digit can be another digit. */
	assert_in_range(whole_cnt, 100, 19900);
	free(damaged);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base_is_right),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_length_of_a_name),
		cmocka_unit_test(test_what_is_not_known_is_skipped),
		cmocka_unit_test(test_clocks_go_on),
		cmocka_unit_test(test_names_are_made_printable),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deepest),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_length_of_a_line),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests_name("recording_refusals", tests, NULL, NULL);
}
