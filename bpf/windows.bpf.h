/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * windows.bpf.h - attributes the halts of a CPU to the vCPU thread whose guest halted.
 *
 * On a CPU, MPERF falls behind TSC in only two places: in a guest, and in the idle task. From the
 * load of a vCPU on, every cycle that MPERF does not count was therefore halted by that guest,
 * until another vCPU is loaded on the CPU or the idle task begins. Until then a window may be read
 * at any moment, whatever runs, so only loads and idle entries are hooked. A thread that goes to
 * user mode and returns costs a few comparisons, and a preemption costs nothing.
 *
 * The idle task only stores a reading (window_idle()). When the thread is back on its CPU, it ends
 * the window with that reading and begins the next one in the same step (come_back()). Only the
 * thread itself writes the sums of such windows. A window that the thread has left behind, because
 * the thread runs on another CPU or another vCPU is loaded on this one, is ended on the window's
 * CPU and added atomically to a second set of sums (close_window()).
 *
 * A window does not record for how long the thread had a CPU, waited or slept: accounts.bpf.h reads
 * that from the scheduler when the sums are read. Fields of the vCPU that other threads write are
 * not used.
 */
#ifndef WINDOWS_BPF_H
#define WINDOWS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "gtimehalt.h"
#include "accounts.bpf.h"
#include "check.bpf.h"
#include "counters.bpf.h"
#include "kernel.bpf.h"
#include "slot.bpf.h"
#include "stints.bpf.h"

/* Measure only the processes in `watched`; 0: measure every VM of the host. */
const volatile __u8 targ_watched_only = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GTIMEHALT_MAX_WATCHED);
	__type(key, __u32);
	__type(value, __u8);
} watched SEC(".maps");

/*
 * Flag of task_struct.flags (include/linux/sched.h). The last thread of a VMM may destroy its VM,
 * and load vCPUs for that, while it exits.
 */
#define PF_EXITING 0x00000004

static __always_inline __u64 switch_cnt(struct task_struct *task, const int typed)
{
	struct {
		__u64 nvcsw, nivcsw;
	} both = { 0 };

	if (typed || bpf_core_field_offset(task->nivcsw) !=
			     bpf_core_field_offset(task->nvcsw) + sizeof(__u64))
		return FIELD(typed, task, nvcsw) + FIELD(typed, task, nivcsw);
	/* One checked copy costs as much as a hundred instructions. */
	bpf_core_read(&both, sizeof(both), &task->nvcsw);
	return both.nvcsw + both.nivcsw;
}

/*
 * Returns whether the thread loads the vCPU to run it. KVM_RUN records its caller in vcpu->pid;
 * other ioctls may load a vCPU from any thread.
 */
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
 * Reads the (first) byte of a field whose offset may exceed the 16 bits that a load can hold:
 * struct kvm of Linux 6.1 has the hash table of pages before its flags.
 */
#define FAR_BYTE(typed, ptr, field)                                                                \
	((typed) ? byte_at(ptr, bpf_core_field_offset((ptr)->field))                               \
		 : (__u8)BPF_CORE_READ(ptr, field))

static __always_inline __u8 byte_at(const void *object, __u64 offset)
{
	/* Without this, clang puts the offset into the load. */
	barrier_var(offset);
	return *((const __u8 *)object + offset);
}

/* Bits of kvm_arch.disabled_exits: KVM_X86_DISABLE_EXITS_* in the ABI of KVM. */
#define EXITS_MWAIT 1
#define EXITS_HLT   2

/*
 * Returns 1 if KVM lets the vCPU halt in guest mode neither by HLT nor by MWAIT; 0 if KVM lets it
 * halt, or if that is not known. The flags are those of KVM_CAP_X86_DISABLE_EXITS. Some kernels
 * accept the capability when vCPUs exist, so the flags are read at each load.
 *
 * --check reads the counters of every window, which proves that KVM's flags tell the truth.
 */
static __always_inline __u32 cannot_halt(struct kvm_vcpu *vcpu, const int typed)
{
	struct kvm___disabled_exits *newer = (void *)FIELD(typed, vcpu, kvm);
	struct kvm *kvm = (void *)newer;

	if (targ_check)
		return 0;
	if (bpf_core_field_exists(kvm->arch.hlt_in_guest))
		return !FAR_BYTE(typed, kvm, arch.hlt_in_guest) &&
		       !FAR_BYTE(typed, kvm, arch.mwait_in_guest);
	if (bpf_core_field_exists(newer->arch.disabled_exits))
		return !(FAR_BYTE(typed, newer, arch.disabled_exits) & (EXITS_MWAIT | EXITS_HLT));
	return 0;
}

/* Returns the entry of the slot's window; NULL when the entry belongs to another thread by now. */
static __always_inline struct vcpu_sums *sums_of_slot(const struct cpu_slot *slot)
{
	__u32 index = slot->index;
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &index);

	return sums && sums->tid == slot->tid ? sums : NULL;
}

/*
 * Fills *gain with what the slot has collected up to the reading `end`. end_ns: CLOCK_MONOTONIC of
 * `end`; 0: now. Returns 0 when the halted time of the window is unknown: gain then has no counter
 * cycles, and the caller sets gain->unmeasured_ns.
 */
static __always_inline int gather(struct cpu_slot *slot, const struct counter_reading *end,
				  __u64 end_ns, struct window_sums *gain)
{
	__u64 tsc_cycles = end->tsc_cycles - slot->start.tsc_cycles;
	__u64 mperf_cycles = end->mperf_cycles - slot->start.mperf_cycles;
	int is_unknown = !slot->start.tsc_cycles || !end->tsc_cycles;
	int had_stopped = slot->mperf_stopped;

	/*
	 * An open stint has ended, because this code can only run after a VM exit. The exit's own
	 * hook comes later only with kvm_exit on AMD before Linux 6.5, which is raised with
	 * interrupts and preemption enabled (791a089861fc "KVM: SVM: Invoke trace_kvm_exit() for
	 * fastpath VM-Exits"); the hook then finds no stint.
	 */
	if (slot->entry_ns > STINT_OFF)
		close_stint(slot, end, end_ns ? end_ns : bpf_ktime_get_ns());
	gain->tsc_cycles = 0;
	gain->mperf_cycles = 0;
	gain->unmeasured_ns = 0;
	gain->guest_ns = slot->guest_ns;
	gain->entry_cnt = slot->entry_cnt;
	if (slot->cannot_halt)
		return 1;
	/*
	 * A window in which MPERF stopped is unmeasured; the end of the previous window has
	 * recorded whether MPERF was stopped when this window began. A count that went back means
	 * that the event was reopened. TSC that has not moved means that the event became stale
	 * when its CPU went offline.
	 */
	if (had_stopped || !mperf_cycles || ns_of(tsc_cycles) >= MPERF_LOOK_NS)
		slot->mperf_stopped = end->tsc_cycles && mperf_has_stopped(end->mperf_cycles);
	if (is_unknown || (__s64)mperf_cycles <= 0 || (__s64)tsc_cycles <= 0 || had_stopped ||
	    slot->mperf_stopped) {
		/*
		 * Failed reads were counted by read_counters(). A count that went back is no
		 * failure, because the reopened event can be read.
		 */
		if (slot->mperf_stopped || (!is_unknown && (!mperf_cycles || !tsc_cycles)))
			COUNT(mperf_error_cnt);
		return 0;
	}
	account_window(tsc_cycles, mperf_cycles);
	gain->tsc_cycles = tsc_cycles;
	gain->mperf_cycles = scaled(slot, mperf_cycles);
	return 1;
}

/*
 * Starts the next window, or the next part of an open one, at the reading. ran_ns is the thread's
 * se.sum_exec_runtime there.
 */
static __always_inline void start_at(struct cpu_slot *slot, const struct counter_reading *r,
				     __u64 ran_ns)
{
	slot->start = *r;
	slot->start_ran_ns = ran_ns;
	slot->entry_ns = 0;
	slot->guest_ns = 0;
	slot->entry_cnt = 0;
	slot->start_ns = bpf_ktime_get_ns();
	slot->idle_ns = 0;
	slot->idle_state = IDLE_WANTED;
	start_stints_at(slot, r);
}

/* Sets for the window that begins that its guest cannot halt (1), or that it can (0). */
static __always_inline void set_cannot_halt(struct cpu_slot *slot, struct vcpu_sums *sums,
					    __u32 cannot_halt)
{
	slot->cannot_halt = cannot_halt;
	if (sums->cannot_halt != cannot_halt)
		sums->cannot_halt = cannot_halt;
}

/* Adds the counts of a window that its own thread ends. */
static __always_inline void add_local(struct vcpu_sums *sums, const struct window_sums *gain)
{
	sums->local_head.begin++;
	sums->local_tail.begin++;
	barrier();
	sums->local.tsc_cycles += gain->tsc_cycles;
	sums->local.mperf_cycles += gain->mperf_cycles;
	if (gain->unmeasured_ns)
		sums->local.unmeasured_ns += gain->unmeasured_ns;
	sums->local.guest_ns += gain->guest_ns;
	sums->local.entry_cnt += gain->entry_cnt;
	barrier();
	sums->local_head.end++;
	sums->local_tail.end++;
}

/*
 * Returns the reading at which the window ended: when the idle task first ran, or now if it did not
 * run.
 */
static __always_inline const struct counter_reading *end_of(const struct cpu_slot *slot,
							    const struct counter_reading *now)
{
	return slot->idle_state == IDLE_READ ? &slot->idle : now;
}

/*
 * Closes this CPU's window, whose thread has left the CPU or is about to run another vCPU. The
 * thread may be running on another CPU, or may have exited. The parameters are the counters now.
 * Returns 0.
 *
 * The verifier checks the function once, because the function takes only numbers.
 */
int close_window(__u64 tsc_cycles, __u64 mperf_cycles);
__noinline int close_window(__u64 tsc_cycles, __u64 mperf_cycles)
{
	const struct counter_reading now = { tsc_cycles, mperf_cycles };
	struct cpu_slot *slot = this_slot();
	struct vcpu_sums *sums = sums_of_slot(slot);
	struct window_sums gain;
	__u32 index = slot->index, tid = slot->tid;

	if (!gather(slot, end_of(slot, &now), slot->idle_ns, &gain))
		gain.unmeasured_ns = sums ? ran_since(index, sums, slot->start_ran_ns) : 0;
	slot->tid = 0;
	slot->entry_ns = STINT_OFF;
	slot->idle_state = IDLE_UNWANTED;
	if (!sums) {
		COUNT(lost_window_cnt);
		return 0;
	}
	begin_shared_write(sums);
	if (sums->tid != tid) {
		end_shared_write(sums);
		COUNT(lost_window_cnt);
		return 0;
	}
	/*
	 * clang turns an atomic addition of a constant 0 into an atomic OR, which kernels before
	 * Linux 5.12 do not support.
	 */
	if (gain.tsc_cycles) {
		__sync_fetch_and_add(&sums->remote.tsc_cycles, gain.tsc_cycles);
		__sync_fetch_and_add(&sums->remote.mperf_cycles, gain.mperf_cycles);
	}
	if (gain.unmeasured_ns)
		__sync_fetch_and_add(&sums->remote.unmeasured_ns, gain.unmeasured_ns);
	__sync_fetch_and_add(&sums->remote.guest_ns, gain.guest_ns);
	__sync_fetch_and_add(&sums->remote.entry_cnt, gain.entry_cnt);
	end_shared_write(sums);
	return 0;
}

/*
 * Adds what the slot has collected to the entry of the thread, which is running on this CPU. The
 * window stays open.
 */
static __always_inline void flush_window(struct cpu_slot *slot, const struct counter_reading *r)
{
	__u64 ran_ns = slot->start_ran_ns;
	struct vcpu_sums *sums = sums_of_slot(slot);
	struct window_sums gain;

	/*
	 * Take the account right after the reading, because both are taken to be of the same
	 * moment.
	 */
	if (sums) {
		take_account(slot->index, 0);
		ran_ns = sums->ran_ns;
	}
	if (!gather(slot, r, 0, &gain) && ran_ns > slot->start_ran_ns)
		gain.unmeasured_ns = ran_ns - slot->start_ran_ns;
	if (sums)
		add_local(sums, &gain);
	else
		COUNT(lost_window_cnt);
	start_at(slot, r, ran_ns);
	if (sums)
		sums->window_ns = slot->start_ns;
}

/*
 * The thread is back on the CPU of its open window, and no other vCPU was loaded there meanwhile:
 * ends the window and begins the next one. Returns 0 when the entry is no longer the thread's
 * current one.
 */
static __always_inline int come_back(struct cpu_slot *slot, const struct counter_reading *now,
				     struct task_struct *task, __u64 switches, __u32 cannot_halt,
				     const int typed)
{
	__u64 ran_ns = FIELD(typed, task, se.sum_exec_runtime);
	struct vcpu_sums *sums = sums_of_slot(slot);
	struct window_sums gain;

	if (!sums || sums->thread_boottime_ns != FIELD(typed, task, start_boottime) ||
	    sums->away_since_ns)
		return 0;
	/* Nothing is counted in a window that has neither counters nor stints. */
	if (targ_guest || !slot->cannot_halt) {
		if (!gather(slot, end_of(slot, now), slot->idle_ns, &gain) &&
		    ran_ns > slot->start_ran_ns)
			gain.unmeasured_ns = ran_ns - slot->start_ran_ns;
		add_local(sums, &gain);
	}
	slot->switch_cnt = switches;
	set_cannot_halt(slot, sums, cannot_halt);
	start_at(slot, now, ran_ns);
	sums->window_ns = slot->start_ns;
	return 1;
}

static __always_inline void open_window(struct cpu_slot *slot, const struct counter_reading *r,
					struct task_struct *task, struct kvm_vcpu *vcpu,
					__u64 ran_ns, const int typed)
{
	__u32 index = entry_for(slot, task, vcpu, ran_ns, typed);
	struct vcpu_sums *sums;

	if (!index)
		return;
	slot->index = index;
	slot->switch_cnt = switch_cnt(task, typed);
	start_at(slot, r, ran_ns);
	slot->tid = FIELD(typed, task, pid);
	sums = sums_of_slot(slot);
	if (!sums)
		return;
	set_cannot_halt(slot, sums, cannot_halt(vcpu, typed));
	sums->window_ns = slot->start_ns;
}

/* Handles the load of a vCPU, after user mode, another thread or another CPU. */
static __always_inline void window_load(struct kvm_vcpu *vcpu, struct task_struct *task,
					const int typed)
{
	struct cpu_slot *slot = this_slot();
	__u64 switches = switch_cnt(task, typed), ran_ns;
	int is_own = slot->tid == (typed ? (__u32)task->pid : (__u32)bpf_get_current_pid_tgid());
	int is_same = is_own && slot->vcpu == (__u64)vcpu;
	struct counter_reading r = { 0 };
	__u32 never_halts;
	int wanted;

	/* No switch since this thread's window was opened on this CPU: the window stays open. */
	if (is_same && slot->switch_cnt == switches)
		return;
	/*
	 * Ignore loads from other ioctls and from exiting threads: they never enter the guest, so
	 * they cannot halt.
	 */
	if (!runs_vcpu(task, vcpu, typed) || FIELD(typed, task, flags) & PF_EXITING)
		return;
	wanted = is_watched(task, typed);
	if (!wanted && !slot->tid)
		return;
	/* This thread has preempted window_exit(). A forced read opens its window later. */
	if (slot->busy) {
		COUNT(lost_window_cnt);
		return;
	}
	slot->busy = 1;
	barrier();
	never_halts = cannot_halt(vcpu, typed);
	if (!is_same || !never_halts || !slot->cannot_halt)
		read_counters(&r);
	if (is_same && wanted && come_back(slot, &r, task, switches, never_halts, typed))
		goto out;
	ran_ns = FIELD(typed, task, se.sum_exec_runtime);
	/* Without a switch, the scheduler's account of the thread is not up to date. */
	if (is_own && slot->switch_cnt == switches)
		ran_ns = ran_until_now((void *)bpf_get_current_task());
	if (slot->tid)
		close_window(r.tsc_cycles, r.mperf_cycles);
	if (wanted)
		open_window(slot, &r, task, vcpu, ran_ns, typed);
out:
	barrier();
	slot->busy = 0;
}

/*
 * Returns the vCPU that is loaded on this CPU, from the preempt notifier that KVM registers for the
 * thread between load and put; NULL: none. The notifier may belong to another module; runs_vcpu()
 * then rejects the result, because the word at the place of vcpu->pid does not match.
 */
static __always_inline struct kvm_vcpu *loaded_vcpu(struct task_struct *task)
{
	void *notifier = BPF_CORE_READ(task, preempt_notifiers.first);

	if (!notifier)
		return NULL;
	return notifier - bpf_core_field_offset(struct kvm_vcpu, preempt_notifier.link);
}

/*
 * Returns whether the current thread has an open window on this CPU and has not been switched out
 * since.
 */
static __always_inline int is_in_window(const struct cpu_slot *slot, struct task_struct *task)
{
	return slot->tid && slot->tid == (__u32)BPF_CORE_READ(task, pid) &&
	       slot->switch_cnt == switch_cnt(task, 0);
}

/* Reads the window of a CPU at *r, or opens one. Returns an enum forced_read. */
static __always_inline int read_window(struct cpu_slot *slot, struct task_struct *task,
				       const struct counter_reading *r)
{
	struct kvm_vcpu *vcpu;

	if (is_in_window(slot, task)) {
		flush_window(slot, r);
		return FORCED_READ_DONE;
	}
	if (slot->tid) {
		close_window(r->tsc_cycles, r->mperf_cycles);
		return FORCED_READ_DONE;
	}
	/*
	 * The load of this vCPU was not seen: either it came before the hooks were attached or
	 * while they were switched off, or it is in progress and its hook will find the window
	 * open.
	 */
	vcpu = loaded_vcpu(task);
	if (!vcpu || !runs_vcpu(task, vcpu, 0) || BPF_CORE_READ(task, flags) & PF_EXITING ||
	    !is_watched(task, 0))
		return FORCED_READ_NONE;
	open_window(slot, r, task, vcpu, ran_until_now(task), 0);
	return FORCED_READ_OPENED;
}

/*
 * The forced read. It comes as an inter-processor interrupt, so that the stint that it interrupts
 * has ended; `task` is the interrupted thread. Returns an enum forced_read, and sets *r unless
 * FORCED_READ_BUSY.
 *
 * On the CPU of the caller, BPF_PROG_TEST_RUN runs this with interrupts enabled: another forced
 * read may come in between, and must leave the slot alone.
 */
static __always_inline int window_read(struct task_struct *task, struct counter_reading *r)
{
	struct cpu_slot *slot = this_slot();
	int answer;

	if (slot->busy)
		return FORCED_READ_BUSY;
	slot->busy = 1;
	barrier();
	read_counters(r);
	answer = read_window(slot, task, r);
	barrier();
	slot->busy = 0;
	return answer;
}

/*
 * Handles the exit of a thread (do_exit(): trace_sched_process_exit()). Closes the thread's window
 * on this CPU. A window that the thread left open on another CPU is closed later on that CPU, and
 * until then only its counts are missing from the thread's entries.
 */
static __always_inline void window_exit(struct task_struct *task, __u32 tid)
{
	struct entry_place *place = place_of(tid, 0);
	struct cpu_slot *slot;
	struct counter_reading r;
	__u32 newest_index;

	if (!place)
		return;
	newest_index = place->newest_index;
	slot = this_slot();
	/*
	 * Since Linux 7.0, programs of tracepoints can be preempted (a46023d5616e "tracing: Guard
	 * __DECLARE_TRACE() use of __DO_TRACE_CALL() with SRCU-fast"): another thread may be in
	 * here. Whatever runs on this CPU meanwhile leaves the slot alone while it is busy.
	 */
	if (!slot->busy) {
		slot->busy = 1;
		barrier();
		read_counters(&r);
		/* A forced read may have closed the window before. */
		if (slot->tid == tid)
			close_window(r.tsc_cycles, r.mperf_cycles);
		barrier();
		slot->busy = 0;
	}
	end_entries(tid, newest_index, ran_until_now(task));
}

/*
 * The idle task is about to halt, so the window of a thread that left this CPU ends. Only stores
 * the reading; the next program that handles the window adds its counts to the sums.
 */
static __always_inline void window_idle(struct cpu_slot *slot, const struct counter_reading *r)
{
	if (slot->idle_state != IDLE_WANTED)
		return;
	if (slot->entry_ns > STINT_OFF)
		slot->idle_ns = bpf_ktime_get_ns();
	slot->idle = *r;
	barrier();
	slot->idle_state = IDLE_READ;
}

#endif /* WINDOWS_BPF_H */
