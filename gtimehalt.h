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

/* Default room for vCPU threads; each takes about 300 bytes of kernel memory. */
#define GTIMEHALT_MAX_VCPUS 8192

/*
 * CPUs that a host can have, a power of two; each costs 192 bytes of kernel memory. Fixed, so that a slot is
 * found by its address alone: a look-up in a map sized to the host costs ten instructions at each VM entry
 * and ten at its exit.
 */
#define GTIMEHALT_MAX_CPUS 4096

/* --pin: this many threads that have ended are remembered, about 300 bytes each. */
#define GTIMEHALT_MAX_ENDED 4096

/* At most this many VMM processes can be asked for by PID; without a list all are measured. */
#define GTIMEHALT_MAX_WATCHED 1024

/* Processes of which entries are counted: see struct process_entries. */
#define GTIMEHALT_MAX_PROCESSES 8192

/* A thread that runs more vCPUs than this in turn is measured on the first of them only. */
#define THREAD_ENTRY_MAX 64

/*
 * TSC and MPERF of one CPU, as counted by perf's msr PMU since both events were opened. perf takes events out of the PMU
 * and puts them back when it switches between cgroups (perf_cgroup_switch()): both miss the same span then, so the
 * halts of a span are always its TSC cycles less its MPERF cycles at MPERF's rate. NTP steers neither.
 */
struct counter_reading {
	__u64 tsc_cycles; /* 0: the read failed */
	__u64 mperf_cycles;
};

/* The events of a CPU have two indexes in the event array: twice the number of the CPU, and 1 more. */
#define EVENT_TSC         0
#define EVENT_MPERF       1
#define EVENT_CNT_PER_CPU 2

/*
 * The state of one CPU: the window that is open on it, and what went wrong there.
 *
 * Only programs that run on the CPU write its slot; user space maps the array and reads it to learn
 * where a forced read is needed. The first line holds all that VM entries and exits touch, and two CPUs
 * share no line. There are kernel addresses in it: --pin --group does not share it.
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
	/* Closed stints since `start`. */
	__u64 guest_ns;
	__u64 entry_cnt;
	/* nvcsw + nivcsw of the thread when its window was opened. */
	__u64 switch_cnt;
	/* When the window began, or was last read. */
	struct counter_reading start;

	/* When the idle task first ran after the window had begun: the window ended there. */
	struct counter_reading idle;
	/* CLOCK_MONOTONIC of both; of idle, if a stint was open. */
	__u64 start_ns;
	__u64 idle_ns;
	/* se.sum_exec_runtime of the thread at `start`. */
	__u64 start_ran_ns;
	__u32 idle_state; /* enum idle_state */
	__u32 index;      /* of the thread's entry */
	/* --histogram: the reading, and CLOCK_MONOTONIC, at the end of the last stint that was looked at. */
	__u64 stint_ns;
	struct counter_reading stint;

	__u64 vcpu; /* struct kvm_vcpu *, only compared */
	/*
	 * What MPERF cycles of this CPU are worth, in 2^-20 of those of CPUs of the first kind; used when
	 * the host has two kinds of core. Set by user space before anything is attached.
	 */
	__u64 mperf_scale;
	/* MPERF was seen to stand still in this window or before it: the window is not measured. */
	__u32 mperf_stood;
	__u32 pad[11];
};
GTIMEHALT_ASSERT(sizeof(struct cpu_slot) == 192, "one slot, three cache lines");

/* Of cpu_slot.entry_ns: no thread's window is open. No clock shows it. */
#define STINT_OFF 1

/* Of cpu_slot.idle_state. */
enum idle_state {
	IDLE_UNWANTED, /* no window is open */
	IDLE_WANTED,   /* a window is open, and the idle task has not run since it began */
	IDLE_READ,     /* cpu_slot.idle is the end of the window */
};

/* Failures on one CPU since the programs were loaded; see struct health in src/report/snapshot.h. */
struct cpu_health {
	__u64 lost_window_cnt;
	__u64 mperf_error_cnt;
	__u64 map_full_cnt;
};

/* What windows have yielded. */
struct window_sums {
	/* TSC and MPERF cycles of the spans in which both were read. Single windows may err by a few cycles either way. */
	__u64 tsc_cycles;
	__u64 mperf_cycles;
	__u64 unmeasured_ns; /* what the thread ran in the other spans, by the scheduler's clock */
	__u64 guest_ns;      /* CLOCK_MONOTONIC */
	__u64 entry_cnt;
};

/*
 * Guards a copy against tearing: a writer raises both `begun` first and both `done` last. A copy in which all four are
 * equal is whole, whichever end was copied first.
 */
struct copy_guard {
	__u32 begun, done;
};

/*
 * What is known of one vCPU thread. Sums only grow; user space differences them.
 *
 * A thread that runs several vCPUs in turn has an entry for each. All but one of them are away: nothing of them changes
 * until the thread runs that vCPU again.
 */
struct vcpu_sums {
	struct copy_guard own_head, shared_head;
	/* 0: the entry is free. The last field that is written when an entry is made. */
	__u32 tid;
	__u32 tgid;
	__u32 vcpu_id;
	/* The entry that this thread got before this one, 0: none. */
	__u32 older_index;
	/* Tells the VMs of one process apart: a keyed hash of struct kvm *. */
	__u64 vm_id;
	/* The thread's start, CLOCK_BOOTTIME: tells a thread from a later one with the same tid. */
	__u64 thread_boottime_ns;
	/* The same; or when the thread turned to this vCPU from another. */
	__u64 start_boottime_ns;
	/* Of the thread's windows that the thread itself has ended. Written by it, or by what interrupts it. */
	struct window_sums own;
	/* Of windows that ended on a CPU which the thread had left. Added atomically. */
	struct window_sums others;
	/*
	 * The scheduler's account of the thread at at_ns (CLOCK_MONOTONIC), by the scheduler's clock, which NTP does not
	 * steer: for how long it has run and for how long it has waited for a CPU since its birth. What the scheduler has
	 * not added up at that moment is included. Taken when the sums are read, not at the thread's loads.
	 */
	__u64 at_ns;
	__u64 ran_ns;
	__u64 wait_ns;
	/* Twice how often it went to sleep (nvcsw), and 1 more while it is asleep. */
	__u64 sleeps;
	/* What is not this vCPU's: from before its first window, and while the entry was away. */
	__u64 ran_base_ns;
	__u64 wait_base_ns;
	__u64 away_ns; /* CLOCK_MONOTONIC */
	/* The thread has turned to another vCPU; 0: it has not. */
	__u64 away_since_ns;
	/* The thread has ended; 0: it has not. */
	__u64 ended_ns;
	/* When a window of it last began or was read; CLOCK_MONOTONIC. */
	__u64 window_ns;
	/* --pin: the most that `stat` has shown as halted: what is shown does not go back. */
	__u64 shown_halted_ns;
	__u32 older_cnt; /* entries that this thread got before this one */
	__u32 pad;
	struct copy_guard own_tail, shared_tail;
};
GTIMEHALT_ASSERT(sizeof(struct vcpu_sums) == 248, "no padding");

/* Kernel objects of an entry, by the same index. Never pinned. */
struct entry_objects {
	__u64 thread; /* struct task_struct * */
	__u64 vcpu;   /* struct kvm_vcpu *, only compared */
	__u64 kvm;    /* struct kvm *, only compared */
};

/*
 * The directory of entries, never pinned. number 0: the entry that the thread is in; else that of the vCPU with this
 * number, which is part of its address (vcpu_number() in accounts.bpf.h).
 */
struct entry_key {
	__u32 tid;
	__u32 number;
};

struct entry_place {
	__u32 index;
	__u32 newest_index; /* with number 0: where the chain of older_index begins */
};

/* --pin: where the sums of a thread that has ended are kept. */
struct ended_key {
	__u32 tid;
	__u32 older_cnt; /* as in vcpu_sums */
};

/*
 * Entries that the threads of a process have. A process gets no more than its share of the room (targ_process_max),
 * so that one VMM cannot take the room of all others.
 */
struct process_entries {
	__u64 entry_cnt;
	__u64 refused_cnt; /* windows that were not measured because of that */
};

/* --pin: how often each CPU is read by its own timer. */
#define HEARTBEAT_NS 1000000000ULL

/*
 * --pin: an account that is older is not of a window that a timer reads: it may be taken at any moment. That of a window is
 * taken with the window, so that both are of one moment.
 */
#define ACCOUNT_AGE_MAX_NS (HEARTBEAT_NS + HEARTBEAT_NS / 2)

/* --pin: when a CPU was last read by its own timer. One a possible CPU, written there. */
struct cpu_beat {
	__u64 beat_ns;
	__u64 next_index; /* of the entry whose account is taken next */
};

/*
 * --pin: raised when a map that is pinned, or what is in it, changes its meaning: a measurement that was
 * pinned by another build is then refused.
 */
#define GTIMEHALT_PIN_LAYOUT 4

/* --pin: what a reader has to know of the measurement. Written by user space alone. */
struct pin_about {
	__u32 layout; /* GTIMEHALT_PIN_LAYOUT; 0: it has been unpinned, and the sums grow no more */
	__u32 is_entry_mode;
	__u32 has_histogram;
	__u32 cpu_cnt;
	__u64 mperf_ratio_ppb;  /* MPERF rate over TSC rate, in 10^-9 */
	__u64 ns_per_tsc_cycle; /* by the scheduler's clock, in 2^-TSC_NS_SHIFT */
	char window_hook[16];
	char stint_hook[16]; /* empty: none */
	/* On what it depends that the hooks run: struct hook_needs in src/measure/hooks.h. */
	char modules[2][16];
	__u64 module_instances[2];
	__u32 switches; /* bits */
	__u32 pad;
};
GTIMEHALT_ASSERT(sizeof(struct pin_about) == 120, "no padding");

/* Of ns_per_tsc_cycle: precise to 10 ppb, and 64 bits hold 2^27 cycles times it, of up to 1000 ns each. */
#define TSC_NS_SHIFT 27

/* Of targ_tsc_per_mperf: precise to 0.01 ppm, and 64 bits hold 2^27 cycles times it. */
#define TSC_PER_MPERF_SHIFT 27

/* What was halted is the TSC cycles less the MPERF cycles at MPERF's rate on this CPU; mperf_scale is not applied. */
struct cpu_sums {
	__u64 window_tsc_cycles; /* of vCPUs' windows, where both were read */
	__u64 window_mperf_cycles;
	__u64 idle_tsc_cycles; /* of the idle task */
	__u64 idle_mperf_cycles;
};

/* --check: where the time of one CPU goes. Written on that CPU. */
struct cpu_account {
	/* The idle task's span that is open, as far as it is not in the sums; 0: none. */
	struct counter_reading idle_start;
	struct cpu_sums sums;
	/* As they were at the last check_read, which user space waits for; tsc_cycles 0: the counters did not read. */
	struct counter_reading read;
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

/* Of one vCPU thread. Each counter is whole by itself; two may be a stint apart. */
struct stint_sums {
	__u64 start_boottime_ns; /* as in vcpu_sums */
	__u64 halted_ns;         /* of the stints that are counted, exact */
	__u64 cnt[STINT_BUCKET_CNT];
};

/* Of cpu_slot.mperf_scale. */
#define GTIMEHALT_SCALE_SHIFT 20

/* So many entries are looked at in one run of take_accounts: kernels before 5.17 have no bpf_loop(). */
#define ACCOUNTS_CNT 128

/* What forced_read and check_read answer through BPF_PROG_TEST_RUN. */
enum forced_read {
	FORCED_READ_NONE,   /* no vCPU is loaded on this CPU */
	FORCED_READ_DONE,   /* the sums are complete up to now */
	FORCED_READ_BUSY,   /* a window is being opened or closed: that makes them complete */
	FORCED_READ_OPENED, /* a vCPU was loaded before the hooks were: its window starts now */
};

#endif /* GTIMEHALT_H */
