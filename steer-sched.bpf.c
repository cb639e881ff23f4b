// SPDX-License-Identifier: GPL-2.0-only
/*
 * steer-sched.bpf.c - a scheduler (sched_ext) that keeps other tasks off CPUs whose vCPU is busy.
 *
 * Each CPU has a queue, ordered by virtual time as in other fair schedulers. A task whose turn is
 * over, or that wakes up, goes to an idle CPU, otherwise to a CPU whose vCPU is halted, otherwise
 * to the shorter of two queues. Threads of vCPUs and tasks that are bound to one CPU stay where
 * they are. The busy share of a vCPU is measured where its thread starts and stops running, and in
 * the tick: no interval of user space is involved.
 *
 * A thread is a vCPU's while KVM has its preempt notifier registered, which is from vcpu_load() to
 * vcpu_put(). No other code of the kernel registers preempt notifiers.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "bpf/events.bpf.h"
#include "sched_ext_types.h"
#include "steer-sched.h"

char LICENSE[] SEC("license") = "GPL";

/* Number of possible CPUs. */
const volatile __u32 targ_cpu_cnt = 1;

/* A CPU becomes busy at targ_busy_share and above, and free below targ_halted_share. */
const volatile __u32 targ_busy_share = 614;
const volatile __u32 targ_halted_share = 410;

/*
 * TSC cycles of 16 ms: a span of this length, which has four ticks, replaces the average, and a
 * shorter one contributes by its length. Spans below 1/32 of it, 0.5 ms, are not used: they consist
 * mostly of switches and exits.
 */
const volatile __u64 targ_span_cycles = 1;
#define SPAN_MIN_SHIFT 5

/* EEVDF's base slice on hosts with many CPUs is about this long. */
#define SLICE_NS 3000000ULL

/*
 * The largest lead of a task's virtual time over its queue. With a competitor of the largest
 * weight, 100 times the default, such a task waits 25 s, which is within the watchdog's 30 s.
 */
#define LEAD_MAX_NS 250000000ULL
#define TIMEOUT_MS  30000

/* A CPU is free when no vCPU has run on it for this time. */
#define VCPU_GONE_NS 200000000ULL

/* Weights: 100 is the default one, of tasks (nice 0) and of cgroups. */
#define WEIGHT_DEFAULT 100ULL
#define WEIGHT_MAX     10000ULL

/* The share that a cgroup gives to its tasks, in 2^-FACTOR_SHIFT, is computed once in this time. */
#define FACTOR_SHIFT 20
#define FACTOR_NS    4000000ULL
#define LEVELS_MAX   16

#define PULL_TRIES 4

#ifndef BPF_MAP_TYPE_CGRP_STORAGE
#define BPF_MAP_TYPE_CGRP_STORAGE 32
#endif

struct sched_cpu cpus[GTIMEHALT_MAX_CPUS] = {};
struct sched_end end = {};

/* Makes the types complete in the object's BTF, as libbpf wants it for kernel functions. */
static struct bpf_cpumask complete_type __attribute__((used));

enum mask {
	MASK_ONLINE,
	MASK_FREE,    /* online, and no busy vCPU */
	MASK_CROWDED, /* tasks may be waiting in the queue; only a hint */
	MASK_CNT,
};

/* clang 14 drops the tag of a struct, but not of a typedef. */
typedef struct bpf_cpumask cpumask_object;

struct mask_value {
	cpumask_object __attribute__((btf_type_tag("kptr"))) * mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MASK_CNT);
	__type(key, __u32);
	__type(value, struct mask_value);
} masks SEC(".maps");

/*
 * A cgroup with the cpu controller. Its weight counts in its parent while it has runnable tasks, as
 * in the kernel's fair scheduler, so that the share of a cgroup does not depend on its number of
 * tasks.
 */
struct group {
	struct bpf_spin_lock lock;
	__u32 weight;
	__u32 counted; /* weight that is part of the parent's load */
	__s64 load;    /* weights of runnable tasks and of child cgroups with runnable tasks */
	__u64 factor;  /* cached; a race computes it twice */
	__u64 factor_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct group);
} groups SEC(".maps");

static __always_inline struct sched_cpu *cpu_of(__u32 cpu)
{
	return &cpus[cpu & (GTIMEHALT_MAX_CPUS - 1)];
}

static __always_inline struct sched_cpu *this_cpu(void)
{
	return cpu_of(bpf_get_smp_processor_id());
}

static __always_inline int is_before(__u64 a, __u64 b)
{
	return (__s64)(a - b) < 0;
}

static __always_inline int is_vcpu(const struct task_struct *p)
{
	return p->preempt_notifiers.first != NULL;
}

static __always_inline int runs_at_once(const struct task_struct *p)
{
	return p->nr_cpus_allowed == 1 && p->flags & PF_KTHREAD;
}

static __always_inline struct bpf_cpumask *mask_of(__u32 mask)
{
	struct mask_value *value = bpf_map_lookup_elem(&masks, &mask);

	return value ? value->mask : NULL;
}

static __always_inline void mask_set(__u32 mask, __u32 cpu, int value)
{
	struct bpf_cpumask *cpumask = mask_of(mask);

	/* Most calls change nothing, and a write would take the cache line from all other CPUs. */
	if (!cpumask || bpf_cpumask_test_cpu(cpu, (const struct cpumask *)cpumask) == !!value)
		return;
	if (value)
		bpf_cpumask_set_cpu(cpu, cpumask);
	else
		bpf_cpumask_clear_cpu(cpu, cpumask);
}

static __always_inline void set_busy(struct sched_cpu *cpu, int is_busy)
{
	if (cpu->is_busy == is_busy)
		return;
	cpu->is_busy = is_busy;
	cpu->flip_cnt++;
	mask_set(MASK_FREE, bpf_get_smp_processor_id(), !is_busy);
}

/* Ends the span on this CPU, if one is open, and begins the next one unless `ends`. */
static __always_inline void measure(struct sched_cpu *cpu, int ends)
{
	struct counter_reading now;
	__u64 tsc_cycles, mperf_cycles, weight, share;

	now.tsc_cycles = read_event(EVENT_TSC);
	now.mperf_cycles = read_event(EVENT_MPERF);
	if (is_error(now.tsc_cycles) || is_error(now.mperf_cycles)) {
		cpu->start.tsc_cycles = 0;
		cpu->unread_cnt++;
		set_busy(cpu, 1);
		return;
	}
	tsc_cycles = now.tsc_cycles - cpu->start.tsc_cycles;
	mperf_cycles = now.mperf_cycles - cpu->start.mperf_cycles;
	if (!cpu->start.tsc_cycles)
		goto begin;
	if (tsc_cycles < targ_span_cycles >> SPAN_MIN_SHIFT) {
		if (ends)
			cpu->start.tsc_cycles = 0;
		return;
	}
	/* MPERF has stopped: this code itself is executed while MPERF counts. */
	if (!mperf_cycles) {
		cpu->unread_cnt++;
		set_busy(cpu, 1);
		goto begin;
	}
	weight = tsc_cycles >= targ_span_cycles ? SHARE_ONE
						: tsc_cycles * SHARE_ONE / targ_span_cycles;
	/* The factor with ten bits less, so that the product fits for spans of hours. */
	share = mperf_cycles * (cpu->tsc_per_mperf >> 10) >> (TSC_PER_MPERF_SHIFT - 10);
	share = share * SHARE_ONE / tsc_cycles;
	if (share > SHARE_ONE)
		share = SHARE_ONE;
	cpu->share = (cpu->share * (SHARE_ONE - weight) + share * weight) / SHARE_ONE;
	if (cpu->share >= targ_busy_share)
		set_busy(cpu, 1);
	else if (cpu->share < targ_halted_share)
		set_busy(cpu, 0);
begin:
	cpu->start = now;
	if (ends)
		cpu->start.tsc_cycles = 0;
}

/* Returns the storage of the cgroup; NULL for one without the cpu controller. */
static __always_inline struct group *group_of(struct cgroup *cgrp)
{
	return bpf_cgrp_storage_get(&groups, cgrp, NULL, 0);
}

/*
 * Adds to the load of the cgroup and, where a cgroup begins or ceases to have runnable tasks, adds
 * its weight to the load of its parent.
 */
static __always_inline void add_load(struct cgroup *cgrp, __s64 load)
{
	int level = cgrp->level;

	for (int i = 0; i < LEVELS_MAX && level > 0 && load; i++, level--) {
		struct cgroup *ancestor = bpf_cgroup_ancestor(cgrp, level);
		struct group *group;
		__s64 up = 0;

		if (!ancestor)
			return;
		group = group_of(ancestor);
		if (group) {
			bpf_spin_lock(&group->lock);
			group->load += load;
			if (group->load && !group->counted) {
				group->counted = group->weight;
				up = group->counted;
			} else if (!group->load) {
				up = -(__s64)group->counted;
				group->counted = 0;
			}
			bpf_spin_unlock(&group->lock);
		}
		bpf_cgroup_release(ancestor);
		load = up;
	}
}

static __always_inline void add_task_load(struct task_struct *p, __s64 sign)
{
	struct cgroup *cgrp = scx_bpf_task_cgroup(p);

	add_load(cgrp, sign * p->scx.weight);
	bpf_cgroup_release(cgrp);
}

/* Returns by what the weight of a task in the cgroup is to be multiplied, in 2^-FACTOR_SHIFT. */
static __always_inline __u64 factor_of(struct cgroup *cgrp, __u64 now_ns)
{
	struct group *own = group_of(cgrp);
	__u64 factor = 1ULL << FACTOR_SHIFT;
	int level = cgrp->level;

	if (!own || level <= 0)
		return factor;
	if (now_ns - own->factor_ns < FACTOR_NS)
		return own->factor;
	for (int i = 0; i < LEVELS_MAX && level > 0; i++, level--) {
		struct cgroup *ancestor = bpf_cgroup_ancestor(cgrp, level);
		struct group *group;

		if (!ancestor)
			break;
		group = group_of(ancestor);
		if (group && group->load > 0)
			factor = factor * group->weight / (__u64)group->load;
		bpf_cgroup_release(ancestor);
	}
	own->factor = factor;
	own->factor_ns = now_ns;
	return factor;
}

/* Adds to the task's virtual time what it has run since it was last charged. */
static __always_inline void charge(struct sched_cpu *cpu, struct task_struct *p)
{
	__u64 now_ns = bpf_ktime_get_ns(), ran_ns = now_ns - cpu->started_ns, weight;
	struct cgroup *cgrp = scx_bpf_task_cgroup(p);

	weight = p->scx.weight * factor_of(cgrp, now_ns);
	bpf_cgroup_release(cgrp);
	if (weight > WEIGHT_MAX << FACTOR_SHIFT)
		weight = WEIGHT_MAX << FACTOR_SHIFT;
	if (weight < 1 << (FACTOR_SHIFT - 10))
		weight = 1 << (FACTOR_SHIFT - 10);
	/* Longer spans have no effect beyond LEAD_MAX_NS, and the product has to fit. */
	if (ran_ns > 1000000000ULL)
		ran_ns = 1000000000ULL;
	p->scx.dsq_vtime += (ran_ns * WEIGHT_DEFAULT << FACTOR_SHIFT) / weight;
	cpu->started_ns = now_ns;
}

/* Virtual times of two queues are not comparable, but the task's lag or lead over them is. */
static __always_inline void move_vtime(struct task_struct *p, __s32 from, __s32 to)
{
	if (from != to)
		p->scx.dsq_vtime += cpu_of(to)->vtime - cpu_of(from)->vtime;
}

/*
 * Chooses a CPU that is not idle. others: how many tasks, beside those that wait there, compete
 * with the task for `was`.
 */
static __always_inline __s32 choose(struct task_struct *p, __s32 was, int others)
{
	struct bpf_cpumask *free = mask_of(MASK_FREE), *online = mask_of(MASK_ONLINE);
	struct sched_cpu *cpu = this_cpu();
	int may_stay;
	__u32 other;

	if (!free || !online)
		return was;
	may_stay = bpf_cpumask_test_cpu(was, (const struct cpumask *)free) &&
		   bpf_cpumask_test_cpu(was, p->cpus_ptr);
	other = bpf_cpumask_any_and_distribute((const struct cpumask *)free, p->cpus_ptr);
	if (other >= targ_cpu_cnt) {
		cpu->placed_cnt[PLACED_BUSY]++;
		may_stay = bpf_cpumask_test_cpu(was, p->cpus_ptr);
		other = bpf_cpumask_any_and_distribute((const struct cpumask *)online, p->cpus_ptr);
	} else {
		cpu->placed_cnt[PLACED_FREE]++;
	}
	if (other >= targ_cpu_cnt || (__s32)other == was)
		return was;
	if (may_stay && scx_bpf_dsq_nr_queued(other) + 1 >= scx_bpf_dsq_nr_queued(was) + others)
		return was;
	return other;
}

SEC("struct_ops/select_cpu")
__s32 BPF_PROG(steer_select_cpu, struct task_struct *p, __s32 prev, __u64 wake_flags)
{
	_Bool is_idle = 0;
	/* No flags: a synchronous wake-up would choose the waker's CPU, which may be busy. */
	__s32 cpu = scx_bpf_select_cpu_dfl(p, prev, 0, &is_idle);

	if (is_idle) {
		this_cpu()->placed_cnt[PLACED_IDLE]++;
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SLICE_NS, 0);
	} else {
		cpu = is_vcpu(p) ? prev : choose(p, prev, 1);
	}
	move_vtime(p, prev, cpu);
	return cpu;
}

/* Returns whether a task that was put into the queue of the CPU preempts the current one. */
static __always_inline int preempts(const struct sched_cpu *cpu, __u64 vtime)
{
	if (cpu->runs_vcpu)
		return !cpu->is_busy;
	return is_before(vtime + SLICE_NS / 2, cpu->vtime);
}

SEC("struct_ops/enqueue")
void BPF_PROG(steer_enqueue, struct task_struct *p, __u64 flags)
{
	__s32 was = scx_bpf_task_cpu(p), to = was;
	int wakes = !!(flags & SCX_ENQ_WAKEUP);
	__u64 vtime;

	if (wakes && runs_at_once(p)) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SLICE_NS, flags | SCX_ENQ_PREEMPT);
		return;
	}
	/* At a wake-up, steer_select_cpu() has chosen. */
	if (!wakes && p->nr_cpus_allowed != 1 && !is_vcpu(p)) {
		to = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
		if (to >= 0)
			this_cpu()->placed_cnt[PLACED_IDLE]++;
		else
			to = choose(p, was, 0);
	}
	move_vtime(p, was, to);
	vtime = p->scx.dsq_vtime;
	if (is_before(vtime, cpu_of(to)->vtime - SLICE_NS))
		vtime = cpu_of(to)->vtime - SLICE_NS;
	else if (is_before(cpu_of(to)->vtime + LEAD_MAX_NS, vtime))
		vtime = cpu_of(to)->vtime + LEAD_MAX_NS;
	scx_bpf_dsq_insert_vtime(p, to, SLICE_NS, vtime, flags);
	mask_set(MASK_CROWDED, to, 1);
	if (to != was || wakes)
		scx_bpf_kick_cpu(to,
				 preempts(cpu_of(to), vtime) ? SCX_KICK_PREEMPT : SCX_KICK_IDLE);
}

/*
 * Returns whether the current task, whose turn is over, is ahead of all that wait in the queue of
 * this CPU. The kernel dispatches before it enqueues the current task, so that the two would
 * otherwise alternate whatever their weights.
 */
static __always_inline int goes_on(__s32 cpu, struct task_struct *prev)
{
	__u64 vtime = prev->scx.dsq_vtime + bpf_ktime_get_ns() - cpu_of(cpu)->started_ns;
	struct bpf_cpumask *free = mask_of(MASK_FREE);
	struct bpf_iter_scx_dsq it;
	struct task_struct *first;
	int is_first;

	/* On a busy CPU, a task that may leave is to choose again. */
	if (cpu_of(cpu)->is_busy && prev->nr_cpus_allowed != 1 && !is_vcpu(prev) && free &&
	    bpf_cpumask_any_and_distribute((const struct cpumask *)free, prev->cpus_ptr) <
		    targ_cpu_cnt)
		return 0;
	if (bpf_iter_scx_dsq_new(&it, cpu, 0)) {
		bpf_iter_scx_dsq_destroy(&it);
		return 0;
	}
	first = bpf_iter_scx_dsq_next(&it);
	is_first = first && is_before(vtime, first->scx.dsq_vtime);
	bpf_iter_scx_dsq_destroy(&it);
	return is_first;
}

SEC("struct_ops/dispatch")
void BPF_PROG(steer_dispatch, __s32 cpu, struct task_struct *prev)
{
	struct bpf_cpumask *crowded = mask_of(MASK_CROWDED);

	if (prev && prev->scx.flags & SCX_TASK_QUEUED && goes_on(cpu, prev)) {
		prev->scx.slice = SLICE_NS;
		return;
	}
	if (scx_bpf_dsq_move_to_local(cpu))
		return;
	mask_set(MASK_CROWDED, cpu, 0);
	if (prev && prev->scx.flags & SCX_TASK_QUEUED)
		return;
	/* The CPU would become idle: it pulls a task that waits elsewhere. */
	for (int i = 0; crowded && i < PULL_TRIES; i++) {
		__u32 other = bpf_cpumask_any_distribute((const struct cpumask *)crowded);

		if (other >= targ_cpu_cnt)
			return;
		if (scx_bpf_dsq_move_to_local(other)) {
			this_cpu()->placed_cnt[PLACED_PULLED]++;
			return;
		}
	}
}

SEC("struct_ops/running")
void BPF_PROG(steer_running, struct task_struct *p)
{
	struct sched_cpu *cpu = this_cpu();

	cpu->started_ns = bpf_ktime_get_ns();
	cpu->runs_vcpu = is_vcpu(p);
	/* Kernel threads that run at once do not come from the queue. */
	if (!runs_at_once(p) && is_before(cpu->vtime, p->scx.dsq_vtime))
		cpu->vtime = p->scx.dsq_vtime;
	if (cpu->runs_vcpu) {
		cpu->vcpu_ns = cpu->started_ns;
		measure(cpu, 0);
	}
}

SEC("struct_ops/stopping")
void BPF_PROG(steer_stopping, struct task_struct *p, _Bool runnable)
{
	struct sched_cpu *cpu = this_cpu();

	charge(cpu, p);
	if (cpu->start.tsc_cycles)
		measure(cpu, 1);
}

SEC("struct_ops/tick")
void BPF_PROG(steer_tick, struct task_struct *p)
{
	struct sched_cpu *cpu = this_cpu();
	int waiting_cnt = scx_bpf_dsq_nr_queued(bpf_get_smp_processor_id());

	charge(cpu, p);
	cpu->runs_vcpu = is_vcpu(p);
	if (cpu->runs_vcpu) {
		cpu->vcpu_ns = cpu->started_ns;
		measure(cpu, 0);
	} else if (cpu->is_busy && cpu->started_ns - cpu->vcpu_ns > VCPU_GONE_NS) {
		cpu->share = 0;
		set_busy(cpu, 0);
	}
	/* The kernel gives longer slices to a task that is alone, to avoid useless switches. */
	if (waiting_cnt > 0 && p->scx.slice > SLICE_NS)
		p->scx.slice = 0;
	if (waiting_cnt <= 0 && is_before(cpu->vtime, p->scx.dsq_vtime))
		cpu->vtime = p->scx.dsq_vtime;
}

SEC("struct_ops/runnable")
void BPF_PROG(steer_runnable, struct task_struct *p, __u64 flags)
{
	add_task_load(p, 1);
}

SEC("struct_ops/quiescent")
void BPF_PROG(steer_quiescent, struct task_struct *p, __u64 flags)
{
	add_task_load(p, -1);
}

SEC("struct_ops/enable")
void BPF_PROG(steer_enable, struct task_struct *p)
{
	p->scx.dsq_vtime = cpu_of(scx_bpf_task_cpu(p))->vtime;
}

SEC("struct_ops/cpu_online")
void BPF_PROG(steer_cpu_online, __s32 cpu)
{
	mask_set(MASK_ONLINE, cpu, 1);
	mask_set(MASK_FREE, cpu, 1);
	cpu_of(cpu)->is_busy = 0;
}

SEC("struct_ops/cpu_offline")
void BPF_PROG(steer_cpu_offline, __s32 cpu)
{
	mask_set(MASK_ONLINE, cpu, 0);
	mask_set(MASK_FREE, cpu, 0);
}

SEC("struct_ops/cgroup_init")
__s32 BPF_PROG(steer_cgroup_init, struct cgroup *cgrp, struct scx_cgroup_init_args *args)
{
	struct group *group =
		bpf_cgrp_storage_get(&groups, cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!group)
		return -12; /* ENOMEM */
	group->weight = args->weight;
	return 0;
}

SEC("struct_ops/cgroup_set_weight")
void BPF_PROG(steer_cgroup_set_weight, struct cgroup *cgrp, __u32 weight)
{
	struct group *group = group_of(cgrp);
	struct cgroup *parent;
	__s64 change = 0;

	if (!group)
		return;
	bpf_spin_lock(&group->lock);
	if (group->counted) {
		change = (__s64)weight - group->counted;
		group->counted = weight;
	}
	group->weight = weight;
	bpf_spin_unlock(&group->lock);
	parent = bpf_cgroup_ancestor(cgrp, cgrp->level - 1);
	if (!parent)
		return;
	add_load(parent, change);
	bpf_cgroup_release(parent);
}

static long create_queue(__u32 cpu, void *err)
{
	*(__s32 *)err = scx_bpf_create_dsq(cpu, -1);
	return *(__s32 *)err != 0;
}

static long create_mask(__u32 mask, void *err)
{
	struct mask_value *value = bpf_map_lookup_elem(&masks, &mask);
	struct bpf_cpumask *cpumask = value ? bpf_cpumask_create() : NULL;

	*(__s32 *)err = -12; /* ENOMEM */
	if (!cpumask)
		return 1;
	if (mask != MASK_CROWDED) {
		const struct cpumask *online = scx_bpf_get_online_cpumask();

		bpf_cpumask_copy(cpumask, online);
		scx_bpf_put_cpumask(online);
	}
	cpumask = bpf_kptr_xchg(&value->mask, cpumask);
	if (cpumask)
		bpf_cpumask_release(cpumask);
	*(__s32 *)err = 0;
	return 0;
}

SEC("struct_ops/init")
__s32 BPF_PROG(steer_init)
{
	__s32 err = 0;

	bpf_loop(targ_cpu_cnt, create_queue, &err, 0);
	if (!err)
		bpf_loop(MASK_CNT, create_mask, &err, 0);
	return err;
}

SEC("struct_ops/exit")
void BPF_PROG(steer_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(end.reason, sizeof(end.reason), info->reason);
	bpf_probe_read_kernel_str(end.message, sizeof(end.message), info->msg);
	end.code = info->exit_code;
	end.kind = info->kind;
}

SEC(".struct_ops")
struct sched_ext_ops steer_ops = {
	.select_cpu = (void *)steer_select_cpu,
	.enqueue = (void *)steer_enqueue,
	.dispatch = (void *)steer_dispatch,
	.tick = (void *)steer_tick,
	.runnable = (void *)steer_runnable,
	.running = (void *)steer_running,
	.stopping = (void *)steer_stopping,
	.quiescent = (void *)steer_quiescent,
	.enable = (void *)steer_enable,
	.cpu_online = (void *)steer_cpu_online,
	.cpu_offline = (void *)steer_cpu_offline,
	.cgroup_init = (void *)steer_cgroup_init,
	.cgroup_set_weight = (void *)steer_cgroup_set_weight,
	.init = (void *)steer_init,
	.exit = (void *)steer_exit,
	.timeout_ms = TIMEOUT_MS,
	.name = "gtimehalt_steer",
};
