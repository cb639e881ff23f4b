// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/check.h"
#include "render/render_check.h"
#include "test.h"

#define S  1000000000ULL
#define MS 1000000ULL

/*
 * TSC cycles per nanosecond on every simulated host: not an integer, so that conversions leave a
 * remainder.
 */
#define TSC_PER_NS 2.6

/* Two snapshots, a second apart, of one CPU and one vCPU, and the check made from them. */
struct fixture {
	struct snapshot prev, cur;
	struct cpu_reading old_cpus[2], cpus[2];
	struct vcpu_reading old_vcpus[2], vcpus[2];
	struct check check;
};

static __u64 cycles(double ns)
{
	return (__u64)(ns * TSC_PER_NS + 0.5);
}

/*
 * During the second, CPU 3 halted for 600 ms: 400 ms in a window of 500 ms, and 200 ms of the idle
 * task's 250 ms. The vCPU was loaded for those 500 ms, 490 ms of them in the guest, waited for 100
 * ms and was blocked for 400 ms.
 */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->prev = (struct snapshot){
		.clock = { .mono_ns = 50 * S, .tsc_cycles = 7 },
		.mperf_ratio = 1.0,
		.cpus = f->old_cpus,
		.cpu_cnt = 1,
		.vcpus = f->old_vcpus,
		.vcpu_cnt = 1,
	};
	f->cur = f->prev;
	f->cur.clock.mono_ns += S;
	f->cur.clock.tsc_cycles += cycles(S);
	f->cur.cpus = f->cpus;
	f->cur.vcpus = f->vcpus;
	f->old_cpus[0] = (struct cpu_reading){ 3, 1.0, 50 * S, 11, 22, 33, 44, 55 };
	f->cpus[0] = (struct cpu_reading){
		.cpu = 3,
		.mperf_ratio = 1.0,
		.at_ns = 51 * S,
		.mperf_cycles = 11 + cycles(400 * MS),
		.window_ns = 22 + 500 * MS,
		.window_mperf_cycles = 33 + cycles(100 * MS),
		.idle_ns = 44 + 250 * MS,
		.idle_mperf_cycles = 55 + cycles(50 * MS),
	};
	f->old_vcpus[0] = (struct vcpu_reading){
		.pid = 100,
		.tid = 101,
		.vcpu_id = 1,
		.seen = true,
		.at_ns = 50 * S,
	};
	f->vcpus[0] = f->old_vcpus[0];
	f->vcpus[0].at_ns += S;
	f->vcpus[0].loaded_ns = 500 * MS;
	f->vcpus[0].measured_ns = 500 * MS;
	f->vcpus[0].mperf_cycles = cycles(100 * MS);
	f->vcpus[0].guest_ns = 490 * MS;
	f->vcpus[0].wait_ns = 100 * MS;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	check__free(&f->check);
	free(f);
	return 0;
}

static void make(struct fixture *f)
{
	check__free(&f->check);
	assert_int_equal(check__make(&f->prev, &f->cur, &f->check), 0);
}

/* Equal within the nanosecond by which a conversion from cycles may be off. */
static void assert_ns(__s64 ns, __s64 expected)
{
	if (ns < expected - 1 || ns > expected + 1)
		fail_msg("%lld ns in place of %lld", ns, expected);
}

static void a_sound_host_passes(void **state)
{
	struct fixture *f = *state;
	const struct cpu_check *cpu;
	const struct vcpu_check *vcpu;

	make(f);
	assert_int_equal(f->check.cpu_cnt, 1);
	cpu = &f->check.cpus[0];
	assert_int_equal(cpu->cpu, 3);
	assert_ns(cpu->interval_ns, S);
	assert_ns(cpu->halted_ns, 600 * MS);
	assert_ns(cpu->vcpus_ns, 400 * MS);
	assert_ns(cpu->idle_ns, 200 * MS);
	assert_ns(cpu->rest_ns, 0);
	assert_int_equal(f->check.vcpu_cnt, 1);
	vcpu = &f->check.vcpus[0];
	assert_int_equal(vcpu->tid, 101);
	assert_int_equal(vcpu->vcpu_id, 1);
	assert_ns(vcpu->wall_ns, S);
	assert_ns(vcpu->blocked_ns, 400 * MS);
	assert_ns(vcpu->host_ns, 10 * MS);
	assert_ns(vcpu->halted_ns, 400 * MS);
	assert_ns(vcpu->busy_ns, 90 * MS);
	for (int i = 0; i < IDENTITY_CNT; i++)
		assert_int_equal(vcpu->off_ns[i], 0);
	assert_int_equal(f->check.skipped_vcpu_cnt, 0);
	assert_true(f->check.passed);
}

/*
 * On this CPU's kind of core, MPERF counts at 0.97 of the TSC rate: the halted times are the same.
 */
static void cycles_are_worth_what_the_cpu_says(void **state)
{
	struct fixture *f = *state;
	struct cpu_reading *cpu = &f->cpus[0];

	cpu->mperf_ratio = 0.97;
	cpu->mperf_cycles = 11 + cycles(0.97 * 400 * MS);
	cpu->window_mperf_cycles = 33 + cycles(0.97 * 100 * MS);
	cpu->idle_mperf_cycles = 55 + cycles(0.97 * 50 * MS);
	make(f);
	assert_ns(f->check.cpus[0].halted_ns, 600 * MS);
	assert_ns(f->check.cpus[0].vcpus_ns, 400 * MS);
	assert_ns(f->check.cpus[0].idle_ns, 200 * MS);
}

/* Halted time in a window that no hook saw is unexplained; more than 1 % of the time must fail. */
static void what_was_missed_is_the_rest(void **state)
{
	struct fixture *f = *state;
	struct cpu_reading *cpu = &f->cpus[0], sound = *cpu;

	cpu->window_ns = 22;
	cpu->window_mperf_cycles = 33;
	make(f);
	assert_ns(f->check.cpus[0].rest_ns, 400 * MS);
	assert_true(f->check.rest_percent > 39.9 && f->check.rest_percent < 40.1);
	assert_false(f->check.passed);

	*cpu = sound;
	cpu->idle_ns -= 9 * MS;
	make(f);
	assert_true(f->check.passed);
	cpu->idle_ns -= 1 * MS + 2;
	make(f);
	assert_ns(f->check.cpus[0].rest_ns, 10 * MS + 2);
	assert_false(f->check.passed);
}

/* The remainder is signed because time counted twice is as wrong as time that is missing. */
static void the_rest_is_signed(void **state)
{
	struct fixture *f = *state;

	f->cpus[0].idle_ns += 20 * MS;
	make(f);
	assert_ns(f->check.cpus[0].rest_ns, -20LL * (__s64)MS);
	assert_true(f->check.rest_percent < -1.99 && f->check.rest_percent > -2.01);
	assert_false(f->check.passed);
}

/* If MPERF had stopped, every span would look halted from end to end, and the sums would agree. */
static void a_counter_that_stands_still_fails(void **state)
{
	struct fixture *f = *state;

	f->cpus[0].mperf_cycles = f->old_cpus[0].mperf_cycles;
	f->cpus[0].window_mperf_cycles = f->old_cpus[0].window_mperf_cycles;
	f->cpus[0].idle_ns = f->old_cpus[0].idle_ns + 500 * MS;
	f->cpus[0].idle_mperf_cycles = f->old_cpus[0].idle_mperf_cycles;
	make(f);
	assert_ns(f->check.cpus[0].rest_ns, S);
	assert_false(f->check.passed);
}

static void the_worst_cpu_is_told_by_magnitude(void **state)
{
	struct fixture *f = *state;

	f->old_cpus[1] = f->old_cpus[0];
	f->cpus[1] = f->cpus[0];
	f->old_cpus[1].cpu = 4;
	f->cpus[1].cpu = 4;
	f->prev.cpu_cnt = 2;
	f->cur.cpu_cnt = 2;
	f->cpus[0].idle_ns -= 3 * MS;
	f->cpus[1].idle_ns += 5 * MS;
	make(f);
	assert_int_equal(f->check.cpu_cnt, 2);
	assert_int_equal(f->check.worst_cpu->cpu, 4);
	assert_true(f->check.rest_percent < -0.49);
	assert_true(f->check.passed);
}

static void cpus_that_came_or_went_are_left_out(void **state)
{
	struct fixture *f = *state;

	f->cpus[1] = f->cpus[0];
	f->cpus[1].cpu = 4;
	f->cur.cpu_cnt = 2;
	make(f);
	assert_int_equal(f->check.cpu_cnt, 1);
	assert_true(f->check.passed);

	f->cur.cpus = &f->cpus[1];
	f->cur.cpu_cnt = 1;
	make(f);
	assert_int_equal(f->check.cpu_cnt, 0);
	assert_null(f->check.worst_cpu);
	assert_false(f->check.passed);

	f->cur.cpu_cnt = 0;
	make(f);
	assert_false(f->check.passed);
}

/* Each identity fails when its remaining term gets negative. */
static void identities_can_fail(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *vcpu = &f->vcpus[0], sound = *vcpu;

	vcpu->wait_ns = 520 * MS;
	make(f);
	assert_ns(f->check.vcpus[0].blocked_ns, -20LL * (__s64)MS);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_WALL], 20 * MS);
	assert_int_equal(f->check.worst_identity, IDENTITY_WALL);
	assert_false(f->check.passed);

	*vcpu = sound;
	vcpu->guest_ns = 530 * MS;
	make(f);
	assert_ns(f->check.vcpus[0].host_ns, -30LL * (__s64)MS);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_LOADED], 30 * MS);
	assert_int_equal(f->check.worst_identity, IDENTITY_LOADED);
	assert_false(f->check.passed);

	/* The hook at VM entry was lost. */
	*vcpu = sound;
	vcpu->guest_ns = 0;
	make(f);
	assert_ns(f->check.vcpus[0].busy_ns, -400LL * (__s64)MS);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_GUEST], 400 * MS);
	assert_int_equal(f->check.worst_identity, IDENTITY_GUEST);
	assert_false(f->check.passed);

	*vcpu = sound;
	vcpu->mperf_cycles = cycles(507 * MS);
	make(f);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_GUEST], 7 * MS);

	*vcpu = sound;
	vcpu->measured_ns = 450 * MS;
	vcpu->mperf_cycles = cycles(50 * MS);
	vcpu->unmeasured_ns = 50 * MS;
	make(f);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_GUEST], 50 * MS);
}

static void identities_have_a_tolerance(void **state)
{
	struct fixture *f = *state;

	f->vcpus[0].wait_ns = 500 * MS + S / 1000 - 1;
	make(f);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_WALL], S / 1000 - 1);
	assert_true(f->check.passed);
	f->vcpus[0].wait_ns++;
	make(f);
	assert_false(f->check.passed);
}

/* A counter that went back gives a negative difference, not one near 2^64. */
static void sums_that_shrink_are_off(void **state)
{
	struct fixture *f = *state;

	f->old_vcpus[0].loaded_ns = 530 * MS;
	f->old_vcpus[0].measured_ns = 530 * MS;
	make(f);
	assert_ns(f->check.vcpus[0].loaded_ns, -30LL * (__s64)MS);
	assert_ns(f->check.vcpus[0].off_ns[IDENTITY_WALL], 30 * MS);
	assert_false(f->check.passed);
}

static void switch_mode_has_no_guest_time(void **state)
{
	struct fixture *f = *state;

	f->prev.mode = MODE_SWITCH;
	f->cur.mode = MODE_SWITCH;
	f->vcpus[0].guest_ns = 0;
	make(f);
	assert_ns(f->check.vcpus[0].busy_ns, 100 * MS);
	assert_true(f->check.passed);
}

static void vcpus_not_there_all_along_are_counted(void **state)
{
	struct fixture *f = *state;

	f->vcpus[1] = f->vcpus[0];
	f->vcpus[1].tid = 102;
	f->cur.vcpu_cnt = 2;
	make(f);
	assert_int_equal(f->check.vcpu_cnt, 1);
	assert_int_equal(f->check.skipped_vcpu_cnt, 1);

	f->old_vcpus[0].seen = false;
	make(f);
	assert_int_equal(f->check.vcpu_cnt, 0);
	assert_int_equal(f->check.skipped_vcpu_cnt, 2);

	/* The vCPU is known from /proc only: nothing was measured that could be wrong. */
	f->vcpus[0].seen = false;
	f->vcpus[1].seen = false;
	make(f);
	assert_int_equal(f->check.skipped_vcpu_cnt, 0);
	assert_true(f->check.passed);
}

static void lost_windows_fail(void **state)
{
	struct fixture *f = *state;

	f->prev.health.lost_window_cnt = 5;
	f->cur.health.lost_window_cnt = 5;
	make(f);
	assert_true(f->check.passed);
	f->cur.health.lost_window_cnt = 6;
	make(f);
	assert_int_equal(f->check.lost_window_cnt, 1);
	assert_false(f->check.passed);
}

static void no_time_is_no_interval(void **state)
{
	struct fixture *f = *state;
	struct check untouched = f->check;
	struct snapshot later = f->cur;

	assert_int_equal(check__make(&f->cur, &f->cur, &f->check), -EINVAL);
	later.clock.mono_ns += S;
	assert_int_equal(check__make(&f->cur, &later, &f->check), -EINVAL);
	assert_memory_equal(&f->check, &untouched, sizeof(untouched));
}

/* Printed text */

static void assert_text(struct fixture *f, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	make(f);
	assert_int_equal(render__check(&f->check, out), 0);
	fclose(out);
	assert_string_equal(text, expected);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 79);
	free(text);
}

#define CPU_HEADING " CPU    HALTED ms  HALTED%  IN VCPUS ms    HOST IDLE     REST ms    REST%\n"
#define VCPU_HEADING                                                                               \
	"\n    TID VCPU   WALL ms      WAIT   BLOCKED      HOST      BUSY    HALTED   OFF%\n"

static void rendered_when_sound(void **state)
{
	assert_text(
		*state, CPU_HEADING
		"   3      600.000    60.00      400.000      200.000      +0.000   +0.000\n" VCPU_HEADING
		"    101    1   1000.00    100.00    400.00     10.00     90.00    400.00  0.000\n"
		"PASS: rest +0.000 % on CPU 3 (limit 1), identities off 0.000 % (limit 0.1)\n");
}

static void rendered_when_broken(void **state)
{
	struct fixture *f = *state;

	f->cur.health.lost_window_cnt = 7;
	f->cur.mode = MODE_SWITCH;
	f->vcpus[0].mperf_cycles = cycles(520 * MS);
	f->vcpus[1] = f->vcpus[0];
	f->vcpus[1].tid = 102;
	f->cur.vcpu_cnt = 2;
	f->cpus[0].idle_ns += 30 * MS;
	assert_text(
		f, CPU_HEADING
		"   3      600.000    60.00      400.000      230.000     -30.000   -3.000\n" VCPU_HEADING
		"    101    1   1000.00    100.00    400.00         -    520.00    -20.00  2.000\n"
		"# vCPUs seen in only a part of the interval, not checked: 1\n"
		"# windows lost, their time is missing: 7\n"
		"# largest error: busy + halted = loaded, TID 101\n"
		"FAIL: rest -3.000 % on CPU 3 (limit 1), identities off 2.000 % (limit 0.1)\n");
}

static void rendered_without_cpus(void **state)
{
	struct fixture *f = *state;

	f->cur.cpu_cnt = 0;
	f->cur.vcpu_cnt = 0;
	assert_text(f, CPU_HEADING "FAIL: no CPU could be read at both ends of the interval\n");
}

static void a_full_disk_is_an_error(void **state)
{
	struct fixture *f = *state;
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	make(f);
	assert_int_equal(render__check(&f->check, full), -ENOSPC);
	fclose(full);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_sound_host_passes),
		TEST(cycles_are_worth_what_the_cpu_says),
		TEST(what_was_missed_is_the_rest),
		TEST(the_rest_is_signed),
		TEST(a_counter_that_stands_still_fails),
		TEST(the_worst_cpu_is_told_by_magnitude),
		TEST(cpus_that_came_or_went_are_left_out),
		TEST(identities_can_fail),
		TEST(identities_have_a_tolerance),
		TEST(sums_that_shrink_are_off),
		TEST(switch_mode_has_no_guest_time),
		TEST(vcpus_not_there_all_along_are_counted),
		TEST(lost_windows_fail),
		TEST(no_time_is_no_interval),
		TEST(rendered_when_sound),
		TEST(rendered_when_broken),
		TEST(rendered_without_cpus),
		TEST(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
