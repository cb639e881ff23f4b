// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recordings are read back as they were written, and up to the point where they were cut off. */
#include <errno.h>
#include <fcntl.h>
#include "recording_run.h"

#define HEADER_LINE                                                                                \
	"{\"format\":\"gtimehalt-recording\",\"version\":1,\"gtimehalt_version\":\"0.1.0\","       \
	"\"kernel_release\":\"6.12.0\",\"mode\":\"entry\",\"window_hook\":\"fentry\","             \
	"\"stint_hook\":\"kprobe\",\"mperf_ratio\":0.97}\n"

#define DEMO_LINE                                                                                                                     \
	"{\"clock\":{\"monotonic_ns\":1000,\"boottime_ns\":1005,"                                                                     \
	"\"realtime_ns\":1763908000123456789,\"tsc_cycles\":2000,\"monotonic_raw_ns\":1007},"                                         \
	"\"mode\":\"entry\",\"mperf_ratio\":0.97,"                                                                                    \
	"\"health\":{\"lost_windows\":1,\"mperf_errors\":2,\"map_full\":18446744073709551615,\"hooks_off\":9,\"refused_windows\":3}," \
	"\"vms\":[{\"pid\":4194304,\"name\":\"demo \\\"1\\\"/\\\\\xc3\xa9\"},"                                                        \
	"{\"pid\":2147483647,\"name\":\"\"}],"                                                                                        \
	"\"vcpus\":[{\"pid\":4194304,\"tid\":7,\"vcpu\":1,\"seen\":false,\"vm_id\":0,"                                                \
	"\"start_boottime_ns\":0,\"at_monotonic_ns\":1000,\"loaded_ns\":0,\"measured_ns\":0,"                                         \
	"\"mperf_cycles\":0,\"unmeasured_ns\":0,\"guest_ns\":0,\"entries\":0,\"wait_ns\":null,"                                       \
	"\"sleeps\":null},"                                                                                                           \
	"{\"pid\":4194304,\"tid\":2147483647,\"vcpu\":4294967295,\"seen\":true,"                                                      \
	"\"vm_id\":18446744073709551615,\"start_boottime_ns\":9007199254740993,"                                                      \
	"\"at_monotonic_ns\":1001,\"loaded_ns\":9223372036854775808,"                                                                 \
	"\"measured_ns\":9223372036854775807,\"mperf_cycles\":18446744073709551614,\"unmeasured_ns\":15,"                             \
	"\"guest_ns\":12,\"entries\":13,\"wait_ns\":14,\"stale\":true,\"sleeps\":16}],"                                               \
	"\"cpus\":[{\"cpu\":3,\"mperf_ratio\":0.3333333333333333,\"at_monotonic_ns\":20,"                                             \
	"\"mperf_cycles\":21,\"window_ns\":22,\"window_mperf_cycles\":23,\"idle_ns\":24,"                                             \
	"\"idle_mperf_cycles\":25}]}\n"

static void test_golden(void **state)
{
	size_t size;
	char *bytes = recorded_demo(1, &size);

	(void)state;
	assert_string_equal(bytes, HEADER_LINE DEMO_LINE);
	assert_int_equal(strlen(bytes), size);
	free(bytes);
}

static void test_golden_with_stints(void **state)
{
	static const char expected[] =
		"\"wait_ns\":null,\"sleeps\":null,\"stints\":1},{\"pid\":4194304,\"tid\":2147483647,";
	static const char expected_end[] =
		"\"has_stints\":true,\"stints\":[{\"halted_ns\":18446744073709551615,"
		"\"counts\":[0,1,207,18446744073709551614]}]}\n";
	struct snapshot snap = { 0 };
	struct stint_reading *stints;
	size_t size;
	char *bytes;

	(void)state;
	fill_demo(&snap, 1000);
	snap.has_stints = true;
	stints = snapshot__add_stints(&snap, &snap.vcpus[0]);
	stints->halted_ns = UINT64_MAX;
	stints->cnt[0] = 1;
	stints->cnt[STINT_BUCKET_CNT - 1] = UINT64_MAX - 1;
	bytes = recorded(&snap, 1, &size);
	assert_non_null(strstr(bytes, expected));
	assert_string_equal(strstr(bytes, "\"has_stints\""), expected_end);
	free(bytes);
	snapshot__free(&snap);
}

static void test_header(void **state)
{
	struct replayed all = replayed(HEADER_LINE, strlen(HEADER_LINE));
	const char *least =
		"{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"switch\"}";
	struct replayed none = replayed(least, strlen(least));

	(void)state;
	assert_int_equal(all.header_err, 0);
	assert_int_equal(all.end, 0);
	assert_int_equal(all.line, 1);
	assert_string_equal(all.header.gtimehalt_version, "0.1.0");
	assert_string_equal(all.header.kernel_release, "6.12.0");
	assert_string_equal(all.header.window_hook, "fentry");
	assert_string_equal(all.header.stint_hook, "kprobe");
	assert_int_equal(all.header.mode, MODE_ENTRY);
	assert_true(all.header.mperf_ratio == 0.97);
	assert_int_equal(none.header_err, 0);
	assert_string_equal(none.header.kernel_release, "");
	assert_int_equal(none.header.mode, MODE_SWITCH);
	assert_true(none.header.mperf_ratio == 0);
}

/* Round trips of random snapshots */

/* Returns a number of random width, so that small numbers are as frequent as large ones. */
static __u64 any_u64(__u64 *seed)
{
	static const __u64 edges[] = {
		0, 1, 9007199254740993ULL, INT64_MAX, 1ULL << 63, UINT64_MAX
	};
	__u64 pick = next_random(seed);

	if (pick % 4 == 0)
		return edges[(pick >> 8) % (sizeof(edges) / sizeof(edges[0]))];
	return next_random(seed) >> (pick >> 8) % 64;
}

static int any_int(__u64 *seed)
{
	return (int)(any_u64(seed) & INT32_MAX);
}

/* Returns any positive finite double, including the smallest ones. */
static double any_ratio(__u64 *seed)
{
	double ratio;
	__u64 bits;

	do {
		bits = next_random(seed) >> 1;
		memcpy(&ratio, &bits, sizeof(ratio));
	} while (!(ratio > 0) || __builtin_isinf(ratio) || __builtin_isnan(ratio));
	return ratio;
}

static void fill_name(char *name, size_t size, __u64 *seed)
{
	static const char *const glyphs[] = {
		"a", "\"", "\\", "/", "\xc3\xa9", "\xe4\xb8\x80", "\xf0\x9f\x98\x80"
	};
	size_t cnt = next_random(seed) % size;

	while (cnt--) {
		const char *glyph = glyphs[next_random(seed) % 7];

		if (strlen(name) + strlen(glyph) < size)
			strcat(name, glyph);
	}
}

/* Adds stints to about half of the vCPUs, in another order than that of the vCPUs. */
static void add_stints(struct snapshot *snap, __u64 *seed)
{
	snap->has_stints = next_random(seed) % 2;
	for (size_t i = snap->vcpu_cnt; i-- > 0 && snap->has_stints;) {
		struct stint_reading *stints;

		if (next_random(seed) % 2)
			continue;
		stints = snapshot__add_stints(snap, &snap->vcpus[i]);
		stints->halted_ns = any_u64(seed);
		for (size_t j = 0; j < STINT_BUCKET_CNT; j++)
			stints->cnt[j] = next_random(seed) % 4 ? 0 : any_u64(seed);
	}
}

static void fill_randomly(struct snapshot *snap, __u64 *seed, __u64 mono_ns)
{
	size_t vm_cnt = next_random(seed) % 5, vcpu_cnt = next_random(seed) % 100;
	size_t cpu_cnt = next_random(seed) % 3;

	snap->clock = (struct clock_reading){ mono_ns, any_u64(seed), any_u64(seed), mono_ns * 3,
					      any_u64(seed) };
	snap->mode = next_random(seed) % 2 ? MODE_ENTRY : MODE_SWITCH;
	snap->mperf_ratio = any_ratio(seed);
	snap->health = (struct health){ any_u64(seed), any_u64(seed), any_u64(seed), any_u64(seed),
					any_u64(seed) };
	for (size_t i = 0; i < vm_cnt; i++) {
		struct vm_reading *vm = snapshot__add_vm(snap);

		vm->pid = (int)(i * 100000 + next_random(seed) % 100000);
		fill_name(vm->name, sizeof(vm->name), seed);
	}
	for (size_t i = 0; i < vcpu_cnt; i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

		vcpu->pid = (int)(next_random(seed) % 4);
		vcpu->tid = (int)i;
		vcpu->vcpu_id = (__u32)any_u64(seed);
		vcpu->seen = next_random(seed) % 2;
		vcpu->wait_known = next_random(seed) % 2;
		vcpu->vm_id = any_u64(seed);
		vcpu->start_boottime_ns = any_u64(seed);
		vcpu->at_ns = any_u64(seed);
		vcpu->loaded_ns = any_u64(seed);
		vcpu->measured_ns = any_u64(seed);
		vcpu->mperf_cycles = any_u64(seed);
		vcpu->unmeasured_ns = any_u64(seed);
		vcpu->guest_ns = any_u64(seed);
		vcpu->entry_cnt = any_u64(seed);
		if (vcpu->wait_known)
			vcpu->wait_ns = any_u64(seed);
	}
	for (size_t i = 0; i < cpu_cnt; i++) {
		struct cpu_reading *cpu = snapshot__add_cpu(snap);

		cpu->cpu = (int)i * 1000 + any_int(seed) % 1000;
		cpu->mperf_ratio = any_ratio(seed);
		cpu->at_ns = any_u64(seed);
		cpu->mperf_cycles = any_u64(seed);
		cpu->window_ns = any_u64(seed);
		cpu->window_mperf_cycles = any_u64(seed);
		cpu->idle_ns = any_u64(seed);
		cpu->idle_mperf_cycles = any_u64(seed);
	}
	snapshot__sort(snap);
	add_stints(snap, seed);
}

static void assert_same_bytes(const void *a, const void *b, size_t size)
{
	if (size)
		assert_memory_equal(a, b, size);
}

static void assert_same(const struct snapshot *a, const struct snapshot *b)
{
	assert_memory_equal(&a->clock, &b->clock, sizeof(a->clock));
	assert_memory_equal(&a->health, &b->health, sizeof(a->health));
	assert_int_equal(a->mode, b->mode);
	assert_memory_equal(&a->mperf_ratio, &b->mperf_ratio, sizeof(a->mperf_ratio));
	assert_int_equal(a->vm_cnt, b->vm_cnt);
	assert_int_equal(a->vcpu_cnt, b->vcpu_cnt);
	assert_int_equal(a->cpu_cnt, b->cpu_cnt);
	assert_int_equal(a->has_stints, b->has_stints);
	assert_int_equal(a->stint_cnt, b->stint_cnt);
	assert_same_bytes(a->vcpus, b->vcpus, a->vcpu_cnt * sizeof(*a->vcpus));
	assert_same_bytes(a->vms, b->vms, a->vm_cnt * sizeof(*a->vms));
	assert_same_bytes(a->cpus, b->cpus, a->cpu_cnt * sizeof(*a->cpus));
	assert_same_bytes(a->stints, b->stints, a->stint_cnt * sizeof(*a->stints));
}

#define RUN_CNT 3

static void test_round_trip_of_random_snapshots(void **state)
{
	__u64 seed = 0x9e3779b97f4a7c15ULL;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct snapshot snaps[RUN_CNT] = { 0 }, snap = { 0 };
		struct recording_header header;
		struct recording_reader *r;
		size_t size;
		char *bytes;
		FILE *in;

		for (__u64 i = 0; i < RUN_CNT; i++)
			fill_randomly(&snaps[i], &seed, i * 1000 + 1 + any_u64(&seed) % 1000);
		bytes = recorded(snaps, RUN_CNT, &size);
		in = fmemopen(bytes, size, "r");
		assert_non_null(in);
		assert_int_equal(recording_reader__new(in, &r), 0);
		assert_int_equal(recording_reader__header(r, &header), 0);
		for (int i = 0; i < RUN_CNT; i++) {
			assert_int_equal(recording_reader__next(r, &snap), 1);
			assert_string_equal(recording_reader__reason(r), "");
			assert_same(&snap, &snaps[i]);
			snapshot__free(&snaps[i]);
		}
		assert_int_equal(recording_reader__next(r, &snap), 0);
		assert_int_equal(recording_reader__line(r), 1 + RUN_CNT);
		recording_reader__free(r);
		snapshot__free(&snap);
		fclose(in);
		free(bytes);
	}
}

/* Truncated recordings */

static void test_cut_off_at_every_byte(void **state)
{
	size_t size, whole_cnt = 0;
	char *bytes = recorded_demo(2, &size);
	const char *first_end = strchr(bytes, '\n') + 1;
	size_t header_size = (size_t)(first_end - bytes);
	size_t first_size = (size_t)(strchr(first_end, '\n') + 1 - bytes);

	(void)state;
	for (size_t cut = 0; cut <= size; cut++) {
		struct replayed got = replayed(bytes, cut);
		/* A last line without its newline is complete. */
		size_t expected_cnt = (cut >= first_size - 1) + (cut >= size - 1);
		bool is_whole = cut == header_size - 1 || cut == header_size ||
				cut == first_size - 1 || cut == first_size || cut >= size - 1;

		assert_int_equal(got.header_err, cut < header_size - 1 ? -ENODATA : 0);
		assert_int_equal(got.end, is_whole ? 0 : -ENODATA);
		assert_int_equal(got.snap_cnt, expected_cnt);
		assert_int_equal(strlen(got.reason) == 0, is_whole);
		whole_cnt += is_whole;
	}
	assert_int_equal(whole_cnt, 6);
	free(bytes);
}

static void test_cut_off_is_told(void **state)
{
	size_t size;
	char *bytes = recorded_demo(2, &size);
	struct replayed got = replayed(bytes, size - 5);

	(void)state;
	assert_int_equal(got.end, -ENODATA);
	assert_int_equal(got.snap_cnt, 1);
	assert_int_equal(got.line, 3);
	assert_string_equal(got.reason, "the recording is cut off here");

	got = replayed(bytes, 0);
	assert_int_equal(got.end, -ENODATA);
	assert_string_equal(got.reason, "the recording is empty");
	free(bytes);
}

/*
 * Some editors and copying programs end every file with a newline; a crash can leave zeroes at the
 * end.
 */
static void test_cut_off_with_something_behind(void **state)
{
	static const char *const ends[] = { "\n", "\0\0\0", "\0\n", "}}", "\xff" };
	static const size_t sizes[] = { 1, 3, 2, 2, 1 };
	static const int expected[] = { -ENODATA, -ENODATA, -EBADMSG, -ENODATA, -ENODATA };
	size_t size;
	char *bytes = recorded_demo(2, &size);

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct replayed got;

		memcpy(bytes + size - 20, ends[i], sizes[i]);
		got = replayed(bytes, size - 20 + sizes[i]);
		assert_int_equal(got.end, expected[i]);
		assert_int_equal(got.snap_cnt, 1);
		assert_int_equal(got.line, 3);
	}
	free(bytes);
}

/* A snapshot that arrives through a pipe is returned although the next one has not arrived yet. */
static void test_a_line_is_read_as_soon_as_it_is_there(void **state)
{
	struct recording_header header;
	struct snapshot snap = { 0 };
	struct recording_reader *r;
	size_t size;
	char *bytes = recorded_demo(2, &size);
	size_t first_size = (size_t)(strchr(strchr(bytes, '\n') + 1, '\n') + 1 - bytes);
	int fds[2];
	FILE *in;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(write(fds[1], bytes, first_size + 3), first_size + 3);
	in = fdopen(fds[0], "r");
	assert_non_null(in);
	assert_int_equal(recording_reader__new(in, &r), 0);
	assert_int_equal(recording_reader__header(r, &header), 0);
	assert_int_equal(recording_reader__next(r, &snap), 1);
	/* An error of the stream is not the end of the recording. */
	assert_int_equal(recording_reader__next(r, &snap), -EAGAIN);
	recording_reader__free(r);
	snapshot__free(&snap);
	fclose(in);
	close(fds[1]);
	free(bytes);
}

static void test_open(void **state)
{
	struct recording_header header;
	struct recording_reader *r;

	(void)state;
	assert_int_equal(recording_reader__open("/nowhere/at/all", &r), -ENOENT);
	assert_int_equal(recording_reader__open("/", &r), 0);
	assert_int_equal(recording_reader__header(r, &header), -EISDIR);
	recording_reader__free(r);
	assert_int_equal(recording_reader__open("/dev/null", &r), 0);
	assert_int_equal(recording_reader__header(r, &header), -ENODATA);
	recording_reader__free(r);
	recording_reader__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_with_stints),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_round_trip_of_random_snapshots),
		cmocka_unit_test(test_cut_off_at_every_byte),
		cmocka_unit_test(test_cut_off_is_told),
		cmocka_unit_test(test_cut_off_with_something_behind),
		cmocka_unit_test(test_a_line_is_read_as_soon_as_it_is_there),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
