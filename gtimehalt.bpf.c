// SPDX-License-Identifier: GPL-2.0-only
/*
 * gtimehalt.bpf.c - measure and accumulate; no policy, no percentages.
 *
 * A window is the span in which a vCPU is loaded on one CPU, kvm_arch_vcpu_load() to
 * kvm_arch_vcpu_put(); a stint is the span from one VM entry to its exit. What a window yields is
 * gathered in the CPU's slot, which needs no look-up, and moved to the thread's entry when the window
 * closes or when user space forces a read.
 *
 * Halted time needs no reading at VM entry and exit: host code never halts with a vCPU thread
 * current, so all the cycles of a window in which MPERF stood still were halted by the guest. A stint
 * therefore costs two readings of the clock and none of a counter.
 *
 * TSC is not read either. bpf_ktime_get_ns() is cheaper than a second counter, and user space knows
 * how fast TSC ran against CLOCK_MONOTONIC over the same interval.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "kernel_types.h"
#include "gtimehalt.h"

char LICENSE[] SEC("license") = "GPL";

/* Measure only the processes in `watched`. Off: every VM of the host. */
const volatile __u8 targ_watched_only = 0;

/* The host has two kinds of core, and MPERF runs at another rate on each. */
const volatile __u8 targ_scaled = 0;

/* Raised by user space at each snapshot: no window goes on from before it to after it. */
__u64 snapshot_seq = 0;

/* One entry a possible CPU; sized by the collector. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_slot);
} slots SEC(".maps");

/* The msr PMU's mperf event of each CPU; sized by the collector. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} mperf_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS);
	__type(key, __u32);
	__type(value, struct vcpu_sums);
} vcpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GTIMEHALT_MAX_WATCHED);
	__type(key, __u32);
	__type(value, __u8);
} watched SEC(".maps");

/* Clock first, then MPERF, at both ends of every window: the skew between the two cancels. */
struct reading {
	__u64 now_ns;
	__u64 mperf_cycles;
	__u32 mperf_valid;
};

#include "check.bpf.h"

static __always_inline struct cpu_slot *this_slot(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&slots, &cpu);
}

static __always_inline void read_counters(struct cpu_slot *slot, struct reading *r)
{
	__s64 cycles;

	r->now_ns = bpf_ktime_get_ns();
	/*
	 * The plain helper is a third cheaper than bpf_perf_event_read_value(). It answers errors and
	 * values alike, but the event's count starts at zero: no value looks like an errno.
	 */
	cycles = bpf_perf_event_read(&mperf_events, BPF_F_CURRENT_CPU);
	r->mperf_valid = cycles >= 0 || cycles < -4095;
	r->mperf_cycles = cycles;
	if (!r->mperf_valid)
		slot->mperf_error_cnt++;
}

static __always_inline void open_at(struct cpu_slot *slot, const struct reading *r)
{
	slot->start_ns = r->now_ns;
	slot->start_mperf_cycles = r->mperf_cycles;
	slot->mperf_valid = r->mperf_valid;
	slot->user_tid = 0;
	slot->entry_ns = 0;
	slot->guest_ns = 0;
	slot->entry_cnt = 0;
}

/*
 * A field of a kernel object: a plain load where the verifier knows the pointer's type (fentry and
 * fexit), a checked copy elsewhere. `typed` is a constant in every caller.
 */
#define FIELD(typed, ptr, field) ((typed) ? (ptr)->field : BPF_CORE_READ(ptr, field))

static __always_inline __u64 switch_cnt(struct task_struct *task, const int typed)
{
	return FIELD(typed, task, nvcsw) + FIELD(typed, task, nivcsw);
}

/* KVM_RUN records its caller in vcpu->pid; other ioctls load a vCPU from any thread they like. */
static __always_inline int runs_vcpu(struct task_struct *task, struct kvm_vcpu *vcpu,
				     const int typed)
{
	return FIELD(typed, vcpu, pid) == FIELD(typed, task, thread_pid);
}

static __always_inline int is_watched(struct task_struct *task, const int typed)
{
	__u32 tgid;

	if (!targ_watched_only)
		return 1;
	tgid = FIELD(typed, task, tgid);
	return bpf_map_lookup_elem(&watched, &tgid) != NULL;
}

/*
 * The thread's entry; a new one when the thread is seen for the first time, when its tid belonged to
 * another thread before, or when it has turned to another vCPU. User space tells a new entry from an
 * old one by these same fields.
 */
static __always_inline struct vcpu_sums *sums_of(struct cpu_slot *slot, struct task_struct *task,
						 struct kvm_vcpu *vcpu, const int typed)
{
	struct vcpu_sums fresh = {
		.start_boottime_ns = FIELD(typed, task, start_boottime),
		.vm_id = (__u64)FIELD(typed, vcpu, kvm),
		.vcpu_id = FIELD(typed, vcpu, vcpu_id),
	};
	__u64 run_delay_ns;
	__u32 tid = slot->tid;
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &tid);

	if (sums && sums->start_boottime_ns == fresh.start_boottime_ns &&
	    sums->vm_id == fresh.vm_id && sums->vcpu_id == fresh.vcpu_id)
		return sums;
	fresh.tgid = FIELD(typed, task, tgid);
	run_delay_ns = FIELD(typed, task, sched_info.run_delay);
	fresh.run_delay_ns = run_delay_ns;
	fresh.wait_ns = run_delay_ns;
	fresh.updated_ns = slot->start_ns;
	if (bpf_map_update_elem(&vcpus, &tid, &fresh, BPF_ANY)) {
		slot->map_full_cnt++;
		return NULL;
	}
	return bpf_map_lookup_elem(&vcpus, &tid);
}

/*
 * A stint that is open when its window closes, or is read, has ended in truth: the exit is what let this
 * code run. Only kvm_exit on AMD before Linux 6.5 says so late, with interrupts and preemption on
 * (791a089861fc "KVM: SVM: Invoke trace_kvm_exit() for fastpath VM-Exits"); it then finds no stint.
 */
static __always_inline void close_stint(struct cpu_slot *slot, __u64 now_ns)
{
	if (!slot->entry_ns)
		return;
	slot->guest_ns += now_ns - slot->entry_ns;
	slot->entry_cnt++;
	slot->entry_ns = 0;
}

/* Moves to the thread's entry what the slot has gathered up to the reading. */
static __always_inline void settle(struct cpu_slot *slot, const struct reading *r,
				   struct task_struct *task, struct kvm_vcpu *vcpu, const int typed)
{
	struct vcpu_sums *sums = sums_of(slot, task, vcpu, typed);
	__u64 loaded_ns = r->now_ns - slot->start_ns;
	__u64 cycles = r->mperf_cycles - slot->start_mperf_cycles;
	__u64 run_delay_ns;
	__u32 seq;

	if (!sums)
		return;
	seq = sums->begun_head + 1;
	sums->begun_head = seq;
	sums->begun_tail = seq;
	barrier();
	sums->loaded_ns += loaded_ns;
	/*
	 * This code itself runs in C0: an MPERF that has not moved is no reading but an event that
	 * went stale when its CPU was offline (it then reads with success).
	 */
	if (slot->mperf_valid && r->mperf_valid && cycles) {
		sums->measured_ns += loaded_ns;
		account_window(loaded_ns, cycles);
		if (targ_scaled)
			cycles = cycles * slot->mperf_scale >> GTIMEHALT_SCALE_SHIFT;
		sums->mperf_cycles += cycles;
	}
	close_stint(slot, r->now_ns);
	sums->guest_ns += slot->guest_ns;
	sums->entry_cnt += slot->entry_cnt;
	/*
	 * The gap before the window. A preempted thread has waited for all of it, to the nanosecond;
	 * of one that had blocked, the scheduler knows how long it waited when it was woken.
	 */
	run_delay_ns = FIELD(typed, task, sched_info.run_delay);
	if (sums->waiting)
		sums->wait_ns += slot->start_ns - sums->updated_ns;
	else
		sums->wait_ns += run_delay_ns - sums->run_delay_ns;
	sums->run_delay_ns = run_delay_ns;
	sums->waiting = FIELD(typed, vcpu, preempted);
	sums->updated_ns = r->now_ns;
	barrier();
	sums->done_head = seq;
	sums->done_tail = seq;
}

static __always_inline void window_open(struct kvm_vcpu *vcpu, struct task_struct *task,
					const int typed)
{
	struct cpu_slot *slot = this_slot();
	struct reading r;
	__u32 tid;

	if (!slot)
		return;
	tid = FIELD(typed, task, pid);
	slot->busy = 1;
	barrier();
	if (slot->tid)
		slot->lost_window_cnt++;
	if (slot->user_tid == tid && slot->switch_cnt == switch_cnt(task, typed) &&
	    slot->snapshot_seq == snapshot_seq) {
		/*
		 * Nothing else ran here since this thread left KVM: it was in user mode, which is C0
		 * too and serves the vCPU. The window goes on from where it was settled.
		 */
		slot->tid = tid;
	} else if (runs_vcpu(task, vcpu, typed) && is_watched(task, typed)) {
		read_counters(slot, &r);
		open_at(slot, &r);
		slot->switch_cnt = switch_cnt(task, typed);
		slot->tid = tid;
	} else {
		slot->tid = 0;
	}
	slot->user_tid = 0;
	barrier();
	slot->busy = 0;
}

static __always_inline void window_close(struct kvm_vcpu *vcpu, struct task_struct *task,
					 const int typed)
{
	struct cpu_slot *slot = this_slot();
	struct reading r;

	if (!slot || !slot->tid)
		return;
	slot->busy = 1;
	barrier();
	if (slot->tid == (__u32)FIELD(typed, task, pid)) {
		read_counters(slot, &r);
		settle(slot, &r, task, vcpu, typed);
		open_at(slot, &r);
		/*
		 * The scheduler counts a switch before it calls KVM. A count that has not moved since the
		 * load tells that this is the way to user mode.
		 */
		if (slot->switch_cnt == switch_cnt(task, typed)) {
			slot->user_tid = slot->tid;
			slot->snapshot_seq = snapshot_seq;
		}
	} else {
		slot->lost_window_cnt++;
	}
	slot->tid = 0;
	barrier();
	slot->busy = 0;
}

/*
 * The vCPU that is loaded on this CPU, by the notifier that KVM keeps in the thread from load to put.
 * Another module's notifier is told by runs_vcpu(): what lies where vcpu->pid would be is not it.
 */
static __always_inline struct kvm_vcpu *loaded_vcpu(struct task_struct *task)
{
	void *notifier = BPF_CORE_READ(task, preempt_notifiers.first);

	if (!notifier)
		return NULL;
	return notifier - bpf_core_field_offset(struct kvm_vcpu, preempt_notifier.link);
}

/*
 * The forced read. It comes as an inter-processor interrupt, so the stint that it ended is closed;
 * `current` is the thread that it interrupted. The reading is the caller's unless the slot was busy.
 */
static __always_inline int window_read(struct task_struct *task, struct reading *r)
{
	struct cpu_slot *slot = this_slot();
	struct kvm_vcpu *vcpu;
	__u32 tid;

	if (!slot || slot->busy)
		return FORCED_READ_BUSY;
	read_counters(slot, r);
	vcpu = loaded_vcpu(task);
	if (!vcpu || !runs_vcpu(task, vcpu, 0) || !is_watched(task, 0))
		return FORCED_READ_NONE;
	tid = BPF_CORE_READ(task, pid);
	if (slot->tid == tid) {
		settle(slot, r, task, vcpu, 0);
		open_at(slot, r);
		return FORCED_READ_DONE;
	}
	/*
	 * After the baseline the hooks know better: KVM keeps its notifier a little longer than the
	 * window, so this one has just been closed, or is about to be opened.
	 */
	if (snapshot_seq)
		return FORCED_READ_NONE;
	if (slot->tid)
		slot->lost_window_cnt++;
	open_at(slot, r);
	slot->switch_cnt = switch_cnt(task, 0);
	slot->tid = tid;
	return FORCED_READ_OPENED;
}

static __always_inline void stint_begin(void)
{
	struct cpu_slot *slot = this_slot();

	/*
	 * One begun already is a fastpath exit that was not told: kvm_entry, kvm_entry, kvm_exit on AMD
	 * with Linux 6.1. Both spans are guest time, and what lies between them is next to nothing.
	 */
	if (slot && slot->tid && !slot->entry_ns)
		slot->entry_ns = bpf_ktime_get_ns();
}

static __always_inline void stint_end(void)
{
	struct cpu_slot *slot = this_slot();

	if (slot && slot->entry_ns)
		close_stint(slot, bpf_ktime_get_ns());
}

SEC("?fentry/kvm_arch_vcpu_load")
int BPF_PROG(fentry_vcpu_load, struct kvm_vcpu *vcpu)
{
	window_open(vcpu, bpf_get_current_task_btf(), 1);
	return 0;
}

SEC("?fentry/kvm_arch_vcpu_put")
int BPF_PROG(fentry_vcpu_put, struct kvm_vcpu *vcpu)
{
	window_close(vcpu, bpf_get_current_task_btf(), 1);
	return 0;
}

/* Attached to the vendor's run function: svm_vcpu_run or vmx_vcpu_run, interrupts off. */
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
 * The same where kvm has no BTF: Linux before 5.11, or without CONFIG_DEBUG_INFO_BTF_MODULES. There,
 * bpf_get_current_task_btf() may not exist either, and vCPUs are read by checked copies.
 */
SEC("?kprobe")
int BPF_KPROBE(kprobe_vcpu_load, struct kvm_vcpu *vcpu)
{
	window_open(vcpu, (void *)bpf_get_current_task(), 0);
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(kprobe_vcpu_put, struct kvm_vcpu *vcpu)
{
	window_close(vcpu, (void *)bpf_get_current_task(), 0);
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

/* No argument is looked at: both prototypes have changed, and were changed in stable kernels. */
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

/* Never attached: user space runs it on the CPUs that it chooses (BPF_F_TEST_RUN_ON_CPU). */
SEC("?raw_tp")
int forced_read(void *ctx)
{
	struct reading r;

	return window_read((void *)bpf_get_current_task(), &r);
}

/* The same for --check, on every CPU: one reading closes the window, the idle time and the CPU. */
SEC("?raw_tp")
int check_read(void *ctx)
{
	struct reading r;
	int answer = window_read((void *)bpf_get_current_task(), &r);

	if (answer != FORCED_READ_BUSY)
		account_read(&r);
	return answer;
}

/* On the tracepoint cpu_idle. Some kernels have interrupts on at the end of idle time: hence `busy`. */
SEC("?raw_tp")
int BPF_PROG(raw_tp_cpu_idle, __u32 state)
{
	struct cpu_account *account = this_account();
	struct cpu_slot *slot = this_slot();
	struct reading r;

	if (!account || !slot)
		return 0;
	slot->busy = 1;
	barrier();
	read_counters(slot, &r);
	if (state == CPU_IDLE_ENDS)
		idle_end(account, &r);
	else
		idle_begin(account, &r);
	barrier();
	slot->busy = 0;
	return 0;
}
