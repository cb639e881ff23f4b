/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stints.bpf.h - the span from a VM entry to its exit: its length and, with --histogram, how much
 * of it was halted.
 *
 * The halted time of a window needs no reading here (windows.bpf.h). A stint costs two readings of
 * the clock. For the histogram, MPERF is read only at the end of a stint: host code never halts, so
 * all cycles that MPERF did not count from exit to exit were halted in the last stint. It is read
 * only after a stint that was long enough for a halt that is counted, or when the last reading is
 * so old that the error of the rate would show. Exit storms, where cost matters most, thus read the
 * counters rarely.
 */
#ifndef STINTS_BPF_H
#define STINTS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "gtimehalt.h"
#include "counters.bpf.h"
#include "slot.bpf.h"

/* Guest time is measured (MODE_ENTRY). */
const volatile __u8 targ_guest = 0;

const volatile __u8 targ_histogram = 0;
const volatile __u64 targ_stint_min_ns = 2000;
const volatile __u64 targ_stint_refresh_ns = 100000;
/* Halts shorter than this are not counted. */
const volatile __u64 targ_stint_floor_ns = STINT_MIN_NS;

/*
 * A halted share below 2^-STINT_NOISE_SHIFT of the span is not counted as a halt, because an error
 * of MPERF's rate of up to 1/1024 can cause it.
 */
#define STINT_NOISE_SHIFT 10

/*
 * Histograms by the index of the thread's entry. Not created without --histogram: an element takes
 * 1.7 KiB.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS);
	__type(key, __u32);
	__type(value, struct stint_sums);
} stints SEC(".maps");

/* Initial value of an element of `stints`; larger than a program's stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stint_sums);
} blank_stints SEC(".maps");

static __always_inline void blank_stints_at(__u32 index, __u64 start_boottime_ns)
{
	struct stint_sums *blank, *sums;
	__u32 zero = 0;

	if (!targ_histogram)
		return;
	blank = bpf_map_lookup_elem(&blank_stints, &zero);
	if (blank)
		bpf_map_update_elem(&stints, &index, blank, BPF_ANY);
	sums = bpf_map_lookup_elem(&stints, &index);
	if (sums)
		sums->start_boottime_ns = start_boottime_ns;
}

/* Returns the bucket of a halt of at least STINT_MIN_NS: by power of two, then by eighth. */
static __always_inline __u32 stint_bucket(__u64 ns)
{
	__u32 shift = STINT_MIN_SHIFT;

	if (ns >> STINT_MAX_SHIFT)
		return STINT_BUCKET_CNT - 1;
	/*
	 * Binary search: for Linux 5.10, BPF has neither a cheap loop nor an instruction to find
	 * the highest bit.
	 */
	if (ns >> (shift + 16))
		shift += 16;
	if (ns >> (shift + 8))
		shift += 8;
	if (ns >> (shift + 4))
		shift += 4;
	if (ns >> (shift + 2))
		shift += 2;
	if (ns >> (shift + 1))
		shift += 1;
	return ((shift - STINT_MIN_SHIFT) << STINT_SUB_SHIFT) +
	       (ns >> (shift - STINT_SUB_SHIFT) & ((1 << STINT_SUB_SHIFT) - 1));
}

/*
 * Counts the halted time since the last reading as one halt of the stint that ends at now_ns
 * (CLOCK_MONOTONIC), when `r` was read.
 */
static __always_inline void count_stint(struct cpu_slot *slot, const struct counter_reading *r,
					__u64 now_ns)
{
	__u64 span_cycles = r->tsc_cycles - slot->stint.tsc_cycles;
	__u64 cycles = r->mperf_cycles - slot->stint.mperf_cycles;
	__u64 length_ns = now_ns - slot->entry_ns;
	int is_unknown = !slot->stint.tsc_cycles || !r->tsc_cycles;
	__u32 index = slot->index;
	struct stint_sums *sums;
	__s64 halted_cycles, halted_ns;
	__u32 bucket;

	slot->stint_ns = now_ns;
	slot->stint = *r;
	halted_cycles = halted_cycles_of(span_cycles, scaled(slot, cycles));
	if (is_unknown || halted_cycles <= 0)
		return;
	halted_ns = ns_of(halted_cycles);
	if (halted_ns < (__s64)targ_stint_floor_ns ||
	    halted_cycles < (__s64)(span_cycles >> STINT_NOISE_SHIFT))
		return;
	/*
	 * The length is by CLOCK_MONOTONIC, which NTP can make up to a tenth faster or slower than
	 * TSC.
	 */
	length_ns += length_ns >> 3;
	if (halted_ns > (__s64)length_ns)
		halted_ns = length_ns;
	if (halted_ns < (__s64)targ_stint_floor_ns)
		return;
	if ((!cycles || halted_ns >= (__s64)MPERF_LOOK_NS) && mperf_has_stopped(r->mperf_cycles))
		slot->mperf_stopped = 1;
	/*
	 * Count nothing until the next read of the window, which checks whether MPERF counts again.
	 */
	if (slot->mperf_stopped)
		return;
	sums = bpf_map_lookup_elem(&stints, &index);
	bucket = stint_bucket(halted_ns);
	if (!sums || bucket >= STINT_BUCKET_CNT)
		return;
	sums->halted_ns += halted_ns;
	sums->cnt[bucket]++;
}

/* A window begins, and with it the span whose halts belong to the next stint. */
static __always_inline void start_stints_at(struct cpu_slot *slot, const struct counter_reading *r)
{
	if (!targ_histogram)
		return;
	slot->stint_ns = slot->start_ns;
	slot->stint = *r;
}

/* Adds the open stint, whose length is guest_ns. No stint is open then. */
static __always_inline void add_stint(struct cpu_slot *slot, __u64 guest_ns)
{
	slot->guest_ns += guest_ns;
	slot->entry_cnt++;
	slot->entry_ns = 0;
}

/* Closes the open stint at the reading `r`, which was taken at now_ns. */
static __always_inline void close_stint(struct cpu_slot *slot, const struct counter_reading *r,
					__u64 now_ns)
{
	if (targ_histogram && !slot->cannot_halt)
		count_stint(slot, r, now_ns);
	add_stint(slot, now_ns - slot->entry_ns);
}

static __always_inline void on_vm_entry(void)
{
	struct cpu_slot *slot = this_slot();

	/*
	 * If a stint is already open, a fastpath exit was not reported: AMD with Linux 6.1 raises
	 * kvm_entry, kvm_entry, kvm_exit. Both spans are guest time, and the time between them is
	 * negligible.
	 */
	if (!slot->entry_ns)
		slot->entry_ns = bpf_ktime_get_ns();
}

static __always_inline void on_vm_exit(void)
{
	struct cpu_slot *slot = this_slot();
	/* Read once: where interrupts are enabled, a forced read may close the stint meanwhile. */
	__u64 entry_ns = slot->entry_ns, now_ns;
	struct counter_reading r;

	if (entry_ns <= STINT_OFF)
		return;
	now_ns = bpf_ktime_get_ns();
	if (targ_histogram && !slot->cannot_halt &&
	    (now_ns - entry_ns >= targ_stint_min_ns ||
	     now_ns - slot->stint_ns >= targ_stint_refresh_ns)) {
		read_counters(&r);
		count_stint(slot, &r, now_ns);
	}
	add_stint(slot, now_ns - entry_ns);
}

#endif /* STINTS_BPF_H */
