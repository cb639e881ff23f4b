// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Maps of any size are read completely, and the entries of an exited thread are read and dropped
 * correctly. The maps are simulated by variables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "gtimehalt.h"
#include "measure/sums_reader.h"
#include "report/snapshot.h"

#define S 1000000000ULL

enum {
	VCPUS_FD = 10,
	STINTS_FD,
	ENDED_FD,
	OBJECTS_FD,
	PLACES_FD,
	FREE_INDEXES_FD,
	PROCESSES_FD,
};

#define TID   42
#define TGID  40
/* The index of the thread's entry. */
#define INDEX 5

static struct vcpu_sums vcpus[GTIMEHALT_MAX_VCPUS];
static __u32 room;
static struct stint_sums stints;
static struct process_entries process;
static struct entry_place places[2]; /* by the thread; by INDEX's vCPU */
static bool has_place[2];
static __u32 freed[4];
static size_t freed_cnt;

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	__u32 at = in ? *(__u32 *)in : 0, wanted = *count;

	(void)opts;
	assert_true(fd == VCPUS_FD || fd == ENDED_FD);
	*count = 0;
	if (fd == ENDED_FD)
		return -ENOENT;
	for (; *count < wanted && at < room; (*count)++, at++) {
		((__u32 *)keys)[*count] = at;
		((struct vcpu_sums *)values)[*count] = vcpus[at];
	}
	*(__u32 *)out = at;
	return at < room ? 0 : -ENOENT;
}

/*
 * Returns the index in `places` for a key. The vCPU at 0x100 * index has the number that
 * accounts.bpf.h gives it.
 */
static int place_at(const struct entry_key *key)
{
	if (key->tid != TID)
		return -1;
	if (!key->number)
		return 0;
	return key->number == ((0x100 * INDEX) >> 4 | 1) ? 1 : -1;
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	__u32 index = *(const __u32 *)key;

	switch (fd) {
	case VCPUS_FD:
		memcpy(value, &vcpus[index], sizeof(vcpus[index]));
		return 0;
	case STINTS_FD:
		memcpy(value, &stints, sizeof(stints));
		return 0;
	case OBJECTS_FD:
		*(struct entry_objects *)value = (struct entry_objects){ .vcpu = 0x100 * index };
		return 0;
	case PLACES_FD:
		if (place_at(key) < 0 || !has_place[place_at(key)])
			return -ENOENT;
		*(struct entry_place *)value = places[place_at(key)];
		return 0;
	case PROCESSES_FD:
		*(struct process_entries *)value = process;
		return 0;
	default:
		fail();
		return -1;
	}
}

int bpf_map_delete_elem(int fd, const void *key)
{
	assert_int_equal(fd, PLACES_FD);
	has_place[place_at(key)] = false;
	return 0;
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	(void)flags;
	if (fd == VCPUS_FD) {
		memcpy(&vcpus[*(const __u32 *)key], value, sizeof(vcpus[0]));
	} else if (fd == FREE_INDEXES_FD) {
		assert_null(key);
		freed[freed_cnt++] = *(const __u32 *)value;
	} else {
		assert_int_equal(fd, PROCESSES_FD);
		process = *(const struct process_entries *)value;
	}
	return 0;
}

int bpf_map_get_next_key(int fd, const void *key, void *next_key)
{
	assert_int_equal(fd, PROCESSES_FD);
	*(__u32 *)next_key = TGID;
	return key ? -ENOENT : 0;
}

struct fixture {
	struct sums_reader *reader;
	struct snapshot snap;
};

static void start_reader(struct fixture *f, int ended_fd)
{
	const struct sums_maps maps = {
		.vcpus_fd = VCPUS_FD,
		.stints_fd = STINTS_FD,
		.ended_fd = ended_fd,
		.objects_fd = OBJECTS_FD,
		.places_fd = PLACES_FD,
		.free_indexes_fd = FREE_INDEXES_FD,
		.processes_fd = PROCESSES_FD,
	};

	sums_reader__free(f->reader);
	assert_int_equal(sums_reader__new(&maps, 2, &f->reader), 0);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	memset(vcpus, 0, sizeof(vcpus));
	room = 16;
	vcpus[INDEX] = (struct vcpu_sums){ .tid = TID,
					   .tgid = TGID,
					   .start_boottime_ns = 7,
					   .vm_id = 1,
					   .ran_ns = 11 * S,
					   .ran_base_ns = 10 * S,
					   .at_ns = 100 * S };
	stints = (struct stint_sums){ .start_boottime_ns = 7, .halted_ns = 5 };
	process = (struct process_entries){ .entry_cnt = 1 };
	places[0] = (struct entry_place){ .index = INDEX, .newest_index = INDEX };
	places[1] = (struct entry_place){ .index = INDEX };
	has_place[0] = has_place[1] = true;
	freed_cnt = 0;
	start_reader(&f, -1);
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

static void take_all(struct fixture *f, __u64 now_ns)
{
	snapshot__clear(&f->snap);
	f->snap.clock.mono_ns = now_ns;
	assert_int_equal(sums_reader__read(f->reader, &f->snap), 0);
}

static struct vcpu_reading *take(struct fixture *f, __u64 now_ns)
{
	take_all(f, now_ns);
	assert_int_equal(f->snap.vcpu_cnt, 1);
	return &f->snap.vcpus[0];
}

static void assert_freed(void)
{
	assert_int_equal(freed_cnt, 1);
	assert_int_equal(freed[0], INDEX);
	assert_int_equal(vcpus[INDEX].tid, 0);
	assert_false(has_place[0] || has_place[1]);
	assert_int_equal(process.entry_cnt, 0);
}

/* Sizes around that of a batch, and a full map. */
static void test_maps_are_read_whole(void **state)
{
	static const __u32 sizes[] = { 2, 255, 256, 257, 511, 512, 513, GTIMEHALT_MAX_VCPUS };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		room = sizes[i];
		for (__u32 at = 1; at < room; at++)
			vcpus[at] = (struct vcpu_sums){ .tid = TID + at, .start_boottime_ns = 7 };
		take_all(f, 100 * S);
		assert_int_equal(f->snap.vcpu_cnt, room - 1);
		for (__u32 at = 1; at < room; at++)
			assert_int_equal(f->snap.vcpus[at - 1].tid, TID + at);
	}
}

static void test_only_what_is_the_vcpus_own_is_shown(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading;

	vcpus[INDEX].wait_ns = 9 * S;
	vcpus[INDEX].wait_base_ns = 7 * S;
	vcpus[INDEX].away_ns = 30 * S;
	reading = take(f, 110 * S);
	assert_int_equal(reading->loaded_ns, S);
	assert_int_equal(reading->wait_ns, 2 * S);
	assert_int_equal(reading->at_ns, 70 * S);
}

static void test_sums_of_both_writers_are_added(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading;

	vcpus[INDEX].own = (struct window_sums){ 1, 2, 3, 4, 5 };
	vcpus[INDEX].others = (struct window_sums){ 10, 20, 30, 40, 50 };
	reading = take(f, 110 * S);
	assert_int_equal(reading->measured_ns, 2 * 11);
	assert_int_equal(reading->mperf_cycles, 22);
	assert_int_equal(reading->unmeasured_ns, 33);
	assert_int_equal(reading->guest_ns, 44);
	assert_int_equal(reading->entry_cnt, 55);
}

static void test_a_copy_that_stays_torn_is_an_error(void **state)
{
	struct copy_guard *guards[] = { &vcpus[INDEX].own_head, &vcpus[INDEX].own_tail,
					&vcpus[INDEX].shared_head, &vcpus[INDEX].shared_tail };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		guards[i]->begun = 1;
		assert_int_equal(sums_reader__read(f->reader, &f->snap), -EIO);
		guards[i]->begun = 0;
	}
}

static void test_what_has_ended_is_read_once(void **state)
{
	struct fixture *f = *state;

	vcpus[INDEX].ended_ns = 100 * S;
	assert_int_equal(take(f, 110 * S)->at_ns, 100 * S);
	assert_freed();
	take_all(f, 120 * S);
	assert_int_equal(f->snap.vcpu_cnt, 0);
}

/*
 * In a pinned measurement BPF moves exited threads to another map, so that user space must not drop
 * them.
 */
static void test_what_is_pinned_is_not_dropped(void **state)
{
	struct fixture *f = *state;

	start_reader(f, ENDED_FD);
	vcpus[INDEX].ended_ns = 100 * S;
	assert_int_equal(take(f, 110 * S)->at_ns, 100 * S);
	assert_int_equal(freed_cnt, 0);
	assert_true(has_place[0] && has_place[1]);
}

static void test_ended_after_it_was_copied(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading = take(f, 100 * S);

	vcpus[INDEX].at_ns = vcpus[INDEX].ended_ns = 100 * S + 4000;
	vcpus[INDEX].ran_ns += 3000;
	vcpus[INDEX].others.tsc_cycles = 3000;
	stints.halted_ns = 9;
	sums_reader__forget(f->reader, &f->snap, reading);
	assert_int_equal(reading->at_ns, 100 * S + 4000);
	assert_int_equal(reading->loaded_ns, S + 3000);
	assert_int_equal(reading->measured_ns, 2 * 3000);
	assert_int_equal(f->snap.stints[reading->stint_number - 1].halted_ns, 9);
	assert_freed();
}

/* The thread has turned to another vCPU since: the entry is found by way of the newer one. */
static void test_an_older_entry_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading = take(f, 100 * S);

	places[0].newest_index = 7;
	places[0].index = 7;
	vcpus[7] = (struct vcpu_sums){ .tid = TID, .start_boottime_ns = 8, .older_index = INDEX };
	sums_reader__forget(f->reader, &f->snap, reading);
	assert_int_equal(freed[0], INDEX);
	assert_int_equal(vcpus[7].tid, TID);
	assert_true(has_place[0]);
	assert_false(has_place[1]);
}

static void test_another_thread_has_its_tid(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading = take(f, 100 * S), before = *reading;

	vcpus[INDEX].start_boottime_ns = 8;
	sums_reader__forget(f->reader, &f->snap, reading);
	assert_memory_equal(reading, &before, sizeof(before));
	assert_int_equal(freed_cnt, 0);
}

static void note_refused(void *arg, pid_t pid, __u64 refused_cnt)
{
	assert_int_equal(pid, TGID);
	*(__u64 *)arg += refused_cnt;
}

static void test_refused_windows_are_told_by_process(void **state)
{
	struct fixture *f = *state;
	__u64 refused_cnt = 0;

	sums_reader__refused(f->reader, note_refused, &refused_cnt);
	assert_int_equal(refused_cnt, 0);
	process.refused_cnt = 3;
	sums_reader__refused(f->reader, note_refused, &refused_cnt);
	assert_int_equal(refused_cnt, 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_maps_are_read_whole),
		TEST(test_only_what_is_the_vcpus_own_is_shown),
		TEST(test_sums_of_both_writers_are_added),
		TEST(test_a_copy_that_stays_torn_is_an_error),
		TEST(test_what_has_ended_is_read_once),
		TEST(test_what_is_pinned_is_not_dropped),
		TEST(test_ended_after_it_was_copied),
		TEST(test_an_older_entry_is_forgotten),
		TEST(test_another_thread_has_its_tid),
		TEST(test_refused_windows_are_told_by_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
