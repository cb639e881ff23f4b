/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.bpf.h - the part of gtimehalt.bpf.c that is for --check: the account of a whole CPU.
 *
 * A CPU halts in two places: in the guest, within a window, and in the idle task. Both are summed
 * here for the CPU on which they happen, and the CPU's MPERF is read at both ends of the interval.
 * Halted time of the CPU beyond the two sums was missed by a hook.
 *
 * Without --check, the verifier sees targ_check as a constant 0 and removes this code from the
 * hooks, so that a measurement does not pay for the two additions at the end of a window.
 */
#ifndef CHECK_BPF_H
#define CHECK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "gtimehalt.h"

const volatile __u8 targ_check = 0;

/* PWR_EVENT_EXIT of include/trace/events/power.h. */
#define CPU_IDLE_ENDS ((__u32)-1)

/* One element for each possible CPU; not created without --check. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_account);
} cpu_accounts SEC(".maps");

static __always_inline struct cpu_account *this_account(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpu_accounts, &cpu);
}

static __always_inline void account_window(__u64 tsc_cycles, __u64 mperf_cycles)
{
	struct cpu_account *account;

	if (!targ_check)
		return;
	account = this_account();
	if (!account)
		return;
	account->sums.window_tsc_cycles += tsc_cycles;
	account->sums.window_mperf_cycles += mperf_cycles;
}

static __always_inline void idle_begin(struct cpu_account *account, const struct counter_reading *r)
{
	account->idle_start = *r;
}

/*
 * Adds the idle span to the sums. A span with an unknown end is left out and shows as unexplained.
 */
static __always_inline void idle_end(struct cpu_account *account, const struct counter_reading *r)
{
	const struct counter_reading *start = &account->idle_start;

	if (start->tsc_cycles && r->tsc_cycles) {
		account->sums.idle_tsc_cycles += r->tsc_cycles - start->tsc_cycles;
		account->sums.idle_mperf_cycles += r->mperf_cycles - start->mperf_cycles;
	}
	account->idle_start.tsc_cycles = 0;
}

static __always_inline void account_idle(const struct counter_reading *r, __u32 state)
{
	struct cpu_account *account;

	if (!targ_check)
		return;
	account = this_account();
	if (!account)
		return;
	if (state == CPU_IDLE_ENDS)
		idle_end(account, r);
	else
		idle_begin(account, r);
}

/*
 * Stores the account as of the reading. The idle span is split there, as check_read has split the
 * window.
 *
 * Only the tracepoint can say whether the CPU is in an idle span. That `current` is the idle task
 * is not enough: it may be about to leave, and a span that is started now would extend into the
 * next thread's window. Starting a span here is not needed either: the read that takes the baseline
 * comes as an interrupt, after which the idle task passes the tracepoint before it halts again.
 */
static __always_inline void account_read(const struct counter_reading *r)
{
	struct cpu_account *account = this_account();

	if (!account)
		return;
	if (account->idle_start.tsc_cycles) {
		idle_end(account, r);
		idle_begin(account, r);
	}
	account->read = *r;
	account->read_sums = account->sums;
}

#endif /* CHECK_BPF_H */
