// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <json-c/json.h>
#include "failing_stream.h"
#include "render/render_page.h"
#include "report/histogram.h"
#include "report/summary.h"
#include "report/timeline.h"

static struct timeline timeline;
static struct summary summary;
static const struct histogram *histogram;

static int setup_page(void **state)
{
	setenv("TZ", "FAR-05:30", 1);
	timeline.has_vcpus = true;
	histogram = NULL;
	return setup(state);
}

static int teardown_page(void **state)
{
	timeline__free(&timeline);
	summary__free(&summary);
	return teardown(state);
}

static int write_it(struct fixture *f, FILE *out)
{
	(void)f;
	return render__page(&timeline, &summary, histogram, out);
}

static void add_interval(struct fixture *f)
{
	f->report.begin = f->report.end;
	f->report.end.mono_ns += S;
	f->report.end.real_ns += S;
	assert_int_equal(timeline__add(&timeline, &f->report), 0);
	assert_int_equal(summary__add(&summary, &f->report), 0);
}

/* Returns the data of the page, which the caller releases. */
static struct json_object *data_of(const char *page)
{
	static const char mark[] = "<script type=\"application/json\" id=\"data\">";
	const char *begin = strstr(page, mark);
	char *text = begin ? strdup(begin + strlen(mark)) : NULL;
	struct json_object *data;

	assert_non_null(text);
	*strstr(text, "</script>") = '\0';
	data = json_tokener_parse(text);
	free(text);
	assert_non_null(data);
	return data;
}

static struct json_object *vm_of(struct json_object *data, size_t vm)
{
	return json_object_array_get_idx(json_object_object_get(data, "vms"), vm);
}

static void assert_json(struct json_object *object, const char *key, const char *expected)
{
	assert_string_equal(json_object_to_json_string_ext(json_object_object_get(object, key),
							   JSON_C_TO_STRING_PLAIN),
			    expected);
}

static size_t cnt_of(const char *text, const char *word)
{
	size_t cnt = 0;

	while ((text = strstr(text, word))) {
		cnt++;
		text += strlen(word);
	}
	return cnt;
}

static void test_data(void **state)
{
	struct fixture *f = *state;
	struct metrics none = all_unknown;
	struct json_object *data;
	const char *page;

	add_demo(f);
	add_interval(f);
	add_interval(f);
	/* A vCPU of which only the time is known, and a VM that begins late. */
	none.value[METRIC_WALL_NS] = S;
	f->vcpus[1].metrics = none;
	add_vm(f, 5, "late", half_halted);
	add_vcpu(f, 0, 6, half_halted);
	add_interval(f);
	page = written(f, write_it);
	data = data_of(page);
	assert_json(data, "parts",
		    "[\"busy\",\"host\",\"wait\",\"unknown\",\"blocked\",\"halted\"]");
	assert_json(data, "ends_ms", "[1000,2000,3000]");
	assert_json(data, "utc_offset_ms", "19800000");
	/* 12 + 979 of 2000, 8 + 10, 6, none, 3, 980 + 2; then the second vCPU is unknown. */
	assert_json(vm_of(data, 0), "parts",
		    "[[496,496,6],[9,9,4],[3,3,0],[0,0,500],[2,2,0],[491,491,490]]");
	assert_json(vm_of(data, 0), "rows",
		    "[{\"vcpu\":0,\"used\":20},{\"vcpu\":1,\"used\":[995,995,-1]}]");
	assert_json(vm_of(data, 1), "name", "\"late\"");
	assert_json(vm_of(data, 1), "parts",
		    "[[null,null,500],[null,null,9],[null,null,0],[null,null,0],[null,null,0],"
		    "[null,null,491]]");
	json_object_put(data);
	assert_non_null(strstr(page, "<title>gtimehalt: 2 VMs, 2025-11-23 19:56:41 to "
				     "2025-11-23 19:56:44</title>"));
	assert_non_null(strstr(page, "2.3 vCPUs of 2 VMs on average: idle 1.1, busy 0.8, host 0.0, "
				     "wait 0.0, unknown 0.3</strong>"));
	assert_non_null(strstr(page, "<tr><th scope=\"row\">demo</th><td>1234</td><td>2</td>"
				     "<td>1.00</td><td>1.00</td><td>1.00</td><td>&ndash;</td>"));
	assert_null(strstr(page, "How long halts took"));
	assert_null(strstr(page, "@@"));
	assert_null(strstr(page, "SPDX"));
}

static void test_switch_mode(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = half_halted;
	struct json_object *data;

	metrics.value[METRIC_GUEST_NS] = metrics.value[METRIC_BUSY_NS] =
		metrics.value[METRIC_HOST_NS] = UNKNOWN;
	f->report.mode = MODE_SWITCH;
	add_vm(f, 7, "web", metrics);
	add_vcpu(f, 0, 70, metrics);
	add_interval(f);
	data = data_of(written(f, write_it));
	assert_json(data, "labels",
		    "[\"busy or host\",\"wait\",\"unknown\",\"idle (blocked)\",\"idle (halted)\"]");
	assert_json(vm_of(data, 0), "parts", "[509,0,0,0,491]");
	json_object_put(data);
	assert_non_null(strstr(f->text, "idle 0.5, busy or host 0.5, wait 0.0</strong>"));
}

/* A name is shown as it is, and means nothing to the parsers of HTML and JSON. */
static void test_hostile_names(void **state)
{
	static const char *const names[][2] = {
		{ "</script><script>alert(1)</script>", "</script><script>alert(1)</script>" },
		{ "<!--<script>", "<!--<script>" },
		{ "\"},{\"name\":\"x", "\"},{\"name\":\"x" },
		{ "a\\\"b\\u0041", "a\\\"b\\u0041" },
		{ "'&lt;&#60;' onload=x", "'&lt;&#60;' onload=x" },
		{ "\x1b[2J\n\xff\xe2\x80\xa8\xe2\x80\xae", "?[2J????" },
		{ "\xe6\x95\xb0@@data@@", "\xe6\x95\xb0@@data@@" },
	};
	struct fixture *f = *state;
	struct json_object *data;
	size_t cnt = sizeof(names) / sizeof(*names);

	for (size_t i = 0; i < cnt; i++) {
		add_vm(f, 1 + (pid_t)i, names[i][0], half_halted);
		add_vcpu(f, 0, 100, half_halted);
	}
	add_interval(f);
	data = data_of(written(f, write_it));
	for (size_t i = 0; i < cnt; i++)
		assert_string_equal(
			json_object_get_string(json_object_object_get(vm_of(data, i), "name")),
			names[i][1]);
	json_object_put(data);
	assert_int_equal(cnt_of(f->text, "<script"), 2);
	assert_int_equal(cnt_of(f->text, "</script"), 2);
	assert_int_equal(cnt_of(f->text, "<!--"), 0);
	assert_non_null(
		strstr(f->text, "<th scope=\"row\">&#39;&#38;lt;&#38;#60;&#39; onload=x</th>"));
	assert_non_null(strstr(f->text, ">?[2J??"
					"??"
					"</th>"));
}

static void test_several_vms_of_a_process(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 7, "twin", half_halted);
	add_vcpu(f, 0, 70, half_halted);
	add_vm(f, 7, "twin", half_halted);
	add_vcpu(f, 0, 71, half_halted);
	add_interval(f);
	assert_non_null(strstr(written(f, write_it), "{\"name\":\"twin#2\""));
	assert_non_null(strstr(f->text, "<th scope=\"row\">twin#1</th>"));
}

static void test_histogram(void **state)
{
	static struct histogram some;
	struct fixture *f = *state;

	some.cnt[0] = 3;
	some.cnt[7] = 1;
	some.cnt[8 * 10] = 2;
	histogram = &some;
	add_demo(f);
	add_interval(f);
	assert_non_null(strstr(written(f, write_it), "p50 1.09 us, p90 "));
	assert_non_null(strstr(f->text, "<tr><th scope=\"row\">1.02 us</th><td>4</td>"
					"<td class=\"bar\"><span style=\"width:calc(1000% / 10)\">"
					"</span></td></tr>\n"
					"<tr><th scope=\"row\">2.05 us</th><td>0</td>"
					"<td class=\"bar\"></td></tr>\n"));
	assert_non_null(strstr(f->text,
			       "<tr><th scope=\"row\">1.05 ms</th><td>2</td>"
			       "<td class=\"bar\"><span style=\"width:calc(500% / 10)\">"));
	assert_int_equal(cnt_of(f->text, "<td class=\"bar\">"), 11);
	/* Stints were counted, and none was halted. */
	some = (struct histogram){ 0 };
	assert_non_null(strstr(written(f, write_it), "No stint was halted for 1 us or longer."));
}

static ssize_t refuse(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	(void)bytes;
	(void)size;
	errno = ENOMEM;
	return 0;
}

/* Wherever the memory ends, the page is not taken for a whole one. */
static void test_failures_are_told(void **state)
{
	cookie_io_functions_t functions = { .write = refuse };
	static const size_t sizes[] = { 16, 4096, 1 << 20 };

	add_demo(*state);
	add_interval(*state);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		FILE *out = fopencookie(NULL, "w", functions);

		assert_non_null(out);
		assert_int_equal(setvbuf(out, NULL, _IOFBF, sizes[i]), 0);
		assert_int_equal(write_it(*state, out), -ENOMEM);
		fclose(out);
	}
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_page, teardown_page)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_data),          TEST(test_switch_mode),
		TEST(test_hostile_names), TEST(test_several_vms_of_a_process),
		TEST(test_histogram),     TEST(test_failures_are_told),
	};

	return cmocka_run_group_tests_name("render_page", tests, NULL, NULL);
}
