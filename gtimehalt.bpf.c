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
#include <bpf/bpf_tracing.h>
#include "bpf/check.bpf.h"
#include "bpf/pinned.bpf.h"
#include "bpf/stints.bpf.h"
#include "bpf/windows.bpf.h"

char LICENSE[] SEC("license") = "GPL";

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
	on_vm_entry();
	return 0;
}

SEC("?fexit")
int BPF_PROG(fexit_vcpu_run)
{
	on_vm_exit();
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
	on_vm_entry();
	return 0;
}

SEC("?kretprobe")
int kretprobe_vcpu_run(void *ctx)
{
	on_vm_exit();
	return 0;
}

/* At the beginning of a function that KVM calls right after a VM exit. */
SEC("?kprobe")
int kprobe_vcpu_exit(void *ctx)
{
	on_vm_exit();
	return 0;
}

/* No argument is used: the prototypes of both tracepoints have changed, even in stable kernels. */
SEC("?raw_tp")
int raw_tp_kvm_entry(void *ctx)
{
	on_vm_entry();
	return 0;
}

SEC("?raw_tp")
int raw_tp_kvm_exit(void *ctx)
{
	on_vm_exit();
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
