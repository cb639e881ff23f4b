/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinned.bpf.h - what --pin adds: a measurement that lives in bpffs goes on when no process of ours runs.
 *
 * Three things that user space does otherwise are done here: windows that stay open for long are read by a
 * timer of their CPU (heartbeat), TSC is held against the clock there too, and the entry of a thread that ends
 * makes room. The fourth is to show the sums: `stat` prints them.
 */
#ifndef PINNED_BPF_H
#define PINNED_BPF_H

/* Guest time is known: MODE_ENTRY. */
const volatile __u8 targ_guest = 0;

/* Nanoseconds of an MPERF cycle of a CPU of the first kind, in 2^-STAT_NS_SHIFT; never changed. */
const volatile __u64 targ_stat_ns_per_cycle = 0;

/* As mperf_events. Sized by the collector, and not created but for --pin; so all maps below. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} tsc_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_beat);
} cpu_beats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pin_about);
} about SEC(".maps");

/* Whichever CPU comes first does it for all. */
#define TSC_CLOCK_AGE_MIN_NS 500000000ULL
/* Of a longer span the rate would not fit 64 bits. */
#define TSC_CLOCK_AGE_MAX_NS 500000000000ULL

/*
 * Two CPUs may get here at once, and write to the same clock what they read within microseconds of each
 * other: as far as that is wrong, the next beat has it right again.
 */
static __always_inline void renew_tsc_clock(__u64 tsc_base_cycles)
{
	const struct tsc_clock *last = &tsc_clocks[tsc_clock_index & 1];
	__u32 next_index = !(tsc_clock_index & 1);
	struct tsc_clock *next = &tsc_clocks[next_index & 1];
	__u64 now_ns = bpf_ktime_get_ns(), age_ns, tsc_cycles;
	__s64 cycles;

	age_ns = now_ns - last->mono_ns;
	if (age_ns < TSC_CLOCK_AGE_MIN_NS || now_ns < last->mono_ns)
		return;
	cycles = bpf_perf_event_read(&tsc_events, BPF_F_CURRENT_CPU);
	tsc_cycles = tsc_base_cycles + cycles;
	if (cycles <= 0 || tsc_cycles <= last->tsc_cycles)
		return;
	next->ns_per_cycle = last->ns_per_cycle;
	if (age_ns < TSC_CLOCK_AGE_MAX_NS)
		next->ns_per_cycle = (age_ns << TSC_CLOCK_SHIFT) / (tsc_cycles - last->tsc_cycles);
	next->tsc_cycles = tsc_cycles;
	next->mono_ns = now_ns;
	barrier();
	tsc_clock_index = next_index;
}

static __always_inline void beat(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_beat *beat = bpf_map_lookup_elem(&cpu_beats, &cpu);

	if (!beat)
		return;
	beat->beat_ns = bpf_ktime_get_ns();
	if (beat->tsc_base_cycles)
		renew_tsc_clock(beat->tsc_base_cycles);
}

/* The entry of a thread that has ended. A window of it that is open on another CPU is lost, and counted there. */
static __always_inline void bury(__u32 tid, struct vcpu_sums *sums)
{
	bpf_map_update_elem(&ended, &tid, sums, BPF_ANY);
	bpf_map_delete_elem(&vcpus, &tid);
	if (targ_histogram)
		bpf_map_delete_elem(&stints, &tid);
}

/* A copy is torn for the time that a window takes to be closed. */
#define COPY_TRIES 8

static __always_inline int copy_whole(const struct vcpu_sums *sums, struct vcpu_sums *copy)
{
	for (int i = 0; i < COPY_TRIES; i++) {
		barrier();
		*copy = *sums;
		barrier();
		if (copy->begun_head == copy->done_head && copy->begun_head == copy->begun_tail &&
		    copy->begun_head == copy->done_tail)
			return 1;
	}
	return 0;
}

static __always_inline __u64 stat_ns(__u64 cycles)
{
	return (cycles >> STAT_NS_SHIFT) * targ_stat_ns_per_cycle +
	       ((cycles & ((1ULL << STAT_NS_SHIFT) - 1)) * targ_stat_ns_per_cycle >> STAT_NS_SHIFT);
}

/* Never less than was shown before: the rate is a measured one, and of one that never halts errs below 0. */
static __always_inline __u64 shown_halted_ns(struct vcpu_sums *sums, const struct vcpu_sums *copy)
{
	__u64 cycles = copy->own.mperf_cycles + copy->others.mperf_cycles;
	__s64 halted_ns = copy->own.measured_ns + copy->others.measured_ns - stat_ns(cycles);

	if (halted_ns > (__s64)sums->shown_halted_ns)
		sums->shown_halted_ns = halted_ns;
	return sums->shown_halted_ns;
}

/* A window has ended, and its thread has not been back to add it up: that is done here. */
static __always_inline void settle_copy(struct vcpu_sums *copy)
{
	if (!copy->open_ns || copy->put_ns < copy->open_ns)
		return;
	copy->loaded_ns += copy->put_ns - copy->open_ns;
	copy->updated_ns = copy->put_ns;
}

/*
 * pid tid (comm) loaded halted guest vcpu unmeasured wait updated
 *
 * What is not known is "-". The last part of a line tells its columns' moment, so that two readings make a
 * rate: CLOCK_MONOTONIC up to which the sums are complete.
 */
static __always_inline void print_stat(struct seq_file *seq, struct task_struct *task)
{
	__u32 tid = task->pid;
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &tid);
	struct vcpu_sums copy;
	char comm[16];

	if (!sums || sums->start_boottime_ns < task->start_boottime)
		return;
	bpf_probe_read_kernel_str(comm, sizeof(comm), task->comm);
	/* A thread names itself, and `cat` shows it to a terminal: no controls, those of C1 and Unicode included. */
	for (__u32 i = 0; i < sizeof(comm) - 1; i++)
		if (comm[i] && ((__u8)comm[i] < 0x20 || (__u8)comm[i] >= 0x7f))
			comm[i] = '?';
	BPF_SEQ_PRINTF(seq, "%d %d (%s) ", sums->tgid, tid, comm);
	if (!copy_whole(sums, &copy)) {
		BPF_SEQ_PRINTF(seq, "- - - %u - - -\n", sums->vcpu_id);
		return;
	}
	settle_copy(&copy);
	BPF_SEQ_PRINTF(seq, "%llu ", copy.loaded_ns);
	if (copy.own.measured_ns + copy.others.measured_ns)
		BPF_SEQ_PRINTF(seq, "%llu ", shown_halted_ns(sums, &copy));
	else
		BPF_SEQ_PRINTF(seq, "- ");
	if (targ_guest)
		BPF_SEQ_PRINTF(seq, "%llu ", copy.own.guest_ns + copy.others.guest_ns);
	else
		BPF_SEQ_PRINTF(seq, "- ");
	BPF_SEQ_PRINTF(seq, "%u %llu %llu %llu\n", copy.vcpu_id,
		       copy.own.unmeasured_ns + copy.others.unmeasured_ns, copy.wait_ns,
		       copy.updated_ns);
}

#endif /* PINNED_BPF_H */
