/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * windows.bpf.h - which thread's guest the halts of a CPU are put down to.
 *
 * On a CPU, MPERF falls behind the clock in two places only: in a guest, and in the idle task. From the
 * load of a vCPU on, whatever it falls behind is therefore that guest's, until another vCPU is loaded there
 * or the idle task begins: until then a window's *counters* may be read at any moment, whoever runs. So only
 * loads are hooked, and idle entries for the CPUs that a vCPU thread has left. That a thread goes to user mode
 * and comes back costs a look, and that the scheduler takes its CPU away costs nothing at all.
 *
 * When the window ended by the clock is known all the same: KVM notes TSC whenever it puts a vCPU, which it
 * does on both ways out (vcpu->arch.last_host_tsc, in kvm_arch_vcpu_put()). The vCPU outlives its window, but for one
 * whose thread ends: so that is hooked too, and closes the window while the thread has its files yet.
 *
 * So a window is closed by others than its thread, which may run elsewhere by then: they add to a part of
 * its sums that is added to atomically, and leave what is the thread's own time to its next load.
 */
#ifndef WINDOWS_BPF_H
#define WINDOWS_BPF_H

/*
 * A field of a kernel object: a plain load where the verifier knows the pointer's type (fentry and
 * fexit), a checked copy elsewhere. `typed` is a constant in every caller.
 */
#define FIELD(typed, ptr, field) ((typed) ? (ptr)->field : BPF_CORE_READ(ptr, field))

/* Of task_struct.flags (include/linux/sched.h): the last thread of a VMM may take its VM down as it ends. */
#define PF_EXITING 0x00000004

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

static __always_inline void sums__begin(struct vcpu_sums *sums)
{
	__sync_fetch_and_add(&sums->begun_head, 1);
	__sync_fetch_and_add(&sums->begun_tail, 1);
}

static __always_inline void sums__end(struct vcpu_sums *sums)
{
	__sync_fetch_and_add(&sums->done_head, 1);
	__sync_fetch_and_add(&sums->done_tail, 1);
}

/*
 * The entry becomes another's: what it has is kept under a key of its own, among those that have ended where
 * user space does not drop them itself. A window of it that is open on another CPU is lost, and counted there.
 */
static __always_inline void retire(struct cpu_slot *slot, __u32 tid, struct vcpu_sums *sums,
				   struct vcpu_sums *fresh)
{
	__u32 key = tid | (sums->turn_cnt % RETIRED_MAX + 1) << RETIRED_SHIFT;
	long err;

	fresh->turn_cnt = sums->turn_cnt + 1;
	/* The same thread: for its new vCPU, time begins now. */
	if (sums->start_boottime_ns >= fresh->start_boottime_ns) {
		fresh->start_boottime_ns = bpf_ktime_get_boot_ns();
		fresh->wait_ns = 0;
	}
	if (!sums->ended_ns)
		sums->ended_ns = bpf_ktime_get_ns();
	if (targ_pinned)
		err = bpf_map_update_elem(&ended, &key, sums, BPF_ANY);
	else
		err = bpf_map_update_elem(&vcpus, &key, sums, BPF_NOEXIST);
	if (err)
		slot->lost_window_cnt++;
}

/*
 * The thread's entry; a new one when the thread is seen for the first time, when its tid belonged to
 * another thread before, or when it has turned to another vCPU. User space tells a new entry from an
 * old one by these same fields.
 */
static __always_inline struct vcpu_sums *sums_of(struct cpu_slot *slot, __u32 tid,
						 struct task_struct *task, struct kvm_vcpu *vcpu,
						 const int typed)
{
	struct vcpu_sums fresh = {
		.start_boottime_ns = FIELD(typed, task, start_boottime),
		.vm_id = (__u64)FIELD(typed, vcpu, kvm),
		.vcpu_id = FIELD(typed, vcpu, vcpu_id),
	};
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &tid);

	if (sums && sums->start_boottime_ns >= fresh.start_boottime_ns &&
	    sums->vm_id == fresh.vm_id && sums->vcpu_id == fresh.vcpu_id)
		return sums;
	fresh.tgid = FIELD(typed, task, tgid);
	fresh.run_delay_ns = FIELD(typed, task, sched_info.run_delay);
	fresh.wait_ns = fresh.run_delay_ns;
	if (sums)
		retire(slot, tid, sums, &fresh);
	if (bpf_map_update_elem(&vcpus, &tid, &fresh, BPF_ANY)) {
		slot->map_full_cnt++;
		return NULL;
	}
	return bpf_map_lookup_elem(&vcpus, &tid);
}

/* In two parts: 64 bits hold the product of a quarter of an hour only, and a vCPU may sleep for days. */
static __always_inline __u64 tsc_ns(__u64 tsc_cycles, __u64 ns_per_cycle)
{
	return (tsc_cycles >> TSC_CLOCK_SHIFT) * ns_per_cycle +
	       ((tsc_cycles & ((1 << TSC_CLOCK_SHIFT) - 1)) * ns_per_cycle >> TSC_CLOCK_SHIFT);
}

/*
 * When KVM last put the vCPU, within the span in which that must have been. Zero is a vCPU that KVM has not put, or
 * memory that is none any more: then it was at the end of the span.
 */
static __always_inline __u64 put_ns_of(struct kvm_vcpu *vcpu, __u64 from_ns, __u64 to_ns)
{
	const struct tsc_clock *clock = &tsc_clocks[tsc_clock_index & 1];
	__u64 tsc_cycles = BPF_CORE_READ(vcpu, arch.last_host_tsc);
	__u64 put_ns;

	if (!tsc_cycles)
		return to_ns;
	if (tsc_cycles >= clock->tsc_cycles)
		put_ns = clock->mono_ns +
			 tsc_ns(tsc_cycles - clock->tsc_cycles, clock->ns_per_cycle);
	else
		put_ns = clock->mono_ns -
			 tsc_ns(clock->tsc_cycles - tsc_cycles, clock->ns_per_cycle);
	if (put_ns < from_ns)
		return from_ns;
	return put_ns > to_ns ? to_ns : put_ns;
}

/* In two parts, as above: a window that nobody reads can be hours long. */
static __always_inline __u64 scaled(__u64 cycles, __u64 mperf_scale)
{
	return (cycles >> GTIMEHALT_SCALE_SHIFT) * mperf_scale +
	       ((cycles & ((1 << GTIMEHALT_SCALE_SHIFT) - 1)) * mperf_scale >>
		GTIMEHALT_SCALE_SHIFT);
}

/* What the slot has gathered up to the reading. */
static __always_inline void gather(struct cpu_slot *slot, const struct reading *r,
				   struct window_sums *gain)
{
	__u64 span_ns = r->now_ns - slot->start_ns;
	__u64 cycles = r->mperf_cycles - slot->start_mperf_cycles;
	int is_unknown =
		slot->start_mperf_cycles == MPERF_UNKNOWN || r->mperf_cycles == MPERF_UNKNOWN;
	int has_stood;

	/*
	 * A stint that is open has ended in truth: the exit is what let this code run. Only kvm_exit on
	 * AMD before Linux 6.5 says so late, with interrupts and preemption on (791a089861fc "KVM: SVM:
	 * Invoke trace_kvm_exit() for fastpath VM-Exits"); it then finds no stint.
	 */
	if (slot->entry_ns > STINT_OFF)
		end_stint(slot, r);
	gain->measured_ns = 0;
	gain->mperf_cycles = 0;
	gain->unmeasured_ns = 0;
	gain->guest_ns = slot->guest_ns;
	gain->entry_cnt = slot->entry_cnt;
	/*
	 * From where MPERF stands still on, it says nothing; and whether it stood when the window began is told by
	 * the end of the one before. One that went back is an event that was opened anew since, whose count starts
	 * at zero.
	 */
	has_stood = slot->mperf_stood;
	if (has_stood || !cycles || span_ns >= MPERF_LOOK_NS)
		slot->mperf_stood = mperf_stands(r->mperf_cycles);
	if (is_unknown || (__s64)cycles <= 0 || has_stood || slot->mperf_stood) {
		gain->unmeasured_ns = span_ns;
		/* A read that failed has been counted. One that went back is of an event that reads again. */
		if (slot->mperf_stood || (!is_unknown && !cycles))
			slot->mperf_error_cnt++;
		return;
	}
	account_window(span_ns, cycles);
	if (targ_scaled)
		cycles = scaled(cycles, slot->mperf_scale);
	gain->measured_ns = span_ns;
	gain->mperf_cycles = cycles;
}

/* The window goes on, or a new one begins, at the reading. */
static __always_inline void start_at(struct cpu_slot *slot, const struct reading *r)
{
	slot->start_ns = r->now_ns;
	slot->start_mperf_cycles = r->mperf_cycles;
	slot->entry_ns = 0;
	slot->guest_ns = 0;
	slot->entry_cnt = 0;
	start_stints_at(slot, r);
}

/* Closes the window of a thread that has left this CPU, or has had to. */
static __always_inline void close_window(struct cpu_slot *slot, const struct reading *r)
{
	struct kvm_vcpu *vcpu = (void *)slot->vcpu;
	struct window_sums gain;
	struct vcpu_sums *sums;
	__u32 tid = slot->tid;

	gather(slot, r, &gain);
	slot->tid = 0;
	slot->entry_ns = STINT_OFF;
	sums = bpf_map_lookup_elem(&vcpus, &tid);
	if (!sums || sums->start_boottime_ns != slot->start_boottime_ns) {
		slot->lost_window_cnt++;
		return;
	}
	sums__begin(sums);
	__sync_fetch_and_add(&sums->others.measured_ns, gain.measured_ns);
	__sync_fetch_and_add(&sums->others.mperf_cycles, gain.mperf_cycles);
	if (gain.unmeasured_ns)
		__sync_fetch_and_add(&sums->others.unmeasured_ns, gain.unmeasured_ns);
	__sync_fetch_and_add(&sums->others.guest_ns, gain.guest_ns);
	__sync_fetch_and_add(&sums->others.entry_cnt, gain.entry_cnt);
	/*
	 * Else the thread has a window elsewhere by now, and has added up this one. Of one that has ended the vCPU
	 * may be anything.
	 */
	if (sums->open_ns == slot->start_ns && sums->ended_ns) {
		sums->put_ns = put_ns_of(vcpu, sums->open_ns, sums->ended_ns);
		sums->put_preempted = 0;
	} else if (sums->open_ns == slot->start_ns) {
		sums->put_ns = put_ns_of(vcpu, sums->open_ns, r->now_ns);
		sums->put_preempted = BPF_CORE_READ(vcpu, preempted);
	}
	sums__end(sums);
}

/* Moves to the entry of the thread, which runs here, what its slot has gathered. The window goes on. */
static __always_inline void settle(struct cpu_slot *slot, const struct reading *r)
{
	struct window_sums gain;
	struct vcpu_sums *sums;
	__u32 tid = slot->tid;

	gather(slot, r, &gain);
	sums = bpf_map_lookup_elem(&vcpus, &tid);
	if (!sums) {
		slot->lost_window_cnt++;
		return;
	}
	sums__begin(sums);
	sums->loaded_ns += r->now_ns - slot->start_ns;
	sums->own.measured_ns += gain.measured_ns;
	sums->own.mperf_cycles += gain.mperf_cycles;
	sums->own.unmeasured_ns += gain.unmeasured_ns;
	sums->own.guest_ns += gain.guest_ns;
	sums->own.entry_cnt += gain.entry_cnt;
	sums->updated_ns = r->now_ns;
	sums->open_ns = r->now_ns;
	sums__end(sums);
}

/*
 * How much of the gap between two windows the thread was runnable. Of one that has not blocked it is all, to
 * the nanosecond, if the scheduler says that it is about as much; else it ran in user mode for a part.
 */
static __always_inline __u64 waited_ns(__u64 gap_ns, __u64 run_delay_ns, int has_blocked)
{
	if (run_delay_ns > gap_ns || (!has_blocked && run_delay_ns + run_delay_ns / 4 >= gap_ns))
		return gap_ns;
	return run_delay_ns;
}

/* What is the thread's own time: the end of its last window, and the gap since. */
static __always_inline void resume(struct vcpu_sums *sums, const struct reading *r,
				   struct task_struct *task, struct kvm_vcpu *vcpu, const int typed)
{
	__u64 run_delay_ns = FIELD(typed, task, sched_info.run_delay);
	__u64 nvcsw = FIELD(typed, task, nvcsw), put_ns;

	sums__begin(sums);
	if (sums->open_ns) {
		/* As it was noted, for what was shown is not to be taken back. */
		put_ns = sums->put_ns >= sums->open_ns ? sums->put_ns
						       : put_ns_of(vcpu, sums->open_ns, r->now_ns);
		sums->loaded_ns += put_ns - sums->open_ns;
		sums->wait_ns += waited_ns(r->now_ns - put_ns, run_delay_ns - sums->run_delay_ns,
					   nvcsw != sums->nvcsw);
	}
	sums->run_delay_ns = run_delay_ns;
	sums->nvcsw = nvcsw;
	sums->updated_ns = r->now_ns;
	sums->open_ns = r->now_ns;
	sums__end(sums);
}

static __always_inline void open_window(struct cpu_slot *slot, const struct reading *r,
					struct task_struct *task, struct kvm_vcpu *vcpu,
					const int typed)
{
	__u32 tid = FIELD(typed, task, pid);
	struct vcpu_sums *sums = sums_of(slot, tid, task, vcpu, typed);

	if (!sums)
		return;
	resume(sums, r, task, vcpu, typed);
	slot->start_boottime_ns = sums->start_boottime_ns;
	slot->vcpu = (__u64)vcpu;
	slot->switch_cnt = switch_cnt(task, typed);
	start_at(slot, r);
	slot->tid = tid;
}

/* A vCPU is loaded: on the way from user mode, from another thread, or from another CPU. */
static __always_inline void window_load(struct kvm_vcpu *vcpu, struct task_struct *task,
					const int typed)
{
	struct cpu_slot *slot = this_slot();
	struct reading r;
	int wanted;

	/* Nothing else has run here since this thread's window was opened: it goes on. */
	if (slot->tid == (__u32)FIELD(typed, task, pid) && slot->vcpu == (__u64)vcpu &&
	    slot->switch_cnt == switch_cnt(task, typed))
		return;
	/* Who loads a vCPU and does not run it, or never again, will not halt either. */
	if (!runs_vcpu(task, vcpu, typed) || FIELD(typed, task, flags) & PF_EXITING)
		return;
	wanted = is_watched(task, typed);
	if (!wanted && !slot->tid)
		return;
	slot->busy = 1;
	barrier();
	read_counters(slot, &r);
	if (slot->tid)
		close_window(slot, &r);
	if (wanted)
		open_window(slot, &r, task, vcpu, typed);
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

	if (slot->busy)
		return FORCED_READ_BUSY;
	read_counters(slot, r);
	if (slot->tid && slot->tid == (__u32)BPF_CORE_READ(task, pid) &&
	    slot->switch_cnt == switch_cnt(task, 0)) {
		settle(slot, r);
		start_at(slot, r);
		return FORCED_READ_DONE;
	}
	if (slot->tid) {
		close_window(slot, r);
		return FORCED_READ_DONE;
	}
	/*
	 * No load of this vCPU was seen: it was loaded before the hooks were attached, or while they were switched
	 * off; or its load is under way, and the hook will find the window open.
	 */
	vcpu = loaded_vcpu(task);
	if (!vcpu || !runs_vcpu(task, vcpu, 0) || BPF_CORE_READ(task, flags) & PF_EXITING ||
	    !is_watched(task, 0))
		return FORCED_READ_NONE;
	open_window(slot, r, task, vcpu, 0);
	return FORCED_READ_OPENED;
}

/*
 * A thread ends, with its files still open (do_exit(): trace_sched_process_exit() comes before exit_files()). Its window
 * is closed here; one that is open on another CPU is closed there, some time. What it did since is told as ever.
 * Returns its sums, or NULL: it has none.
 */
static __always_inline struct vcpu_sums *window_exit(struct task_struct *task, __u32 tid)
{
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &tid);
	struct cpu_slot *slot;
	struct reading r;

	if (!sums)
		return NULL;
	slot = this_slot();
	slot->busy = 1;
	barrier();
	read_counters(slot, &r);
	/* A forced read may just have closed it. */
	if (slot->tid == tid)
		close_window(slot, &r);
	if (sums->open_ns && sums->put_ns >= sums->open_ns)
		resume(sums, &r, task, NULL, 0);
	sums__begin(sums);
	sums->ended_ns = r.now_ns;
	sums__end(sums);
	barrier();
	slot->busy = 0;
	return sums;
}

/* The idle task is about to halt, and with it the CPU that a thread has left. */
static __always_inline void window_idle(struct cpu_slot *slot, const struct reading *r)
{
	if (slot->tid)
		close_window(slot, r);
}

#endif /* WINDOWS_BPF_H */
