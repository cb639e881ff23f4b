// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files that are not recordings, or that contradict themselves. */
#include <errno.h>
#include "recording_run.h"

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
		{ "hello", -EBADMSG, "not a JSON object" },
		{ "\n{}\n", -EBADMSG, "the line is incomplete" },
		{ "[1]\n", -EBADMSG, "not a JSON object" },
		{ "null\n", -EBADMSG, "not a JSON object" },
		{ "\x7f"
		  "ELF\n",
		  -EBADMSG, "not a JSON object" },
		{ "{}\n", -EBADMSG, "not a recording: its format is not gtimehalt-recording" },
		{ "{\"schema\":1}\n", -EBADMSG,
		  "not a recording: its format is not gtimehalt-recording" },
		{ "{\"format\":7,\"version\":1}\n", -EBADMSG,
		  "not a recording: its format is not gtimehalt-recording" },
		{ "{\"format\":\"gtimehalt-recording\"}\n", -EBADMSG,
		  "version: missing, or not an integer" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":\"1\"}\n", -EBADMSG,
		  "version: missing, or not an integer" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":2}\n", -EPROTONOSUPPORT,
		  "version 2 of the format is not supported, only version 1" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":18446744073709551615}\n",
		  -EPROTONOSUPPORT,
		  "version 9223372036854775807 of the format is not supported, only version 1" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":-1}\n", -EPROTONOSUPPORT,
		  "version -1 of the format is not supported, only version 1" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1}\n", -EBADMSG,
		  "mode: missing" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"exit\"}\n",
		  -EBADMSG, "mode: an unknown mode" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"entry\","
		  "\"mperf_ratio\":0}\n",
		  -EBADMSG, "mperf_ratio: not a number above 0" },
		{ "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"entry\","
		  "\"stint_hook\":\"0123456789012345678901234567890123456789\"}\n",
		  -EBADMSG, "stint_hook: the string is too long" },
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

/* Any reason: it depends on json-c's version whether json-c or the reader refuses the line. */
#define ANY ""

#define STINTS(counts) "\"stints\":[{\"halted_ns\":1,\"counts\":" counts "}],\"vms\":["

/* A single fault in the only snapshot. */
static void test_snapshots(void **state)
{
	static const struct {
		const char *old, *new;
		const char *reason;
	} cases[] = {
		{ "\"clock\":{", "\"clock\":[],\"x\":{", "clock: not an object" },
		{ "\"clock\":{", "\"clock\":null,\"x\":{", "clock: not an object" },
		{ "\"clock\":{", "\"x\":{", "clock: missing" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":-1",
		  "clock.tsc_cycles: not an integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":1.0",
		  "clock.tsc_cycles: not an integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":1e3",
		  "clock.tsc_cycles: not an integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":\"1\"",
		  "clock.tsc_cycles: not an integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":null",
		  "clock.tsc_cycles: not an integer from 0 to 18446744073709551615" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":-9223372036854775809", ANY },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":18446744073709551616",
		  "an integer that does not fit 64 bits" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":100000000000000000000",
		  "an integer that does not fit 64 bits" },
		{ "\"tsc_cycles\":1", "\"tsc_cycles\":01", "not JSON: " },
		{ "\"mode\":\"entry\"", "\"mode\":1", "mode: not a string" },
		{ "\"mode\":\"entry\"", "\"mode\":\"entry\\u0000\"",
		  "mode: a string with a NUL in it" },
		{ "\"mode\":\"entry\"", "\"mode\":\"\"", "mode: an unknown mode" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":\"1\"",
		  "mperf_ratio: not a number above 0" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":-0.5",
		  "mperf_ratio: not a number above 0" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":1e999",
		  "mperf_ratio: not a number above 0" },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":NaN", ANY },
		{ "\"mperf_ratio\":1", "\"mperf_ratio\":Infinity", ANY },
		{ "\"map_full\":0", "\"full\":0", "health.map_full: missing" },
		{ "\"map_full\":0", "\"map_full\":true",
		  "health.map_full: not an integer from 0 to 18446744073709551615" },
		{ "\"vms\":[", "\"vms\":{},\"x\":[", "vms: not an array" },
		{ "\"vms\":[", "\"has_stints\":1,\"vms\":[", "has_stints: neither true nor false" },
		{ "\"vms\":[", "\"stints\":[{\"halted_ns\":1}],\"vms\":[",
		  "stints[0].counts: missing" },
		{ "\"vms\":[", STINTS("{}"), "stints[0].counts: not an array" },
		{ "\"vms\":[", STINTS("[0]"), "stints[0].counts: a bucket without its count" },
		{ "\"vms\":[", STINTS("[208,1]"),
		  "stints[0].counts[0]: not an integer from 0 to 207" },
		{ "\"vms\":[", STINTS("[5,1,5,1]"),
		  "stints[0].counts[2]: out of order, or a duplicate" },
		{ "\"vms\":[", STINTS("[5,1,4,1]"),
		  "stints[0].counts[2]: out of order, or a duplicate" },
		{ "\"vms\":[", STINTS("[5,-1]"),
		  "stints[0].counts[1]: not an integer from 0 to 18446744073709551615" },
		{ "\"seen\":true", "\"stints\":1,\"seen\":true",
		  "vcpus[0].stints: there are only 0" },
		{ "\"vms\":[", "\"x\":[", "vms: missing" },
		{ "\"vcpus\":[", "\"vcpus\":null,\"x\":[", "vcpus: not an array" },
		{ "{\"pid\":2,\"name\":\"b\"}", "2", "vms[1]: not an object" },
		{ "{\"pid\":2,\"name\":\"b\"}", "null", "vms[1]: not an object" },
		{ "{\"pid\":2", "{\"pid\":2147483648",
		  "vms[1].pid: not an integer from 0 to 2147483647" },
		{ "{\"pid\":2", "{\"pid\":-2147483648",
		  "vms[1].pid: not an integer from 0 to 2147483647" },
		{ "{\"pid\":2", "{\"pid\":1", "vms[1]: out of order, or a duplicate" },
		{ "{\"pid\":2", "{\"pid\":0", "vms[1]: out of order, or a duplicate" },
		{ "{\"pid\":2,", "{\"pid\":2,\"pid\":2,", "a duplicate member" },
		{ "{\"pid\":2,", "{\"pid\":2,\"pid\\u0000x\":2,", "a duplicate member" },
		{ "\"vms\":[", "\"vms\":[],\"vms\":[", "a duplicate member" },
		{ "\"b\"", "\"b\\u0000c\"", "vms[1].name: a string with a NUL in it" },
		{ "\"b\"", "[\"b\"]", "vms[1].name: not a string" },
		{ VCPU, VCPU "," VCPU, "vcpus[1]: out of order, or a duplicate" },
		{ "\"vcpu\":0", "\"vcpu\":4294967296",
		  "vcpus[0].vcpu: not an integer from 0 to 4294967295" },
		{ "\"seen\":true", "\"seen\":1", "vcpus[0].seen: neither true nor false" },
		{ "\"seen\":true", "\"seen\":null", "vcpus[0].seen: neither true nor false" },
		{ "\"wait_ns\":1", "\"wait\":1", "vcpus[0].wait_ns: missing" },
		{ "\"wait_ns\":1", "\"wait_ns\":false",
		  "vcpus[0].wait_ns: not an integer from 0 to 18446744073709551615" },
		{ "]}\n", "],\"cpus\":[{}]}\n", "cpus[0].cpu: missing" },
		{ "]}\n", "]\n", "the line is incomplete" },
		{ "]}\n", "]}}\n", "not JSON: " },
		{ "]}\n", "]} {}\n", "not JSON: " },
		{ "]}\n", "],}\n", "not JSON: " },
		{ "]}\n", "]/* */}\n", "not JSON: " },
		{ "]}\n", "}\n", "not JSON: " },
		{ "\"b\"", "'b'", "not JSON: " },
		{ "{\"pid\":2,", "{\"pid\" 2,", "not JSON: " },
		{ "{\"clock\"", "\"clock\"", "not a JSON object" },
		{ "{\"clock\"", "\n{\"clock\"", "the line is incomplete" },
		{ "{\"clock\"", "\xef\xbb\xbf{\"clock\"", "not a JSON object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* The bad line follows a good header, and a good line follows the bad one. */
		char *bad = replaced(SNAPSHOT, cases[i].old, cases[i].new);
		char *text = NULL;
		struct replayed got;

		assert_true(asprintf(&text, "%s%s%s", HEADER, bad, SNAPSHOT) >= 0);
		got = replayed_text(text);
		if (got.end != -EBADMSG ||
		    strncmp(got.reason, cases[i].reason, strlen(cases[i].reason)))
			fail_msg("%s: %d, %s", cases[i].new, got.end, got.reason);
		/*
		 * A reason in the table that does not end with json-c's own words must match as a
		 * whole.
		 */
		if (cases[i].reason[0] && !strstr(cases[i].reason, "not JSON: "))
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
		/* Shift the text up to this point by one byte, to make room for the NUL. */
		memmove(snapshot, snapshot + 1, (size_t)(at - snapshot) - 1);
		at[-1] = '\0';
		got = replayed(text, sizeof(text) - 1);
		assert_string_equal(got.reason, "a NUL byte, which JSON does not allow");
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
		assert_string_equal(got.reason,
				    len > max ? "vms[1].name: the string is too long" : "");
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
		const char *mono_ns, *boot_ns, *tsc_cycles, *reason;
	} cases[] = {
		{ "2", "1", "2", "" },
		{ "1", "1", "2", "clock.monotonic_ns: not later than in the previous snapshot" },
		{ "0", "1", "2", "clock.monotonic_ns: not later than in the previous snapshot" },
		{ "9223372036854775809", "1", "2",
		  "clock.monotonic_ns: not later than in the previous snapshot" },
		{ "2", "1", "1",
		  "clock.tsc_cycles: not later than in the previous snapshot, without a suspend" },
		{ "2", "1", "9223372036854775809",
		  "clock.tsc_cycles: not later than in the previous snapshot, without a suspend" },
		/* After a suspend, TSC restarted at 0. */
		{ "2", "1000000003", "0", "" },
		{ "1", "1000000003", "0",
		  "clock.monotonic_ns: not later than in the previous snapshot" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		struct replayed got;

		assert_true(asprintf(&text,
				     HEADER SNAPSHOT "{\"clock\":{\"monotonic_ns\":%s,"
						     "\"boottime_ns\":%s,\"realtime_ns\":1,"
						     "\"tsc_cycles\":%s}%s",
				     cases[i].mono_ns, cases[i].boot_ns, cases[i].tsc_cycles,
				     strchr(SNAPSHOT, '}') + 1) >= 0);
		got = replayed_text(text);
		assert_string_equal(got.reason, cases[i].reason);
		assert_int_equal(got.end, cases[i].reason[0] ? -EBADMSG : 0);
		assert_int_equal(got.snap_cnt, cases[i].reason[0] ? 1 : 2);
		assert_int_equal(got.line, 3);
		free(text);
	}
}

/* Names from a recording must not contain characters that act on a terminal. */
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
	};

	return cmocka_run_group_tests_name("recording_refusals", tests, NULL, NULL);
}
