/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stints.bpf.h - the span from one VM entry to its exit: how long it was, and with --histogram how much of
 * it was halted.
 *
 * Halted time of a window needs no reading here (windows.bpf.h). A stint costs two readings of the clock.
 * For the histogram, MPERF is read at its end only: host code never halts, so from exit to exit all that
 * MPERF falls behind was halted in the last stint. And only after a stint that was long enough to hold a
 * halt worth a bucket, or when the last reading is so long ago that the error of the rate would show: exit
 * storms, where cost matters most, read hardly anything.
 */
#ifndef STINTS_BPF_H
#define STINTS_BPF_H

const volatile __u8 targ_histogram = 0;
const volatile __u64 targ_stint_min_ns = 2000;
const volatile __u64 targ_stint_refresh_ns = 100000;
/* Shorter halts are not counted. */
const volatile __u64 targ_stint_floor_ns = STINT_MIN_NS;

/* Of an error of the rate of MPERF up to 1/1024, no halt is made. */
#define STINT_NOISE_SHIFT 10

/* By the index of the thread's entry. Not created without --histogram: an element takes 1.7 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS);
	__type(key, __u32);
	__type(value, struct stint_sums);
} stints SEC(".maps");

/* A new entry is a copy of this: it is larger than a program's stack. */
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

/* The bucket of a halt of at least STINT_MIN_NS: power of two, then eighth. */
static __always_inline __u32 stint_bucket(__u64 ns)
{
	__u32 shift = STINT_MIN_SHIFT;

	if (ns >> STINT_MAX_SHIFT)
		return STINT_BUCKET_CNT - 1;
	/* Binary search: 5.10 has no loop that is short, and no instruction for it either. */
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
 * Counts what was halted since the last reading as a halt of the stint that ends at now_ns (CLOCK_MONOTONIC), where `r` was
 * read.
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
	/* NTP makes the clock of the length faster or slower than TSC by up to a tenth. */
	length_ns += length_ns >> 3;
	if (halted_ns > (__s64)length_ns)
		halted_ns = length_ns;
	if (halted_ns < (__s64)targ_stint_floor_ns)
		return;
	if ((!cycles || halted_ns >= (__s64)MPERF_LOOK_NS) && mperf_stands(r->mperf_cycles))
		slot->mperf_stood = 1;
	/* Until the window is read the next time: that looks whether it counts again. */
	if (slot->mperf_stood)
		return;
	sums = bpf_map_lookup_elem(&stints, &index);
	bucket = stint_bucket(halted_ns);
	if (!sums || bucket >= STINT_BUCKET_CNT)
		return;
	sums->halted_ns += halted_ns;
	sums->cnt[bucket]++;
}

/* A window begins: so does the span in which halts are the next stint's. */
static __always_inline void start_stints_at(struct cpu_slot *slot, const struct counter_reading *r)
{
	if (!targ_histogram)
		return;
	slot->stint_ns = slot->start_ns;
	slot->stint = *r;
}

/* The end of the stint that is open, at a reading, which was taken at now_ns. */
static __always_inline void end_stint(struct cpu_slot *slot, const struct counter_reading *r,
				      __u64 now_ns)
{
	if (targ_histogram)
		count_stint(slot, r, now_ns);
	slot->guest_ns += now_ns - slot->entry_ns;
	slot->entry_cnt++;
	slot->entry_ns = 0;
}

static __always_inline void stint_begin(void)
{
	struct cpu_slot *slot = this_slot();

	/*
	 * One begun already is a fastpath exit that was not told: kvm_entry, kvm_entry, kvm_exit on AMD
	 * with Linux 6.1. Both spans are guest time, and what lies between them is next to nothing.
	 */
	if (!slot->entry_ns)
		slot->entry_ns = bpf_ktime_get_ns();
}

static __always_inline void stint_end(void)
{
	struct cpu_slot *slot = this_slot();
	struct counter_reading r;
	__u64 now_ns;

	if (slot->entry_ns <= STINT_OFF)
		return;
	now_ns = bpf_ktime_get_ns();
	if (targ_histogram && (now_ns - slot->entry_ns >= targ_stint_min_ns ||
			       now_ns - slot->stint_ns >= targ_stint_refresh_ns)) {
		read_counters(&r);
		count_stint(slot, &r, now_ns);
	}
	slot->guest_ns += now_ns - slot->entry_ns;
	slot->entry_cnt++;
	slot->entry_ns = 0;
}

#endif /* STINTS_BPF_H */
