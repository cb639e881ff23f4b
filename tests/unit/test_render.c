// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dlfcn.h>
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "render.h"
#include "utf8.h"

#define S  1000000000ULL
#define MS 1000000ULL

#define UNKNOWN METRIC_UNKNOWN

#define HEADING "VM/vCPU                PID/TID  HALTED%  BUSY%  HOST%  WAIT%  BLOCK%  ENTRIES/s\n"
#define HEADING_SWITCH                                                                             \
	"VM/vCPU                                PID/TID  HALTED%  LOADED%  WAIT%  BLOCK%\n"

/* A report in the making: VMs in order, each followed by its vCPUs. */
struct fixture {
	struct report report;
	struct vm_report vms[8];
	struct vcpu_report vcpus[8];
	char *text;
};

/* In the order of enum metric. */
static const struct metrics half_halted = { { S, S, 491 * MS, 991 * MS, 500 * MS, 9 * MS, 0, 0, 212,
					      0, 0 } };
static const struct metrics all_unknown = { { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
					      UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN } };

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->report = (struct report){
		.interval_ns = S,
		.begin = { .mono_ns = 1000 * S, .real_ns = 1763908000ULL * S },
		.end = { .mono_ns = 1001 * S, .real_ns = 1763908001ULL * S + 7000045 },
		.mode = MODE_ENTRY,
		.mperf_ratio = 1.0,
		.vms = f->vms,
		.vcpus = f->vcpus,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->text);
	free(f);
	return 0;
}

static struct vm_report *add_vm(struct fixture *f, pid_t pid, const char *name,
				struct metrics metrics)
{
	struct vm_report *vm = &f->vms[f->report.vm_cnt++];

	vm->pid = pid;
	vm->name = name;
	vm->metrics = metrics;
	vm->vcpus = &f->vcpus[f->report.vcpu_cnt];
	return vm;
}

/* To the VM that was added last. */
static void add_vcpu(struct fixture *f, __u32 vcpu_id, pid_t tid, struct metrics metrics)
{
	struct vcpu_report *vcpu = &f->vcpus[f->report.vcpu_cnt++];

	vcpu->vcpu_id = vcpu_id;
	vcpu->tid = tid;
	vcpu->metrics = metrics;
	f->vms[f->report.vm_cnt - 1].vcpu_cnt++;
}

static const char *rendered(struct fixture *f, int (*render)(const struct report *, FILE *))
{
	size_t size;
	FILE *out;

	free(f->text);
	f->text = NULL;
	out = open_memstream(&f->text, &size);
	assert_non_null(out);
	assert_int_equal(render(&f->report, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(strlen(f->text), size);
	return f->text;
}

static const char *table(struct fixture *f)
{
	return rendered(f, render__table);
}

/* Table */

static void add_demo(struct fixture *f)
{
	add_vm(f, 1234, "demo",
	       (struct metrics){ { 2 * S, 2 * S, 982 * MS, 1982 * MS, 1000 * MS, 18 * MS, 0, 0, 212,
				   0, 0 } });
	add_vcpu(
		f, 0, 1240,
		(struct metrics){ { S, S, 980 * MS, 992 * MS, 12 * MS, 8 * MS, 0, 0, 104, 0, 0 } });
	add_vcpu(f, 1, 1241,
		 (struct metrics){ { S, 991 * MS, 2 * MS, 981 * MS, 979 * MS, 10 * MS, 6 * MS,
				     3 * MS, 108, 0, 0 } });
}

static void test_table(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	assert_string_equal(
		table(f), HEADING
		"demo                      1234     49.1   50.0    0.9    0.0     0.0        212\n"
		"  vCPU 0                  1240     98.0    1.2    0.8    0.0     0.0        104\n"
		"  vCPU 1                  1241      0.2   97.9    1.0    0.6     0.3        108\n");
}

static void test_table_in_switch_mode(void **state)
{
	struct fixture *f = *state;

	f->report.mode = MODE_SWITCH;
	add_vm(f, 1234, "demo",
	       (struct metrics){ { S, 600 * MS, 400 * MS, UNKNOWN, UNKNOWN, UNKNOWN, 100 * MS,
				   300 * MS, UNKNOWN, 0, 0 } });
	add_vcpu(f, 0, 4194304, f->vms[0].metrics);
	assert_string_equal(
		table(f), HEADING_SWITCH
		"demo                                      1234     40.0     60.0   10.0    30.0\n"
		"  vCPU 0                               4194304     40.0     60.0   10.0    30.0\n");
}

static void test_table_of_nothing(void **state)
{
	struct fixture *f = *state;

	f->report.mperf_ratio = 0.97;
	assert_string_equal(table(f), HEADING);
}

static void test_unknown_is_a_dash(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "silent", all_unknown);
	assert_string_equal(
		table(f), HEADING
		"silent                       7        -      -      -      -       -          -\n");
}

/* A vCPU born as the interval ended has no time of which there could be a share. */
static void test_no_wall_time(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "new", (struct metrics){ { 0 } });
	assert_string_equal(
		table(f), HEADING
		"new                          7        -      -      -      -       -          0\n");
}

static void test_rounding(void **state)
{
	struct fixture *f = *state;

	/* Neither 100.1 nor -0.0; a half goes up. */
	add_vm(f, 1, "a", (struct metrics){ { 3, 3, 2, 3, 1, 0, 0, 0, 0, 0, 0 } });
	add_vm(f, 2, "b",
	       (struct metrics){ { S, S, 999500000, S, 500000, 499999, 0, 0, 1, 0, 0 } });
	add_vm(f, 3, "c",
	       (struct metrics){ { S, S, 999499999, S, 500001, 0, 0, 0, 999999999, 0, 0 } });
	f->report.interval_ns = 2 * S;
	assert_string_equal(
		table(f), HEADING
		"a                            1     66.7   33.3    0.0    0.0     0.0          0\n"
		"b                            2    100.0    0.1    0.0    0.0     0.0          1\n"
		"c                            3     99.9    0.1    0.0    0.0     0.0  500000000\n");
}

/* The widest values that there are, and those that no interval can have. */
static void test_width_of_numbers(void **state)
{
	struct fixture *f = *state;
	const __u64 max = UINT64_MAX - 1;

	add_vm(f, 4194304, "max",
	       (struct metrics){ { max, max, max, max, max, max, max, max, 999999999, 0, 0 } });
	add_vcpu(f, UINT32_MAX, 4194304,
		 (struct metrics){ { 1, 1, max, 1, 1, 1, 1, 1, max, 0, 0 } });
	assert_string_equal(
		table(f), HEADING
		"max                    4194304    100.0  100.0  100.0  100.0   100.0  999999999\n"
		"  vCPU 4294967295      4194304    2e+19  100.0  100.0  100.0   100.0      2e+19\n");
}

static void test_long_names(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "exactly-21-characters", half_halted);
	add_vm(f, 2, "more-than-21-characters", half_halted);
	/* 10 of these take 20 columns; an eleventh would need one too many beside the mark. */
	add_vm(f, 3,
	       "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
	       "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5",
	       half_halted);
	add_vm(f, 4, "\xc3\xa9t\xc3\xa9", half_halted);
	/* Two columns in the way of a cut after 20: a blank before the rest. */
	add_vm(f, 5, "nineteen-characters\xe6\x97\xa5\xe6\x97\xa5", half_halted);
	assert_string_equal(
		table(f), HEADING
		"exactly-21-characters        1     49.1   50.0    0.9    0.0     0.0        212\n"
		"more-than-21-charact~        2     49.1   50.0    0.9    0.0     0.0        212\n"
		"\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		"\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		"~        3     49.1   50.0    0.9    0.0     0.0        212\n"
		"\xc3\xa9t\xc3\xa9"
		"                          4     49.1   50.0    0.9    0.0     0.0        212\n"
		"nineteen-characters~         5     49.1   50.0    0.9    0.0     0.0        212\n");
}

static void test_names_cannot_write_to_the_terminal(void **state)
{
	struct fixture *f = *state;
	const char *text;

	add_vm(f, 1, "a\x1b[2J\nb\x7f\xc2\x9b\xff\xe2\x80\xaetxt", half_halted);
	text = table(f);
	assert_string_equal(
		text, HEADING
		"a?[2J?b????txt               1     49.1   50.0    0.9    0.0     0.0        212\n");
}

/* Combining characters take no column, so a line of them has no end of its own. */
static void test_names_without_width(void **state)
{
	struct fixture *f = *state;
	char name[4096 + 1] = "";

	for (size_t i = 0; i < sizeof(name) - 1; i += 2) {
		name[i] = '\xcc';
		name[i + 1] = '\x81';
	}
	add_vm(f, 1, name, half_halted);
	assert_true(strlen(table(f)) < 512);
	assert_non_null(strstr(f->text, "  1     49.1   50.0 "));

	memset(name, 'x', 30);
	assert_true(strlen(table(f)) < 512);
	assert_non_null(strstr(f->text, "xxxx~        1     49.1   50.0 "));
}

static void test_two_vms_of_one_process(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "a", half_halted);
	add_vm(f, 2, "twins", half_halted);
	add_vm(f, 2, "twins", half_halted);
	add_vm(f, 3, "a-name-that-has-to-be-cut", half_halted);
	add_vm(f, 3, "a-name-that-has-to-be-cut", half_halted);
	assert_string_equal(
		table(f), HEADING
		"a                            1     49.1   50.0    0.9    0.0     0.0        212\n"
		"twins#1                      2     49.1   50.0    0.9    0.0     0.0        212\n"
		"twins#2                      2     49.1   50.0    0.9    0.0     0.0        212\n"
		"a-name-that-has-to~#1        3     49.1   50.0    0.9    0.0     0.0        212\n"
		"a-name-that-has-to~#2        3     49.1   50.0    0.9    0.0     0.0        212\n");
}

/* Of each line: no more than 79 columns, no byte that is not to be shown. */
static void assert_fits(const char *text)
{
	int width = 0;

	while (*text) {
		struct utf8_glyph glyph;

		if (*text == '\n') {
			assert_true(width <= 79);
			width = 0;
			text++;
			continue;
		}
		glyph = utf8__next_glyph(&text);
		assert_ptr_equal(glyph.bytes + glyph.len, text);
		width += glyph.width;
	}
	assert_int_equal(width, 0);
}

static void test_every_line_fits(void **state)
{
	struct fixture *f = *state;
	const __u64 max = UINT64_MAX - 1;
	unsigned int seed = 1;
	char name[128];

	f->report.mperf_ratio = 1234567.891;
	f->report.health = (struct health){ max, max, max };
	add_vm(f, 4194304, name, half_halted);
	add_vcpu(f, UINT32_MAX, 4194304,
		 (struct metrics){ { 1, max, max, max, max, max, max, max, max, max, max } });
	add_vcpu(f, 0, 4194304,
		 (struct metrics){ { 1, max, max, max, max, max, max, max, max, max, max } });
	for (int i = 0; i < 2000; i++) {
		for (size_t j = 0; j < sizeof(name) - 1; j++) {
			seed = seed * 1103515245 + 12345;
			name[j] = (char)(seed >> 16 & 0xff);
		}
		name[sizeof(name) - 1] = '\0';
		f->report.mode = i % 2 ? MODE_ENTRY : MODE_SWITCH;
		assert_fits(table(f));
	}
}

/* Footer */

static const char *footer(struct fixture *f)
{
	const char *line = strstr(table(f), "\n#");

	return line ? line + 1 : "";
}

static void test_footer_of_failures(void **state)
{
	struct fixture *f = *state;

	/* Even without a VM: they may be why there is none. */
	f->report.health = (struct health){ 1, 0, 0 };
	assert_string_equal(footer(f), "# windows lost, their time is missing: 1\n");
	f->report.health = (struct health){ 0, 2, 3 };
	assert_string_equal(footer(f), "# MPERF reads failed: 2\n"
				       "# windows of vCPUs for which there was no room: 3\n");
}

static void test_footer_of_clamps(void **state)
{
	struct fixture *f = *state;
	struct metrics clamped = half_halted;

	clamped.value[METRIC_CLAMPED_NS] = MS;
	add_vm(f, 1, "a", clamped);
	add_vcpu(f, 0, 11, clamped);
	assert_string_equal(footer(f), "");
	clamped.value[METRIC_CLAMPED_NS] = MS + 1;
	add_vcpu(f, 1, 12, clamped);
	assert_string_equal(
		footer(f), "# vCPUs with clamped times: 1; most: TID 12, 0.1 % of its wall time\n");
	clamped.value[METRIC_CLAMPED_NS] = 25 * MS;
	add_vcpu(f, 2, 13, clamped);
	clamped.value[METRIC_CLAMPED_NS] = 20 * MS;
	add_vcpu(f, 3, 14, clamped);
	assert_string_equal(
		footer(f), "# vCPUs with clamped times: 3; most: TID 13, 2.5 % of its wall time\n");

	/* Times that vanished altogether, such as those of a clock that went back. */
	clamped.value[METRIC_WALL_NS] = 0;
	clamped.value[METRIC_CLAMPED_NS] = 7;
	add_vcpu(f, 4, 15, clamped);
	assert_string_equal(
		footer(f), "# vCPUs with clamped times: 4; most: TID 15, 700 % of its wall time\n");
}

static void test_footer_of_unmeasured_time(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = half_halted;

	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, all_unknown);
	assert_string_equal(footer(f), "");
	metrics.value[METRIC_UNMEASURED_NS] = 1;
	add_vcpu(f, 1, 12, metrics);
	assert_string_equal(footer(f), "# loaded but not measured: 0.001 us, not in HALTED%\n");
	metrics.value[METRIC_UNMEASURED_NS] = 1234567;
	add_vcpu(f, 2, 13, metrics);
	assert_string_equal(footer(f), "# loaded but not measured: 1234.568 us, not in HALTED%\n");
}

static void test_footer_of_the_ratio(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "a", half_halted);
	f->report.mperf_ratio = 0.9995;
	assert_string_equal(footer(f), "");
	f->report.mperf_ratio = 1.0005;
	assert_string_equal(footer(f), "");
	f->report.mperf_ratio = 1.0011;
	assert_string_equal(footer(f), "# MPERF counts at 1.0011 times the rate of TSC\n");
	f->report.mperf_ratio = 0.9;
	assert_string_equal(footer(f), "# MPERF counts at 0.9 times the rate of TSC\n");
}

/* JSON */

static struct json_object *parsed(struct fixture *f)
{
	const char *text = rendered(f, render__json);
	struct json_tokener *tokener = json_tokener_new_ex(32);
	size_t len = strlen(text);
	struct json_object *root;

	/* One line, and only one. */
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
	f->report.health = (struct health){ 1, 2, 3 };
	add_vm(f, 1234, "de\"mo/1", (struct metrics){ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } });
	add_vcpu(f, 5, 1240, (struct metrics){ { 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 } });
	assert_string_equal(
		rendered(f, render__json),
		"{\"schema\":1,\"time\":\"2025-11-23T14:26:41.007000045Z\","
		"\"interval_ns\":1000000000,\"start_monotonic_ns\":1000000000000,"
		"\"end_monotonic_ns\":1001000000000,\"mode\":\"entry\",\"mperf_ratio\":0.97,"
		"\"health\":{\"lost_windows\":1,\"mperf_errors\":2,\"map_full\":3},"
		"\"vms\":[{\"pid\":1234,\"instance\":1,"
		"\"name\":\"de\\\"mo/1\",\"total\":{\"halted_ns\":3,\"loaded_ns\":2,"
		"\"guest_ns\":4,\"busy_ns\":5,\"host_ns\":6,\"wait_ns\":7,\"blocked_ns\":8,"
		"\"entries\":9,\"wall_ns\":1,\"clamped_ns\":10,\"unmeasured_ns\":11},"
		"\"vcpus\":[{\"vcpu\":5,\"tid\":1240,\"halted_ns\":23,\"loaded_ns\":22,"
		"\"guest_ns\":24,\"busy_ns\":25,\"host_ns\":26,\"wait_ns\":27,"
		"\"blocked_ns\":28,\"entries\":29,\"wall_ns\":21,\"clamped_ns\":30,"
		"\"unmeasured_ns\":31}]}]}\n");
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
	assert_int_equal(json_object_object_length(member), 2 + METRIC_CNT);
	assert_true(json_object_object_get_ex(member, "halted_ns", NULL));
	assert_null(json_object_object_get(member, "halted_ns"));
	json_object_put(root);
}

/* Beyond 2^53, where a double would round, and beyond 2^63. */
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

static void test_json_names_are_utf8(void **state)
{
	struct fixture *f = *state;
	struct json_object *root;

	add_vm(f, 1, "\xff|\xc3\xa9|\xed\xa0\x80|\n\x1b|\xe2\x82", half_halted);
	add_vm(f, 2, "", half_halted);
	root = parsed(f);
	assert_string_equal(json_object_get_string(json_object_object_get(vm_of(root, 0), "name")),
			    "\xef\xbf\xbd|\xc3\xa9|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\n\x1b|"
			    "\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(json_object_get_string(json_object_object_get(vm_of(root, 1), "name")),
			    "");
	json_object_put(root);
	assert_null(strchr(f->text, 0x1b));
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

/* Streams that fail */

static void assert_fails(const struct report *report, int buffering, int expected)
{
	int (*const renders[])(const struct report *, FILE *) = { render__table, render__json };

	for (int i = 0; i < 2; i++) {
		FILE *out = fopen("/dev/full", "w");

		assert_non_null(out);
		assert_int_equal(setvbuf(out, NULL, buffering, BUFSIZ), 0);
		assert_int_equal(renders[i](report, out), expected);
		fclose(out);
	}
}

static void test_full_device(void **state)
{
	struct fixture *f = *state;

	add_demo(f);
	assert_fails(&f->report, _IOFBF, -ENOSPC);
	assert_fails(&f->report, _IOLBF, -ENOSPC);
	assert_fails(&f->report, _IONBF, -ENOSPC);
}

/* The footer is written by other hands than the rows. */
static ssize_t refuse_comments(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	if (bytes[0] != '#')
		return (ssize_t)size;
	errno = EDQUOT;
	return 0;
}

static void test_failure_in_the_footer(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = half_halted;

	add_vm(f, 1, "a", half_halted);
	for (int i = 0; i < 4; i++) {
		cookie_io_functions_t functions = { .write = refuse_comments };
		FILE *out = fopencookie(NULL, "w", functions);

		assert_non_null(out);
		setvbuf(out, NULL, _IOLBF, BUFSIZ);
		f->report.health.lost_window_cnt = i == 0;
		f->report.mperf_ratio = i == 1 ? 0.5 : 1;
		metrics.value[METRIC_CLAMPED_NS] = i == 2 ? S : 0;
		metrics.value[METRIC_UNMEASURED_NS] = i == 3 ? S : 0;
		f->report.vcpu_cnt = 0;
		f->vms[0].vcpu_cnt = 0;
		add_vcpu(f, 0, 11, metrics);
		assert_int_equal(render__table(&f->report, out), -EDQUOT);
		fclose(out);
	}
}

static ssize_t refuse_once(void *cookie, const char *bytes, size_t size)
{
	bool *refused = cookie;

	(void)bytes;
	if (*refused)
		return (ssize_t)size;
	*refused = true;
	errno = EDQUOT;
	return 0;
}

/* Data lost before the call is lost all the same, and who wrote it may not have looked. */
static void test_stream_that_had_failed(void **state)
{
	struct fixture *f = *state;
	cookie_io_functions_t functions = { .write = refuse_once };
	bool refused = false;
	FILE *out = fopencookie(&refused, "w", functions);

	assert_non_null(out);
	assert_true(fputs("lost", out) >= 0);
	assert_int_equal(fflush(out), EOF);
	assert_int_equal(render__table(&f->report, out), -EIO);
	assert_int_equal(render__json(&f->report, out), -EIO);
	fclose(out);
}

/*
 * Memory that runs out: json-c's constructors as they are, but for the one whose turn it is to fail.
 * These definitions come before the library's for everything that the test links.
 */
static int constructors_until_failure = -1;

static bool is_to_fail(void)
{
	if (constructors_until_failure < 0)
		return false;
	return constructors_until_failure-- == 0;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are lists in parentheses. */
#define FAILING(name, parameters, arguments)                                                       \
	struct json_object *name parameters                                                        \
	{                                                                                          \
		struct json_object *(*real)parameters;                                             \
		void *symbol = dlsym(RTLD_NEXT, #name);                                            \
                                                                                                   \
		memcpy(&real, &symbol, sizeof(real));                                              \
		return is_to_fail() ? NULL : real arguments;                                       \
	}

FAILING(json_object_new_object, (void), ())
FAILING(json_object_new_array, (void), ())
FAILING(json_object_new_int, (int32_t value), (value))
FAILING(json_object_new_uint64, (uint64_t value), (value))
FAILING(json_object_new_double, (double value), (value))
FAILING(json_object_new_string, (const char *value), (value))
FAILING(json_object_new_string_len, (const char *value, int len), (value, len))
/* NOLINTEND(bugprone-macro-parentheses) */

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
		constructors_until_failure = failed;
		err = render__json(&f->report, out);
		constructors_until_failure = -1;
		assert_int_equal(fclose(out), 0);
		/* All or nothing: no reader sees half an object. */
		if (err)
			assert_int_equal(size, 0);
		else
			assert_true(size > 0 && text[size - 1] == '\n');
		assert_true(err == 0 || err == -ENOMEM);
		free(text);
		failed++;
	} while (err);
	/* The root, its 7 scalars, health and its 3, vms; a VM with 11 sums, 2 vCPUs of 11. */
	assert_int_equal(failed - 1, 1 + 7 + 4 + 1 + (1 + 3 + 1 + 11 + 1) + 2 * (1 + 2 + 11));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table),
		TEST(test_table_in_switch_mode),
		TEST(test_table_of_nothing),
		TEST(test_unknown_is_a_dash),
		TEST(test_no_wall_time),
		TEST(test_rounding),
		TEST(test_width_of_numbers),
		TEST(test_long_names),
		TEST(test_names_cannot_write_to_the_terminal),
		TEST(test_names_without_width),
		TEST(test_two_vms_of_one_process),
		TEST(test_every_line_fits),
		TEST(test_footer_of_failures),
		TEST(test_footer_of_clamps),
		TEST(test_footer_of_unmeasured_time),
		TEST(test_footer_of_the_ratio),
		TEST(test_json),
		TEST(test_json_of_nothing),
		TEST(test_json_unknown_is_null),
		TEST(test_json_integers_are_exact),
		TEST(test_json_names_are_utf8),
		TEST(test_json_tells_vms_of_one_process_apart),
		TEST(test_json_ratio),
		TEST(test_full_device),
		TEST(test_failure_in_the_footer),
		TEST(test_stream_that_had_failed),
		TEST(test_json_without_memory),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
