/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's first bytes (struct guest_header) and its interrupt stubs. The VMM starts each vCPU
 * at guest_main, in long mode, with interrupts off, and with RDI and the GS base pointing to its
 * struct guest_cpu.
 */
#include "guest.h"

	.section .header, "a"
	.quad	guest_main, faults, timer, kick, spurious

	.text
	/*
	 * An exception is a bug in the payload: report its vector to the VMM, which does not resume
	 * the vCPU.
	 */
	.balign	FAULT_STUB_SZ
faults:
	.set	vector, 0
	.rept	VECTOR_FAULTS
	.balign	FAULT_STUB_SZ
	movb	$vector, %al
	movw	$PORT_FAULT, %dx
	outb	%al, %dx
	.set	vector, vector + 1
	.endr

	/*
	 * Read the time first, because the EOI may cause a VM exit, which is not halted time. The
	 * interrupted code has interrupts enabled in "sti; hlt" only, so restoring these registers
	 * is enough.
	 */
	.balign	16
timer:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %gs:GUEST_CPU_IRQ_TSC
	movl	$1, %gs:GUEST_CPU_FIRED
eoi:
	movl	$MSR_X2APIC_EOI, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	popq	%rdx
	popq	%rcx
	popq	%rax
spurious:
	iretq

	/* Wakes up a halted vCPU so that it checks its stop flag. */
	.balign	16
kick:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	jmp	eoi

	.section .note.GNU-stack, "", @progbits
