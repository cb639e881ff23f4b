/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * gtimehalt.h - the ABI between the BPF programs and user space.
 *
 * Both sides include this file, and the layouts below are defined nowhere else. All types have a
 * fixed width and no implicit padding.
 */
#ifndef GTIMEHALT_H
#define GTIMEHALT_H

#include <linux/types.h>

#ifdef __bpf__
#define GTIMEHALT_ASSERT(cond, msg) _Static_assert(cond, msg)
#else
#include <assert.h>
#define GTIMEHALT_ASSERT(cond, msg) static_assert(cond, msg)
#endif

/* Default number of vCPU thread entries; each takes about 300 bytes of kernel memory. */
#define GTIMEHALT_MAX_VCPUS 8192

/*
 * Maximum number of possible CPUs, a power of two; each costs 192 bytes of kernel memory. The
 * number is fixed so that a slot is found by its address alone: a lookup in a map that is sized to
 * the host would cost ten instructions at each VM entry and ten at each VM exit.
 */
#define GTIMEHALT_MAX_CPUS 4096

/* --pin: number of exited threads whose sums are kept, about 300 bytes each. */
#define GTIMEHALT_MAX_ENDED 4096

/*
 * Maximum number of VMM processes that can be selected by PID; without a selection all are
 * measured.
 */
#define GTIMEHALT_MAX_WATCHED 1024

/* Maximum number of processes whose entries are counted: see struct process_entries. */
#define GTIMEHALT_MAX_PROCESSES 8192

/*
 * Maximum number of vCPUs that are measured for one thread: only the first ones it runs get an
 * entry.
 */
#define THREAD_ENTRY_MAX 64

/*
 * TSC and MPERF of one CPU, as counted by perf's msr PMU since both events were opened. perf takes
 * events out of the PMU and puts them back when it switches between cgroups (perf_cgroup_switch()).
 * Both events miss the same span then, so the halted cycles of a span are always its TSC cycles
 * less its MPERF cycles (converted by the ratio of the two rates). NTP steers neither counter.
 */
struct counter_reading {
	__u64 tsc_cycles; /* 0: the read failed */
	__u64 mperf_cycles;
};

/* Indexes of a CPU's events in the event array: EVENT_CNT_PER_CPU * CPU number + EVENT_*. */
#define EVENT_TSC         0
#define EVENT_MPERF       1
#define EVENT_CNT_PER_CPU 2

/*
 * The state of one CPU: the window that is open on it, and its readings.
 *
 * Only programs that run on the CPU write its slot. User space maps the array and reads it to find
 * the CPUs that need a forced read. The first cache line holds all that VM entries and exits touch,
 * and no two CPUs share a line. The slot contains kernel addresses, so --pin --group does not give
 * the group access to it.
 */
struct cpu_slot {
	/* The thread to which halts on this CPU are attributed; 0: no window is open. */
	__u32 tid;
	/*
	 * Set while a program changes this CPU's state with interrupts enabled. A forced read that
	 * interrupts the program must not touch the slot then.
	 */
	__u32 busy;
	/*
	 * Time of the VM entry of the open stint; 0: no stint is open; STINT_OFF: no window is
	 * open.
	 */
	__u64 entry_ns;
	/* Sums over the stints that were closed since `start`. */
	__u64 guest_ns;
	__u64 entry_cnt;
	/* nvcsw + nivcsw of the thread when its window was opened. */
	__u64 switch_cnt;
	/* Counters when the window began or was last read. */
	struct counter_reading start;

	/*
	 * Counters when the idle task first ran after the window had begun: the window ended there.
	 */
	struct counter_reading idle;
	/* CLOCK_MONOTONIC of `start`, and of `idle` if a stint was open then. */
	__u64 start_ns;
	__u64 idle_ns;
	/* se.sum_exec_runtime of the thread at `start`. */
	__u64 start_ran_ns;
	__u32 idle_state; /* enum idle_state */
	__u32 index;      /* index of the thread's entry in `vcpus` */
	/*
	 * --histogram: CLOCK_MONOTONIC and counters at the end of the last stint at which they were
	 * read.
	 */
	__u64 stint_ns;
	struct counter_reading stint;

	__u64 vcpu; /* struct kvm_vcpu *, only compared */
	/*
	 * Factor that converts MPERF cycles of this CPU to those of a CPU of the first kind, in
	 * 2^-GTIMEHALT_SCALE_SHIFT; used when the host has two kinds of core. User space sets it
	 * before anything is attached.
	 */
	__u64 mperf_scale;
	/* MPERF was found stopped in this window or before it: the window is unmeasured. */
	__u32 mperf_stopped;
	/* The window's guest cannot halt, so its counters are not read: see cannot_halt(). */
	__u32 cannot_halt;
	__u32 pad[10];
};
GTIMEHALT_ASSERT(sizeof(struct cpu_slot) == 192, "one slot, three cache lines");

/* Value of cpu_slot.entry_ns while no window is open. No clock reading has this value. */
#define STINT_OFF 1

/* Values of cpu_slot.idle_state. */
enum idle_state {
	IDLE_UNWANTED, /* no window is open */
	IDLE_WANTED,   /* a window is open, and the idle task has not run since it began */
	IDLE_READ,     /* cpu_slot.idle is the end of the window */
};

/*
 * Failures on one CPU since the programs were loaded; see struct health in src/report/snapshot.h.
 */
struct cpu_health {
	__u64 lost_window_cnt;
	__u64 mperf_error_cnt;
	__u64 map_full_cnt;
};

/* Sums over windows. */
struct window_sums {
	/*
	 * TSC and MPERF cycles of the spans in which both were read. Single windows may err by a
	 * few cycles in either direction.
	 */
	__u64 tsc_cycles;
	__u64 mperf_cycles;
	/* run time of the thread in the other spans, by the scheduler's clock */
	__u64 unmeasured_ns;
	__u64 guest_ns; /* CLOCK_MONOTONIC */
	__u64 entry_cnt;
};

/*
 * Half of a seqcount for writers on several CPUs, at one end of what it protects: the other half is
 * at the other end. A writer increments both `begin` first and both `end` last. A copy in which all
 * four are equal is not torn, regardless of the end from which it was copied.
 */
struct write_seq {
	__u32 begin, end;
};

/*
 * The sums of one vCPU thread. They only grow; user space computes differences.
 *
 * A thread that runs several vCPUs in turn has an entry for each of them. All entries but the
 * current one are away: they do not change until the thread runs their vCPU again.
 */
struct vcpu_sums {
	struct write_seq local_head, shared_head;
	/* 0: the entry is free. This field is written last when an entry is made. */
	__u32 tid;
	__u32 tgid;
	__u32 vcpu_id;
	/* Index of the entry that the thread was given before this one; 0: none. */
	__u32 older_index;
	/* Identifies the VM, because one process may have several: a keyed hash of struct kvm *. */
	__u64 vm_id;
	/* Start time of the thread, CLOCK_BOOTTIME; differs when a tid is reused. */
	__u64 thread_boottime_ns;
	/*
	 * The start time of the thread; or when it first ran this vCPU, if it had run another one
	 * before.
	 */
	__u64 start_boottime_ns;
	/*
	 * Windows that the thread ended itself. Written by the thread, or by what interrupts the
	 * thread.
	 */
	struct window_sums local;
	/* Windows that ended on a CPU that the thread had left. Added atomically. */
	struct window_sums remote;
	/*
	 * The scheduler's account of the thread at at_ns (CLOCK_MONOTONIC): how long it has run and
	 * how long it has waited for a CPU since it was created, by the scheduler's clock, which
	 * NTP does not steer. Time that the scheduler has not added up at at_ns is included. The
	 * account is taken when the sums are read, not when the thread loads a vCPU.
	 */
	__u64 at_ns;
	__u64 ran_ns;
	__u64 wait_ns;
	/*
	 * Twice the number of times that the thread went to sleep (nvcsw), plus 1 while it is
	 * asleep.
	 */
	__u64 sleeps;
	/*
	 * The part of ran_ns and wait_ns that is not this vCPU's: before its first window and while
	 * away.
	 */
	__u64 ran_base_ns;
	__u64 wait_base_ns;
	/* ran_ns when the entry was made. */
	__u64 first_ran_ns;
	__u64 away_ns; /* CLOCK_MONOTONIC */
	/* When the thread started to run another vCPU; 0: this is the thread's current entry. */
	__u64 away_since_ns;
	/*
	 * When the thread exited, or when it went away from this vCPU before; 0: the thread has not
	 * exited.
	 */
	__u64 ended_ns;
	/* When a window of the thread last began or was read; CLOCK_MONOTONIC. */
	__u64 window_ns;
	/*
	 * --pin: the highest halted time that `stat` has shown, so that the shown value never goes
	 * back.
	 */
	__u64 shown_halted_ns;
	__u32 older_cnt; /* number of entries that the thread was given before this one */
	/* KVM lets the vCPU neither HLT nor MWAIT in guest mode, so its windows have no counts. */
	__u32 cannot_halt;
	struct write_seq local_tail, shared_tail;
};
GTIMEHALT_ASSERT(sizeof(struct vcpu_sums) == 256, "no padding");

/* Kernel objects of an entry, at the same index. Never pinned. */
struct entry_objects {
	__u64 thread; /* struct task_struct * */
	__u64 vcpu;   /* struct kvm_vcpu *, only compared */
	__u64 kvm;    /* struct kvm *, only compared */
};

/*
 * Key of `places`, the directory of entries, which is never pinned. number 0: the thread's current
 * entry; any other number: the thread's entry for the vCPU with this number, which is derived from
 * the vCPU's address (vcpu_number() in accounts.bpf.h).
 */
struct entry_key {
	__u32 tid;
	__u32 number;
};

struct entry_place {
	__u32 index;
	/* with number 0: the newest entry, where the chain of older_index begins */
	__u32 newest_index;
};

/* --pin: key of the sums of an exited thread. */
struct ended_key {
	__u32 tid;
	__u32 older_cnt; /* as in vcpu_sums */
};

/*
 * The number of entries that the threads of a process have. One process cannot have more than are
 * free, so that a single VMM cannot use up the entries of all others.
 */
struct process_entries {
	__u64 entry_cnt;
	__u64 refused_cnt; /* windows that were not measured because of this limit */
};

/* --pin: period of the timer that reads each CPU. */
#define HEARTBEAT_NS 1000000000ULL

/*
 * --pin: maximum age of the account of a thread whose window a timer reads: the timer takes the
 * account together with the window, so that both are of one moment. An older account belongs to no
 * such window, so it may be taken at any time.
 */
#define ACCOUNT_AGE_MAX_NS (HEARTBEAT_NS + HEARTBEAT_NS / 2)

/* --pin: when a CPU's timer last fired. One element for each possible CPU, written on that CPU. */
struct cpu_beat {
	__u64 beat_ns;
	__u64 next_index; /* index of the entry whose account is taken next */
};

/*
 * --pin: version of the pinned maps; increase it when the layout or the meaning of one changes.
 * Measurements that a build with another version pinned are refused.
 */
#define GTIMEHALT_PIN_LAYOUT 5

/* --pin: parameters of the measurement for its readers. Only user space writes them. */
struct pin_about {
	/* GTIMEHALT_PIN_LAYOUT; 0: the measurement was unpinned, sums no longer grow */
	__u32 layout;
	__u32 is_entry_mode;
	__u32 has_histogram;
	__u32 cpu_cnt;
	__u64 mperf_ratio_ppb;  /* MPERF rate over TSC rate, in 10^-9 */
	__u64 ns_per_tsc_cycle; /* by the scheduler's clock, in 2^-TSC_NS_SHIFT */
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
	/* Conditions for the hooks to run: struct hook_needs in src/measure/hooks.h. */
	char modules[2][16];
	__u64 module_instances[2];
	__u32 switches; /* bits */
	__u32 pad;
};
GTIMEHALT_ASSERT(sizeof(struct pin_about) == 120, "no padding");

/*
 * Shift of ns_per_tsc_cycle: precise to 10 ppb, and 2^27 cycles of up to 1000 ns each fit in 64
 * bits.
 */
#define TSC_NS_SHIFT 27

/*
 * Shift of targ_tsc_per_mperf: precise to 0.01 ppm, and the product with 2^27 cycles fits in 64
 * bits.
 */
#define TSC_PER_MPERF_SHIFT 27

/*
 * Halted cycles are the TSC cycles less the MPERF cycles (converted by this CPU's ratio of the two
 * rates); mperf_scale is not applied.
 */
struct cpu_sums {
	__u64 window_tsc_cycles; /* spans of vCPUs' windows in which both were read */
	__u64 window_mperf_cycles;
	__u64 idle_tsc_cycles; /* spans of the idle task */
	__u64 idle_mperf_cycles;
};

/* --check: the halted time of one CPU by its cause. Written on that CPU. */
struct cpu_account {
	/*
	 * Start of the part of the open idle span that is not in the sums yet; 0: no idle span is
	 * open.
	 */
	struct counter_reading idle_start;
	struct cpu_sums sums;
	/*
	 * The counters and the sums at the last check_read, which user space waits for; tsc_cycles
	 * 0: the counters could not be read.
	 */
	struct counter_reading read;
	struct cpu_sums read_sums;
	__u64 pad[4];
};
GTIMEHALT_ASSERT(sizeof(struct cpu_account) == 128, "one account, two cache lines");

/*
 * --histogram: distribution of the halted time of stints. Each power of two has 8 buckets, so that
 * every value in a bucket is within 6 % of the middle of the bucket. Halts shorter than
 * STINT_MIN_NS are not counted: the stints that are missing from the buckets, compared to
 * entry_cnt, halted for less than that.
 */
#define STINT_SUB_SHIFT  3
#define STINT_MIN_SHIFT  10
#define STINT_MAX_SHIFT  36 /* the last bucket holds all halts from 64 s on */
#define STINT_MIN_NS     (1ULL << STINT_MIN_SHIFT)
#define STINT_BUCKET_CNT ((STINT_MAX_SHIFT - STINT_MIN_SHIFT) << STINT_SUB_SHIFT)

/*
 * Histogram of one vCPU thread. Each counter is consistent by itself; two may differ by one stint.
 */
struct stint_sums {
	__u64 start_boottime_ns; /* as in vcpu_sums */
	__u64 halted_ns;         /* sum over the counted stints, exact */
	__u64 cnt[STINT_BUCKET_CNT];
};

/* Shift of cpu_slot.mperf_scale. */
#define GTIMEHALT_SCALE_SHIFT 20

/*
 * Number of entries that one run of take_accounts looks at: kernels before 5.17 have no bpf_loop().
 */
#define ACCOUNTS_CNT 128

/* Return values of forced_read and check_read, through BPF_PROG_TEST_RUN. */
enum forced_read {
	FORCED_READ_NONE, /* no vCPU is loaded on this CPU */
	FORCED_READ_DONE, /* the sums are complete up to now */
	/* a window is being opened or closed, which completes the sums as well */
	FORCED_READ_BUSY,
	/* a vCPU was loaded before the hooks were attached: its window starts now */
	FORCED_READ_OPENED,
};

#endif /* GTIMEHALT_H */
