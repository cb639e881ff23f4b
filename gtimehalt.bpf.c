// SPDX-License-Identifier: GPL-2.0-only
/*
 * gtimehalt.bpf.c - measure and accumulate; no policy, no percentages.
 *
 * A window is the span in which a vCPU is loaded on one CPU (windows.bpf.h); a stint is the span
 * from one VM entry to its exit (stints.bpf.h). The counts of an open window are collected in the
 * CPU's slot, which needs no map lookup, and moved to the thread's entry when the window closes or
 * when user space forces a read.
 *
 * Halted time needs no counter reading at VM entry and exit: host code never halts while a vCPU
 * thread is current, so all cycles of a window in which MPERF did not count were halted by the
 * guest. A stint therefore costs two readings of the clock and no reading of a counter.
 *
 * TSC is read by the same PMU as MPERF: perf counts both or neither, NTP steers neither, and the
 * skew between the two readings is the same at both ends of a window.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "kernel_types.h"
#include "gtimehalt.h"

char LICENSE[] SEC("license") = "GPL";

/* Measure only the processes in `watched`; 0: measure every VM of the host. */
const volatile __u8 targ_watched_only = 0;

/* --pin: no user-space process may be running to drop the entries of exited threads. */
const volatile __u8 targ_pinned = 0;

/* Guest time is measured (MODE_ENTRY). */
const volatile __u8 targ_guest = 0;

/* The host has two kinds of core, and the rate of MPERF differs between them. */
const volatile __u8 targ_scaled = 0;

struct cpu_slot slots[GTIMEHALT_MAX_CPUS] = {};

/* One element for each possible CPU; sized by the collector. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_health);
} cpu_healths SEC(".maps");

/* Nanoseconds per TSC cycle by the scheduler's clock, in 2^-TSC_NS_SHIFT. */
const volatile __u64 targ_ns_per_tsc_cycle = 0;

/* TSC cycles per MPERF cycle on a CPU of the first kind, in 2^-TSC_PER_MPERF_SHIFT. */
const volatile __u64 targ_tsc_per_mperf = 0;

/*
 * The msr PMU's tsc and mperf events of each CPU (EVENT_TSC, EVENT_MPERF); sized by the collector.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} counter_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GTIMEHALT_MAX_WATCHED);
	__type(key, __u32);
	__type(value, __u8);
} watched SEC(".maps");

/*
 * Reads a field of a kernel object: a plain load where the verifier knows the type of the pointer
 * (fentry and fexit), a checked copy elsewhere. `typed` is a constant in every caller.
 */
#define FIELD(typed, ptr, field) ((typed) ? (ptr)->field : BPF_CORE_READ(ptr, field))

/*
 * Returns the slot of this CPU. The collector refuses hosts with more CPUs than slots; the mask is
 * only for the verifier.
 */
static __always_inline struct cpu_slot *this_slot(void)
{
	struct cpu_slot *slot = &slots[bpf_get_smp_processor_id() & (GTIMEHALT_MAX_CPUS - 1)];

	/* Without this, clang computes the address again at each use. */
	barrier_var(slot);
	return slot;
}

/* Counts a failure on this CPU. */
#define COUNT(member)                                                                              \
	do {                                                                                       \
		__u32 cpu = bpf_get_smp_processor_id();                                            \
		struct cpu_health *health = bpf_map_lookup_elem(&cpu_healths, &cpu);               \
                                                                                                   \
		if (health)                                                                        \
			health->member++;                                                          \
	} while (0)

/*
 * Returns the count of an event (EVENT_*) of this CPU, or a negative errno for which is_error() is
 * true. bpf_perf_event_read() returns counts and errors in the same way, but counts start at 0 when
 * the event is opened, so that no count reaches the range of errors.
 */
static __always_inline __u64 read_event(__u32 event)
{
	__u32 index = bpf_get_smp_processor_id() * EVENT_CNT_PER_CPU + event;

	return bpf_perf_event_read(&counter_events, index);
}

static __always_inline int is_error(__u64 count)
{
	return count >= (__u64)-4095;
}

/*
 * Reads TSC first, then MPERF, at both ends of every window, so that the skew between the two
 * cancels. Sets r->tsc_cycles to 0 when a read fails.
 */
static __always_inline void read_counters(struct counter_reading *r)
{
	r->tsc_cycles = read_event(EVENT_TSC);
	r->mperf_cycles = read_event(EVENT_MPERF);
	if (is_error(r->tsc_cycles) || is_error(r->mperf_cycles)) {
		r->tsc_cycles = 0;
		COUNT(mperf_error_cnt);
	}
}

/*
 * Returns value * factor / 2^shift. Multiplies in two parts, because 64 bits do not hold the
 * product for a window that nobody reads for hours.
 */
static __always_inline __u64 multiply(__u64 value, __u64 factor, const int shift)
{
	return (value >> shift) * factor + ((value & ((1ULL << shift) - 1)) * factor >> shift);
}

static __always_inline __u64 ns_of(__u64 tsc_cycles)
{
	return multiply(tsc_cycles, targ_ns_per_tsc_cycle, TSC_NS_SHIFT);
}

/*
 * Returns how many TSC cycles of a span on a CPU of the first kind were halted; a few below 0 if
 * none were. Convert mperf_cycles by scaled() first on another kind of CPU.
 */
static __always_inline __s64 halted_cycles_of(__u64 tsc_cycles, __u64 mperf_cycles)
{
	return tsc_cycles - multiply(mperf_cycles, targ_tsc_per_mperf, TSC_PER_MPERF_SHIFT);
}

/* Converts MPERF cycles of this CPU to those of a CPU of the first kind. */
static __always_inline __u64 scaled(const struct cpu_slot *slot, __u64 mperf_cycles)
{
	if (!targ_scaled)
		return mperf_cycles;
	return multiply(mperf_cycles, slot->mperf_scale, GTIMEHALT_SCALE_SHIFT);
}

/*
 * MPERF is read twice at the end of a span that is longer than this. If MPERF stops in a shorter
 * span, the error is less than this value, and shorter spans are so frequent that they must not
 * cost more than a comparison.
 */
#define MPERF_LOOK_NS 10000000ULL

/* One further read is enough, except on Xeon Phi, where MPERF counts 1024 times slower than TSC. */
#define MPERF_LOOKS 64

/*
 * Returns whether MPERF has stopped, from mperf_cycles, a count that was just read. This code
 * itself runs in C0, in which MPERF counts. If the count does not change, MPERF has stopped, or the
 * event became stale when its CPU went offline: reads of such an event succeed.
 *
 * The function is not static, so that the verifier checks the loop once and not at each call. The
 * same holds for other functions here that take only numbers.
 */
int mperf_stands(__u64 mperf_cycles);
__noinline int mperf_stands(__u64 mperf_cycles)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < MPERF_LOOKS; i++) {
		__u64 cycles = read_event(EVENT_MPERF);

		if (cycles != mperf_cycles)
			return 0;
	}
	return 1;
}

#include "check.bpf.h"
#include "stints.bpf.h"
#include "accounts.bpf.h"
#include "windows.bpf.h"
#include "pinned.bpf.h"

SEC("?fentry/kvm_arch_vcpu_load")
int BPF_PROG(fentry_vcpu_load, struct kvm_vcpu *vcpu)
{
	window_load(vcpu, bpf_get_current_task_btf(), 1);
	return 0;
}

/* Attached to svm_vcpu_run() or vmx_vcpu_run(), which run with interrupts disabled. */
SEC("?fentry")
int BPF_PROG(fentry_vcpu_run)
{
	stint_begin();
	return 0;
}

SEC("?fexit")
int BPF_PROG(fexit_vcpu_run)
{
	stint_end();
	return 0;
}

/*
 * kprobes for kernels whose kvm module has no BTF: Linux before 5.11, or without
 * CONFIG_DEBUG_INFO_BTF_MODULES. bpf_get_current_task_btf() may not exist there either, and vCPUs
 * are read by checked copies.
 */
SEC("?kprobe")
int BPF_KPROBE(kprobe_vcpu_load, struct kvm_vcpu *vcpu)
{
	window_load(vcpu, (void *)bpf_get_current_task(), 0);
	return 0;
}

SEC("?kprobe")
int kprobe_vcpu_run(void *ctx)
{
	stint_begin();
	return 0;
}

SEC("?kretprobe")
int kretprobe_vcpu_run(void *ctx)
{
	stint_end();
	return 0;
}

/* At the beginning of a function that KVM calls right after a VM exit. */
SEC("?kprobe")
int kprobe_vcpu_exit(void *ctx)
{
	stint_end();
	return 0;
}

/* No argument is used: the prototypes of both tracepoints have changed, even in stable kernels. */
SEC("?raw_tp")
int raw_tp_kvm_entry(void *ctx)
{
	stint_begin();
	return 0;
}

SEC("?raw_tp")
int raw_tp_kvm_exit(void *ctx)
{
	stint_end();
	return 0;
}

/*
 * Never attached: user space runs this program on the CPUs that it chooses (BPF_F_TEST_RUN_ON_CPU).
 * args[0]: sched_offset_ns. Returns an enum forced_read.
 */
SEC("?raw_tp")
int forced_read(struct bpf_raw_tracepoint_args *ctx)
{
	struct counter_reading r;

	set_sched_offset(ctx->args[0]);
	return window_read((void *)bpf_get_current_task(), &r);
}

/*
 * forced_read for --check, run on every CPU: one reading ends the window, the idle span and the
 * account of the CPU.
 */
SEC("?raw_tp")
int check_read(struct bpf_raw_tracepoint_args *ctx)
{
	struct counter_reading r;
	int answer;

	set_sched_offset(ctx->args[0]);
	answer = window_read((void *)bpf_get_current_task(), &r);
	if (answer != FORCED_READ_BUSY)
		account_read(&r);
	return answer;
}

/*
 * Never attached: user space runs this program once a snapshot, after the forced reads. Takes the
 * accounts of ACCOUNTS_CNT entries, from index args[0] on, except accounts that were taken at
 * args[1] (CLOCK_MONOTONIC) or later, such as by a forced read. args[2]: sched_offset_ns. Returns
 * how many of the entries are in use.
 */
SEC("?raw_tp")
int take_accounts(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 index = ctx->args[0];
	__u64 since_ns = ctx->args[1];
	int cnt = 0;

	set_sched_offset(ctx->args[2]);
#pragma clang loop unroll(disable)
	for (int i = 0; i < ACCOUNTS_CNT; i++)
		cnt += take_account(index + i, since_ns);
	return cnt;
}

/*
 * Never attached: user space runs this program to free entry args[0] of a thread that no longer
 * exists, whose tid was args[1].
 */
SEC("?raw_tp")
int drop_entry(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 index = ctx->args[0], tid = ctx->args[1];
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &index);

	if (sums && tid && sums->tid == tid)
		free_entry(index, sums);
	return 0;
}

/*
 * Tracepoint cpu_idle, which fires at both ends of an idle span. Some kernels have interrupts
 * enabled at the end of the span, so `busy` is set. Without --check there is work only on a CPU
 * that a vCPU thread has left.
 */
SEC("?raw_tp")
int BPF_PROG(raw_tp_cpu_idle, __u32 state)
{
	struct cpu_slot *slot;
	struct counter_reading r = { 0 };
	__u32 was_busy;

	if (!targ_check && state == CPU_IDLE_ENDS)
		return 0;
	slot = this_slot();
	if (!targ_check && slot->idle_state != IDLE_WANTED)
		return 0;
	/* Without counters, only the end of an open stint is of interest. */
	if (slot->cannot_halt && slot->entry_ns <= STINT_OFF)
		return 0;
	was_busy = slot->busy;
	slot->busy = 1;
	barrier();
	if (!slot->cannot_halt)
		read_counters(&r);
	if (state != CPU_IDLE_ENDS)
		window_idle(slot, &r);
	account_idle(&r, state);
	barrier();
	slot->busy = was_busy;
	return 0;
}

/* Tracepoint sched_process_exit, in the context of the exiting thread. No argument is used. */
SEC("?raw_tp")
int raw_tp_process_exit(void *ctx)
{
	window_exit((void *)bpf_get_current_task(), bpf_get_current_pid_tgid());
	return 0;
}

/*
 * The programs from here on are for --pin: a measurement that goes on without a process.
 *
 * heartbeat runs on a timer of each CPU and replaces the forced reads by user space.
 */
SEC("?perf_event")
int heartbeat(struct bpf_perf_event_data_kern *ctx)
{
	struct counter_reading r;

	read_sched_clock(ctx);
	window_read((void *)bpf_get_current_task(), &r);
	beat();
	return 0;
}

/* Pinned as `stat`: a read of the file runs this program for every thread of the host. */
SEC("?iter/task")
int iter_stat(struct bpf_iter__task *ctx)
{
	/* Read once: the verifier knows only of this copy that it is not NULL. */
	struct task_struct *task = ctx->task;

	if (task)
		print_stat(ctx->meta->seq, task);
	return 0;
}
