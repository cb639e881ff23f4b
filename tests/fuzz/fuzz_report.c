// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Snapshots with arbitrary numbers, as a recording can have them: recording and reading them must
 * change nothing, the sums of their intervals must satisfy the identities, and every form must be
 * able to show them. An input is a sequence of numbers and names; after its end, all values are 0.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "export/totals.h"
#include "forms.h"
#include "fuzz.h"
#include "recording/recording.h"
#include "recordings.h"
#include "report/account.h"
#include "report/filter.h"

#define SNAPSHOT_CNT 3
#define VM_MAX       4
#define VCPU_MAX     8

static pid_t take_id(struct fuzz_bytes *bytes)
{
	return (pid_t)(fuzz_bytes__take_number(bytes) & INT_MAX);
}

/* Takes a name and makes it printable, as a reader of recordings does. */
static void take_name(struct fuzz_bytes *bytes, char *name, size_t size)
{
	size_t len = fuzz_bytes__take(bytes) % size;

	for (size_t i = 0; i < len; i++)
		name[i] = (char)(' ' + fuzz_bytes__take(bytes) % ('~' - ' ' + 1));
}

static void add_vms(struct fuzz_bytes *bytes, struct snapshot *snap)
{
	size_t cnt = fuzz_bytes__take(bytes) % (VM_MAX + 1);
	pid_t pid = 0;

	for (size_t i = 0; i < cnt; i++) {
		struct vm_reading *vm = snapshot__add_vm(snap);
		pid_t step = take_id(bytes);

		FUZZ_ASSERT(vm);
		vm->pid = pid = step < INT_MAX - VM_MAX - pid ? pid + step + 1 : pid + 1;
		take_name(bytes, vm->name, sizeof(vm->name));
	}
}

static void take_stints(struct fuzz_bytes *bytes, struct snapshot *snap, struct vcpu_reading *vcpu)
{
	struct stint_reading *stints = snapshot__add_stints(snap, vcpu);
	size_t cnt = fuzz_bytes__take(bytes) % 5;

	FUZZ_ASSERT(stints);
	stints->halted_ns = fuzz_bytes__take_number(bytes);
	while (cnt--) {
		size_t bucket = fuzz_bytes__take(bytes) % STINT_BUCKET_CNT;

		stints->cnt[bucket] = fuzz_bytes__take_number(bytes);
	}
}

/*
 * Takes a sum. `before` is the sum in the previous snapshot, or NULL; many results differ only a
 * little from it.
 */
static __u64 take_sum(struct fuzz_bytes *bytes, __u64 before)
{
	return before + fuzz_bytes__take_number(bytes);
}

static void take_vcpu(struct fuzz_bytes *bytes, const struct vcpu_reading *before,
		      struct vcpu_reading *vcpu)
{
	__u8 flags = fuzz_bytes__take(bytes);
	struct vcpu_reading old = { 0 };

	if (before && !(flags & 4)) {
		old = *before;
		*vcpu = *before;
		vcpu->stint_number = 0;
	} else {
		vcpu->pid = take_id(bytes);
		vcpu->tid = take_id(bytes);
		vcpu->vcpu_id = (__u32)fuzz_bytes__take_number(bytes);
		vcpu->vm_id = fuzz_bytes__take_number(bytes);
		vcpu->start_boottime_ns = fuzz_bytes__take_number(bytes);
	}
	vcpu->seen = flags & 1;
	vcpu->wait_known = flags & 2;
	vcpu->stale = flags & 8;
	vcpu->at_ns = take_sum(bytes, old.at_ns);
	vcpu->loaded_ns = take_sum(bytes, old.loaded_ns);
	vcpu->measured_ns = take_sum(bytes, old.measured_ns);
	vcpu->mperf_cycles = take_sum(bytes, old.mperf_cycles);
	vcpu->unmeasured_ns = take_sum(bytes, old.unmeasured_ns);
	vcpu->guest_ns = take_sum(bytes, old.guest_ns);
	vcpu->entry_cnt = take_sum(bytes, old.entry_cnt);
	vcpu->wait_ns = take_sum(bytes, old.wait_ns);
}

static void add_vcpus(struct fuzz_bytes *bytes, const struct snapshot *before,
		      struct snapshot *snap)
{
	size_t cnt = fuzz_bytes__take(bytes) % (VCPU_MAX + 1);

	for (size_t i = 0; i < cnt; i++) {
		struct vcpu_reading *vcpu = snapshot__add_vcpu(snap);

		FUZZ_ASSERT(vcpu);
		take_vcpu(bytes, before && i < before->vcpu_cnt ? &before->vcpus[i] : NULL, vcpu);
		if (snap->has_stints && fuzz_bytes__take(bytes) & 1)
			take_stints(bytes, snap, vcpu);
	}
}

static void add_cpu(struct fuzz_bytes *bytes, struct snapshot *snap)
{
	struct cpu_reading *cpu = snapshot__add_cpu(snap);

	FUZZ_ASSERT(cpu);
	cpu->mperf_ratio = snap->mperf_ratio;
	cpu->at_ns = fuzz_bytes__take_number(bytes);
}

/* Takes a time that is later than `before`. */
static __u64 take_later(struct fuzz_bytes *bytes, __u64 before)
{
	__u64 step = fuzz_bytes__take_number(bytes) & INT64_MAX;

	return before + (step ? step : 1);
}

static void take_snapshot(struct fuzz_bytes *bytes, const struct snapshot *before,
			  struct snapshot *snap)
{
	const struct clock_reading start = { 0 }, *clock = before ? &before->clock : &start;
	__u8 flags = fuzz_bytes__take(bytes);
	__u64 part = fuzz_bytes__take_number(bytes), whole = fuzz_bytes__take_number(bytes);

	snap->clock.mono_ns = take_later(bytes, clock->mono_ns);
	snap->clock.boot_ns = take_later(bytes, clock->boot_ns);
	snap->clock.real_ns = fuzz_bytes__take_number(bytes);
	snap->clock.tsc_cycles = take_later(bytes, clock->tsc_cycles);
	snap->mode = flags & 1 ? MODE_SWITCH : MODE_ENTRY;
	snap->mperf_ratio = part && whole ? (double)part / (double)whole : 1.0;
	snap->has_stints = flags & 2;
	snap->health.lost_window_cnt = fuzz_bytes__take_number(bytes);
	snap->health.mperf_error_cnt = fuzz_bytes__take_number(bytes);
	snap->health.hooks_off_cnt = flags & 16 ? fuzz_bytes__take_number(bytes) : 0;
	snap->health.map_full_cnt = flags & 4 ? fuzz_bytes__take_number(bytes) : 0;
	add_vms(bytes, snap);
	add_vcpus(bytes, before, snap);
	if (flags & 8)
		add_cpu(bytes, snap);
	snapshot__sort(snap);
}

static void drop_equal(struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->vcpu_cnt; i++) {
		if (!kept || vcpu_reading__compare(&snap->vcpus[kept - 1], &snap->vcpus[i]))
			snap->vcpus[kept++] = snap->vcpus[i];
	}
	snap->vcpu_cnt = kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct recording_header header = { .mperf_ratio = 1.0 / 3 };
	struct snapshot snaps[SNAPSHOT_CNT] = { 0 };
	struct fuzz_bytes bytes = { data, size };
	struct report report = { 0 };
	struct totals totals;

	for (size_t i = 0; i < SNAPSHOT_CNT; i++) {
		take_snapshot(&bytes, i ? &snaps[i - 1] : NULL, &snaps[i]);
		drop_equal(&snaps[i]);
	}
	recordings__check_round_trip(&header, snaps, SNAPSHOT_CNT);
	totals__init(&totals);
	for (size_t i = 1; i < SNAPSHOT_CNT; i++) {
		FUZZ_ASSERT(!account__report(&snaps[i - 1], &snaps[i], &report));
		forms__check_sums(&report);
		forms__check(&report, INT_MAX);
		forms__check_metrics(&report, &totals);
	}
	totals__free(&totals);
	report__free(&report);
	for (size_t i = 0; i < SNAPSHOT_CNT; i++)
		snapshot__free(&snaps[i]);
	return 0;
}
