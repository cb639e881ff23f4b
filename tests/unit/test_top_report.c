// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "top_fixture.h"
#include "top/top_report.h"

static void assert_same(const struct report *a, const struct report *b)
{
	assert_int_equal(a->interval_ns, b->interval_ns);
	assert_int_equal(a->vm_cnt, b->vm_cnt);
	assert_int_equal(a->vcpu_cnt, b->vcpu_cnt);
	for (size_t i = 0; i < a->vm_cnt; i++) {
		assert_string_equal(a->vms[i].name, b->vms[i].name);
		assert_int_equal(a->vms[i].pid, b->vms[i].pid);
		assert_int_equal(a->vms[i].vcpu_cnt, b->vms[i].vcpu_cnt);
		assert_memory_equal(&a->vms[i].metrics, &b->vms[i].metrics, sizeof(struct metrics));
		for (size_t j = 0; j < a->vms[i].vcpu_cnt; j++)
			assert_memory_equal(&a->vms[i].vcpus[j], &b->vms[i].vcpus[j],
					    sizeof(struct vcpu_report));
	}
}

/* The copy must not change when everything that the original report points to is gone. */
static void test_copy_stands_alone(void **state)
{
	struct fixture *f = *state, *before = malloc(sizeof(*before));
	struct top_report copy = { 0 };
	char name[] = "a";

	assert_non_null(before);
	add_vm(f, 1, name);
	add_vcpu(f, halted_busy(100, 200));
	add_vcpu(f, halted_busy(300, 400));
	add_vm(f, 2, "no vCPUs");
	add_vm_of(f, 3, "", 500, 0);
	*before = *f;
	for (size_t i = 0; i < f->report.vm_cnt; i++)
		before->vms[i].vcpus = before->vcpus + (f->vms[i].vcpus - f->vcpus);
	before->vms[0].name = "a";
	before->report.vms = before->vms;
	before->report.vcpus = before->vcpus;
	assert_int_equal(top_report__copy(&f->report, &copy), 0);
	*name = 'b';
	memset(f->vms, 0xff, sizeof(f->vms));
	memset(f->vcpus, 0xff, sizeof(f->vcpus));
	assert_same(&copy.report, &before->report);
	top_report__free(&copy);
	assert_int_equal(copy.report.vm_cnt, 0);
	free(before);
}

static void test_copy_replaces(void **state)
{
	struct fixture *f = *state;
	struct top_report copy = { 0 };

	assert_int_equal(top_report__copy(&f->report, &copy), 0);
	assert_int_equal(copy.report.vm_cnt, 0);
	add_vm_of(f, 1, "a", 1, 2);
	assert_int_equal(top_report__copy(&f->report, &copy), 0);
	assert_same(&copy.report, &f->report);
	clear_report(f);
	assert_int_equal(top_report__copy(&f->report, &copy), 0);
	assert_int_equal(copy.report.vm_cnt, 0);
	top_report__free(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_copy_stands_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy_replaces, setup, teardown),
	};

	return cmocka_run_group_tests_name("top_report", tests, NULL, NULL);
}
