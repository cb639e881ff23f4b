// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <json-c/json.h>
#include "failing_json.h"
#include "failing_stream.h"
#include "render/render.h"

static int write_it(struct fixture *f, FILE *out)
{
	return render__json(&f->report, out);
}

static struct json_object *parsed(struct fixture *f)
{
	const char *text = written(f, write_it);
	struct json_tokener *tokener = json_tokener_new_ex(32);
	size_t len = strlen(text);
	struct json_object *root;

	/* The text must be exactly one line. */
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	assert_non_null(tokener);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, (int)len - 1);
	if (!root)
		root = json_tokener_parse_ex(tokener, "", 1);
	assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
	json_tokener_free(tokener);
	assert_non_null(root);
	return root;
}

static void assert_json(struct json_object *object, const char *expected)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);

	assert_string_equal(text, expected);
}

static void test_json(void **state)
{
	struct fixture *f = *state;

	f->report.mperf_ratio = 0.97;
	f->report.health = (struct health){ 1, 2, 3, 4, 5 };
	add_vm(f, 1234, "de\"mo/1", (struct metrics){ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } });
	add_vcpu(f, 5, 1240,
		 (struct metrics){ { 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 } });
	assert_string_equal(
		written(f, write_it),
		"{\"schema\":1,\"time\":\"2025-11-23T14:26:41.007000045Z\","
		"\"interval_ns\":1000000000,\"start_monotonic_ns\":1000000000000,"
		"\"end_monotonic_ns\":1001000000000,\"mode\":\"entry\",\"pinned\":false,\"mperf_ratio\":0.97,"
		"\"health\":{\"lost_windows\":1,\"mperf_errors\":2,\"map_full\":3,\"hooks_off\":4,\"refused_windows\":5},"
		"\"host\":{\"cpus\":8,\"vms\":1,\"vcpus\":1,\"wall_ns\":21,\"idle_ns\":21,"
		"\"busy_ns\":0,\"host_ns\":0,\"used_ns\":0,\"wait_ns\":0,\"unknown_ns\":0},"
		"\"vms\":[{\"pid\":1234,\"instance\":1,"
		"\"name\":\"de\\\"mo/1\",\"idle_in_blocked\":false,\"can_halt\":null,\"vcpu_count\":1,"
		"\"total\":{\"idle_ns\":12,\"halted_ns\":3,\"loaded_ns\":2,"
		"\"guest_ns\":4,\"busy_ns\":5,\"host_ns\":6,\"wait_ns\":7,\"blocked_ns\":8,"
		"\"entries\":9,\"wall_ns\":1,\"clamped_ns\":10,\"unmeasured_ns\":11,\"histogram\":null},"
		"\"vcpus\":[{\"vcpu\":5,\"tid\":1240,\"idle_ns\":32,\"halted_ns\":23,\"loaded_ns\":22,"
		"\"guest_ns\":24,\"busy_ns\":25,\"host_ns\":26,\"wait_ns\":27,"
		"\"blocked_ns\":28,\"entries\":29,\"wall_ns\":21,\"clamped_ns\":30,"
		"\"unmeasured_ns\":31,\"histogram\":null}]}]}\n");
}

/* Bucket 0 spans 1024 to 1152 ns; the last bucket ends at 2^36 ns. */
static void test_json_histogram(void **state)
{
	struct fixture *f = *state;
	struct histogram histogram = { .below_cnt = 7, .halted_ns = 99 };
	struct histogram empty = { .below_cnt = HISTOGRAM_UNKNOWN };
	struct json_object *root, *vm, *total, *vcpu;

	histogram.cnt[0] = 3;
	histogram.cnt[STINT_BUCKET_CNT - 1] = 1;
	add_vm(f, 1, "a", half_halted)->histogram = &histogram;
	add_vcpu(f, 0, 11, half_halted);
	f->vcpus[0].histogram = &empty;
	root = parsed(f);
	vm = json_object_array_get_idx(json_object_object_get(root, "vms"), 0);
	total = json_object_object_get(vm, "total");
	vcpu = json_object_array_get_idx(json_object_object_get(vm, "vcpus"), 0);
	assert_json(
		json_object_object_get(total, "histogram"),
		"{\"count\":4,\"below_count\":7,\"halted_ns\":99,\"p50_ns\":1088,\"p90_ns\":66571993088,"
		"\"p99_ns\":66571993088,\"max_ns\":66571993088,"
		"\"buckets\":[[1024,1152,3],[64424509440,68719476736,1]]}");
	assert_json(
		json_object_object_get(vcpu, "histogram"),
		"{\"count\":0,\"below_count\":null,\"halted_ns\":0,\"p50_ns\":null,\"p90_ns\":null,"
		"\"p99_ns\":null,\"max_ns\":null,\"buckets\":[]}");
	json_object_put(root);
}

static void test_json_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct json_object *root;

	f->report.mode = MODE_SWITCH;
	root = parsed(f);
	assert_json(json_object_object_get(root, "vms"), "[]");
	assert_json(json_object_object_get(root, "mode"), "\"switch\"");
	json_object_put(root);
}

static struct json_object *vm_of(struct json_object *root, size_t idx)
{
	struct json_object *vms = json_object_object_get(root, "vms");

	assert_true(idx < json_object_array_length(vms));
	return json_object_array_get_idx(vms, idx);
}

static void test_json_unknown_is_null(void **state)
{
	struct fixture *f = *state;
	struct json_object *root, *vm, *member;

	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, all_unknown);
	root = parsed(f);
	vm = vm_of(root, 0);
	json_object_object_foreach(json_object_object_get(vm, "total"), total_key, total_value)
	{
		(void)total_key;
		assert_null(total_value);
	}
	member = json_object_array_get_idx(json_object_object_get(vm, "vcpus"), 0);
	assert_int_equal(json_object_object_length(member), 2 + METRIC_CNT + 1);
	assert_true(json_object_object_get_ex(member, "halted_ns", NULL));
	assert_null(json_object_object_get(member, "halted_ns"));
	json_object_put(root);
}

/* Numbers above 2^53, which a double would round, and above 2^63. */
static void test_json_integers_are_exact(void **state)
{
	struct fixture *f = *state;
	struct json_object *root, *total;

	add_vm(f, 1, "a",
	       (struct metrics){
		       { 9007199254740993ULL, UINT64_MAX - 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 } });
	f->report.end.mono_ns = INT64_MAX;
	root = parsed(f);
	total = json_object_object_get(vm_of(root, 0), "total");
	assert_json(json_object_object_get(total, "wall_ns"), "9007199254740993");
	assert_json(json_object_object_get(total, "loaded_ns"), "18446744073709551614");
	assert_json(json_object_object_get(root, "end_monotonic_ns"), "9223372036854775807");
	json_object_put(root);
}

static void assert_name(struct json_object *root, size_t vm, const char *expected)
{
	assert_string_equal(json_object_get_string(json_object_object_get(vm_of(root, vm), "name")),
			    expected);
}

/* A name must neither act on a terminal that shows the JSON, nor break a parser. */
static void test_json_names(void **state)
{
	struct fixture *f = *state;
	struct json_object *root;

	add_vm(f, 1, "\xff|\xc3\xa9|\xed\xa0\x80|\n\x1b|\xc2\x9b|\xe2\x80\xae|\xe2\x82",
	       half_halted);
	add_vm(f, 2, "", half_halted);
	add_vm(f, 3, "\"}],\\u0000</script>", half_halted);
	root = parsed(f);
	assert_name(root, 0, "?|\xc3\xa9|???|??|?|?|??");
	assert_name(root, 1, "");
	assert_name(root, 2, "\"}],\\u0000</script>");
	json_object_put(root);
}

static void test_json_tells_vms_of_one_process_apart(void **state)
{
	struct fixture *f = *state;
	const char *const expected[] = { "1", "1", "2", "1" };
	const pid_t pids[] = { 1, 2, 2, 3 };
	struct json_object *root;

	for (size_t i = 0; i < 4; i++)
		add_vm(f, pids[i], "a", half_halted);
	root = parsed(f);
	for (size_t i = 0; i < 4; i++)
		assert_json(json_object_object_get(vm_of(root, i), "instance"), expected[i]);
	json_object_put(root);
}

static void test_json_ratio(void **state)
{
	struct fixture *f = *state;
	static const struct {
		double ratio;
		double parsed;
	} cases[] = {
		{ 1.0, 1.0 },
		{ 0.97, 0.97 },
		{ 1024, 1024 },
		{ 1.0 / 3, 0.333333333 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *root, *ratio;

		f->report.mperf_ratio = cases[i].ratio;
		root = parsed(f);
		ratio = json_object_object_get(root, "mperf_ratio");
		assert_true(json_object_get_double(ratio) == cases[i].parsed);
		json_object_put(root);
	}
}

static void test_full_device(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	assert_full_device_is_told(f, write_it);
}

static void test_stream_that_had_failed(void **state)
{
	assert_earlier_failure_is_told(*state, write_it);
}

FAILING_JSON(json_object_new_boolean, (json_bool value), (value))
FAILING_JSON(json_object_new_double, (double value), (value))
FAILING_JSON(json_object_new_string, (const char *value), (value))
FAILING_JSON(json_object_new_string_len, (const char *value, int len), (value, len))
FAILING_APPEND

static void test_json_without_memory(void **state)
{
	struct fixture *f = *state;
	int failed = 0, err;

	add_demo(f);
	do {
		size_t size;
		char *text = NULL;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		failing_json_left = failed;
		err = render__json(&f->report, out);
		failing_json_left = -1;
		assert_int_equal(fclose(out), 0);
		/*
		 * The object is written as a whole or not at all, so that no reader sees a part of
		 * it.
		 */
		if (err)
			assert_int_equal(size, 0);
		else
			assert_true(size > 0 && text[size - 1] == '\n');
		assert_true(err == 0 || err == -ENOMEM);
		free(text);
		failed++;
	} while (err);
	/*
	 * 3 objects of the root and 2 of a VM; each of the more than 40 numbers takes up to 5
	 * pieces of text.
	 */
	assert_true(failed - 1 > 3 + 2 + 40 * 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_json),
		TEST(test_json_histogram),
		TEST(test_json_of_nothing),
		TEST(test_json_unknown_is_null),
		TEST(test_json_integers_are_exact),
		TEST(test_json_names),
		TEST(test_json_tells_vms_of_one_process_apart),
		TEST(test_json_ratio),
		TEST(test_full_device),
		TEST(test_stream_that_had_failed),
		TEST(test_json_without_memory),
	};

	return cmocka_run_group_tests_name("render_json", tests, NULL, NULL);
}
