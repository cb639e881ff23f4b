/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * gtimehalt.h - what the BPF side and the user side share.
 *
 * Both sides include this file and nothing is written down twice: the layouts below are the only
 * contract between them. Everything here is fixed width and free of implicit padding.
 */
#ifndef GTIMEHALT_H
#define GTIMEHALT_H

#ifdef __bpf__
#define GTIMEHALT_ASSERT(cond, msg) _Static_assert(cond, msg)
#else
#include <assert.h>
#include <linux/types.h>
#define GTIMEHALT_ASSERT(cond, msg) static_assert(cond, msg)
#endif

/* Default room in the map of vCPU threads; each entry costs about 200 bytes of kernel memory. */
#define GTIMEHALT_MAX_VCPUS 8192

/* At most this many VMM processes can be asked for by PID; without a list all are measured. */
#define GTIMEHALT_MAX_WATCHED 1024

/*
 * The state of one CPU: the window that is open on it, and what went wrong there.
 *
 * Only programs that run on the CPU write its slot; user space maps the array and reads it to learn
 * where a forced read is needed. One slot per cache-line pair, so that neighbours do not share one.
 */
struct cpu_slot {
	/* Thread whose window is open here; 0: none. */
	__u32 tid;
	/* Thread that has left KVM for user mode, and whose window may go on; 0: none. */
	__u32 user_tid;
	/*
	 * Set while a program works on what belongs to this CPU with interrupts enabled: a forced read
	 * that interrupts it must keep its hands off.
	 */
	__u32 busy;
	/* The window's start has a good MPERF reading. */
	__u32 mperf_valid;
	/* When sums were last moved to the thread's entry: window start, or last forced read. */
	__u64 start_ns;
	__u64 start_mperf_cycles;
	/* nvcsw + nivcsw of the thread when its window was opened, the snapshot when it was closed. */
	__u64 switch_cnt;
	__u64 snapshot_seq;
	/* VM entry whose exit is awaited; 0: none. */
	__u64 entry_ns;
	/* Closed stints since start_ns. */
	__u64 guest_ns;
	__u64 entry_cnt;

	/* Failures since the programs were loaded; see struct health in src/snapshot.h. */
	__u64 lost_window_cnt;
	__u64 mperf_error_cnt;
	__u64 map_full_cnt;

	/*
	 * What MPERF cycles of this CPU are worth, in 2^-20 of those of CPUs of the first kind; used when
	 * the host has two kinds of core. Set by user space before anything is attached.
	 */
	__u64 mperf_scale;
	__u64 pad[3];
};
GTIMEHALT_ASSERT(sizeof(struct cpu_slot) == 128, "one slot, two cache lines");

/*
 * What is known of one vCPU thread. Sums only grow and are never cleared; user space differences
 * them. Written by the CPU on which the thread is loaded, so there is one writer at a time.
 *
 * The two pairs of counters guard a copy against tearing: the writer raises both `begun` first and
 * both `done` last. A copy in which all four are equal is whole, whichever end was copied first.
 */
struct vcpu_sums {
	__u32 begun_head;
	__u32 done_head;
	/* The thread's start, CLOCK_BOOTTIME: tells a thread from a later one with the same tid. */
	__u64 start_boottime_ns;
	/* The VM: unique among those alive in one process, of no other meaning. */
	__u64 vm_id;
	__u32 tgid;
	__u32 vcpu_id;
	/* CLOCK_MONOTONIC up to which the sums are complete. */
	__u64 updated_ns;
	__u64 loaded_ns;
	/* The part of loaded_ns of which the MPERF cycles are known. */
	__u64 measured_ns;
	/* MPERF cycles in measured_ns. Single windows may err by a few cycles either way. */
	__u64 mperf_cycles;
	__u64 guest_ns;
	__u64 entry_cnt;
	/*
	 * Runnable but not running, since the thread's birth: the kernel's own account up to the first
	 * settlement, then the gaps between windows, as far as the thread was waiting in them.
	 */
	__u64 wait_ns;
	/* task_struct.sched_info.run_delay at updated_ns. */
	__u64 run_delay_ns;
	/* The thread was preempted at updated_ns: until it is loaded again, it waits. */
	__u32 waiting;
	__u32 pad;
	__u32 begun_tail;
	__u32 done_tail;
};
GTIMEHALT_ASSERT(sizeof(struct vcpu_sums) == 112, "no padding");

/* Halted time is ns less the cycles at MPERF's rate on this CPU; mperf_scale is not applied. */
struct cpu_sums {
	__u64 window_ns; /* of vCPUs' windows, where MPERF was read */
	__u64 window_mperf_cycles;
	__u64 idle_ns; /* of the idle task */
	__u64 idle_mperf_cycles;
};

/* --check: where the time of one CPU goes. Written on that CPU. */
struct cpu_account {
	/* The idle task's span that is open, as far as it is not in the sums; 0: none. */
	__u64 idle_start_ns;
	__u64 idle_start_mperf_cycles;
	struct cpu_sums sums;
	/* As they were at the last check_read, which user space waits for; 0: MPERF did not read. */
	__u64 read_ns;
	__u64 read_mperf_cycles;
	struct cpu_sums read_sums;
	__u64 pad[4];
};
GTIMEHALT_ASSERT(sizeof(struct cpu_account) == 128, "one account, two cache lines");

/* Of cpu_slot.mperf_scale. 2^44 cycles, an hour and more, times that fit 64 bits. */
#define GTIMEHALT_SCALE_SHIFT 20

/* What forced_read and check_read answer through BPF_PROG_TEST_RUN. */
enum forced_read {
	FORCED_READ_NONE,   /* no vCPU is loaded on this CPU */
	FORCED_READ_DONE,   /* the sums are complete up to now */
	FORCED_READ_BUSY,   /* a window is being opened or closed: that makes them complete */
	FORCED_READ_OPENED, /* a vCPU was loaded before the hooks were: its window starts now */
};

#endif /* GTIMEHALT_H */
