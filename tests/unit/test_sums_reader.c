// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Maps of any size are read completely, and the sums of an exited thread are read and dropped
 * correctly. The maps are simulated by variables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "gtimehalt.h"
#include "measure/sums_reader.h"
#include "report/snapshot.h"

#define S 1000000000ULL

enum {
	VCPUS_FD = 10,
	STINTS_FD,
	ENDED_FD,
};

#define TID 42

static struct vcpu_sums vcpu;
static bool has_vcpu, has_stints;
static struct stint_sums stints;
/*
 * The number of further threads, with TIDs that follow TID. Their entries are never looked up one
 * by one.
 */
static __u32 further_cnt;

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	__u32 at = in ? *(__u32 *)in : 0, end = has_vcpu + further_cnt, room = *count;

	(void)opts;
	assert_true(fd == VCPUS_FD || fd == ENDED_FD);
	if (fd == ENDED_FD) {
		*count = 0;
		return -ENOENT;
	}
	for (*count = 0; *count < room && at < end; (*count)++, at++) {
		((__u32 *)keys)[*count] = TID + at;
		((struct vcpu_sums *)values)[*count] = vcpu;
	}
	*(__u32 *)out = at;
	return at < end ? 0 : -ENOENT;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	if (*(const __u32 *)key > TID && *(const __u32 *)key <= TID + further_cnt)
		return -ENOENT;
	assert_int_equal(*(const __u32 *)key, TID);
	if (fd == VCPUS_FD && has_vcpu)
		memcpy(value, &vcpu, sizeof(vcpu));
	else if (fd == STINTS_FD && has_stints)
		memcpy(value, &stints, sizeof(stints));
	else
		return -ENOENT;
	return 0;
}

int bpf_map_delete_elem(int fd, const void *key)
{
	assert_int_equal(*(const __u32 *)key, TID);
	if (fd == VCPUS_FD)
		has_vcpu = false;
	else
		has_stints = false;
	return 0;
}

struct fixture {
	struct sums_reader *reader;
	struct snapshot snap;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	vcpu = (struct vcpu_sums){ .start_boottime_ns = 7, .vm_id = 1, .tgid = 40, .loaded_ns = S };
	stints = (struct stint_sums){ .start_boottime_ns = 7, .halted_ns = 5 };
	has_vcpu = has_stints = true;
	further_cnt = 0;
	assert_int_equal(sums_reader__new(VCPUS_FD, STINTS_FD, -1, &f.reader), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sums_reader__free(f->reader);
	snapshot__free(&f->snap);
	return 0;
}

static struct vcpu_reading *take(struct fixture *f, __u64 now_ns)
{
	snapshot__clear(&f->snap);
	f->snap.clock.mono_ns = now_ns;
	assert_int_equal(sums_reader__read(f->reader, &f->snap, true), 0);
	assert_int_equal(f->snap.vcpu_cnt, 1);
	return &f->snap.vcpus[0];
}

/* Sizes around that of a batch, and a full map. */
static void test_maps_are_read_whole(void **state)
{
	static const __u32 sizes[] = { 1, 255, 256, 257, 511, 512, 513, GTIMEHALT_MAX_VCPUS };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		further_cnt = sizes[i] - 1;
		snapshot__clear(&f->snap);
		assert_int_equal(sums_reader__read(f->reader, &f->snap, true), 0);
		assert_int_equal(f->snap.vcpu_cnt, sizes[i]);
		for (__u32 j = 0; j < sizes[i]; j++)
			assert_int_equal(f->snap.vcpus[j].tid, TID + j);
	}
}

/* Sets the thread's last window, from open_ns to put_ns, which another CPU closed. */
static void put(__u64 open_ns, __u64 put_ns)
{
	vcpu.updated_ns = vcpu.open_ns = open_ns;
	vcpu.put_ns = put_ns;
}

/* The thread's last window ended before the thread did, on another CPU. */
static void test_lived_until_it_ended(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading;

	take(f, 100 * S);
	put(101 * S, 102 * S);
	vcpu.ended_ns = 103 * S;
	reading = take(f, 110 * S);
	assert_int_equal(reading->at_ns, 103 * S);
	assert_int_equal(reading->loaded_ns, 2 * S);
	assert_int_equal(reading->wait_ns, 0);
	assert_false(has_vcpu || has_stints);
}

/*
 * In a pinned measurement BPF moves exited threads to another map, so that user space must not drop
 * them.
 */
static void test_what_is_pinned_is_not_dropped(void **state)
{
	struct fixture *f = *state;

	sums_reader__free(f->reader);
	assert_int_equal(sums_reader__new(VCPUS_FD, STINTS_FD, ENDED_FD, &f->reader), 0);
	vcpu.ended_ns = 103 * S;
	assert_int_equal(take(f, 110 * S)->at_ns, 103 * S);
	assert_true(has_vcpu && has_stints);
}

static void test_ended_after_it_was_copied(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading;

	take(f, 100 * S);
	vcpu.updated_ns = vcpu.open_ns = 110 * S;
	reading = take(f, 110 * S);
	put(110 * S, 110 * S + 3000);
	vcpu.ended_ns = 110 * S + 4000;
	vcpu.others.measured_ns = 3000;
	stints.halted_ns = 9;
	sums_reader__forget(f->reader, &f->snap, reading);
	assert_int_equal(reading->at_ns, 110 * S + 4000);
	assert_int_equal(reading->loaded_ns, S + 3000);
	assert_int_equal(reading->measured_ns, 3000);
	assert_int_equal(f->snap.stints[reading->stint_number - 1].halted_ns, 9);
	assert_false(has_vcpu || has_stints);
}

/* The thread's entry has no exit time, because its process called execve(). */
static void test_gone_without_a_word(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading;

	put(40 * S, 50 * S);
	take(f, 100 * S);
	reading = take(f, 110 * S);
	sums_reader__forget(f->reader, &f->snap, reading);
	assert_int_equal(reading->at_ns, 110 * S);
	assert_false(has_vcpu || has_stints);
}

static void test_another_thread_has_its_tid(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading, before;

	put(90 * S, 95 * S);
	reading = take(f, 100 * S);
	before = *reading;
	vcpu.start_boottime_ns = 8;
	sums_reader__forget(f->reader, &f->snap, reading);
	assert_memory_equal(reading, &before, sizeof(before));
	assert_true(has_vcpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_maps_are_read_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lived_until_it_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_pinned_is_not_dropped, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ended_after_it_was_copied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone_without_a_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_thread_has_its_tid, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
