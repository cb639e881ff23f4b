/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * windows.bpf.h - which thread's guest the halts of a CPU are put down to.
 *
 * On a CPU, MPERF falls behind the time in two places only: in a guest, and in the idle task. From the load of a vCPU
 * on, all that MPERF falls behind is therefore that guest's, until another vCPU is loaded there or the idle task begins:
 * until then a window may be read at any moment, whatever runs. So only loads and idle entries are hooked. A thread that
 * goes to user mode and comes back costs a look, and a thread that is preempted costs nothing.
 *
 * The idle task only stores a reading (window_idle()). The thread that comes back to its CPU ends its window there, with
 * that reading, and begins the next one in one step (come_back()). The sums of such windows are written by the thread
 * alone. A window that the thread has left behind, because it runs elsewhere or another vCPU is loaded there, is ended on
 * that CPU, and added atomically to a second set of sums (close_window()).
 *
 * No window says for how long the thread had a CPU, waited or slept: accounts.bpf.h asks the scheduler, when the sums are
 * read. Nothing that another thread writes to the vCPU is looked at.
 */
#ifndef WINDOWS_BPF_H
#define WINDOWS_BPF_H

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

/* The entry of the slot's window; NULL when the entry has become another thread's. */
static __always_inline struct vcpu_sums *sums_of_slot(const struct cpu_slot *slot)
{
	__u32 index = slot->index;
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &index);

	return sums && sums->tid == slot->tid ? sums : NULL;
}

/*
 * Fills *gain with what the slot has gathered up to the reading `end`. end_ns: CLOCK_MONOTONIC of the end, 0: now.
 * Returns 0 when the halts of the window are not known: then no time is measured, and the caller sets what is unmeasured.
 */
static __always_inline int gather(struct cpu_slot *slot, const struct counter_reading *end,
				  __u64 end_ns, struct window_sums *gain)
{
	__u64 tsc_cycles = end->tsc_cycles - slot->start.tsc_cycles;
	__u64 mperf_cycles = end->mperf_cycles - slot->start.mperf_cycles;
	int is_unknown = !slot->start.tsc_cycles || !end->tsc_cycles;
	int has_stood = slot->mperf_stood;

	/*
	 * A stint that is open has ended: the exit is what let this code run. Only kvm_exit on AMD before Linux 6.5
	 * comes late, with interrupts and preemption on (791a089861fc "KVM: SVM: Invoke trace_kvm_exit() for fastpath
	 * VM-Exits"); it then finds no stint.
	 */
	if (slot->entry_ns > STINT_OFF)
		end_stint(slot, end, end_ns ? end_ns : bpf_ktime_get_ns());
	gain->tsc_cycles = 0;
	gain->mperf_cycles = 0;
	gain->unmeasured_ns = 0;
	gain->guest_ns = slot->guest_ns;
	gain->entry_cnt = slot->entry_cnt;
	/*
	 * From the moment on at which MPERF has stopped the window is unmeasured; the end of the window before tells whether
	 * it stood when this window began. A count that went back is of an event that was opened again since, and TSC
	 * that has not moved is of an event that went stale when its CPU was offline.
	 */
	if (has_stood || !mperf_cycles || ns_of(tsc_cycles) >= MPERF_LOOK_NS)
		slot->mperf_stood = end->tsc_cycles && mperf_stands(end->mperf_cycles);
	if (is_unknown || (__s64)mperf_cycles <= 0 || (__s64)tsc_cycles <= 0 || has_stood ||
	    slot->mperf_stood) {
		/* A read that failed has been counted. A count that went back is of an event that reads again. */
		if (slot->mperf_stood || (!is_unknown && (!mperf_cycles || !tsc_cycles)))
			COUNT(mperf_error_cnt);
		return 0;
	}
	account_window(tsc_cycles, mperf_cycles);
	gain->tsc_cycles = tsc_cycles;
	gain->mperf_cycles = scaled(slot, mperf_cycles);
	return 1;
}

/* The window goes on, or a new one begins, at the reading; ran_ns is the thread's se.sum_exec_runtime there. */
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

/* Adds what a window has yielded, by the thread itself. */
static __always_inline void add_own(struct vcpu_sums *sums, const struct window_sums *gain)
{
	sums->own_head.begun++;
	sums->own_tail.begun++;
	barrier();
	sums->own.tsc_cycles += gain->tsc_cycles;
	sums->own.mperf_cycles += gain->mperf_cycles;
	if (gain->unmeasured_ns)
		sums->own.unmeasured_ns += gain->unmeasured_ns;
	sums->own.guest_ns += gain->guest_ns;
	sums->own.entry_cnt += gain->entry_cnt;
	barrier();
	sums->own_head.done++;
	sums->own_tail.done++;
}

/* The reading at which the window has ended: when the idle task first ran, if it did, else now. */
static __always_inline const struct counter_reading *end_of(const struct cpu_slot *slot,
							    const struct counter_reading *now)
{
	return slot->idle_state == IDLE_READ ? &slot->idle : now;
}

/*
 * Closes the window of a thread that has left this CPU, or has turned to another vCPU. The thread may be running
 * elsewhere, or may have ended.
 */
static __always_inline void close_window(struct cpu_slot *slot, const struct counter_reading *now)
{
	struct vcpu_sums *sums = sums_of_slot(slot);
	struct window_sums gain;
	__u32 index = slot->index;

	if (!gather(slot, end_of(slot, now), slot->idle_ns, &gain))
		gain.unmeasured_ns = sums ? ran_since(index, sums, slot->start_ran_ns) : 0;
	slot->tid = 0;
	slot->entry_ns = STINT_OFF;
	slot->idle_state = IDLE_UNWANTED;
	if (!sums) {
		COUNT(lost_window_cnt);
		return;
	}
	shared__begin(sums);
	/* clang makes an atomic OR of adding a constant 0, which Linux before 5.12 does not know. */
	if (gain.tsc_cycles) {
		__sync_fetch_and_add(&sums->others.tsc_cycles, gain.tsc_cycles);
		__sync_fetch_and_add(&sums->others.mperf_cycles, gain.mperf_cycles);
	}
	if (gain.unmeasured_ns)
		__sync_fetch_and_add(&sums->others.unmeasured_ns, gain.unmeasured_ns);
	__sync_fetch_and_add(&sums->others.guest_ns, gain.guest_ns);
	__sync_fetch_and_add(&sums->others.entry_cnt, gain.entry_cnt);
	shared__end(sums);
}

/* Moves to the entry of the thread, which runs here, what its slot has gathered. The window goes on. */
static __always_inline void settle(struct cpu_slot *slot, const struct counter_reading *r)
{
	__u64 ran_ns = slot->start_ran_ns;
	struct vcpu_sums *sums = sums_of_slot(slot);
	struct window_sums gain;

	/* As close to the reading as can be: its moment is that of the account. */
	if (sums) {
		take_account(slot->index, 0);
		ran_ns = sums->ran_ns;
	}
	if (!gather(slot, r, 0, &gain) && ran_ns > slot->start_ran_ns)
		gain.unmeasured_ns = ran_ns - slot->start_ran_ns;
	if (sums)
		add_own(sums, &gain);
	else
		COUNT(lost_window_cnt);
	start_at(slot, r, ran_ns);
	if (sums)
		sums->window_ns = slot->start_ns;
}

/*
 * The thread is back on the CPU of its open window, and no other vCPU has been loaded there: ends the window and begins
 * the next. Returns false when the entry is not the thread's any more.
 */
static __always_inline int come_back(struct cpu_slot *slot, const struct counter_reading *now,
				     struct task_struct *task, __u64 switches, const int typed)
{
	__u64 ran_ns = FIELD(typed, task, se.sum_exec_runtime);
	struct vcpu_sums *sums = sums_of_slot(slot);
	struct window_sums gain;

	if (!sums || sums->thread_boottime_ns != FIELD(typed, task, start_boottime) ||
	    sums->away_since_ns)
		return 0;
	if (!gather(slot, end_of(slot, now), slot->idle_ns, &gain) && ran_ns > slot->start_ran_ns)
		gain.unmeasured_ns = ran_ns - slot->start_ran_ns;
	add_own(sums, &gain);
	slot->switch_cnt = switches;
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
	if (sums)
		sums->window_ns = slot->start_ns;
}

/* A vCPU is loaded: on the way from user mode, from another thread, or from another CPU. */
static __always_inline void window_load(struct kvm_vcpu *vcpu, struct task_struct *task,
					const int typed)
{
	struct cpu_slot *slot = this_slot();
	__u64 switches = switch_cnt(task, typed), ran_ns;
	int is_own = slot->tid == (__u32)FIELD(typed, task, pid);
	int is_same = is_own && slot->vcpu == (__u64)vcpu;
	struct counter_reading r;
	int wanted;

	/* Nothing else has run here since this thread's window was opened: it goes on. */
	if (is_same && slot->switch_cnt == switches)
		return;
	/* Ignore loads from other ioctls and from exiting threads: they never enter the guest, so they cannot halt. */
	if (!runs_vcpu(task, vcpu, typed) || FIELD(typed, task, flags) & PF_EXITING)
		return;
	wanted = is_watched(task, typed);
	if (!wanted && !slot->tid)
		return;
	slot->busy = 1;
	barrier();
	read_counters(&r);
	if (is_same && wanted && come_back(slot, &r, task, switches, typed))
		goto out;
	ran_ns = FIELD(typed, task, se.sum_exec_runtime);
	/* No switch has brought the scheduler's account up to date. */
	if (is_own && slot->switch_cnt == switches)
		ran_ns = ran_until_now((void *)bpf_get_current_task());
	if (slot->tid)
		close_window(slot, &r);
	if (wanted)
		open_window(slot, &r, task, vcpu, ran_ns, typed);
out:
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

/* The thread that runs here has an open window here that nothing has interrupted. */
static __always_inline int is_in_window(const struct cpu_slot *slot, struct task_struct *task)
{
	return slot->tid && slot->tid == (__u32)BPF_CORE_READ(task, pid) &&
	       slot->switch_cnt == switch_cnt(task, 0);
}

/*
 * The forced read. It comes as an inter-processor interrupt, so the stint that it ended is closed;
 * `current` is the thread that it interrupted. The reading is the caller's unless the slot was busy.
 */
static __always_inline int window_read(struct task_struct *task, struct counter_reading *r)
{
	struct cpu_slot *slot = this_slot();
	struct kvm_vcpu *vcpu;

	if (slot->busy)
		return FORCED_READ_BUSY;
	read_counters(r);
	if (is_in_window(slot, task)) {
		settle(slot, r);
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
	open_window(slot, r, task, vcpu, ran_until_now(task), 0);
	return FORCED_READ_OPENED;
}

/*
 * A thread ends (do_exit(): trace_sched_process_exit()). Its window on this CPU is closed here; a window that it has left
 * open on another CPU is closed there, some time. Its entries are complete but for such a window.
 */
static __always_inline void window_exit(struct task_struct *task, __u32 tid)
{
	struct entry_place *place = place_of(tid, 0);
	struct cpu_slot *slot;
	struct counter_reading r;

	if (!place)
		return;
	slot = this_slot();
	slot->busy = 1;
	barrier();
	read_counters(&r);
	/* A forced read may just have closed it. */
	if (slot->tid == tid)
		close_window(slot, &r);
	end_entries(task, tid, place, ran_until_now(task));
	barrier();
	slot->busy = 0;
}

/*
 * The idle task is about to halt, and with it the CPU that a thread has left: the window has ended. The next who has to do
 * with it adds it up.
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
