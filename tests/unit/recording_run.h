/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * recording_run - recordings in memory, for the tests of both directions.
 */
#ifndef RECORDING_RUN_H
#define RECORDING_RUN_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "recording/recording.h"
#include "test.h"

/*
 * Fills every integer with a value that a double would round, or with another extreme that its type
 * holds.
 */
static inline void fill_demo(struct snapshot *snap, __u64 mono_ns)
{
	struct vcpu_reading *vcpu;
	struct cpu_reading *cpu;

	snapshot__clear(snap);
	snap->clock = (struct clock_reading){ mono_ns, mono_ns + 5, 1763908000123456789ULL,
					      2 * mono_ns, mono_ns + 7 };
	snap->mode = MODE_ENTRY;
	snap->mperf_ratio = 0.97;
	snap->health = (struct health){ 1, 2, UINT64_MAX, 9, 3 };
	strcpy(snapshot__add_vm(snap)->name, "demo \"1\"/\\\xc3\xa9");
	snap->vms[0].pid = 4194304;
	snapshot__add_vm(snap)->pid = INT32_MAX;
	vcpu = snapshot__add_vcpu(snap);
	*vcpu = (struct vcpu_reading){ .pid = 4194304, .tid = 7, .vcpu_id = 1, .at_ns = mono_ns };
	vcpu = snapshot__add_vcpu(snap);
	vcpu->pid = 4194304;
	vcpu->tid = INT32_MAX;
	vcpu->vcpu_id = UINT32_MAX;
	vcpu->seen = true;
	vcpu->wait_known = true;
	vcpu->stale = true;
	vcpu->vm_id = UINT64_MAX;
	vcpu->start_boottime_ns = 9007199254740993ULL;
	vcpu->at_ns = mono_ns + 1;
	vcpu->loaded_ns = 1ULL << 63;
	vcpu->measured_ns = INT64_MAX;
	vcpu->mperf_cycles = UINT64_MAX - 1;
	vcpu->unmeasured_ns = 15;
	vcpu->guest_ns = 12;
	vcpu->entry_cnt = 13;
	vcpu->wait_ns = 14;
	vcpu->sleeps = 16;
	vcpu->sleeps_known = true;
	cpu = snapshot__add_cpu(snap);
	cpu->cpu = 3;
	cpu->mperf_ratio = 1.0 / 3;
	cpu->at_ns = 20;
	cpu->mperf_cycles = 21;
	cpu->window_ns = 22;
	cpu->window_mperf_cycles = 23;
	cpu->idle_ns = 24;
	cpu->idle_mperf_cycles = 25;
}

static const struct recording_header demo_header = {
	.gtimehalt_version = "0.1.0",
	.kernel_release = "6.12.0",
	.mode = MODE_ENTRY,
	.window_hook = "fentry",
	.stint_hook = "kprobe",
	.mperf_ratio = 0.97,
};

/* Returns the contents of a file, NUL-terminated. The caller frees the result. */
static inline char *bytes_of(int fd, size_t *size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char *bytes;

	assert_true(end >= 0);
	*size = (size_t)end;
	bytes = calloc(1, *size + 1);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, *size, 0), end);
	return bytes;
}

/* Returns a recording of `cnt` snapshots. The caller frees the result. */
static inline char *recorded(const struct snapshot *snaps, size_t cnt, size_t *size)
{
	struct recording_writer *w;
	int fd = memfd_create("recording", 0);
	int copy = dup(fd);
	char *bytes;

	assert_true(fd >= 0 && copy >= 0);
	assert_int_equal(recording_writer__new(fd, &demo_header, 0, &w), 0);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(recording_writer__write(w, &snaps[i]), 0);
	assert_int_equal(recording_writer__close(w), 0);
	bytes = bytes_of(copy, size);
	close(copy);
	return bytes;
}

static inline char *recorded_demo(size_t cnt, size_t *size)
{
	struct snapshot snaps[4] = { 0 };
	char *bytes;

	assert_true(cnt <= 4);
	for (size_t i = 0; i < cnt; i++)
		fill_demo(&snaps[i], (i + 1) * 1000);
	bytes = recorded(snaps, cnt, size);
	for (size_t i = 0; i < cnt; i++)
		snapshot__free(&snaps[i]);
	return bytes;
}

/* The result of reading a recording: of its header, and of the last read. */
struct replayed {
	int header_err;
	int end;
	size_t snap_cnt;
	__u64 line;
	char reason[256];
	struct recording_header header;
};

/*
 * Reads a recording to its end. `bytes` are copied into memory of exactly their size, so that a
 * sanitizer catches a read beyond them.
 */
static inline struct replayed replayed(const char *bytes, size_t size)
{
	struct replayed replayed = { 0 };
	struct snapshot snap = { 0 };
	struct recording_reader *r;
	char *copy = malloc(size ? size : 1);
	FILE *in;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	in = size ? fmemopen(copy, size, "r") : fopen("/dev/null", "r");
	assert_non_null(in);
	assert_int_equal(recording_reader__new(in, &r), 0);
	replayed.header_err = recording_reader__header(r, &replayed.header);
	while ((replayed.end = recording_reader__next(r, &snap)) == 1)
		replayed.snap_cnt++;
	/*
	 * At its end the reader returns no partial snapshot, and repeated reads return the same
	 * result.
	 */
	assert_int_equal(snap.vm_cnt + snap.vcpu_cnt + snap.cpu_cnt, 0);
	assert_int_equal(recording_reader__next(r, &snap), replayed.end);
	replayed.line = recording_reader__line(r);
	snprintf(replayed.reason, sizeof(replayed.reason), "%s", recording_reader__reason(r));
	recording_reader__free(r);
	snapshot__free(&snap);
	fclose(in);
	free(copy);
	return replayed;
}

/* The smallest valid recording, for tests to corrupt. */
#define HEADER "{\"format\":\"gtimehalt-recording\",\"version\":1,\"mode\":\"entry\"}\n"
#define VCPU                                                                                              \
	"{\"pid\":1,\"tid\":2,\"vcpu\":0,\"seen\":true,\"vm_id\":1,\"start_boottime_ns\":1,"              \
	"\"at_monotonic_ns\":1,\"loaded_ns\":1,\"measured_ns\":1,\"mperf_cycles\":1,\"unmeasured_ns\":1," \
	"\"guest_ns\":1,\"entries\":1,\"wait_ns\":1}"
#define SNAPSHOT                                                                                   \
	"{\"clock\":{\"monotonic_ns\":1,\"boottime_ns\":1,\"realtime_ns\":1,\"tsc_cycles\":1},"    \
	"\"mode\":\"entry\",\"mperf_ratio\":1,"                                                    \
	"\"health\":{\"lost_windows\":0,\"mperf_errors\":0,\"map_full\":0},"                       \
	"\"vms\":[{\"pid\":1,\"name\":\"a\"},{\"pid\":2,\"name\":\"b\"}],"                         \
	"\"vcpus\":[" VCPU "]}\n"

/* Returns `text` with the first `old` replaced by `new`. The caller frees the result. */
static inline char *replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *result = malloc(strlen(text) + strlen(new) + 1);

	/* Not an assertion: the compiler does not know that a failing assertion does not return. */
	if (!at || !result)
		abort();
	memcpy(result, text, (size_t)(at - text));
	strcpy(stpcpy(result + (at - text), new), at + strlen(old));
	return result;
}

static inline struct replayed replayed_text(const char *text)
{
	return replayed(text, strlen(text));
}

/* Returns the next pseudo-random number. `*seed` must not be 0; the result is never 0. */
static inline __u64 next_random(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif /* RECORDING_RUN_H */
