// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report/account.h"
#include "steer/load.h"
#include "test.h"

#define CPU_CNT 3

static struct vcpu_report vcpu(__u64 loaded_ns, __u64 halted_ns)
{
	struct vcpu_report report = { .tid = 1 };

	metrics__forget(&report.metrics);
	report.metrics.value[METRIC_LOADED_NS] = loaded_ns;
	report.metrics.value[METRIC_HALTED_NS] = halted_ns;
	return report;
}

static void assert_load(const struct cpu_load *load, bool known, __u64 loaded_ns, __u64 busy_ns)
{
	assert_int_equal(load->known, known);
	if (!known)
		return;
	assert_int_equal(load->loaded_ns, loaded_ns);
	assert_int_equal(load->busy_ns, busy_ns);
}

static void test_by_cpu(void **state)
{
	struct vcpu_report vcpus[] = { vcpu(100, 90), vcpu(50, 0), vcpu(30, 30), vcpu(7, 7) };
	/* The thread of the last vCPU has ended. */
	const int cpu_of[] = { 2, 0, 2, -1 };
	const struct report report = { .vcpus = vcpus, .vcpu_cnt = 4 };
	struct cpu_load loads[CPU_CNT];

	(void)state;
	load__measure(&report, cpu_of, loads, CPU_CNT);
	assert_load(&loads[0], true, 50, 50);
	assert_load(&loads[1], true, 0, 0);
	assert_load(&loads[2], true, 130, 10);
}

static void test_unknown(void **state)
{
	struct vcpu_report vcpus[] = { vcpu(100, METRIC_UNKNOWN), vcpu(100, 100),
				       vcpu(METRIC_UNKNOWN, METRIC_UNKNOWN), vcpu(10, 0) };
	const int cpu_of[] = { 0, 0, 1, CPU_CNT };
	const struct report report = { .vcpus = vcpus, .vcpu_cnt = 4 };
	struct cpu_load loads[CPU_CNT];

	(void)state;
	load__measure(&report, cpu_of, loads, CPU_CNT);
	assert_load(&loads[0], false, 0, 0);
	assert_load(&loads[1], false, 0, 0);
	assert_load(&loads[2], true, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_cpu),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
