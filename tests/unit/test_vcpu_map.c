// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Maps of any size are read completely, and the entries of an exited thread are read and dropped
 * correctly. The maps are simulated by variables.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "gtimehalt.h"
#include "test.h"
#include "measure/vcpu_map.h"
#include "report/snapshot.h"

#define S 1000000000ULL

enum {
	VCPUS_FD = 10,
	STINTS_FD,
	ENDED_FD,
	DROP_FD,
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
static size_t dropped_cnt;

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
	case PROCESSES_FD:
		*(struct process_entries *)value = process;
		return 0;
	default:
		fail();
		return -1;
	}
}

/* Runs drop_entry. */
int bpf_prog_test_run_opts(int fd, struct bpf_test_run_opts *opts)
{
	const __u64 *args = opts->ctx_in;

	assert_int_equal(fd, DROP_FD);
	assert_int_equal(opts->ctx_size_in, 2 * sizeof(*args));
	assert_int_equal(vcpus[args[0]].tid, args[1]);
	vcpus[args[0]].tid = 0;
	dropped_cnt++;
	return 0;
}

int bpf_map_get_next_key(int fd, const void *key, void *next_key)
{
	assert_int_equal(fd, PROCESSES_FD);
	*(__u32 *)next_key = TGID;
	return key ? -ENOENT : 0;
}

struct fixture {
	struct vcpu_map *map;
	struct snapshot snap;
};

static void new_map(struct fixture *f, int ended_fd)
{
	const struct vcpu_map_fds maps = {
		.vcpus_fd = VCPUS_FD,
		.stints_fd = STINTS_FD,
		.ended_fd = ended_fd,
		.drop_fd = DROP_FD,
		.processes_fd = PROCESSES_FD,
	};

	vcpu_map__free(f->map);
	assert_int_equal(vcpu_map__new(&maps, 2, &f->map), 0);
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
	dropped_cnt = 0;
	new_map(&f, -1);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	vcpu_map__free(f->map);
	snapshot__free(&f->snap);
	return 0;
}

static void take_all(struct fixture *f, __u64 now_ns)
{
	snapshot__clear(&f->snap);
	f->snap.clock.mono_ns = now_ns;
	assert_int_equal(vcpu_map__read(f->map, &f->snap), 0);
}

static struct vcpu_reading *take(struct fixture *f, __u64 now_ns)
{
	take_all(f, now_ns);
	assert_int_equal(f->snap.vcpu_cnt, 1);
	return &f->snap.vcpus[0];
}

static void assert_dropped(void)
{
	assert_int_equal(dropped_cnt, 1);
	assert_int_equal(vcpus[INDEX].tid, 0);
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

	vcpus[INDEX].local = (struct window_sums){ 1, 2, 3, 4, 5 };
	vcpus[INDEX].remote = (struct window_sums){ 10, 20, 30, 40, 50 };
	reading = take(f, 110 * S);
	assert_int_equal(reading->measured_ns, 2 * 11);
	assert_int_equal(reading->mperf_cycles, 22);
	assert_int_equal(reading->unmeasured_ns, 33);
	assert_int_equal(reading->guest_ns, 44);
	assert_int_equal(reading->entry_cnt, 55);
}

static void test_a_copy_that_stays_torn_is_counted_and_left_out(void **state)
{
	struct write_seq *seqs[] = { &vcpus[INDEX].local_head, &vcpus[INDEX].local_tail,
				     &vcpus[INDEX].shared_head, &vcpus[INDEX].shared_tail };
	struct fixture *f = *state;

	vcpus[INDEX + 1] = (struct vcpu_sums){ .tid = TID + 1 };
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		seqs[i]->begin = 1;
		assert_int_equal(take(f, 100 * S)->tid, TID + 1);
		assert_int_equal(f->snap.health.lost_window_cnt, i + 1);
		seqs[i]->begin = 0;
	}
	take_all(f, 110 * S);
	assert_int_equal(f->snap.vcpu_cnt, 2);
}

static void test_what_has_ended_is_read_once(void **state)
{
	struct fixture *f = *state;

	vcpus[INDEX].ended_ns = 100 * S;
	assert_int_equal(take(f, 110 * S)->at_ns, 100 * S);
	assert_dropped();
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

	new_map(f, ENDED_FD);
	vcpus[INDEX].ended_ns = 100 * S;
	assert_int_equal(take(f, 110 * S)->at_ns, 100 * S);
	assert_int_equal(dropped_cnt, 0);
}

static void test_ended_after_it_was_copied(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading = take(f, 100 * S);

	vcpus[INDEX].at_ns = vcpus[INDEX].ended_ns = 100 * S + 4000;
	vcpus[INDEX].ran_ns += 3000;
	vcpus[INDEX].remote.tsc_cycles = 3000;
	stints.halted_ns = 9;
	assert_int_equal(vcpu_map__forget(f->map, &f->snap, reading), 0);
	assert_int_equal(reading->at_ns, 100 * S + 4000);
	assert_int_equal(reading->loaded_ns, S + 3000);
	assert_int_equal(reading->measured_ns, 2 * 3000);
	assert_int_equal(f->snap.stints[reading->stint_number - 1].halted_ns, 9);
	assert_dropped();
}

/* Entries of one thread for two vCPUs. */
static void test_all_entries_of_a_thread_are_forgotten(void **state)
{
	struct fixture *f = *state;

	vcpus[7] = (struct vcpu_sums){ .tid = TID, .start_boottime_ns = 8, .older_index = INDEX };
	take_all(f, 100 * S);
	assert_int_equal(f->snap.vcpu_cnt, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(vcpu_map__forget(f->map, &f->snap, &f->snap.vcpus[1 - i]), 0);
	assert_int_equal(dropped_cnt, 2);
	assert_int_equal(vcpus[INDEX].tid, 0);
	assert_int_equal(vcpus[7].tid, 0);
}

static void test_another_thread_has_its_tid(void **state)
{
	struct fixture *f = *state;
	struct vcpu_reading *reading = take(f, 100 * S), before = *reading;

	vcpus[INDEX].start_boottime_ns = 8;
	assert_int_equal(vcpu_map__forget(f->map, &f->snap, reading), 0);
	assert_memory_equal(reading, &before, sizeof(before));
	assert_int_equal(dropped_cnt, 0);
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

	vcpu_map__refused(f->map, note_refused, &refused_cnt);
	assert_int_equal(refused_cnt, 0);
	process.refused_cnt = 3;
	vcpu_map__refused(f->map, note_refused, &refused_cnt);
	assert_int_equal(refused_cnt, 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_maps_are_read_whole),
		TEST(test_only_what_is_the_vcpus_own_is_shown),
		TEST(test_sums_of_both_writers_are_added),
		TEST(test_a_copy_that_stays_torn_is_counted_and_left_out),
		TEST(test_what_has_ended_is_read_once),
		TEST(test_what_is_pinned_is_not_dropped),
		TEST(test_ended_after_it_was_copied),
		TEST(test_all_entries_of_a_thread_are_forgotten),
		TEST(test_another_thread_has_its_tid),
		TEST(test_refused_windows_are_told_by_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
