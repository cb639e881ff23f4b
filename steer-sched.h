/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of the BPF scheduler (steer-sched.bpf.c) and the user side (src/steer/scheduler.c).
 */
#ifndef STEER_SCHED_H
#define STEER_SCHED_H

#include "gtimehalt.h"

/* Shares are in 1/SHARE_ONE. */
#define SHARE_ONE 1024

/* Where the scheduler puts a task when it chooses a CPU. */
enum placement {
	PLACED_IDLE,   /* on an idle CPU */
	PLACED_FREE,   /* on a CPU without a busy vCPU */
	PLACED_BUSY,   /* on a CPU whose vCPU is busy, because no other was allowed */
	PLACED_PULLED, /* an idle CPU took the task from the queue of another CPU */
	PLACEMENT_CNT,
};

/* One CPU. Only programs that run on the CPU write to it, except for tsc_per_mperf. */
struct sched_cpu {
	/* Counters when the measured span began; start.tsc_cycles 0: no span is open. */
	struct counter_reading start;
	__u64 started_ns; /* since when the current task has not been charged */
	__u64 vtime;      /* virtual time of the queue: the least that a task started with */
	__u64 vcpu_ns;    /* when a vCPU ran last; 0: never */
	/* TSC cycles per MPERF cycle, in 2^-TSC_PER_MPERF_SHIFT; from user space. */
	__u64 tsc_per_mperf;
	__u32 share;    /* busy share of the vCPU, averaged */
	__u8 is_busy;   /* by share, with hysteresis; or unknown */
	__u8 runs_vcpu; /* the current task is a vCPU's thread */
	__u64 placed_cnt[PLACEMENT_CNT];
	__u64 flip_cnt;   /* changes of is_busy */
	__u64 unread_cnt; /* spans whose counters could not be read */
} __attribute__((aligned(64)));

/* How the kernel ended the scheduler; kind 0: it runs. */
struct sched_end {
	__u32 kind;
	__s64 code;
	char reason[128];
	char message[256];
};

#endif /* STEER_SCHED_H */
