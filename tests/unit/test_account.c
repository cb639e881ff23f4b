// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "report/account.h"
#include "test.h"

#define S  1000000000ULL
#define MS 1000000ULL

/* TSC of the test host: 2.5 GHz, so that 1 ns is not a whole number of cycles. */
#define CYCLES(ns) ((ns)*5 / 2)

#define UNKNOWN METRIC_UNKNOWN

/*
 * AddressSanitizer must let an allocation that is too large return NULL, as malloc() does without
 * it.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/*
 * Two snapshots, 1 s apart, of one VM with one vCPU that was loaded for 600 ms of that second: 500
 * ms in the guest, of which 400 ms halted. It also waited for 100 ms. Tests change single values of
 * this.
 */
struct fixture {
	struct snapshot prev, cur;
	struct vm_reading vms[4];
	struct vcpu_reading before[8], after[8];
	struct report report;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->vms[0] = (struct vm_reading){ .pid = 100, .name = "demo" };
	f->before[0] = (struct vcpu_reading){
		.pid = 100,
		.tid = 101,
		.vcpu_id = 0,
		.seen = true,
		.wait_known = true,
		.vm_id = 7,
		.start_boottime_ns = 50 * S,
		.at_ns = 1000 * S,
		.loaded_ns = 10 * S,
		.measured_ns = 10 * S,
		.mperf_cycles = CYCLES(3 * S),
		.guest_ns = 9 * S,
		.entry_cnt = 5000,
		.wait_ns = 2 * S,
	};
	f->after[0] = f->before[0];
	f->after[0].at_ns += S;
	f->after[0].loaded_ns += 600 * MS;
	f->after[0].measured_ns += 600 * MS;
	f->after[0].mperf_cycles += CYCLES(200 * MS);
	f->after[0].guest_ns += 500 * MS;
	f->after[0].entry_cnt += 42;
	f->after[0].wait_ns += 100 * MS;
	f->prev = (struct snapshot){
		.clock = { .mono_ns = 1000 * S, .boot_ns = 1500 * S, .tsc_cycles = 12345 },
		.mode = MODE_ENTRY,
		.mperf_ratio = 1.0,
		.vms = f->vms,
		.vm_cnt = 1,
		.vcpus = f->before,
		.vcpu_cnt = 1,
	};
	f->cur = f->prev;
	f->cur.vcpus = f->after;
	f->cur.clock.mono_ns += S;
	f->cur.clock.boot_ns += S;
	f->cur.clock.tsc_cycles += CYCLES(S);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	report__free(&f->report);
	free(f);
	return 0;
}

static int compare(const void *left, const void *right)
{
	return vcpu_reading__compare(left, right);
}

static void make_report(struct fixture *f)
{
	qsort(f->before, f->prev.vcpu_cnt, sizeof(f->before[0]), compare);
	qsort(f->after, f->cur.vcpu_cnt, sizeof(f->after[0]), compare);
	assert_int_equal(account__report(&f->prev, &f->cur, &f->report), 0);
}

static const __u64 *vcpu_value(const struct fixture *f, size_t idx)
{
	assert_true(idx < f->report.vcpu_cnt);
	return f->report.vcpus[idx].metrics.value;
}

static __u64 idle_ns_of(const __u64 *value)
{
	if (value[METRIC_HALTED_NS] == METRIC_UNKNOWN || value[METRIC_BLOCKED_NS] == METRIC_UNKNOWN)
		return METRIC_UNKNOWN;
	return value[METRIC_HALTED_NS] + value[METRIC_BLOCKED_NS];
}

/* Compares values in the order of enum metric. Idle follows from halted and blocked. */
#define assert_metrics(value, ...)                                                                 \
	do {                                                                                       \
		__u64 expected_[METRIC_CNT] = { __VA_ARGS__ };                                     \
		expected_[METRIC_IDLE_NS] = idle_ns_of(expected_);                                 \
		for (int metric_ = 0; metric_ < METRIC_CNT; metric_++) {                           \
			if ((value)[metric_] != expected_[metric_])                                \
				print_error("metric %d\n", metric_);                               \
			assert_true((value)[metric_] == expected_[metric_]);                       \
		}                                                                                  \
	} while (0)

static void test_plain(void **state)
{
	struct fixture *f = *state;

	make_report(f);
	assert_int_equal(f->report.interval_ns, S);
	assert_int_equal(f->report.mode, MODE_ENTRY);
	assert_true(f->report.mperf_ratio == 1.0);
	assert_memory_equal(&f->report.begin, &f->prev.clock, sizeof(f->prev.clock));
	assert_memory_equal(&f->report.end, &f->cur.clock, sizeof(f->cur.clock));
	assert_int_equal(f->report.vm_cnt, 1);
	assert_int_equal(f->report.vms[0].pid, 100);
	assert_int_equal(f->report.vms[0].vm_id, 7);
	assert_string_equal(f->report.vms[0].name, "demo");
	assert_int_equal(f->report.vms[0].vcpu_cnt, 1);
	assert_ptr_equal(f->report.vms[0].vcpus, f->report.vcpus);
	assert_int_equal(f->report.vcpus[0].tid, 101);
	/* wall, loaded, halted, guest, busy, host, wait, blocked, entries, clamped, unmeasured */
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 400 * MS, 500 * MS, 100 * MS, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 0);
	assert_metrics(f->report.vms[0].metrics.value, S, 600 * MS, 400 * MS, 500 * MS, 100 * MS,
		       100 * MS, 100 * MS, 300 * MS, 42, 0, 0);
}

static void test_nothing(void **state)
{
	struct fixture *f = *state;

	f->prev.vm_cnt = f->prev.vcpu_cnt = 0;
	f->cur.vm_cnt = f->cur.vcpu_cnt = 0;
	f->cur.vms = NULL;
	f->cur.vcpus = NULL;
	assert_int_equal(account__report(&f->prev, &f->cur, &f->report), 0);
	assert_int_equal(f->report.vm_cnt, 0);
	assert_int_equal(f->report.vcpu_cnt, 0);
}

/*
 * A vCPU's wall time ends at at_ns, when its sums were read, and not at the time of the snapshot.
 */
static void test_wall_is_that_of_the_sums(void **state)
{
	struct fixture *f = *state;

	f->before[0].at_ns += 3000;
	f->after[0].at_ns += 10000;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WALL_NS], S + 7000);
	assert_int_equal(f->report.interval_ns, S);
}

static void test_switch_mode(void **state)
{
	struct fixture *f = *state;

	f->prev.mode = f->cur.mode = MODE_SWITCH;
	f->after[0].guest_ns = f->before[0].guest_ns;
	f->after[0].entry_cnt = f->before[0].entry_cnt;
	make_report(f);
	assert_int_equal(f->report.mode, MODE_SWITCH);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 400 * MS, UNKNOWN, UNKNOWN, UNKNOWN, 100 * MS,
		       300 * MS, UNKNOWN, 0, 0);
}

/* Guest time is known only if both snapshots were taken in entry mode. */
static void test_mode_that_changed(void **state)
{
	struct fixture *f = *state;

	f->prev.mode = MODE_SWITCH;
	make_report(f);
	assert_int_equal(f->report.mode, MODE_SWITCH);
	assert_true(vcpu_value(f, 0)[METRIC_GUEST_NS] == UNKNOWN);
}

static void test_nothing_measured(void **state)
{
	struct fixture *f = *state;

	f->after[0].measured_ns = f->before[0].measured_ns;
	f->after[0].unmeasured_ns = f->before[0].unmeasured_ns + 600 * MS;
	f->after[0].mperf_cycles = f->before[0].mperf_cycles;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, UNKNOWN, 500 * MS, UNKNOWN, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 600 * MS);
}

static void test_partly_measured(void **state)
{
	struct fixture *f = *state;

	f->after[0].measured_ns -= 50 * MS;
	f->after[0].unmeasured_ns += 50 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 350 * MS, 500 * MS, UNKNOWN, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 50 * MS);
	f->prev.mode = f->cur.mode = MODE_SWITCH;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 350 * MS, UNKNOWN, UNKNOWN, UNKNOWN, 100 * MS,
		       300 * MS, UNKNOWN, 0, 50 * MS);
}

/* TSC counted an hour of suspend, which CLOCK_MONOTONIC does not count; or TSC restarted from 0. */
static void test_suspended(void **state)
{
	struct fixture *f = *state;

	f->cur.clock.boot_ns += 3600 * S;
	f->cur.clock.tsc_cycles += CYCLES(3600 * S);
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, UNKNOWN, 500 * MS, UNKNOWN, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 600 * MS);
	f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles - 1;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, UNKNOWN, 500 * MS, UNKNOWN, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 600 * MS);
	f->after[0] = f->before[0];
	f->after[0].at_ns += S;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 0, 0, 0, 0, 0, 0, S, 0, 0, 0);
}

/*
 * The clocks are read one after the other, so a difference of a few ms is not a suspend.
 */
static void test_hardly_suspended(void **state)
{
	struct fixture *f = *state;

	f->cur.clock.boot_ns += 2 * MS;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 400 * MS);
	f->cur.clock.boot_ns -= 4 * MS;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 400 * MS);
}

/*
 * measured_ns exceeds loaded_ns if the thread left its CPU in user mode. The excess was busy, so
 * the halted time does not change.
 */
static void test_span_longer_than_loaded(void **state)
{
	struct fixture *f = *state;

	f->after[0].measured_ns += 300 * MS;
	f->after[0].mperf_cycles += CYCLES(300 * MS);
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 400 * MS, 500 * MS, 100 * MS, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 0);
	/* If such a span is unmeasured, at most the loaded time is reported as unmeasured. */
	f->after[0].unmeasured_ns += 900 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, UNKNOWN, 500 * MS, UNKNOWN, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 600 * MS);
}

static void test_never_loaded_in_the_span(void **state)
{
	struct fixture *f = *state;

	f->after[0] = f->before[0];
	f->after[0].at_ns += S;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 0, 0, 0, 0, 0, 0, S, 0, 0, 0);
}

static void test_mperf_ratio(void **state)
{
	struct fixture *f = *state;

	/* MPERF counts at half the rate: the 200 ms of cycles were 400 ms of C0. */
	f->cur.mperf_ratio = 0.5;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 200 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 0);
	assert_true(f->report.mperf_ratio == 0.5);
}

/*
 * CLOCK_MONOTONIC steered by 500 ppm: cycles are converted at the rate that the clock had in the
 * span.
 */
static void test_steered_clock(void **state)
{
	struct fixture *f = *state;

	f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles + CYCLES(S) * 2001 / 2000;
	f->after[0].mperf_cycles = f->before[0].mperf_cycles + CYCLES(200 * MS) * 2001 / 2000;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 400 * MS);
}

/* Compares with exact arithmetic: at ratio 1, the quotient of 128-bit integers. */
static void test_conversion_is_exact_to_a_nanosecond(void **state)
{
	struct fixture *f = *state;
	const __u64 seconds[] = { 1, 60, 86400, 31536000 };

	f->prev.mode = f->cur.mode = MODE_SWITCH;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		__u64 wall_ns = seconds[i] * S;
		__u64 tsc_cycles = wall_ns / 1000 * 3793 + 1;
		__u64 cycles = tsc_cycles / 7 * 3 + 1;
		unsigned __int128 product = (unsigned __int128)cycles * wall_ns;
		__u64 mperf_ns = (product + tsc_cycles / 2) / tsc_cycles;

		f->cur.clock.mono_ns = f->prev.clock.mono_ns + wall_ns;
		f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles + tsc_cycles;
		f->after[0].at_ns = f->before[0].at_ns + wall_ns;
		f->after[0].loaded_ns = f->before[0].loaded_ns + wall_ns;
		f->after[0].measured_ns = f->before[0].measured_ns + wall_ns;
		f->after[0].mperf_cycles = f->before[0].mperf_cycles + cycles;
		make_report(f);
		assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], wall_ns - mperf_ns);
	}
}

static void test_sums_that_wrap_round(void **state)
{
	struct fixture *f = *state;

	f->before[0].mperf_cycles = UINT64_MAX - 10;
	f->after[0].mperf_cycles = f->before[0].mperf_cycles + CYCLES(200 * MS);
	f->before[0].wait_ns = UINT64_MAX - 10;
	f->after[0].wait_ns = f->before[0].wait_ns + 100 * MS;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 400 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WAIT_NS], 100 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 0);
}

/* vCPUs that come and go */

static void test_first_seen_in_the_span(void **state)
{
	struct fixture *f = *state;

	f->prev.vcpu_cnt = 0;
	f->after[0].at_ns = 1001 * S + 5000;
	f->after[0].loaded_ns = f->after[0].measured_ns = 700 * MS;
	f->after[0].mperf_cycles = CYCLES(100 * MS);
	f->after[0].guest_ns = 650 * MS;
	f->after[0].entry_cnt = 3;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S + 5000, 700 * MS, 600 * MS, 650 * MS, 50 * MS, 50 * MS,
		       UNKNOWN, UNKNOWN, 3, 0, 0);
	assert_true(f->report.vms[0].metrics.value[METRIC_WAIT_NS] == UNKNOWN);
	assert_true(f->report.vms[0].metrics.value[METRIC_LOADED_NS] == 700 * MS);
}

static void test_known_but_not_seen_before(void **state)
{
	struct fixture *f = *state;

	/* As created by vm/unseen: VM number and start time of the thread are unknown. */
	f->before[0] = (struct vcpu_reading){ .pid = 100, .tid = 101, .at_ns = 1000 * S };
	f->after[0].loaded_ns = f->after[0].measured_ns = f->after[0].guest_ns = 200 * MS;
	f->after[0].mperf_cycles = CYCLES(200 * MS);
	f->after[0].entry_cnt = 9;
	make_report(f);
	assert_int_equal(f->report.vcpu_cnt, 1);
	assert_metrics(vcpu_value(f, 0), S, 200 * MS, 0, 200 * MS, 200 * MS, 0, UNKNOWN, UNKNOWN, 9,
		       0, 0);

	/*
	 * The result is the same if the earlier reading has the VM number and start time of the
	 * later one.
	 */
	f->before[0] = f->after[0];
	f->before[0].seen = false;
	f->before[0].wait_known = false;
	f->before[0].at_ns = 1000 * S;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 200 * MS, 0, 200 * MS, 200 * MS, 0, UNKNOWN, UNKNOWN, 9,
		       0, 0);
}

/* NTP makes CLOCK_MONOTONIC 5 % too fast, so that the scheduler's clock counts less. */
static void test_a_clock_that_is_slewed_cancels(void **state)
{
	struct fixture *f = *state;

	f->prev.clock.raw_ns = 500 * S;
	f->cur.clock.raw_ns = 500 * S + 950 * MS;
	f->after[0].loaded_ns = f->before[0].loaded_ns + 570 * MS;
	f->after[0].measured_ns = f->before[0].measured_ns + 570 * MS;
	f->after[0].wait_ns = f->before[0].wait_ns + 95 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 400 * MS, 500 * MS, 100 * MS, 100 * MS,
		       100 * MS, 300 * MS, 42, 0, 0);
}

static void know_sleeps(struct fixture *f, __u64 before, __u64 after)
{
	f->before[0].sleeps_known = f->after[0].sleeps_known = true;
	f->before[0].sleeps = before;
	f->after[0].sleeps = after;
}

/* acpi_pad halts CPUs at either end of the interval. */
static void test_a_host_that_halts_cpus_itself(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		f->prev.host_halts = i == 0;
		f->cur.host_halts = i == 1;
		make_report(f);
		assert_true(vcpu_value(f, 0)[METRIC_HALTED_NS] == UNKNOWN);
		assert_int_equal(vcpu_value(f, 0)[METRIC_UNMEASURED_NS], 600 * MS);
		assert_int_equal(vcpu_value(f, 0)[METRIC_GUEST_NS], 500 * MS);
	}
}

/* Time that the scheduler has not counted yet is not blocked if the thread did not sleep. */
static void test_only_a_thread_that_slept_is_blocked(void **state)
{
	struct fixture *f = *state;

	know_sleeps(f, 8, 8);
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 900 * MS, 400 * MS, 500 * MS, 100 * MS, 400 * MS,
		       100 * MS, 0, 42, 0, 0);
}

/* The thread slept within the interval, at its begin, or at its end. */
static void test_a_thread_that_slept_is_blocked(void **state)
{
	static const __u64 sleeps[][2] = { { 8, 10 }, { 9, 9 }, { 9, 8 }, { 8, 11 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sleeps) / sizeof(sleeps[0]); i++) {
		know_sleeps(f, sleeps[i][0], sleeps[i][1]);
		make_report(f);
		assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], 600 * MS);
		assert_int_equal(vcpu_value(f, 0)[METRIC_BLOCKED_NS], 300 * MS);
	}
}

/* The wait time comes from /proc, so it is known whether or not a hook has seen the vCPU. */
static void test_wait_of_a_vcpu_not_seen_before(void **state)
{
	struct fixture *f = *state;

	f->before[0] = (struct vcpu_reading){
		.pid = 100,
		.tid = 101,
		.at_ns = 1000 * S,
		.wait_known = true,
		.wait_ns = 2 * S,
	};
	/*
	 * Readings that must not be confused with that of the vCPU: other threads of the VM, and
	 * a thread of another process.
	 */
	f->before[1] = (struct vcpu_reading){ .pid = 100, .tid = 99, .wait_known = true };
	f->before[2] = (struct vcpu_reading){ .pid = 100, .tid = 102, .wait_known = true };
	f->before[3] = (struct vcpu_reading){ .pid = 99, .tid = 101, .wait_known = true };
	f->prev.vcpu_cnt = 4;
	f->after[0].loaded_ns = f->after[0].measured_ns = f->after[0].guest_ns = 200 * MS;
	f->after[0].mperf_cycles = CYCLES(200 * MS);
	f->after[0].entry_cnt = 9;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 200 * MS, 0, 200 * MS, 200 * MS, 0, 100 * MS, 700 * MS,
		       9, 0, 0);

	/* The vCPU need not have been seen by the end of the span either. */
	f->after[0] = f->before[0];
	for (int i = 0; i < 4; i++)
		if (f->before[i].pid == 100 && f->before[i].tid == 101)
			f->after[0] = f->before[i];
	f->after[0].at_ns += S;
	f->after[0].wait_ns += 30 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 0, 0, 0, 0, 0, 30 * MS, 970 * MS, 0, 0, 0);

	/* Its thread ran in user mode. */
	f->after[0].loaded_ns += 600 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 0, 0, 0, 600 * MS, 30 * MS, 370 * MS, 0, 0,
		       0);
}

static void test_born_in_the_span(void **state)
{
	struct fixture *f = *state;

	f->prev.vcpu_cnt = 0;
	/* CLOCK_BOOTTIME is 500 s ahead: the thread started at 1000.6 s of CLOCK_MONOTONIC. */
	f->after[0].start_boottime_ns = 1500 * S + 600 * MS;
	f->after[0].loaded_ns = f->after[0].measured_ns = f->after[0].guest_ns = 300 * MS;
	f->after[0].mperf_cycles = CYCLES(300 * MS);
	f->after[0].wait_ns = 40 * MS;
	f->after[0].entry_cnt = 1;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), 400 * MS, 300 * MS, 0, 300 * MS, 300 * MS, 0, 40 * MS,
		       60 * MS, 1, 0, 0);
}

static void test_born_as_the_span_began(void **state)
{
	struct fixture *f = *state;

	f->prev.vcpu_cnt = 0;
	f->after[0].start_boottime_ns = 1500 * S;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WALL_NS], S);
	assert_true(vcpu_value(f, 0)[METRIC_WAIT_NS] == UNKNOWN);
	f->after[0].start_boottime_ns = 1500 * S + 1;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WALL_NS], S - 1);
	assert_true(vcpu_value(f, 0)[METRIC_WAIT_NS] != UNKNOWN);
}

/*
 * A reading that differs in any part of its identity is another vCPU, and all of its sums are new.
 */
static void test_identity(void **state)
{
	struct fixture *f = *state;
	const struct vcpu_reading same = f->before[0];
	struct vcpu_reading others[5];

	for (int i = 0; i < 5; i++)
		others[i] = same;
	others[0].pid = 99;
	others[1].tid = 102;
	others[2].vm_id = 8;
	others[3].vcpu_id = 1;
	others[4].start_boottime_ns++;
	f->after[0].loaded_ns = 10 * S + 300 * MS;
	f->after[0].guest_ns = f->before[0].guest_ns;
	for (int i = 0; i < 5; i++) {
		f->before[0] = others[i];
		make_report(f);
		/*
		 * 10.3 s in a second is clamped, because there is no earlier reading to subtract.
		 */
		assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], S);
		assert_true(vcpu_value(f, 0)[METRIC_WAIT_NS] == UNKNOWN);
	}
	f->before[0] = same;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], 300 * MS);
}

static void test_finds_its_like_among_many(void **state)
{
	struct fixture *f = *state;

	/* vCPUs 0 to 5 in prev, vCPUs 1, 3, 4 and 6 in cur; their loaded times tell them apart. */
	for (unsigned int i = 0; i < 6; i++) {
		f->before[i] = f->before[0];
		f->before[i].vcpu_id = i;
		f->before[i].tid = 200 + (int)i;
		f->before[i].loaded_ns = f->before[i].measured_ns = i * S;
	}
	for (unsigned int i = 0; i < 4; i++) {
		const unsigned int ids[] = { 1, 3, 4, 6 };

		f->after[i] = f->after[0];
		f->after[i].vcpu_id = ids[i];
		f->after[i].tid = 200 + (int)ids[i];
		f->after[i].loaded_ns = f->after[i].measured_ns = ids[i] * S + ids[i] * MS;
		f->after[i].guest_ns = f->before[0].guest_ns;
	}
	f->after[3].loaded_ns = f->after[3].measured_ns = 6 * MS;
	f->after[3].guest_ns = 0;
	f->prev.vcpu_cnt = 6;
	f->cur.vcpu_cnt = 4;
	make_report(f);
	assert_int_equal(f->report.vcpu_cnt, 4);
	assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], 1 * MS);
	assert_int_equal(vcpu_value(f, 1)[METRIC_LOADED_NS], 3 * MS);
	assert_int_equal(vcpu_value(f, 2)[METRIC_LOADED_NS], 4 * MS);
	assert_int_equal(vcpu_value(f, 3)[METRIC_LOADED_NS], 6 * MS);
	assert_int_equal(vcpu_value(f, 2)[METRIC_WAIT_NS], 100 * MS);
	assert_true(vcpu_value(f, 3)[METRIC_WAIT_NS] == UNKNOWN);
}

/* KVM lets the guest neither HLT nor MWAIT: its windows have no counts. */
static void test_cannot_halt(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		struct vcpu_reading *vcpu = i ? f->after : f->before;

		vcpu->cannot_halt = true;
		vcpu->measured_ns = vcpu->mperf_cycles = 0;
	}
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 600 * MS, 0, 500 * MS, 500 * MS, 100 * MS, 100 * MS,
		       300 * MS, 42, 0, 0);
	assert_int_equal(f->report.vms[0].halting, HALTING_NEVER);

	/* The hosts's halts are unknown, but those of the guest are known. */
	f->prev.host_halts = f->cur.host_halts = true;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BUSY_NS], 500 * MS);
	f->prev.host_halts = f->cur.host_halts = false;

	/* The flags changed in the span: nothing was measured in a part of it. */
	f->before[0].cannot_halt = false;
	make_report(f);
	assert_true(vcpu_value(f, 0)[METRIC_HALTED_NS] == UNKNOWN);

	f->after[0].seen = false;
	make_report(f);
	assert_int_equal(f->report.vms[0].halting, HALTING_UNKNOWN);
}

static void test_not_seen(void **state)
{
	struct fixture *f = *state;

	f->after[0] = (struct vcpu_reading){ .pid = 100, .tid = 101, .at_ns = 1001 * S };
	f->before[0] = f->after[0];
	f->before[0].at_ns = 1000 * S;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, UNKNOWN, 0, 0, 0, UNKNOWN, UNKNOWN, UNKNOWN, 0, 0, 0);
	assert_int_equal(f->report.vms[0].vm_id, 0);

	/* The sums and the age of a thread that was not seen do not matter. */
	f->prev.vcpu_cnt = 0;
	f->after[0].loaded_ns = f->after[0].wait_ns = 5 * MS;
	f->after[0].start_boottime_ns = 1500 * S + 600 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), 400 * MS, UNKNOWN, 0, 0, 0, UNKNOWN, UNKNOWN, UNKNOWN, 0,
		       0, 0);
	f->after[0].start_boottime_ns = 0;

	f->prev.mode = f->cur.mode = MODE_SWITCH;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, UNKNOWN, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
		       UNKNOWN, 0, 0);
}

/* The span includes user mode of a thread before it first ran its vCPU. */
static void test_first_seen_after_user_mode(void **state)
{
	struct fixture *f = *state;

	f->before[0].seen = false;
	f->before[0].loaded_ns = 5 * S;
	f->after[0].ran_before_ns = 5 * S + 300 * MS;
	f->after[0].loaded_ns = f->after[0].measured_ns = f->after[0].guest_ns = 200 * MS;
	f->after[0].mperf_cycles = CYCLES(200 * MS);
	f->after[0].entry_cnt = 9;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 500 * MS, 0, 200 * MS, 200 * MS, 300 * MS, 100 * MS,
		       400 * MS, 9, 0, 0);
}

/* The windows of a process that had used up its share leave no trace either. */
static void test_not_seen_because_windows_were_refused(void **state)
{
	struct fixture *f = *state;

	f->after[0] = (struct vcpu_reading){ .pid = 100, .tid = 101, .at_ns = 1001 * S };
	f->prev.vcpu_cnt = 0;
	f->cur.health.refused_window_cnt = 1;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], UNKNOWN);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], UNKNOWN);
	f->cur.health.refused_window_cnt = 0;
}

/*
 * If the BPF map was full, a vCPU that was not seen may have run all the time: its values are
 * unknown.
 */
static void test_not_seen_because_there_was_no_room(void **state)
{
	struct fixture *f = *state;

	f->after[0] = (struct vcpu_reading){ .pid = 100, .tid = 101, .at_ns = 1001 * S };
	f->prev.vcpu_cnt = 0;
	f->prev.health.map_full_cnt = f->cur.health.map_full_cnt = 1;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
		       UNKNOWN, UNKNOWN, 0, UNKNOWN);
}

/* A vCPU that got a map entry late has sums for only a part of the time. */
static void test_room_found_late(void **state)
{
	struct fixture *f = *state;

	f->before[0].seen = false;
	f->prev.health.map_full_cnt = f->cur.health.map_full_cnt = 1;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
		       UNKNOWN, UNKNOWN, 0, UNKNOWN);
	/* The same holds for a vCPU that is missing in prev altogether. */
	f->prev.vcpu_cnt = 0;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], UNKNOWN);
	/* A thread that started later, while the map had room, has complete sums. */
	f->after[0].start_boottime_ns = f->prev.clock.boot_ns + 1;
	make_report(f);
	assert_int_not_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], UNKNOWN);
	f->prev.health.map_full_cnt = 0;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], UNKNOWN);
}

/* Clamps */

static void test_loaded_beyond_wall(void **state)
{
	struct fixture *f = *state;

	f->after[0].loaded_ns = f->before[0].loaded_ns + S + 70;
	f->after[0].measured_ns = f->before[0].measured_ns + S;
	f->after[0].mperf_cycles = f->before[0].mperf_cycles + CYCLES(S);
	f->after[0].guest_ns = f->before[0].guest_ns + S;
	f->after[0].wait_ns = f->before[0].wait_ns;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, S, 0, S, S, 0, 0, 0, 42, 70, 0);
}

static void test_halted_beyond_its_bounds(void **state)
{
	struct fixture *f = *state;

	/* 5 cycles (2 ns) more C0 time than the measured time. */
	f->after[0].mperf_cycles = f->before[0].mperf_cycles + CYCLES(600 * MS) + 5;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BUSY_NS], 500 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 2);

	/* 501 ms halted, but only 500 ms in the guest. */
	f->after[0].mperf_cycles = f->before[0].mperf_cycles + CYCLES(99 * MS);
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 500 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BUSY_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], MS);

	/* In switch mode guest time is unknown, so the loaded time is the bound. */
	f->prev.mode = f->cur.mode = MODE_SWITCH;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 501 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 0);

	/* Rounding errors of a few cycles per window may add up to a small negative sum. */
	f->after[0].mperf_cycles = f->before[0].mperf_cycles - 5;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 600 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 2);
}

/* Results that do not fit in 64 bits, in either direction. */
static void test_halted_beyond_all_bounds(void **state)
{
	struct fixture *f = *state;

	f->cur.mperf_ratio = 1e-9;
	f->after[0].mperf_cycles = f->before[0].mperf_cycles + INT64_MAX;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 0);
	assert_true(vcpu_value(f, 0)[METRIC_CLAMPED_NS] == 1ULL << 63);
	f->after[0].mperf_cycles = f->before[0].mperf_cycles - INT64_MAX;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HALTED_NS], 500 * MS);
	assert_true(vcpu_value(f, 0)[METRIC_CLAMPED_NS] == INT64_MAX - 500 * MS);
}

/* The scheduler has subtracted interrupts of another thread: the guest ran for longer than that. */
static void test_loaded_is_not_below_guest(void **state)
{
	struct fixture *f = *state;

	f->after[0].loaded_ns = f->before[0].loaded_ns + 450 * MS;
	make_report(f);
	assert_metrics(vcpu_value(f, 0), S, 500 * MS, 400 * MS, 500 * MS, 100 * MS, 0, 100 * MS,
		       400 * MS, 42, 50 * MS, 0);
	/* Not beyond the time in which the thread did not wait. */
	f->after[0].wait_ns = f->before[0].wait_ns + 520 * MS;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_LOADED_NS], 480 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_GUEST_NS], 480 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BLOCKED_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 50 * MS);
}

static void test_wait_beyond_the_rest(void **state)
{
	struct fixture *f = *state;

	f->after[0].wait_ns = f->before[0].wait_ns + 401 * MS;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WAIT_NS], 400 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BLOCKED_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], MS);
}

static void test_counters_that_go_back(void **state)
{
	struct fixture *f = *state;
	const struct vcpu_reading good = f->after[0];

	f->after[0].loaded_ns = f->before[0].loaded_ns - 1;
	make_report(f);
	/* Loaded time bounds the others: with 0 loaded, guest and halted are clamped to 0, too. */
	assert_metrics(vcpu_value(f, 0), S, 0, 0, 0, 0, 0, 100 * MS, 900 * MS, 42,
		       1 + 500 * MS + 400 * MS, 0);

	f->after[0] = good;
	f->after[0].measured_ns = f->before[0].measured_ns - 10;
	make_report(f);
	assert_true(vcpu_value(f, 0)[METRIC_HALTED_NS] == UNKNOWN);
	assert_int_equal(vcpu_value(f, 0)[METRIC_UNMEASURED_NS], 600 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 0);

	f->after[0] = good;
	f->after[0].guest_ns = f->before[0].guest_ns - 7;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_GUEST_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_HOST_NS], 600 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 7 + 400 * MS);

	f->after[0] = good;
	f->after[0].wait_ns = f->before[0].wait_ns - 3;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WAIT_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BLOCKED_NS], 400 * MS);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 3);

	f->after[0] = good;
	f->after[0].entry_cnt = f->before[0].entry_cnt - 2;
	make_report(f);
	assert_true(vcpu_value(f, 0)[METRIC_ENTRY_CNT] == UNKNOWN);
	assert_int_equal(vcpu_value(f, 0)[METRIC_CLAMPED_NS], 0);

	f->after[0] = good;
	f->after[0].at_ns = f->before[0].at_ns - 4;
	make_report(f);
	assert_int_equal(vcpu_value(f, 0)[METRIC_WALL_NS], 0);
	assert_int_equal(vcpu_value(f, 0)[METRIC_BLOCKED_NS], 0);
	assert_true(vcpu_value(f, 0)[METRIC_CLAMPED_NS] > 600 * MS);
}

/* VMs */

static void test_two_vms_in_one_process(void **state)
{
	struct fixture *f = *state;

	/* Two vCPUs each, and one that no hook has seen, which is counted to the first VM. */
	for (int i = 0; i < 4; i++) {
		f->before[i] = f->before[0];
		f->after[i] = f->after[0];
		f->before[i].vm_id = f->after[i].vm_id = i < 2 ? 90 : 20;
		f->before[i].vcpu_id = f->after[i].vcpu_id = i % 2 ? 0 : 2;
		f->before[i].tid = f->after[i].tid = 200 + i;
	}
	f->after[4] = (struct vcpu_reading){ .pid = 100, .tid = 300, .vcpu_id = 1 };
	f->after[4].at_ns = 1001 * S;
	f->prev.vcpu_cnt = 4;
	f->cur.vcpu_cnt = 5;
	make_report(f);
	assert_int_equal(f->report.vcpu_cnt, 5);
	assert_int_equal(f->report.vm_cnt, 2);
	assert_int_equal(f->report.vms[0].vm_id, 20);
	assert_int_equal(f->report.vms[0].vcpu_cnt, 3);
	assert_int_equal(f->report.vms[0].vcpus[0].tid, 203);
	assert_int_equal(f->report.vms[0].vcpus[1].tid, 300);
	assert_int_equal(f->report.vms[0].vcpus[2].tid, 202);
	assert_metrics(f->report.vms[0].metrics.value, 3 * S, UNKNOWN, 800 * MS, 1000 * MS,
		       200 * MS, UNKNOWN, UNKNOWN, UNKNOWN, 84, 0, 0);
	assert_int_equal(f->report.vms[1].vm_id, 90);
	assert_int_equal(f->report.vms[1].vcpu_cnt, 2);
	assert_int_equal(f->report.vms[1].vcpus[0].tid, 201);
	assert_int_equal(f->report.vms[1].vcpus[1].tid, 200);
	assert_ptr_equal(f->report.vms[1].vcpus, f->report.vcpus + 3);
	assert_metrics(f->report.vms[1].metrics.value, 2 * S, 1200 * MS, 800 * MS, 1000 * MS,
		       200 * MS, 200 * MS, 200 * MS, 600 * MS, 84, 0, 0);
	assert_string_equal(f->report.vms[0].name, "demo");
	assert_ptr_equal(f->report.vms[0].name, f->report.vms[1].name);
}

static void test_names_and_processes(void **state)
{
	struct fixture *f = *state;

	/* Processes 50 and 300 have no known vCPU; 200 has no name. */
	f->vms[0] = (struct vm_reading){ .pid = 50, .name = "early" };
	f->vms[1] = (struct vm_reading){ .pid = 100, .name = "demo" };
	f->vms[2] = (struct vm_reading){ .pid = 300, .name = "late" };
	f->cur.vm_cnt = 3;
	f->after[1] = f->after[0];
	f->after[1].pid = 200;
	f->cur.vcpu_cnt = 2;
	make_report(f);
	assert_int_equal(f->report.vm_cnt, 4);
	assert_string_equal(f->report.vms[0].name, "early");
	assert_int_equal(f->report.vms[0].vcpu_cnt, 0);
	for (int i = 0; i < METRIC_CNT; i++)
		assert_true(f->report.vms[0].metrics.value[i] == UNKNOWN);
	assert_string_equal(f->report.vms[1].name, "demo");
	assert_int_equal(f->report.vms[1].pid, 100);
	assert_int_equal(f->report.vms[1].vcpu_cnt, 1);
	assert_string_equal(f->report.vms[2].name, "?");
	assert_int_equal(f->report.vms[2].pid, 200);
	assert_int_equal(f->report.vms[2].vcpu_cnt, 1);
	assert_string_equal(f->report.vms[3].name, "late");
	assert_int_equal(f->report.vms[3].pid, 300);
	assert_int_equal(f->report.vms[3].vcpu_cnt, 0);
}

/* 2^63 ns each: the sum of three overflows, and must be unknown rather than wrong. */
static void test_sum_that_does_not_fit(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		f->before[i] = f->before[0];
		f->after[i] = f->after[0];
		f->before[i].tid = f->after[i].tid = 200 + i;
		f->before[i].at_ns = 0;
		f->after[i].at_ns = INT64_MAX;
	}
	f->prev.vcpu_cnt = f->cur.vcpu_cnt = 3;
	make_report(f);
	assert_true(f->report.vms[0].metrics.value[METRIC_WALL_NS] == UNKNOWN);
	assert_int_equal(f->report.vms[0].metrics.value[METRIC_LOADED_NS], 1800 * MS);
}

/* Health, memory, histograms */

static void test_health(void **state)
{
	struct fixture *f = *state;

	f->prev.health = (struct health){ 1, 20, 300, 7, 4 };
	f->cur.health = (struct health){ 3, 20, 299, 8, 9 };
	make_report(f);
	assert_int_equal(f->report.health.lost_window_cnt, 2);
	assert_int_equal(f->report.health.mperf_error_cnt, 0);
	assert_int_equal(f->report.health.map_full_cnt, 0);
	assert_int_equal(f->report.health.refused_window_cnt, 5);
	assert_int_equal(f->report.health.hooks_off_cnt, 1);
}

static void assert_known(struct fixture *f, bool known)
{
	const __u64 *value;

	make_report(f);
	value = f->report.vms[0].vcpus[0].metrics.value;
	assert_int_equal(value[METRIC_WALL_NS], S);
	for (int i = 0; i < METRIC_CNT; i++) {
		if (i == METRIC_WALL_NS || i == METRIC_CLAMPED_NS)
			continue;
		assert_int_equal(value[i] != UNKNOWN, known);
		assert_int_equal(f->report.vms[0].metrics.value[i] != UNKNOWN, known);
	}
	assert_int_equal(f->report.vms[0].vcpus[0].histogram != NULL, known);
	assert_int_equal(f->report.vms[0].histogram != NULL, known);
}

/* Sums are incomplete if the hooks were off for a part of the span: only the wall time is known. */
static void test_hooks_that_were_off(void **state)
{
	struct fixture *f = *state;
	struct stint_reading stints = { .halted_ns = S };

	f->prev.has_stints = f->cur.has_stints = true;
	f->prev.stints = f->cur.stints = &stints;
	f->before[0].stint_number = f->after[0].stint_number = 1;
	f->prev.health.hooks_off_cnt = f->cur.health.hooks_off_cnt = 3;
	assert_known(f, true);
	f->cur.health.hooks_off_cnt = 4;
	assert_known(f, false);
	/*
	 * A vCPU that was not seen may have been loaded meanwhile, so its values are unknown as
	 * well.
	 */
	f->before[0].seen = f->after[0].seen = false;
	assert_known(f, false);
}

/*
 * Time that passed while the hooks were off is added at the thread's next load, which may be in a
 * later interval; that interval is unknown, too.
 */
static void test_first_load_after_a_break(void **state)
{
	struct fixture *f = *state;
	struct stint_reading stints = { .halted_ns = S };

	f->prev.has_stints = f->cur.has_stints = true;
	f->prev.stints = f->cur.stints = &stints;
	f->before[0].stint_number = f->after[0].stint_number = 1;
	f->before[0].stale = true;
	assert_known(f, false);
	f->before[0].stale = false;
	assert_known(f, true);
	/* The thread was not loaded again, so its sums did not change. */
	f->before[0].stale = f->after[0].stale = true;
	f->after[0] = f->before[0];
	f->after[0].at_ns += S;
	assert_known(f, true);
	assert_int_equal(f->report.vms[0].vcpus[0].metrics.value[METRIC_BLOCKED_NS], S);
}

static void assert_refused(struct fixture *f, int err)
{
	struct report before = f->report;

	assert_int_equal(account__report(&f->prev, &f->cur, &f->report), err);
	assert_memory_equal(&f->report, &before, sizeof(before));
}

static void test_clocks_that_give_no_rate(void **state)
{
	struct fixture *f = *state;
	const struct clock_reading good = f->cur.clock;

	make_report(f);
	f->cur.clock.mono_ns = f->prev.clock.mono_ns;
	assert_refused(f, -EINVAL);
	f->cur.clock.mono_ns = f->prev.clock.mono_ns - 1;
	assert_refused(f, -EINVAL);
	f->cur.clock = good;
	f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles;
	assert_refused(f, -EINVAL);
	f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles - 1;
	assert_refused(f, -EINVAL);
}

static void test_ratios_that_are_none(void **state)
{
	struct fixture *f = *state;
	const double ratios[] = { 0, -1, NAN, INFINITY };

	for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++) {
		f->cur.mperf_ratio = ratios[i];
		assert_refused(f, -EINVAL);
	}
}

static void test_memory_is_used_again(void **state)
{
	struct fixture *f = *state;
	const struct vm_report *vms;
	const struct vcpu_report *vcpus;

	make_report(f);
	vms = f->report.vms;
	vcpus = f->report.vcpus;
	make_report(f);
	assert_ptr_equal(f->report.vms, vms);
	assert_ptr_equal(f->report.vcpus, vcpus);
	assert_int_equal(f->report.vm_cnt, 1);
	assert_int_equal(f->report.vcpu_cnt, 1);
	report__free(&f->report);
	assert_null(f->report.vms);
	assert_int_equal(f->report.vcpu_cnt, 0);
	make_report(f);
	assert_int_equal(f->report.vm_cnt, 1);
}

static void test_no_memory(void **state)
{
	const struct report empty = { 0 };
	struct fixture *f = *state;
	size_t vcpu_cnt = f->cur.vcpu_cnt;

	make_report(f);
	f->cur.vcpu_cnt = SIZE_MAX / 4;
	assert_int_equal(account__report(&f->prev, &f->cur, &f->report), -ENOMEM);
	assert_memory_equal(&f->report, &empty, sizeof(empty));
	/* The report can be reused after the failure. */
	f->cur.vcpu_cnt = vcpu_cnt;
	make_report(f);
	assert_int_equal(f->report.vms[0].vcpus[0].tid, 101);
}

/*
 * Histograms count since prev, per vCPU, and are summed over the VM; the remaining entries were not
 * halted.
 */
static void test_histograms(void **state)
{
	struct fixture *f = *state;
	struct stint_reading before = { .halted_ns = 5 * S, .cnt = { [3] = 100, [9] = 7 } };
	struct stint_reading after = { .halted_ns = 6 * S,
				       .cnt = { [3] = 110, [9] = 7, [10] = 2 } };
	const struct histogram *histogram;

	make_report(f);
	assert_null(f->report.vms[0].histogram);
	assert_null(f->report.vms[0].vcpus[0].histogram);

	f->prev.has_stints = f->cur.has_stints = true;
	f->prev.stints = &before;
	f->cur.stints = &after;
	f->before[0].stint_number = f->after[0].stint_number = 1;
	make_report(f);
	histogram = f->report.vms[0].vcpus[0].histogram;
	assert_int_equal(histogram->halted_ns, S);
	assert_int_equal(histogram->cnt[3], 10);
	assert_int_equal(histogram->cnt[9], 0);
	assert_int_equal(histogram->cnt[10], 2);
	assert_int_equal(histogram->below_cnt, 42 - 12);
	assert_memory_equal(f->report.vms[0].histogram, histogram, sizeof(*histogram));

	/* No stints were counted before, so that all of them are new. */
	f->before[0].stint_number = 0;
	make_report(f);
	histogram = f->report.vms[0].vcpus[0].histogram;
	assert_int_equal(histogram->cnt[3], 110);
	/* With more counted stints than entries, below_cnt is 0, not negative. */
	assert_int_equal(histogram->below_cnt, 0);

	/*
	 * A vCPU whose stints are counted, but which had none yet: its counts are 0, not unknown.
	 */
	f->after[0].stint_number = 0;
	make_report(f);
	assert_int_equal(histogram__halted_cnt(f->report.vms[0].histogram), 0);
	assert_int_equal(f->report.vms[0].histogram->below_cnt, 42);
}

/* Properties that hold for random pairs of snapshots, both plausible ones and impossible ones */

static __u64 next_random(__u64 *seed)
{
	__u64 z = *seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static __u64 below(__u64 *seed, __u64 limit)
{
	return next_random(seed) % limit;
}

/* Returns values near changes of sign and width more often than a uniform distribution would. */
static __u64 hostile(__u64 *seed, __u64 sane)
{
	static const __u64 edges[] = { 0, 1, INT64_MAX, 1ULL << 63, UINT64_MAX - 1, UINT64_MAX };

	switch (below(seed, 8)) {
	case 0:
		return next_random(seed);
	case 1:
		return edges[below(seed, sizeof(edges) / sizeof(edges[0]))];
	case 2:
		return sane - below(seed, 2 * S);
	case 3:
		return sane + below(seed, 2 * S);
	case 4:
		return next_random(seed) >> below(seed, 64);
	default:
		return sane;
	}
}

static void make_hostile(__u64 *seed, struct vcpu_reading *vcpu)
{
	vcpu->at_ns = hostile(seed, vcpu->at_ns);
	vcpu->loaded_ns = hostile(seed, vcpu->loaded_ns);
	vcpu->measured_ns = hostile(seed, vcpu->measured_ns);
	vcpu->mperf_cycles = hostile(seed, vcpu->mperf_cycles);
	vcpu->unmeasured_ns = hostile(seed, vcpu->unmeasured_ns);
	vcpu->guest_ns = hostile(seed, vcpu->guest_ns);
	vcpu->entry_cnt = hostile(seed, vcpu->entry_cnt);
	vcpu->wait_ns = hostile(seed, vcpu->wait_ns);
	vcpu->start_boottime_ns = hostile(seed, vcpu->start_boottime_ns);
	vcpu->seen = below(seed, 4) != 0;
	vcpu->wait_known = below(seed, 4) != 0;
}

/* Creates a vCPU at prev and, a plausible second later, at cur. */
static void make_pair(__u64 *seed, struct vcpu_reading *old, struct vcpu_reading *now)
{
	__u64 loaded_ns = below(seed, S + 1), guest_ns = below(seed, loaded_ns + 1);
	__u64 unmeasured_ns = below(seed, 4) ? 0 : below(seed, loaded_ns + 1);

	*old = (struct vcpu_reading){
		.pid = 100 + (pid_t)below(seed, 3),
		.tid = 200 + (pid_t)below(seed, 100),
		.vcpu_id = below(seed, 3),
		.seen = true,
		.wait_known = true,
		.vm_id = below(seed, 3),
		.start_boottime_ns = below(seed, 1502 * S),
		.at_ns = 1000 * S,
		.loaded_ns = below(seed, 900 * S),
		.measured_ns = below(seed, 900 * S),
		.unmeasured_ns = below(seed, 900 * S),
		.mperf_cycles = below(seed, 900 * S),
		.guest_ns = below(seed, 900 * S),
		.entry_cnt = below(seed, S),
		.wait_ns = below(seed, 900 * S),
	};
	*now = *old;
	now->at_ns += S + below(seed, 10000);
	now->loaded_ns += loaded_ns;
	now->measured_ns += loaded_ns - unmeasured_ns;
	now->unmeasured_ns += unmeasured_ns;
	now->mperf_cycles += below(seed, CYCLES(loaded_ns - unmeasured_ns) + 1);
	now->guest_ns += guest_ns;
	now->entry_cnt += below(seed, 100000);
	now->wait_ns += below(seed, S + 1 - loaded_ns);
}

static void make_snapshots(__u64 *seed, struct fixture *f)
{
	bool sane = below(seed, 4) == 0;
	size_t cnt = below(seed, 9);

	f->prev.vcpu_cnt = f->cur.vcpu_cnt = 0;
	for (size_t i = 0; i < cnt; i++) {
		struct vcpu_reading old, now;

		make_pair(seed, &old, &now);
		if (!sane) {
			make_hostile(seed, &old);
			make_hostile(seed, &now);
		}
		if (below(seed, 5))
			f->before[f->prev.vcpu_cnt++] = old;
		if (below(seed, 5))
			f->after[f->cur.vcpu_cnt++] = now;
	}
	f->prev.mode = f->cur.mode = below(seed, 4) ? MODE_ENTRY : MODE_SWITCH;
	f->cur.vm_cnt = below(seed, 4);
	for (size_t i = 0; i < f->cur.vm_cnt; i++)
		f->vms[i] = (struct vm_reading){ .pid = 99 + (pid_t)i * 2, .name = "vm" };
	f->cur.mperf_ratio = sane ? 1.0 : (double)(1 + below(seed, 1 << 20)) / (1 << 15);
	f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles + CYCLES(S);
	if (!sane && below(seed, 4) == 0)
		f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles + 1 + (next_random(seed) >> 1);
	f->cur.health.map_full_cnt = below(seed, 8) == 0;
}

static bool known(const __u64 *value, enum metric metric)
{
	return value[metric] != UNKNOWN;
}

/* `parts` must add up to `whole`, to the nanosecond, if all of them are known. */
static void assert_adds_up(const __u64 *value, enum metric whole, const enum metric *parts,
			   size_t part_cnt)
{
	unsigned __int128 sum = 0;

	for (size_t i = 0; i < part_cnt; i++) {
		if (!known(value, parts[i]))
			return;
		sum += value[parts[i]];
	}
	if (known(value, whole))
		assert_true(sum == value[whole]);
}

static void assert_identities(const __u64 *value)
{
	const enum metric wall[] = { METRIC_LOADED_NS, METRIC_WAIT_NS, METRIC_BLOCKED_NS };
	const enum metric loaded[] = { METRIC_GUEST_NS, METRIC_HOST_NS };
	const enum metric guest[] = { METRIC_BUSY_NS, METRIC_HALTED_NS };

	assert_adds_up(value, METRIC_WALL_NS, wall, 3);
	assert_adds_up(value, METRIC_LOADED_NS, loaded, 2);
	assert_adds_up(value, METRIC_GUEST_NS, guest, 2);
}

/* Checks which values must be known, which must be unknown, and which bounds they must keep. */
static void assert_vcpu_sound(const __u64 *value, const struct report *report)
{
	bool entry = report->mode == MODE_ENTRY;

	assert_identities(value);
	assert_true(known(value, METRIC_WALL_NS));
	assert_true(known(value, METRIC_CLAMPED_NS));
	assert_true(value[METRIC_WALL_NS] <= INT64_MAX);
	assert_true(known(value, METRIC_WAIT_NS) == known(value, METRIC_BLOCKED_NS));
	if (!known(value, METRIC_LOADED_NS)) {
		/* A thread that no hook has seen was in no guest. */
		for (int i = METRIC_LOADED_NS; i < METRIC_CLAMPED_NS; i++)
			assert_true(!known(value, i) || !value[i]);
		assert_false(known(value, METRIC_HOST_NS));
		return;
	}
	assert_true(known(value, METRIC_GUEST_NS) == known(value, METRIC_HOST_NS));
	assert_true(known(value, METRIC_GUEST_NS) == entry);
	assert_true(value[METRIC_LOADED_NS] <= value[METRIC_WALL_NS]);
	assert_true(value[METRIC_UNMEASURED_NS] <= value[METRIC_LOADED_NS]);
	assert_true(known(value, METRIC_BUSY_NS) == (entry && !value[METRIC_UNMEASURED_NS]));
	assert_true(known(value, METRIC_HALTED_NS) ==
		    (!value[METRIC_LOADED_NS] ||
		     value[METRIC_UNMEASURED_NS] < value[METRIC_LOADED_NS]));
	if (known(value, METRIC_HALTED_NS))
		assert_true(value[METRIC_HALTED_NS] + value[METRIC_UNMEASURED_NS] <=
			    value[METRIC_LOADED_NS]);
	if (known(value, METRIC_HALTED_NS) && entry)
		assert_true(value[METRIC_HALTED_NS] <= value[METRIC_GUEST_NS]);
}

static void assert_vm_sound(const struct vm_report *vm)
{
	assert_identities(vm->metrics.value);
	for (int metric = 0; metric < METRIC_CNT; metric++) {
		unsigned __int128 sum = vm->vcpu_cnt ? 0 : UNKNOWN;
		bool all_known = true;

		for (size_t i = 0; i < vm->vcpu_cnt; i++) {
			all_known &= known(vm->vcpus[i].metrics.value, metric);
			sum += vm->vcpus[i].metrics.value[metric];
		}
		if (!all_known || sum > UNKNOWN)
			sum = UNKNOWN;
		assert_true(vm->metrics.value[metric] == sum);
	}
	for (size_t i = 1; i < vm->vcpu_cnt; i++)
		assert_true(vm->vcpus[i - 1].vcpu_id <= vm->vcpus[i].vcpu_id);
}

/*
 * Every vCPU of the snapshot belongs to exactly one VM, and the VMs' vCPUs follow each other in the
 * array.
 */
static void assert_report_sound(const struct fixture *f)
{
	const struct report *report = &f->report;
	size_t vcpu_cnt = 0;

	assert_int_equal(report->vcpu_cnt, f->cur.vcpu_cnt);
	for (size_t i = 0; i < report->vcpu_cnt; i++)
		assert_vcpu_sound(report->vcpus[i].metrics.value, report);
	for (size_t i = 0; i < report->vm_cnt; i++) {
		const struct vm_report *vm = &report->vms[i];

		assert_ptr_equal(vm->vcpus, report->vcpus + vcpu_cnt);
		vcpu_cnt += vm->vcpu_cnt;
		assert_vm_sound(vm);
		if (i > 0)
			assert_true(vm[-1].pid < vm->pid ||
				    (vm[-1].pid == vm->pid && vm[-1].vm_id < vm->vm_id));
	}
	assert_int_equal(vcpu_cnt, report->vcpu_cnt);
}

static void test_properties(void **state)
{
	struct fixture *f = *state;
	__u64 seed = 20250223;

	for (int i = 0; i < 20000; i++) {
		make_snapshots(&seed, f);
		make_report(f);
		assert_report_sound(f);
	}
}

/*
 * Without faults in the input nothing is clamped, and the reported times equal the simulated ones.
 */
static void test_truth_comes_out(void **state)
{
	struct fixture *f = *state;
	__u64 seed = 1;

	for (int i = 0; i < 20000; i++) {
		__u64 wall_ns = 1 + below(&seed, 10 * S), loaded_ns = below(&seed, wall_ns + 1);
		__u64 wait_ns = below(&seed, wall_ns - loaded_ns + 1);
		__u64 guest_ns = below(&seed, loaded_ns + 1);
		__u64 halted_ns = below(&seed, guest_ns + 1);
		__u64 c0_ns = loaded_ns - halted_ns;
		double ratio = (double)(1 + below(&seed, 2000)) / 1000;

		f->cur.mperf_ratio = ratio;
		f->cur.clock.mono_ns = f->prev.clock.mono_ns + wall_ns;
		f->cur.clock.boot_ns = f->prev.clock.boot_ns + wall_ns;
		/* 4000 cycles per ns are enough to make rounding errors vanish. */
		f->cur.clock.tsc_cycles = f->prev.clock.tsc_cycles + wall_ns * 4000;
		f->after[0] = f->before[0];
		f->after[0].at_ns += wall_ns;
		f->after[0].loaded_ns += loaded_ns;
		f->after[0].measured_ns += loaded_ns;
		f->after[0].mperf_cycles += (__u64)(c0_ns * 4000.0L * ratio + 0.5L);
		f->after[0].guest_ns += guest_ns;
		f->after[0].wait_ns += wait_ns;
		make_report(f);
		assert_metrics(vcpu_value(f, 0), wall_ns, loaded_ns, halted_ns, guest_ns,
			       guest_ns - halted_ns, loaded_ns - guest_ns, wait_ns,
			       wall_ns - loaded_ns - wait_ns, 0, 0, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_nothing),
		TEST(test_wall_is_that_of_the_sums),
		TEST(test_switch_mode),
		TEST(test_mode_that_changed),
		TEST(test_nothing_measured),
		TEST(test_partly_measured),
		TEST(test_suspended),
		TEST(test_hardly_suspended),
		TEST(test_span_longer_than_loaded),
		TEST(test_never_loaded_in_the_span),
		TEST(test_mperf_ratio),
		TEST(test_steered_clock),
		TEST(test_conversion_is_exact_to_a_nanosecond),
		TEST(test_sums_that_wrap_round),
		TEST(test_first_seen_in_the_span),
		TEST(test_known_but_not_seen_before),
		TEST(test_a_clock_that_is_slewed_cancels),
		TEST(test_a_host_that_halts_cpus_itself),
		TEST(test_only_a_thread_that_slept_is_blocked),
		TEST(test_a_thread_that_slept_is_blocked),
		TEST(test_wait_of_a_vcpu_not_seen_before),
		TEST(test_cannot_halt),
		TEST(test_first_seen_after_user_mode),
		TEST(test_not_seen_because_windows_were_refused),
		TEST(test_born_in_the_span),
		TEST(test_born_as_the_span_began),
		TEST(test_identity),
		TEST(test_finds_its_like_among_many),
		TEST(test_not_seen),
		TEST(test_not_seen_because_there_was_no_room),
		TEST(test_room_found_late),
		TEST(test_loaded_beyond_wall),
		TEST(test_halted_beyond_its_bounds),
		TEST(test_halted_beyond_all_bounds),
		TEST(test_loaded_is_not_below_guest),
		TEST(test_wait_beyond_the_rest),
		TEST(test_counters_that_go_back),
		TEST(test_two_vms_in_one_process),
		TEST(test_names_and_processes),
		TEST(test_sum_that_does_not_fit),
		TEST(test_health),
		TEST(test_clocks_that_give_no_rate),
		TEST(test_ratios_that_are_none),
		TEST(test_memory_is_used_again),
		TEST(test_no_memory),
		TEST(test_histograms),
		TEST(test_hooks_that_were_off),
		TEST(test_first_load_after_a_break),
		TEST(test_properties),
		TEST(test_truth_comes_out),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
