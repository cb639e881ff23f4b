// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "report/snapshot.h"
#include "test.h"

/*
 * AddressSanitizer must let an allocation that is too large return NULL, as malloc() does without
 * it.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void assert_all_zero(const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], 0);
}

static void test_added_elements_are_zero_and_stay_in_place(void **state)
{
	struct snapshot snap = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(&snap);
		struct vm_reading *vm = snapshot__add_vm(&snap);

		assert_non_null(vcpu);
		assert_non_null(vm);
		assert_all_zero(vcpu, sizeof(*vcpu));
		assert_all_zero(vm, sizeof(*vm));
		vcpu->tid = i;
		vm->pid = 1000 + i;
	}
	assert_int_equal(snap.vcpu_cnt, 1000);
	assert_int_equal(snap.vm_cnt, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(snap.vcpus[i].tid, i);
		assert_int_equal(snap.vms[i].pid, 1000 + i);
	}
	snapshot__free(&snap);
}

static void test_clear_keeps_nothing_but_memory(void **state)
{
	struct snapshot snap = { 0 };
	struct snapshot empty = { 0 };
	struct vcpu_reading *vcpu, *first;
	struct vm_reading *vm;

	(void)state;
	first = snapshot__add_vcpu(&snap);
	vm = snapshot__add_vm(&snap);
	assert_non_null(first);
	assert_non_null(vm);
	memset(first, 0xff, sizeof(*first));
	memset(vm, 0xff, sizeof(*vm));
	snap.clock.mono_ns = 1;
	snap.mode = MODE_SWITCH;
	snap.mperf_ratio = 1.0;
	snap.health.lost_window_cnt = 1;
	snapshot__clear(&snap);

	assert_memory_equal(&snap.clock, &empty.clock, sizeof(snap.clock));
	assert_memory_equal(&snap.health, &empty.health, sizeof(snap.health));
	assert_int_equal(snap.mode, MODE_ENTRY);
	assert_true(snap.mperf_ratio == 0);
	assert_int_equal(snap.vm_cnt, 0);
	assert_int_equal(snap.vcpu_cnt, 0);

	vcpu = snapshot__add_vcpu(&snap);
	assert_ptr_equal(vcpu, first);
	assert_all_zero(vcpu, sizeof(*vcpu));
	vm = snapshot__add_vm(&snap);
	assert_non_null(vm);
	assert_all_zero(vm, sizeof(*vm));
	snapshot__free(&snap);
}

static void test_free_leaves_an_empty_snapshot(void **state)
{
	struct snapshot snap = { 0 };

	(void)state;
	assert_non_null(snapshot__add_vcpu(&snap));
	assert_non_null(snapshot__add_vm(&snap));
	snapshot__free(&snap);
	assert_null(snap.vcpus);
	assert_null(snap.vms);
	assert_int_equal(snap.vcpu_cnt, 0);
	snapshot__free(&snap);
	assert_non_null(snapshot__add_vcpu(&snap));
	assert_int_equal(snap.vcpu_cnt, 1);
	snapshot__free(&snap);
}

static void test_no_memory_changes_nothing(void **state)
{
	const size_t too_many = SIZE_MAX / sizeof(struct vcpu_reading);
	struct snapshot snap = { 0 };
	void *vcpus, *vms;

	(void)state;
	assert_non_null(snapshot__add_vcpu(&snap));
	assert_non_null(snapshot__add_vm(&snap));
	vcpus = snap.vcpus;
	vms = snap.vms;
	snap.vcpu_cnt = snap.vcpu_room = too_many;
	snap.vm_cnt = snap.vm_room = too_many;
	assert_null(snapshot__add_vcpu(&snap));
	assert_null(snapshot__add_vm(&snap));
	assert_ptr_equal(snap.vcpus, vcpus);
	assert_ptr_equal(snap.vms, vms);
	assert_int_equal(snap.vcpu_cnt, too_many);
	assert_int_equal(snap.vm_cnt, too_many);
	assert_int_equal(snap.vcpu_room, too_many);

	/* Doubling this size would overflow to a small number. */
	snap.vcpu_cnt = snap.vcpu_room = SIZE_MAX / 2 + 2;
	assert_null(snapshot__add_vcpu(&snap));
	snapshot__free(&snap);
}

static void test_sort_of_nothing(void **state)
{
	struct snapshot snap = { 0 };

	(void)state;
	snapshot__sort(&snap);
	assert_int_equal(snap.vcpu_cnt, 0);
	snapshot__free(&snap);
}

/*
 * In sorted order. Each element differs from the one before it in one field, and less significant
 * fields decrease.
 */
static const struct vcpu_reading ordered[] = {
	{ .pid = 1, .vm_id = 0, .vcpu_id = 9, .tid = 9, .start_boottime_ns = 9 },
	{ .pid = 1, .vm_id = 1, .vcpu_id = 8, .tid = 9, .start_boottime_ns = 9 },
	{ .pid = 1, .vm_id = UINT64_MAX - 1, .vcpu_id = 1, .tid = 8, .start_boottime_ns = 9 },
	{ .pid = 1, .vm_id = UINT64_MAX, .vcpu_id = 1, .tid = 5, .start_boottime_ns = 9 },
	{ .pid = 1, .vm_id = UINT64_MAX, .vcpu_id = UINT32_MAX, .tid = 3, .start_boottime_ns = 9 },
	{ .pid = 1, .vm_id = UINT64_MAX, .vcpu_id = UINT32_MAX, .tid = 4, .start_boottime_ns = 1 },
	{ .pid = 1,
	  .vm_id = UINT64_MAX,
	  .vcpu_id = UINT32_MAX,
	  .tid = 4,
	  .start_boottime_ns = UINT64_MAX },
	{ .pid = 2, .vm_id = 0, .vcpu_id = 0, .tid = 0, .start_boottime_ns = 0 },
};
#define ORDERED_CNT (sizeof(ordered) / sizeof(ordered[0]))

static void test_sort(void **state)
{
	struct snapshot snap = { 0 };

	(void)state;
	/*
	 * 3 and the number of elements, 8, have no common factor: each element is added once, and
	 * none at its sorted place.
	 */
	for (size_t i = 0; i < ORDERED_CNT; i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(&snap);
		struct vm_reading *vm = snapshot__add_vm(&snap);

		assert_non_null(vcpu);
		assert_non_null(vm);
		*vcpu = ordered[(i * 3 + 1) % ORDERED_CNT];
		vm->pid = (i * 3 + 1) % ORDERED_CNT;
		vm->name[0] = (char)('a' + vm->pid);
	}
	snapshot__sort(&snap);
	for (size_t i = 0; i < ORDERED_CNT; i++) {
		assert_memory_equal(&snap.vcpus[i], &ordered[i], sizeof(ordered[i]));
		assert_int_equal(snap.vms[i].pid, i);
		assert_int_equal(snap.vms[i].name[0], 'a' + i);
	}
	snapshot__free(&snap);
}

static void test_compare_tells_every_pair_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ORDERED_CNT; i++) {
		for (size_t j = 0; j < ORDERED_CNT; j++) {
			int expected = (i > j) - (i < j);

			assert_int_equal(vcpu_reading__compare(&ordered[i], &ordered[j]), expected);
		}
	}
}

/* The sums of a vCPU are not part of its identity. */
static void test_compare_ignores_counters(void **state)
{
	struct vcpu_reading a = { .pid = 1, .tid = 2 }, b = { .pid = 1, .tid = 2 };

	(void)state;
	b.seen = 1;
	b.at_ns = b.loaded_ns = b.measured_ns = b.mperf_cycles = 5;
	b.guest_ns = b.entry_cnt = b.wait_ns = 5;
	assert_int_equal(vcpu_reading__compare(&a, &b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added_elements_are_zero_and_stay_in_place),
		cmocka_unit_test(test_clear_keeps_nothing_but_memory),
		cmocka_unit_test(test_free_leaves_an_empty_snapshot),
		cmocka_unit_test(test_no_memory_changes_nothing),
		cmocka_unit_test(test_sort_of_nothing),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_compare_tells_every_pair_apart),
		cmocka_unit_test(test_compare_ignores_counters),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
