// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The payload guest: one vCPU that follows its orders and times each of its own HLTs by RDTSC.
 *
 * Interrupts are enabled for the one instruction after STI only, so that they arrive in HLT and
 * nowhere else: if the timer expires too early, its interrupt stays pending in the local APIC and
 * ends the next HLT immediately, and no wake-up gets lost between a test and a HLT.
 */
#include "guest.h"

static uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	/* The CPU may execute RDTSC before preceding instructions; LFENCE prevents that. */
	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

static void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "d"(port) : "memory");
}

static void apic_start(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 3 << 10); /* enabled, x2APIC */
	wrmsr(MSR_X2APIC_SIVR, 1 << 8 | VECTOR_SPURIOUS);
	wrmsr(MSR_X2APIC_LVT_TIMER, 2 << 17 | VECTOR_TIMER); /* TSC-deadline mode */
}

/*
 * At each probe the VMM reads the host's TSC at the exit, so that it lies between two guest TSC
 * values. The VMM combines all probes, see report.c.
 */
static void sync_with_host(struct guest_cpu *cpu, unsigned int end)
{
	for (unsigned int i = 0; i < SYNC_PROBES; i++) {
		cpu->sync[end][i].before = rdtsc();
		outb(PORT_SYNC, end);
		cpu->sync[end][i].after = rdtsc();
	}
}

static void account_halt(struct guest_cpu *cpu, uint64_t start, uint64_t end)
{
	cpu->halted_cycles += end - start;
	if (cpu->log_cnt >= cpu->log_cap) {
		cpu->log_dropped++;
		return;
	}
	cpu->log[cpu->log_cnt].start = start;
	cpu->log[cpu->log_cnt].end = end;
	cpu->log_cnt++;
}

/* MWAIT requests C1 and monitors the flag that the timer's interrupt stub will write. */
static void halt(struct guest_cpu *cpu)
{
	if (cpu->idle == GUEST_IDLE_MWAIT) {
		asm volatile("monitor" : : "a"(&cpu->fired), "c"(0), "d"(0));
		asm volatile("sti; mwait; cli" : : "a"(0), "c"(0) : "memory");
	} else {
		asm volatile("sti; hlt; cli" : : : "memory");
	}
}

/*
 * Halts until the timer has fired. On AMD, when a host interrupt ends a passed-through HLT, the
 * guest continues after the HLT without an interrupt of its own: count this and halt again. Intel
 * resumes the halt itself, so that the log has a single segment; MWAIT returns on both.
 */
static void halt_until(struct guest_cpu *cpu, uint64_t deadline)
{
	cpu->fired = 0;
	wrmsr(MSR_TSC_DEADLINE, deadline);
	while (!cpu->stop) {
		uint64_t start = rdtsc(), end;

		halt(cpu);
		end = rdtsc();
		if (cpu->fired) {
			account_halt(cpu, start, cpu->irq_tsc);
			cpu->wakeups++;
			return;
		}
		account_halt(cpu, start, end);
		cpu->broken++;
	}
	wrmsr(MSR_TSC_DEADLINE, 0);
}

static void busy_until(struct guest_cpu *cpu, uint64_t deadline)
{
	uint64_t start = rdtsc(), now = start;

	while (now < deadline && !cpu->stop)
		now = rdtsc();
	cpu->busy_cycles_done += now - start;
}

static void pause_until(struct guest_cpu *cpu, uint64_t deadline)
{
	uint64_t start = rdtsc(), now = start;

	while (now < deadline && !cpu->stop) {
		asm volatile("pause");
		now = rdtsc();
	}
	cpu->paused_cycles += now - start;
}

/*
 * Deadlines are calculated from the first one, so that delays do not add up. A vCPU that has lost a
 * whole period, because the host ran something else, starts with new deadlines.
 */
static void run_duty(struct guest_cpu *cpu)
{
	uint64_t period = cpu->start_tsc, busy_cycles = cpu->busy_cycles;

	while (!cpu->stop) {
		if (cpu->turn_cnt)
			busy_cycles = cpu->turn_busy_cycles[(period - cpu->start_tsc) /
							    cpu->turn_cycles % cpu->turn_cnt];
		busy_until(cpu, period + busy_cycles);
		period += cpu->period_cycles;
		if (busy_cycles < cpu->period_cycles) {
			if (cpu->idle == GUEST_IDLE_PAUSE)
				pause_until(cpu, period);
			else
				halt_until(cpu, period);
		}
		if (rdtsc() > period + cpu->period_cycles)
			period = rdtsc();
	}
}

static void run_halts(struct guest_cpu *cpu)
{
	for (unsigned int g = 0; g < cpu->halt_groups; g++) {
		struct halt_group *group = &cpu->halts[g];

		for (uint64_t i = 0; i < group->count && !cpu->stop; i++) {
			halt_until(cpu, rdtsc() + group->cycles);
			/*
			 * Force an exit, so that there are never two halts within one VM entry,
			 * whatever has ended the first.
			 */
			outb(PORT_FORCE, 0);
			if (cpu->fired)
				group->done++;
		}
	}
}

/* Arming the timer is another exit; then the vCPU sleeps until the timer fires. */
static void hlt_loop(struct guest_cpu *cpu)
{
	for (uint64_t left = cpu->exit_count; left && !cpu->stop; left--) {
		halt_until(cpu, rdtsc() + cpu->period_cycles);
		cpu->exits++;
	}
}

/* A separate loop for each kind, so that the loop contains only the exit and the count. */
static void exit_loop(struct guest_cpu *cpu)
{
	uint64_t left = cpu->exit_count;

	if (cpu->exit_kind == GUEST_EXIT_HLT) {
		hlt_loop(cpu);
		return;
	}
	if (cpu->exit_kind == GUEST_EXIT_OUT) {
		for (; left && !cpu->stop; left--) {
			outb(PORT_FORCE, 0);
			cpu->exits++;
		}
		return;
	}
	for (; left && !cpu->stop; left--) {
		uint32_t eax = 0, ecx = 0;

		asm volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "ebx", "edx", "memory");
		cpu->exits++;
	}
}

static void run_exits(struct guest_cpu *cpu)
{
	outb(PORT_MARK, 0);
	for (uint64_t i = 0; i < cpu->exit_rounds && !cpu->stop; i++) {
		exit_loop(cpu);
		outb(PORT_MARK, 0);
	}
}

void guest_main(struct guest_cpu *cpu); /* RIP of the vCPU at its first entry */

void guest_main(struct guest_cpu *cpu)
{
	apic_start();
	sync_with_host(cpu, 0);
	outb(PORT_READY, 0);
	cpu->start_tsc = rdtsc();
	if (cpu->mode == GUEST_HALTS)
		run_halts(cpu);
	else if (cpu->mode == GUEST_EXITS)
		run_exits(cpu);
	else
		run_duty(cpu);
	cpu->end_tsc = rdtsc();
	sync_with_host(cpu, 1);
	for (;;)
		outb(PORT_DONE, 0);
}
