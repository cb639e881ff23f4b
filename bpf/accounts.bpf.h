/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * accounts.bpf.h - the entries of threads: how an entry is found, made and freed, and how long its
 * thread ran, waited and slept.
 *
 * The scheduler keeps the account of a thread's times (se.sum_exec_runtime, sched_info, nvcsw),
 * including user mode and time outside of KVM. The hooks therefore do not read the account; it is
 * taken when sums are read. The scheduler adds up the run time of a running thread only at ticks
 * and switches, which is once a second where ticks are off, and the wait time only when the wait
 * ends. take_account() adds the time since then, by the scheduler's own clock, so that all values
 * of an account are of one moment.
 */
#ifndef ACCOUNTS_BPF_H
#define ACCOUNTS_BPF_H

#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "gtimehalt.h"
#include "kernel.bpf.h"
#include "slot.bpf.h"
#include "stints.bpf.h"

/* --pin: no user-space process may be running to drop the entries of exited threads. */
const volatile __u8 targ_pinned = 0;

/* Number of entries that threads can have together; less than max_entries of `vcpus`. */
const volatile __u32 targ_entry_max = GTIMEHALT_MAX_VCPUS - 1;

/* Number of entries that are in use. */
__u64 used_entry_cnt = 0;

/* Key of the hashes that replace kernel addresses, from the kernel's random numbers. */
const volatile __u64 targ_hash_key[2] = {};

/* Sums by index. Index 0 is not used: it means "no entry". */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS);
	__type(key, __u32);
	__type(value, struct vcpu_sums);
} vcpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS);
	__type(key, __u32);
	__type(value, struct entry_objects);
} objects SEC(".maps");

/* Indexes of free entries. User space fills the stack before the hooks are attached. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS);
	__uint(key_size, 0);
	__uint(value_size, sizeof(__u32));
} free_indexes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GTIMEHALT_MAX_VCPUS * 2);
	__type(key, struct entry_key);
	__type(value, struct entry_place);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GTIMEHALT_MAX_PROCESSES);
	__type(key, __u32);
	__type(value, struct process_entries);
} processes SEC(".maps");

/* --pin: sums of exited threads, see end_entry(). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GTIMEHALT_MAX_ENDED);
	__type(key, struct ended_key);
	__type(value, struct vcpu_sums);
} ended SEC(".maps");

static __always_inline int is_whole(const struct write_seq *head, const struct write_seq *tail)
{
	return head->begin == head->end && head->begin == tail->begin && head->begin == tail->end;
}

/*
 * Announces that the caller will write to an entry, by additions or to fields that any CPU may
 * write. The thread may have exited meanwhile and the entry may be another thread's: compare the
 * tid after this call, before writing. make_entry() does not take an entry that is being written
 * to.
 */
static __always_inline void begin_shared_write(struct vcpu_sums *sums)
{
	__sync_fetch_and_add(&sums->shared_head.begin, 1);
	__sync_fetch_and_add(&sums->shared_tail.begin, 1);
}

static __always_inline void end_shared_write(struct vcpu_sums *sums)
{
	__sync_fetch_and_add(&sums->shared_head.end, 1);
	__sync_fetch_and_add(&sums->shared_tail.end, 1);
}

#define SIP_ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

#define SIP_ROUND                                                                                  \
	do {                                                                                       \
		v0 += v1, v1 = SIP_ROTATE(v1, 13) ^ v0, v0 = SIP_ROTATE(v0, 32);                   \
		v2 += v3, v3 = SIP_ROTATE(v3, 16) ^ v2;                                            \
		v0 += v3, v3 = SIP_ROTATE(v3, 21) ^ v0;                                            \
		v2 += v1, v1 = SIP_ROTATE(v1, 17) ^ v2, v2 = SIP_ROTATE(v2, 32);                   \
	} while (0)

/*
 * Returns the SipHash-2-4 of a kernel address (Aumasson and Bernstein 2012), never 0. The hash is
 * the same wherever the object appears, and does not reveal the address to readers of a shared map.
 */
__u64 hash_of(__u64 address);
__noinline __u64 hash_of(__u64 address)
{
	__u64 v0 = targ_hash_key[0] ^ 0x736f6d6570736575,
	      v1 = targ_hash_key[1] ^ 0x646f72616e646f6d;
	__u64 v2 = targ_hash_key[0] ^ 0x6c7967656e657261,
	      v3 = targ_hash_key[1] ^ 0x7465646279746573;
	const __u64 length = 8ULL << 56;

	v3 ^= address;
	SIP_ROUND;
	SIP_ROUND;
	v0 ^= address;
	v3 ^= length;
	SIP_ROUND;
	SIP_ROUND;
	v0 ^= length;
	v2 ^= 0xff;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	v0 ^= v1 ^ v2 ^ v3;
	return v0 ? v0 : 1;
}

/*
 * The scheduler's clock (sched_clock_cpu()) less CLOCK_MONOTONIC, ns; 0: unknown. No BPF helper
 * reads the scheduler's clock. User space passes the difference with each read; the timers of a
 * pinned measurement get the clock from perf.
 */
__s64 sched_offset_ns = 0;

/*
 * Sets sched_offset_ns to the value that user space passes, unless the value is 0 (unknown).
 * Ignored for a pinned measurement, because a group that may run its programs must not change the
 * offset.
 */
static __always_inline void set_sched_offset(__s64 offset_ns)
{
	if (!targ_pinned && offset_ns)
		sched_offset_ns = offset_ns;
}

/*
 * Returns the time from since_ns (scheduler's clock) to now_ns (CLOCK_MONOTONIC) by the scheduler's
 * clock; 0 when unknown.
 */
static __always_inline __u64 sched_ns_since(__u64 since_ns, __u64 now_ns)
{
	__s64 ns = now_ns + sched_offset_ns - since_ns;

	return sched_offset_ns && ns > 0 ? ns : 0;
}

/*
 * Sets *lag_ns to the difference between the scheduler's clock and the clock of se.exec_start
 * (rq->clock_task) on the CPU of the thread. rq->clock_task leaves out the time of interrupts and
 * of a hypervisor, where the kernel separates them from the time of threads. Returns whether the
 * lag is known.
 */
static __always_inline int task_clock_lag(struct task_struct *task, __u64 *lag_ns)
{
	struct rq *rq;
	__u64 task_ns;

	/* These fields need CONFIG_FAIR_GROUP_SCHED. */
	if (!bpf_core_field_exists(struct cfs_rq, rq) || !bpf_core_field_exists(task->se.cfs_rq))
		return 0;
	rq = BPF_CORE_READ(task, se.cfs_rq, rq);
	/*
	 * Keep this order: an update between the two reads then makes the lag too long and the run
	 * time too short, never too long.
	 */
	task_ns = BPF_CORE_READ(rq, clock_task);
	*lag_ns = BPF_CORE_READ(rq, clock) - task_ns;
	return rq != NULL;
}

/*
 * Returns how long a thread that is running at now_ns (CLOCK_MONOTONIC) has run since the scheduler
 * last updated se.sum_exec_runtime; 0 when unknown.
 */
static __always_inline __u64 ran_since_update(struct task_struct *task, __u64 exec_start_ns,
					      __u64 now_ns)
{
	__u64 lag_ns;

	return task_clock_lag(task, &lag_ns) ? sched_ns_since(exec_start_ns + lag_ns, now_ns) : 0;
}

/* Returns the run time since its creation of `task`, which must be the current thread. */
static __always_inline __u64 ran_until_now(struct task_struct *task)
{
	__u64 exec_start_ns = BPF_CORE_READ(task, se.exec_start);

	return BPF_CORE_READ(task, se.sum_exec_runtime) +
	       ran_since_update(task, exec_start_ns, bpf_ktime_get_ns());
}

/*
 * Returns a value for vcpu_sums.sleeps: how often the thread went to sleep, and whether it is
 * asleep.
 */
static __always_inline __u64 sleeps_of(struct task_struct *task, int is_asleep)
{
	return BPF_CORE_READ(task, nvcsw) << 1 | is_asleep;
}

/* task_struct.on_cpu is an int in Linux 6.12 and one byte in 7.3. */
static __always_inline int is_on_cpu(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD_PROBED(task, on_cpu) != 0;
}

struct account {
	__u64 at_ns;
	__u64 ran_ns;
	__u64 wait_ns;
	__u64 sleeps;
};

/*
 * Number of attempts to read the account of a thread that starts, stops or is accounted for
 * meanwhile.
 */
#define ACCOUNT_TRIES 4

/*
 * Reads the account of a thread that may be running on any CPU. Returns whether all values are of
 * one moment.
 */
static __always_inline int read_account(struct task_struct *task, struct account *account)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < ACCOUNT_TRIES; i++) {
		__u64 exec_start_ns = BPF_CORE_READ(task, se.exec_start);
		__u64 queued_ns = BPF_CORE_READ(task, sched_info.last_queued);
		unsigned long arrivals = BPF_CORE_READ(task, sched_info.pcount);
		int on_cpu = is_on_cpu(task);

		account->ran_ns = BPF_CORE_READ(task, se.sum_exec_runtime);
		account->wait_ns = BPF_CORE_READ(task, sched_info.run_delay);
		account->sleeps = sleeps_of(task, !queued_ns && !on_cpu);
		account->at_ns = bpf_ktime_get_ns();
		if (queued_ns)
			account->wait_ns += sched_ns_since(queued_ns, account->at_ns);
		else if (on_cpu)
			account->ran_ns += ran_since_update(task, exec_start_ns, account->at_ns);
		if (exec_start_ns == BPF_CORE_READ(task, se.exec_start) &&
		    queued_ns == BPF_CORE_READ(task, sched_info.last_queued) &&
		    arrivals == BPF_CORE_READ(task, sched_info.pcount) && on_cpu == is_on_cpu(task))
			return 1;
	}
	return 0;
}

/*
 * Stores an account in an entry, unless a later one is there: two CPUs may take the account of a
 * thread at the same time. The sums never go back, even if the two clocks of the account have
 * drifted apart since they were compared.
 */
static __always_inline void put_account(struct vcpu_sums *sums, const struct account *account)
{
	if (account->at_ns < sums->at_ns)
		return;
	sums->at_ns = account->at_ns;
	if (account->ran_ns > sums->ran_ns)
		sums->ran_ns = account->ran_ns;
	if (account->wait_ns > sums->wait_ns)
		sums->wait_ns = account->wait_ns;
	sums->sleeps = account->sleeps;
}

/* Stores the account of `task`, which must be the current thread and has run ran_ns. */
static __always_inline void put_current_account(struct vcpu_sums *sums, struct task_struct *task,
						__u64 ran_ns)
{
	const struct account account = {
		.at_ns = bpf_ktime_get_ns(),
		.ran_ns = ran_ns,
		.wait_ns = BPF_CORE_READ(task, sched_info.run_delay),
		.sleeps = sleeps_of(task, 0),
	};

	begin_shared_write(sums);
	put_account(sums, &account);
	end_shared_write(sums);
}

/*
 * Returns how long the thread of an entry has run since its run time was start_ran_ns; up to its
 * last account if it has exited.
 */
static __always_inline __u64 ran_since(__u32 index, const struct vcpu_sums *sums,
				       __u64 start_ran_ns)
{
	struct entry_objects *of = bpf_map_lookup_elem(&objects, &index);
	__u64 ran_ns = sums->ran_ns;

	if (of && !sums->ended_ns) {
		struct task_struct *thread = (void *)of->thread;

		ran_ns = BPF_CORE_READ(thread, se.sum_exec_runtime);
	}
	return ran_ns > start_ran_ns ? ran_ns - start_ran_ns : 0;
}

/*
 * Returns the number that identifies a vCPU in struct entry_key, from its address: a multiplicative
 * hash. Two vCPUs with the same number would take each other's place in `places`.
 */
static __always_inline __u32 vcpu_number(__u64 vcpu)
{
	return (__u32)(vcpu * 0x9e3779b97f4a7c15 >> 32) | 1;
}

static __always_inline struct entry_place *place_of(__u32 tid, __u32 number)
{
	struct entry_key key = { tid, number };

	return bpf_map_lookup_elem(&places, &key);
}

static __always_inline long set_place(__u32 tid, __u32 number, __u32 index, __u32 newest_index)
{
	const struct entry_key key = { tid, number };
	const struct entry_place place = { index, newest_index };

	return bpf_map_update_elem(&places, &key, &place, BPF_ANY);
}

/*
 * Returns whether the process may have one more entry, for a thread that has thread_entry_cnt.
 * Counts the new entry, or the refusal. A process may have as many entries as it leaves free: the
 * first one at most half of all, the next one half of the rest.
 */
int take_share(__u32 tgid, __u32 thread_entry_cnt);
__noinline int take_share(__u32 tgid, __u32 thread_entry_cnt)
{
	struct process_entries *process = bpf_map_lookup_elem(&processes, &tgid);
	const struct process_entries none = { 0 };

	if (!process) {
		bpf_map_update_elem(&processes, &tgid, &none, BPF_NOEXIST);
		process = bpf_map_lookup_elem(&processes, &tgid);
	}
	if (!process)
		return 1;
	if (process->entry_cnt + used_entry_cnt >= targ_entry_max ||
	    thread_entry_cnt >= THREAD_ENTRY_MAX) {
		__sync_fetch_and_add(&process->refused_cnt, 1);
		return 0;
	}
	__sync_fetch_and_add(&process->entry_cnt, 1);
	return 1;
}

static __always_inline void give_share_back(__u32 tgid)
{
	struct process_entries *process = bpf_map_lookup_elem(&processes, &tgid);

	if (process && process->entry_cnt)
		__sync_fetch_and_add(&process->entry_cnt, (__u64)-1);
}

/* Marks the entry as away: the thread is about to run another vCPU. */
static __always_inline void leave(struct vcpu_sums *sums, struct task_struct *task, __u64 ran_ns)
{
	put_current_account(sums, task, ran_ns);
	sums->away_since_ns = sums->at_ns;
}

/*
 * Makes an entry that was away the thread's current one. Run and wait time since then are not this
 * vCPU's.
 */
static __always_inline void enter(struct vcpu_sums *sums, struct task_struct *task, __u64 ran_ns)
{
	__u64 wait_ns = BPF_CORE_READ(task, sched_info.run_delay);
	__u64 sleeps = sleeps_of(task, 0);

	if (!sums->away_since_ns)
		return;
	begin_shared_write(sums);
	sums->ran_base_ns += ran_ns - sums->ran_ns;
	sums->wait_base_ns += wait_ns - sums->wait_ns;
	sums->ran_ns = ran_ns;
	sums->wait_ns = wait_ns;
	sums->sleeps = sleeps;
	sums->at_ns = bpf_ktime_get_ns();
	sums->away_ns += sums->at_ns - sums->away_since_ns;
	sums->away_since_ns = 0;
	end_shared_write(sums);
}

/* The thread and the vCPU for which an entry is needed. */
struct entry_request {
	struct task_struct *task;
	struct kvm_vcpu *vcpu;
	__u64 ran_ns;      /* se.sum_exec_runtime of the thread, now */
	__u32 older_index; /* the thread's newest entry; 0: it has none */
	__u32 older_cnt;   /* how many entries the thread has */
};

static __always_inline void fill_entry(struct vcpu_sums *sums, const struct entry_request *request)
{
	struct task_struct *task = request->task;
	struct kvm_vcpu *vcpu = request->vcpu;

	sums->thread_boottime_ns = BPF_CORE_READ(task, start_boottime);
	sums->start_boottime_ns = sums->thread_boottime_ns;
	sums->vm_id = hash_of((__u64)BPF_CORE_READ(vcpu, kvm));
	sums->vcpu_id = BPF_CORE_READ(vcpu, vcpu_id);
	sums->tgid = BPF_CORE_READ(task, tgid);
	put_current_account(sums, task, request->ran_ns);
	sums->ran_base_ns = sums->ran_ns;
	sums->first_ran_ns = sums->ran_ns;
	if (!request->older_index)
		return;
	sums->start_boottime_ns = bpf_ktime_get_boot_ns();
	sums->wait_base_ns = sums->wait_ns;
	sums->older_index = request->older_index;
	sums->older_cnt = request->older_cnt;
}

/*
 * Takes the index of a free entry; 0: there is none. An entry to which another CPU is still
 * writing, for the thread that had it before, stays free: the next one is taken. Once an entry is
 * taken, such a writer finds that the tid has changed, and writes nothing.
 */
static __always_inline __u32 pop_index(void)
{
	__u32 index = 0, next = 0;
	struct vcpu_sums *sums;

	if (bpf_map_pop_elem(&free_indexes, &index))
		return 0;
	sums = bpf_map_lookup_elem(&vcpus, &index);
	if (sums && is_whole(&sums->shared_head, &sums->shared_tail))
		return index;
	if (bpf_map_pop_elem(&free_indexes, &next))
		next = 0;
	bpf_map_push_elem(&free_indexes, &index, BPF_ANY);
	sums = bpf_map_lookup_elem(&vcpus, &next);
	if (!next || (sums && is_whole(&sums->shared_head, &sums->shared_tail)))
		return next;
	bpf_map_push_elem(&free_indexes, &next, BPF_ANY);
	return 0;
}

/*
 * Returns the index of a new entry; 0 when the map is full or the process has reached its maximum,
 * which is counted.
 */
static __noinline __u32 make_entry(struct entry_request *request)
{
	struct entry_objects of = { 0 };
	struct task_struct *task;
	struct vcpu_sums *sums;
	struct kvm_vcpu *vcpu;
	__u32 tgid, index = 0;

	if (!request)
		return 0;
	task = request->task;
	vcpu = request->vcpu;
	of.thread = (__u64)task;
	of.vcpu = (__u64)vcpu;
	of.kvm = (__u64)BPF_CORE_READ(vcpu, kvm);
	tgid = BPF_CORE_READ(task, tgid);
	if (!take_share(tgid, request->older_cnt))
		return 0;
	index = pop_index();
	if (!index) {
		give_share_back(tgid);
		COUNT(map_full_cnt);
		return 0;
	}
	sums = bpf_map_lookup_elem(&vcpus, &index);
	if (!sums)
		return 0;
	__sync_fetch_and_add(&used_entry_cnt, 1);
	bpf_map_update_elem(&objects, &index, &of, BPF_ANY);
	/* The seqcounts go on, because a writer that was late has yet to increment them. */
	__builtin_memset(&sums->tid, 0,
			 offsetof(struct vcpu_sums, local_tail) - offsetof(struct vcpu_sums, tid));
	fill_entry(sums, request);
	blank_stints_at(index, sums->start_boottime_ns);
	barrier();
	sums->tid = BPF_CORE_READ(task, pid);
	return index;
}

static __always_inline int is_entry_of(const struct vcpu_sums *sums, __u32 tid,
				       __u64 thread_boottime_ns)
{
	return sums->tid == tid && sums->thread_boottime_ns == thread_boottime_ns &&
	       !sums->ended_ns;
}

/*
 * Compares the VM and the vCPU's ID too, because the kernel can reuse the address of a freed vCPU.
 */
static __always_inline int is_entry_for(__u32 index, const struct vcpu_sums *sums,
					struct kvm_vcpu *vcpu, const int typed)
{
	const struct entry_objects *of = bpf_map_lookup_elem(&objects, &index);

	return of && of->vcpu == (__u64)vcpu && of->kvm == (__u64)FIELD(typed, vcpu, kvm) &&
	       sums->vcpu_id == (__u32)FIELD(typed, vcpu, vcpu_id);
}

/*
 * Returns the index of the entry of this thread and vCPU, and makes the entry if there is none; 0:
 * no room. ran_ns is the thread's current se.sum_exec_runtime. Sets slot->vcpu. A reused tid gets a
 * new entry; user space drops the old one.
 */
static __always_inline __u32 entry_for(struct cpu_slot *slot, struct task_struct *task,
				       struct kvm_vcpu *vcpu, __u64 ran_ns, const int typed)
{
	struct entry_request request = { .task = task, .vcpu = vcpu, .ran_ns = ran_ns };
	__u64 thread_boottime_ns = FIELD(typed, task, start_boottime);
	__u32 tid = FIELD(typed, task, pid), number, index;
	struct entry_place *place = place_of(tid, 0);
	struct vcpu_sums *sums;

	slot->vcpu = (__u64)vcpu;
	/*
	 * Read the address back from memory: the verifier allows no arithmetic on the pointer
	 * itself.
	 */
	number = vcpu_number(*(volatile __u64 *)&slot->vcpu);
	if (place) {
		index = place->index;
		request.older_index = place->newest_index;
		sums = bpf_map_lookup_elem(&vcpus, &index);
		if (!sums || !is_entry_of(sums, tid, thread_boottime_ns)) {
			request.older_index = 0;
		} else if (is_entry_for(index, sums, vcpu, typed)) {
			enter(sums, task, ran_ns);
			return index;
		} else {
			const struct entry_objects *of = bpf_map_lookup_elem(&objects, &index);

			if (!sums->away_since_ns)
				leave(sums, task, ran_ns);
			if (of)
				set_place(tid, vcpu_number(of->vcpu), index, 0);
		}
	}
	place = request.older_index ? place_of(tid, number) : NULL;
	if (place) {
		index = place->index;
		sums = bpf_map_lookup_elem(&vcpus, &index);
		if (sums && is_entry_of(sums, tid, thread_boottime_ns) &&
		    is_entry_for(index, sums, vcpu, typed)) {
			enter(sums, task, ran_ns);
			set_place(tid, 0, index, request.older_index);
			return index;
		}
	}
	if (request.older_index) {
		index = request.older_index;
		sums = bpf_map_lookup_elem(&vcpus, &index);
		request.older_cnt = sums ? sums->older_cnt + 1 : 0;
	}
	index = make_entry(&request);
	if (index && set_place(tid, 0, index, index))
		COUNT(map_full_cnt);
	return index;
}

/* Frees the entry of a thread that has exited. */
static __always_inline void free_entry(__u32 index, struct vcpu_sums *sums)
{
	const struct entry_objects *of = bpf_map_lookup_elem(&objects, &index);
	const struct entry_key current_key = { sums->tid, 0 };
	const struct entry_place *place = bpf_map_lookup_elem(&places, &current_key);

	if (place && place->index == index)
		bpf_map_delete_elem(&places, &current_key);
	if (of) {
		const struct entry_key key = { sums->tid, vcpu_number(of->vcpu) };

		bpf_map_delete_elem(&places, &key);
	}
	give_share_back(sums->tgid);
	sums->tid = 0;
	__sync_fetch_and_add(&used_entry_cnt, (__u64)-1);
	bpf_map_push_elem(&free_indexes, &index, BPF_ANY);
}

/*
 * --pin: ends an entry whose thread no longer exists, although no hook has seen it exit. tid: as
 * read from the entry before the thread was looked at. The entry may be another thread's by now,
 * and then `places` has it under another tid. If several CPUs find the entry at the same time, the
 * CPU that removes it from `places` frees it.
 */
static __always_inline void reap(__u32 index, struct vcpu_sums *sums, __u32 tid, __u64 vcpu)
{
	const struct ended_key ended_key = { tid, sums->older_cnt };
	struct entry_key key = { tid, 0 };
	struct entry_place *place = bpf_map_lookup_elem(&places, &key);

	if (!place || place->index != index) {
		key.number = vcpu_number(vcpu);
		place = bpf_map_lookup_elem(&places, &key);
	}
	if (!place || place->index != index || bpf_map_delete_elem(&places, &key))
		return;
	sums->ended_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&ended, &ended_key, sums, BPF_ANY);
	free_entry(index, sums);
}

/*
 * Returns whether the thread of an entry exists and has its tid. The task_struct is valid while
 * ended_ns is 0, because the caller is in an RCU section; or it is another thread's by now, if no
 * hook has seen the exit: the kernel leaves out a hook that preempts itself on a CPU (Linux 7.0 and
 * later). execve() by a thread that is not the leader of its process changes the tid.
 */
static __always_inline int has_thread(struct task_struct *task, const struct vcpu_sums *sums,
				      __u32 tid)
{
	return (__u32)BPF_CORE_READ(task, pid) == tid &&
	       BPF_CORE_READ(task, start_boottime) == sums->thread_boottime_ns &&
	       !BPF_CORE_READ(task, exit_state);
}

/*
 * Takes the account of the thread of an entry, unless it was taken at since_ns (CLOCK_MONOTONIC) or
 * later; since_ns 0: always. Returns whether the entry is in use.
 */
int take_account(__u32 index, __u64 since_ns);
__noinline int take_account(__u32 index, __u64 since_ns)
{
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &index);
	struct entry_objects *of = bpf_map_lookup_elem(&objects, &index);
	struct account account;
	struct task_struct *task;
	__u32 tid;

	if (!sums || !of || !sums->tid)
		return 0;
	if (sums->ended_ns || (since_ns && sums->at_ns >= since_ns))
		return 1;
	tid = sums->tid;
	task = (void *)of->thread;
	if (!has_thread(task, sums, tid)) {
		if (targ_pinned)
			reap(index, sums, tid, of->vcpu);
		return 1;
	}
	if (sums->away_since_ns || !read_account(task, &account))
		return 1;
	begin_shared_write(sums);
	if (sums->tid == tid && !sums->ended_ns && !sums->away_since_ns)
		put_account(sums, &account);
	end_shared_write(sums);
	return 1;
}

/*
 * Ends an entry of the current thread, which has run ran_ns. Returns the index of the thread's
 * entry before this one; 0: there is none.
 *
 * A pinned measurement moves the sums to `ended` and frees the entry, because no user-space process
 * may be running to do so. Readers that come rarely find the final sums there. The map drops its
 * oldest elements when it is full.
 */
__u32 end_entry(__u32 index, __u32 tid, __u64 ran_ns);
__noinline __u32 end_entry(__u32 index, __u32 tid, __u64 ran_ns)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct vcpu_sums *sums = bpf_map_lookup_elem(&vcpus, &index);
	const struct entry_objects *of = bpf_map_lookup_elem(&objects, &index);
	__u32 older_index;

	if (!index || !sums || !of || sums->tid != tid || sums->ended_ns)
		return 0;
	older_index = sums->older_index;
	if (!sums->away_since_ns && of->thread == (__u64)task)
		put_current_account(sums, task, ran_ns);
	sums->ended_ns = sums->away_since_ns ? sums->away_since_ns : bpf_ktime_get_ns();
	if (targ_pinned) {
		const struct ended_key ended_key = { tid, sums->older_cnt };

		bpf_map_update_elem(&ended, &ended_key, sums, BPF_ANY);
		free_entry(index, sums);
	}
	return older_index;
}

/* Ends all entries of the current thread, which has run ran_ns; newest_index is the newest. */
static __always_inline void end_entries(__u32 tid, __u32 newest_index, __u64 ran_ns)
{
	__u32 index = newest_index;

#pragma clang loop unroll(disable)
	for (int i = 0; i < THREAD_ENTRY_MAX && index; i++)
		index = end_entry(index, tid, ran_ns);
}

#endif /* ACCOUNTS_BPF_H */
