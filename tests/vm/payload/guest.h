/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface between the payload's VMM and its guest: the memory layout, the ports, and struct
 * guest_cpu, through which each vCPU gets its orders and returns its log. Included by C code on
 * both sides and by the guest's assembler code.
 */
#ifndef GUEST_H
#define GUEST_H

/* Guest virtual addresses equal physical ones: the first GiB is identity-mapped. */
#define GUEST_PML4     0x1000
#define GUEST_PDPT     0x2000
#define GUEST_PD       0x3000
#define GUEST_GDT      0x4000
#define GUEST_IDT      0x5000
#define GUEST_IMAGE    0x10000
#define GUEST_STACKS   0x40000
#define GUEST_STACK_SZ 0x1000
#define GUEST_CPUS     0x200000

#define GUEST_MAX_VCPUS 64
#define GUEST_MAX_TURNS 8
#define GUEST_CS        0x08
#define GUEST_DS        0x10

#define VECTOR_FAULTS   32 /* 0 .. 31: exceptions, each stub FAULT_STUB_SZ bytes */
#define FAULT_STUB_SZ   16
#define VECTOR_TIMER    0x40
#define VECTOR_KICK     0x41
#define VECTOR_SPURIOUS 0xff

#define PORT_SYNC  0x500 /* a probe that relates guest TSC to host TSC */
#define PORT_READY 0x501 /* wait for all other vCPUs, then start the duty */
#define PORT_MARK  0x502 /* a round of exits begins or ends */
#define PORT_FORCE 0x503 /* only an exit to the VMM */
#define PORT_DONE  0x504
#define PORT_FAULT 0x505

#define MSR_APIC_BASE        0x1b
#define MSR_TSC_DEADLINE     0x6e0
#define MSR_X2APIC_EOI       0x80b
#define MSR_X2APIC_SIVR      0x80f
#define MSR_X2APIC_LVT_TIMER 0x832

/* Offsets for the interrupt stubs, whose GS base is the vCPU's struct guest_cpu. */
#define GUEST_CPU_IRQ_TSC 0
#define GUEST_CPU_FIRED   8

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#define MAX_HALT_GROUPS 16
#define SYNC_PROBES     64 /* at each end of the run */

enum guest_mode {
	GUEST_DUTY,
	GUEST_HALTS,
	GUEST_EXITS
};
enum guest_idle {
	GUEST_IDLE_HLT,
	GUEST_IDLE_MWAIT,
	GUEST_IDLE_PAUSE
};
enum guest_exit {
	GUEST_EXIT_CPUID,
	GUEST_EXIT_OUT,
	GUEST_EXIT_HLT
};

/* The beginning of the guest's image, so that the VMM needs no symbol table. */
struct guest_header {
	uint64_t entry, faults, timer, kick, spurious;
};

struct halt_group {
	uint64_t cycles, count; /* orders */
	uint64_t done;          /* result */
};

struct sync_probe {
	uint64_t before, after; /* guest TSC around the OUT */
};

struct halt_segment {
	uint64_t start, end; /* guest TSC around one HLT */
};

struct guest_cpu {
	/* Written by the interrupt stubs. */
	volatile uint64_t irq_tsc;
	volatile uint32_t fired;
	uint32_t pad;

	/* Orders, written by the VMM before the first entry; `stop` may be written at any time. */
	volatile uint32_t stop;
	uint32_t mode, idle, exit_kind;
	uint64_t busy_cycles, period_cycles;
	/*
	 * Other duties, of turn_cycles each, in turn, over and over; turn_cnt 0: always
	 * busy_cycles.
	 */
	uint64_t turn_cycles, turn_busy_cycles[GUEST_MAX_TURNS];
	uint64_t turn_cnt;
	uint64_t exit_count, exit_rounds;
	struct halt_group halts[MAX_HALT_GROUPS];
	uint32_t halt_groups;
	uint32_t log_cap;

	/* The results, written by the guest. */
	uint64_t start_tsc, end_tsc;
	uint64_t halted_cycles, busy_cycles_done, paused_cycles;
	uint64_t wakeups; /* idle periods ended by their timer */
	uint64_t broken;  /* HLTs that ended before their timer, because the host took the CPU */
	uint64_t log_cnt, log_dropped;
	volatile uint64_t exits;
	struct sync_probe sync[2][SYNC_PROBES];
	struct halt_segment log[];
};

_Static_assert(offsetof(struct guest_cpu, irq_tsc) == GUEST_CPU_IRQ_TSC, "used by guest-entry.S");
_Static_assert(offsetof(struct guest_cpu, fired) == GUEST_CPU_FIRED, "used by guest-entry.S");
#endif /* __ASSEMBLER__ */

#endif /* GUEST_H */
