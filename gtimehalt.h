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

/* Default room in the map of vCPU threads; each entry costs about 250 bytes of kernel memory. */
#define GTIMEHALT_MAX_VCPUS 8192

/*
 * CPUs that a host can have, a power of two; each costs 128 bytes of kernel memory. Fixed, so that a slot is
 * found by its address alone: a look-up in a map sized to the host costs ten instructions at each VM entry
 * and ten at its exit.
 */
#define GTIMEHALT_MAX_CPUS 4096

/* --pin: this many threads that have ended are remembered, about 250 bytes each. */
#define GTIMEHALT_MAX_ENDED 4096

/* At most this many VMM processes can be asked for by PID; without a list all are measured. */
#define GTIMEHALT_MAX_WATCHED 1024

/*
 * The state of one CPU: the window that is open on it, and what went wrong there.
 *
 * Only programs that run on the CPU write its slot; user space maps the array and reads it to learn
 * where a forced read is needed. The first line holds all that VM entries and exits touch, and two CPUs
 * share no line.
 */
struct cpu_slot {
	/* The thread to which any halt on this CPU is put down; 0: none. */
	__u32 tid;
	/*
	 * Set while a program works on what belongs to this CPU with interrupts enabled: a forced read
	 * that interrupts it must keep its hands off.
	 */
	__u32 busy;
	/* VM entry whose exit is awaited; 0: none; STINT_OFF: none is, nor will be in this window. */
	__u64 entry_ns;
	/* Closed stints since start_ns. */
	__u64 guest_ns;
	__u64 entry_cnt;
	/* nvcsw + nivcsw of the thread when its window was opened. */
	__u64 switch_cnt;
	/* When sums were last moved to the thread's entry: window start, or last forced read. */
	__u64 start_ns;
	__u64 start_mperf_cycles; /* MPERF_UNKNOWN: it did not read */

	/* What tells the thread and its vCPU when the window is closed by somebody else. */
	__u64 start_boottime_ns;
	__u64 vcpu; /* struct kvm_vcpu * */
	/* --histogram: MPERF and its moment at the end of the last stint that was looked at. */
	__u64 stint_ns;
	__u64 stint_mperf_cycles;

	/* Failures since the programs were loaded; see struct health in src/report/snapshot.h. */
	__u64 lost_window_cnt;
	__u64 mperf_error_cnt;
	__u64 map_full_cnt;

	/*
	 * What MPERF cycles of this CPU are worth, in 2^-20 of those of CPUs of the first kind; used when
	 * the host has two kinds of core. Set by user space before anything is attached.
	 */
	__u64 mperf_scale;
	/* MPERF was seen to stand still in this window or before it: the window is not measured. */
	__u32 mperf_stood;
	__u32 pad;
};
GTIMEHALT_ASSERT(sizeof(struct cpu_slot) == 128, "one slot, two cache lines");

/* Of cpu_slot.entry_ns: no thread's window is open. No clock shows it. */
#define STINT_OFF 1

/* The event's count starts at zero: no MPERF that was read is this. */
#define MPERF_UNKNOWN (~0ULL)

/* What windows have yielded. */
struct window_sums {
	/* Spans of which MPERF is known, and its cycles: what they lack against the clock was halted. */
	__u64 measured_ns;
	__u64 mperf_cycles; /* single windows may err by a few cycles either way */
	__u64 unmeasured_ns;
	__u64 guest_ns;
	__u64 entry_cnt;
};

/*
 * What is known of one vCPU thread. Sums only grow and are never cleared; user space differences
 * them.
 *
 * The two pairs of counters guard a copy against tearing: a writer raises both `begun` first and
 * both `done` last, atomically, for there can be two. A copy in which all four are equal is whole,
 * whichever end was copied first.
 */
struct vcpu_sums {
	__u32 begun_head;
	__u32 done_head;
	/*
	 * The thread's start, CLOCK_BOOTTIME: tells a thread from a later one with the same tid. Of one that
	 * has turned to this vCPU from another: when that was.
	 */
	__u64 start_boottime_ns;
	/* The VM: unique among those alive in one process, of no other meaning. */
	__u64 vm_id;
	__u32 tgid;
	__u32 vcpu_id;
	/* CLOCK_MONOTONIC up to which the sums are complete. */
	__u64 updated_ns;
	/* Since when a window is open that loaded_ns does not have yet; 0: none. */
	__u64 open_ns;
	/*
	 * When KVM last put the vCPU, as far as others than the thread have noticed: where it is not
	 * before open_ns, the window has ended there. The thread adds the same at its next load.
	 */
	__u64 put_ns;
	__u64 loaded_ns;
	/*
	 * Runnable but not running, since the thread's birth: the kernel's own account up to the first
	 * window, then the gaps between windows, as far as the thread was waiting in them.
	 */
	__u64 wait_ns;
	/* sched_info.run_delay and nvcsw of the thread when its last window was opened. */
	__u64 run_delay_ns;
	__u64 nvcsw;
	/* All above and `own` are written by the thread itself, or by what has interrupted it. */
	struct window_sums own;
	/* Windows that ended: closed on the CPU that the thread had left, and added atomically. */
	struct window_sums others;
	/* The thread was preempted at put_ns: until its vCPU is loaded again, it waits. */
	__u32 put_preempted;
	__u32 turn_cnt; /* how many entries this tid has had before this one */
	/* When the thread ended, or turned to another vCPU: nothing comes any more. 0: neither. */
	__u64 ended_ns;
	/* --pin: the most that `stat` has shown as halted: what is shown does not go back. */
	__u64 shown_halted_ns;
	__u32 begun_tail;
	__u32 done_tail;
};
GTIMEHALT_ASSERT(sizeof(struct vcpu_sums) == 200, "no padding");

/*
 * Keys are tids, which are below 2^22. When a tid's entry becomes that of another vCPU, or of another thread, what
 * it had goes to one of its own, whose key has in its other bits, from 1 on, which one it is: there it stays until
 * user space has read it. So many of a tid do not get into each other's way.
 */
#define RETIRED_SHIFT 22
#define RETIRED_MAX   1023

/*
 * TSC against CLOCK_MONOTONIC. KVM notes TSC when it puts a vCPU; this tells when that was. Of two, user
 * space fills the one that is not in use and turns to it.
 */
struct tsc_clock {
	__u64 tsc_cycles, mono_ns; /* at one moment */
	__u64 ns_per_cycle;        /* in 2^-24 */
};
#define TSC_CLOCK_SHIFT 24

/*
 * --pin: what keeps a measurement going that nobody attends to. One a possible CPU, written there, but for
 * tsc_base_cycles, which is TSC when the event of it was opened.
 */
struct cpu_beat {
	__u64 beat_ns; /* when the CPU was last read by its own timer */
	__u64 tsc_base_cycles;
};

/*
 * --pin: raised when a map that is pinned, or what is in it, changes its meaning: a measurement that was
 * pinned by another build is then refused.
 */
#define GTIMEHALT_PIN_LAYOUT 3

/* --pin: what a reader has to know of the measurement. Written by user space alone. */
struct pin_about {
	__u32 layout; /* GTIMEHALT_PIN_LAYOUT; 0: it has been unpinned, and the sums grow no more */
	__u32 is_entry_mode;
	__u32 has_histogram;
	__u32 cpu_cnt;
	__u64 mperf_ratio_ppb; /* MPERF rate over TSC rate, in 10^-9 */
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
	/* On what it depends that the hooks run: struct hook_needs in src/measure/hooks.h. */
	char modules[2][16];
	__u64 module_instances[2];
	__u32 switches; /* bits */
	__u32 pad;
};
GTIMEHALT_ASSERT(sizeof(struct pin_about) == 112, "no padding");

/* Of targ_stat_ns_per_cycle: precise to 10 ppb, and 64 bits hold 2^27 cycles times it, of up to 1000 ns each. */
#define STAT_NS_SHIFT 27

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

/*
 * --histogram: how long stints were halted. A power of two has 8 buckets, so that no value in one is
 * further than 6 % from its middle. Shorter halts than STINT_MIN_NS are not counted: what stints lack
 * against entry_cnt were halted less.
 */
#define STINT_SUB_SHIFT  3
#define STINT_MIN_SHIFT  10
#define STINT_MAX_SHIFT  36 /* the last bucket has all from 64 s on */
#define STINT_MIN_NS     (1ULL << STINT_MIN_SHIFT)
#define STINT_BUCKET_CNT ((STINT_MAX_SHIFT - STINT_MIN_SHIFT) << STINT_SUB_SHIFT)

/* Of ns_per_mperf_cycle: precise to 2 ppm, and 64 bits hold a stint of three hours. */
#define STINT_NS_SHIFT 20

/* Of one vCPU thread. Each counter is whole by itself; two may be a stint apart. */
struct stint_sums {
	__u64 start_boottime_ns; /* of the thread, as in vcpu_sums */
	__u64 halted_ns;         /* of the stints that are counted, exact */
	__u64 cnt[STINT_BUCKET_CNT];
};

/* Of cpu_slot.mperf_scale. */
#define GTIMEHALT_SCALE_SHIFT 20

/* What forced_read and check_read answer through BPF_PROG_TEST_RUN. */
enum forced_read {
	FORCED_READ_NONE,   /* no vCPU is loaded on this CPU */
	FORCED_READ_DONE,   /* the sums are complete up to now */
	FORCED_READ_BUSY,   /* a window is being opened or closed: that makes them complete */
	FORCED_READ_OPENED, /* a vCPU was loaded before the hooks were: its window starts now */
};

#endif /* GTIMEHALT_H */
