/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinned.bpf.h - the part of gtimehalt.bpf.c that is for --pin: a measurement in bpffs goes on
 * while no process of gtimehalt runs.
 *
 * A timer of each CPU (heartbeat) does what user space does otherwise: it reads windows that stay
 * open for long and takes the accounts of threads. `stat` shows the sums.
 */
#ifndef PINNED_BPF_H
#define PINNED_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "gtimehalt.h"
#include "accounts.bpf.h"
#include "counters.bpf.h"
#include "kernel.bpf.h"
#include "stints.bpf.h"

/* The maps below are sized by bpf_loader and created only for --pin. */
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

/*
 * Number of accounts that a CPU takes at each beat. Each CPU goes through all entries in turn,
 * regardless of the CPUs on which the threads run.
 */
#define BEAT_ACCOUNTS 64

/*
 * Sets sched_offset_ns. The event is a perf cpu-clock: perf_swevent_hrtimer() has just stored the
 * time in hw.prev_count (cpu_clock_event_update()).
 */
static __always_inline void read_sched_clock(struct bpf_perf_event_data_kern *ctx)
{
	struct perf_event *event = BPF_CORE_READ(ctx, event);
	__u64 sched_ns = 0;

	bpf_core_read(&sched_ns, sizeof(sched_ns), &event->hw.prev_count);
	if (sched_ns)
		sched_offset_ns = sched_ns - bpf_ktime_get_ns();
}

static __always_inline void beat(void)
{
	__u32 cpu = bpf_get_smp_processor_id(), index, cnt = 0;
	__u64 now_ns;
	struct cpu_beat *beat = bpf_map_lookup_elem(&cpu_beats, &cpu);

	if (!beat)
		return;
	now_ns = bpf_ktime_get_ns();
	beat->beat_ns = now_ns;
	index = beat->next_index;
#pragma clang loop unroll(disable)
	for (int i = 0; i < BEAT_ACCOUNTS; i++)
		cnt += take_account(index + i, now_ns - ACCOUNT_AGE_MAX_NS);
	index += BEAT_ACCOUNTS;
	/* New entries get low indexes: behind a block of free entries there are hardly others. */
	beat->next_index = cnt && index < GTIMEHALT_MAX_VCPUS ? index : 0;
}

/* Number of attempts to copy an entry: a copy is torn only while a window is being closed. */
#define COPY_TRIES 8

static __always_inline int copy_whole(const struct vcpu_sums *sums, struct vcpu_sums *copy)
{
	for (int i = 0; i < COPY_TRIES; i++) {
		barrier();
		*copy = *sums;
		barrier();
		if (is_whole(&copy->local_head, &copy->local_tail) &&
		    is_whole(&copy->shared_head, &copy->shared_tail))
			return 1;
	}
	return 0;
}

/*
 * Returns the halted time to show, which is never less than what was shown before. The ratio of the
 * MPERF and TSC rates is measured, so its error can make the sum of a thread that never halts
 * negative.
 */
static __always_inline __u64 shown_halted_ns(struct vcpu_sums *sums, const struct vcpu_sums *copy)
{
	__u64 tsc_cycles = copy->local.tsc_cycles + copy->remote.tsc_cycles;
	__u64 mperf_cycles = copy->local.mperf_cycles + copy->remote.mperf_cycles;
	__s64 halted_cycles = halted_cycles_of(tsc_cycles, mperf_cycles);
	__u64 halted_ns = halted_cycles > 0 ? ns_of(halted_cycles) : 0;

	if (halted_ns > sums->shown_halted_ns)
		sums->shown_halted_ns = halted_ns;
	return sums->shown_halted_ns;
}

/*
 * Prints one line: pid tid (comm) loaded halted guest vcpu unmeasured wait updated
 *
 * Unknown values are printed as "-". `updated` is the time (CLOCK_MONOTONIC) up to which the other
 * columns are complete, so that two readings make a rate.
 */
static __always_inline void print_stat(struct seq_file *seq, struct task_struct *task)
{
	__u32 tid = task->pid, index;
	struct entry_place *place = place_of(tid, 0);
	struct vcpu_sums *sums;
	struct vcpu_sums copy;
	char comm[16];

	if (!place)
		return;
	index = place->index;
	sums = bpf_map_lookup_elem(&vcpus, &index);
	if (!sums || sums->tid != tid || sums->thread_boottime_ns != task->start_boottime)
		return;
	take_account(index, bpf_ktime_get_ns() - ACCOUNT_AGE_MAX_NS);
	bpf_probe_read_kernel_str(comm, sizeof(comm), task->comm);
	/*
	 * A thread can choose its name, and `cat` may write it to a terminal: replace all control
	 * characters, including C1 and Unicode ones.
	 */
	for (__u32 i = 0; i < sizeof(comm) - 1; i++)
		if (comm[i] && ((__u8)comm[i] < 0x20 || (__u8)comm[i] >= 0x7f))
			comm[i] = '?';
	BPF_SEQ_PRINTF(seq, "%d %d (%s) ", sums->tgid, tid, comm);
	if (!copy_whole(sums, &copy)) {
		BPF_SEQ_PRINTF(seq, "- - - %u - - -\n", sums->vcpu_id);
		return;
	}
	BPF_SEQ_PRINTF(seq, "%llu ", copy.ran_ns - copy.ran_base_ns);
	if (copy.local.tsc_cycles + copy.remote.tsc_cycles || copy.cannot_halt)
		BPF_SEQ_PRINTF(seq, "%llu ", shown_halted_ns(sums, &copy));
	else
		BPF_SEQ_PRINTF(seq, "- ");
	if (targ_guest)
		BPF_SEQ_PRINTF(seq, "%llu ", copy.local.guest_ns + copy.remote.guest_ns);
	else
		BPF_SEQ_PRINTF(seq, "- ");
	BPF_SEQ_PRINTF(seq, "%u %llu %llu %llu\n", copy.vcpu_id,
		       copy.local.unmeasured_ns + copy.remote.unmeasured_ns,
		       copy.wait_ns - copy.wait_base_ns, copy.at_ns);
}

#endif /* PINNED_BPF_H */
