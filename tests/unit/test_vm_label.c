// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "text/line.h"
#include "report_fixture.h"
#include "render/vm_label.h"

/* The label of the VM at this index, cut to `width`, must equal `expected`. */
static void assert_label(struct fixture *f, size_t idx, int width, const char *expected)
{
	struct line line = { 0 };

	vm_label__add(&f->report, &f->vms[idx], width, NAME_CUT_END, &line);
	line__add(&line, "|");
	assert_int_equal(line.len, strlen(expected) + 1);
	assert_memory_equal(line.text, expected, line.len - 1);
	assert_true(line.width <= width + 1);
}

static int width_of(struct fixture *f, size_t idx)
{
	return vm_label__width(&f->report, &f->vms[idx]);
}

static void test_one_vm_of_a_process(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "", half_halted);
	add_vm(f, 2, "demo", half_halted);
	add_vm(f, 3, "\xe6\x97\xa5\xcc\x81\x1b", half_halted);
	assert_label(f, 0, 8, "");
	assert_label(f, 1, 8, "demo");
	assert_label(f, 2, 8, "\xe6\x97\xa5\xcc\x81?");
	assert_int_equal(width_of(f, 0), 0);
	assert_int_equal(width_of(f, 1), 4);
	assert_int_equal(width_of(f, 2), 3);
}

static void test_several_vms_of_a_process(void **state)
{
	struct fixture *f = *state;

	add_vm(f, 1, "demo", half_halted);
	for (int i = 0; i < 10; i++)
		add_vm(f, 2, "a-long-name", half_halted);
	add_vm(f, 3, "demo", half_halted);
	assert_label(f, 0, 20, "demo");
	assert_label(f, 1, 20, "a-long-name#1");
	assert_label(f, 10, 20, "a-long-name#10");
	assert_label(f, 11, 20, "demo");
	assert_int_equal(width_of(f, 1), 13);
	assert_int_equal(width_of(f, 10), 14);
	/* The number distinguishes the VMs, so the name is cut instead. */
	assert_label(f, 1, 10, "a-long-~#1");
	assert_label(f, 10, 10, "a-long~#10");
	assert_label(f, 10, 13, "a-long-na~#10");
	assert_label(f, 10, 14, "a-long-name#10");
}

/* Names that differ at the end, in the middle, and at the start, cut to these widths. */
static void test_cut_keeps_names_apart(void **state)
{
	static const struct {
		const char *names[3];
		enum name_cut cut;
	} cases[] = {
		{ { "instance-00000a01", "instance-00000a02", "instance-00000a03" },
		  NAME_CUT_MIDDLE },
		{ { "a-web-production.example", "b-web-production.example", "short" },
		  NAME_CUT_MIDDLE },
		{ { "prod-db-web1-eu-west-1a-x", "prod-db-web2-eu-west-1a-x", "short" },
		  NAME_CUT_END },
		{ { "prod-eu-west-1a-web1-database", "prod-eu-west-1a-web2-database", "short" },
		  NAME_CUT_START },
		/* No cut keeps these apart. */
		{ { "prod-eu-west-1a-web1-x-and-more-of-it",
		    "prod-eu-west-1a-web2-x-and-more-of-it", "short" },
		  NAME_CUT_MIDDLE },
		/* The same name twice needs not be kept apart. */
		{ { "instance-00000a01", "instance-00000a01", "short" }, NAME_CUT_MIDDLE },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f->report.vm_cnt = 0;
		for (int j = 0; j < 3; j++)
			add_vm(f, 1 + j, cases[i].names[j], half_halted);
		if (vm_label__cut(&f->report, 14) != cases[i].cut)
			fail_msg("%s", cases[i].names[0]);
		assert_int_equal(vm_label__cut(&f->report, 60), NAME_CUT_MIDDLE);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_one_vm_of_a_process),
		TEST(test_several_vms_of_a_process),
		TEST(test_cut_keeps_names_apart),
	};

	return cmocka_run_group_tests_name("vm_label", tests, NULL, NULL);
}
