// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "render/host_text.h"
#include "report/spent.h"
#include "report_fixture.h"

static struct metrics metrics_of(__u64 loaded, __u64 halted, __u64 busy, __u64 host, __u64 wait,
				 __u64 blocked)
{
	return (struct metrics){ .value = {
					 [METRIC_WALL_NS] = S,
					 [METRIC_LOADED_NS] = loaded,
					 [METRIC_HALTED_NS] = halted,
					 [METRIC_BUSY_NS] = busy,
					 [METRIC_HOST_NS] = host,
					 [METRIC_WAIT_NS] = wait,
					 [METRIC_BLOCKED_NS] = blocked,
				 } };
}

static void assert_text(const struct fixture *f, const char *expected)
{
	char text[HOST_TEXT_SIZE];

	host_text__format(&f->report, text);
	assert_string_equal(text, expected);
}

/* A guest that halts and one whose HLT exits are both idle. */
static void test_parts(void **state)
{
	struct fixture *f = *state;
	struct spent spent;

	add_vm(f, 1, "halts", all_unknown);
	add_vcpu(f, 0, 11, metrics_of(S, 700 * MS, 200 * MS, 100 * MS, 0, 0));
	add_vm(f, 2, "sleeps", all_unknown);
	add_vcpu(f, 0, 21, metrics_of(200 * MS, 0, 150 * MS, 50 * MS, 100 * MS, 700 * MS));
	spent = spent__of(&f->report);
	assert_int_equal(spent.wall_ns, 2 * S);
	assert_int_equal(spent.idle_ns, 1400 * MS);
	assert_int_equal(spent.busy_ns, 350 * MS);
	assert_int_equal(spent.host_ns, 150 * MS);
	assert_int_equal(spent.used_ns, 500 * MS);
	assert_int_equal(spent.wait_ns, 100 * MS);
	assert_int_equal(spent.unknown_ns, 0);
	assert_text(f, "2 vCPUs of 2 VMs on 8 CPUs: idle 1.4, busy 0.4, host 0.2, wait 0.1");
	f->report.online_cpu_cnt = 0;
	assert_text(f, "2 vCPUs of 2 VMs: idle 1.4, busy 0.4, host 0.2, wait 0.1");
}

/* One vCPU of which something is unknown does not make the rest unknown, and unknown is not 0. */
static void test_unknown_is_a_part(void **state)
{
	struct fixture *f = *state;
	struct metrics none = all_unknown;

	none.value[METRIC_WALL_NS] = S;
	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, metrics_of(S, 700 * MS, 200 * MS, 100 * MS, 0, 0));
	add_vcpu(f, 1, 12, none);
	/* Wait, and therefore blocked, is not known yet. */
	add_vcpu(f, 2, 13, metrics_of(500 * MS, 300 * MS, 200 * MS, 0, UNKNOWN, UNKNOWN));
	assert_int_equal(spent__of(&f->report).unknown_ns, 1500 * MS);
	assert_text(f, "3 vCPUs of 1 VM on 8 CPUs: idle 1.0, busy 0.4, host 0.1, wait 0.0, "
		       "unknown 1.5");
}

static void test_switch_mode(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics =
		metrics_of(500 * MS, 300 * MS, UNKNOWN, UNKNOWN, 100 * MS, 400 * MS);
	struct spent spent;

	f->report.mode = MODE_SWITCH;
	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, metrics);
	spent = spent__of(&f->report);
	assert_int_equal(spent.idle_ns, 700 * MS);
	assert_int_equal(spent.used_ns, 200 * MS);
	assert_true(spent.busy_ns == METRIC_UNKNOWN && spent.host_ns == METRIC_UNKNOWN);
	assert_text(f, "1 vCPU of 1 VM on 8 CPUs: idle 0.7, busy or host 0.2, wait 0.1");
	/* Time that is not measured may have been halted. */
	f->vcpus[0].metrics.value[METRIC_UNMEASURED_NS] = 200 * MS;
	assert_int_equal(spent__of(&f->report).used_ns, 0);
	assert_int_equal(spent__of(&f->report).unknown_ns, 200 * MS);
}

/* Parts never add up to more than the wall time, whatever a recording claims. */
static void test_hostile_values(void **state)
{
	struct fixture *f = *state;
	const __u64 max = UINT64_MAX - 1;
	struct spent spent;

	add_vm(f, 1, "a", all_unknown);
	add_vcpu(f, 0, 11, metrics_of(max, max, max, max, max, max));
	add_vcpu(f, 1, 12, (struct metrics){ { max, max, max, max, max, max, max, max, max } });
	add_vcpu(f, 2, 13, (struct metrics){ { max, max, max, max, max, max, max, max, max } });
	spent = spent__of(&f->report);
	assert_true(spent.idle_ns + spent.used_ns + spent.wait_ns + spent.unknown_ns ==
		    spent.wall_ns);
}

static void test_no_vcpu(void **state)
{
	assert_text(*state, "0 vCPUs of 0 VMs on 8 CPUs");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_parts),          TEST(test_unknown_is_a_part), TEST(test_switch_mode),
		TEST(test_hostile_values), TEST(test_no_vcpu),
	};

	return cmocka_run_group_tests_name("spent", tests, NULL, NULL);
}
