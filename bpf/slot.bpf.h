/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slot.bpf.h - the state of the CPU on which a program runs, and its failures.
 */
#ifndef SLOT_BPF_H
#define SLOT_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "gtimehalt.h"

struct cpu_slot slots[GTIMEHALT_MAX_CPUS] = {};

/* One element for each possible CPU; sized by bpf_loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_health);
} cpu_healths SEC(".maps");

/*
 * Returns the slot of this CPU. bpf_loader refuses hosts with more CPUs than slots; the mask is
 * only for the verifier.
 */
static __always_inline struct cpu_slot *this_slot(void)
{
	struct cpu_slot *slot = &slots[bpf_get_smp_processor_id() & (GTIMEHALT_MAX_CPUS - 1)];

	/* Without this, clang computes the address again at each use. */
	barrier_var(slot);
	return slot;
}

/* Counts a failure on this CPU. */
#define COUNT(member)                                                                              \
	do {                                                                                       \
		__u32 cpu = bpf_get_smp_processor_id();                                            \
		struct cpu_health *health = bpf_map_lookup_elem(&cpu_healths, &cpu);               \
                                                                                                   \
		if (health)                                                                        \
			health->member++;                                                          \
	} while (0)

#endif /* SLOT_BPF_H */
