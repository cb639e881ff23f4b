/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel types that the BPF programs access, reduced to the fields that they use.
 *
 * Names and types are those of Linux 6.12 on x86_64. CO-RE finds the offset of each field at load
 * time, so the sizes and offsets in this file do not matter. A full dump of the kernel's BTF would
 * be 150,000 lines; add a field here when a program needs it.
 */
#ifndef KERNEL_TYPES_612_H
#define KERNEL_TYPES_612_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pid;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct preempt_notifier {
	struct hlist_node link;
};

struct sched_info {
	unsigned long pcount;
	unsigned long long run_delay;
	unsigned long long last_arrival;
	unsigned long long last_queued;
};

struct rq {
	__u64 clock;
	__u64 clock_task;
};

struct cfs_rq {
	struct rq *rq;
};

struct sched_entity {
	__u64 exec_start;
	__u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
};

struct task_struct {
	unsigned int flags;
	int exit_state;
	int on_cpu;
	struct sched_entity se;
	int pid;
	int tgid;
	unsigned long nvcsw;
	unsigned long nivcsw;
	__u64 start_boottime;
	char comm[16];
	struct pid *thread_pid;
	struct sched_info sched_info;
	struct hlist_head preempt_notifiers;
};

/* The kernel's type has the value one structure deeper. */
typedef struct {
	__s64 value;
} local64_t;

struct hw_perf_event {
	local64_t prev_count;
};

struct perf_event {
	struct hw_perf_event hw;
};

struct bpf_perf_event_data_kern {
	struct perf_event *event;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

/*
 * Context of an iter/task program, which runs once for each thread and at the end without a thread.
 */
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct kvm_arch {
	_Bool mwait_in_guest;
	_Bool hlt_in_guest;
};

struct kvm {
	struct kvm_arch arch;
};

/* Kernels after 6.12 have one word for all flags. */
struct kvm_arch___disabled_exits {
	__u64 disabled_exits;
};

struct kvm___disabled_exits {
	struct kvm_arch___disabled_exits arch;
};

struct kvm_vcpu {
	struct kvm *kvm;
	struct preempt_notifier preempt_notifier;
	int vcpu_id;
	struct pid *pid;
};

#pragma clang attribute pop

#endif /* KERNEL_TYPES_612_H */
