// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks what a guest sees of MPERF in the bed. Runs a real-mode guest that executes CPUID leaf 6
 * and RDMSR of IA32_MPERF, and prints one line:
 *
 *	cpuid6_ecx=0x0 rdmsr=exit
 *
 * The guest has an empty CPUID, and KVM is asked to exit for MSRs that it does not know. So CPUID
 * must return ECX 0, and RDMSR must exit, as on a host whose CPU has MPERF. A plugin that mistook
 * L2's instructions for L1's would handle both itself.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define GUEST_ADDR 0x1000
#define GUEST_SIZE 0x1000
#define MSR_MPERF  0xe7
#define EXITS_MAX  16
#define REPEATS    1000

/* Repeated, because TCG translates code once and executes it often. */
static const uint8_t guest_code[] = {
	0x66, 0xbe, REPEATS & 0xff, REPEATS >> 8, 0, 0, /* mov  $REPEATS,%esi */
	0x66, 0x31, 0xff,                               /* xor  %edi,%edi */
	/* again: */
	0x66, 0xb8, 0x06, 0, 0, 0,      /* mov  $6,%eax */
	0x66, 0x31, 0xc9,               /* xor  %ecx,%ecx */
	0x0f, 0xa2,                     /* cpuid */
	0x66, 0x09, 0xcf,               /* or   %ecx,%edi */
	0x66, 0x4e,                     /* dec  %esi */
	0x75, 0xee,                     /* jnz  again */
	0x66, 0x89, 0xfb,               /* mov  %edi,%ebx */
	0x66, 0xb9, MSR_MPERF, 0, 0, 0, /* mov  $0xe7,%ecx */
	0x0f, 0x32,                     /* rdmsr */
	0xf4,                           /* hlt */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int vm__create(int kvm, void *mem)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = { KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL },
	};
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_ADDR,
		.memory_size = GUEST_SIZE,
		.userspace_addr = (uintptr_t)mem,
	};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0)
		die("KVM_CREATE_VM");
	if (ioctl(vm, KVM_ENABLE_CAP, &cap))
		die("KVM_CAP_X86_USER_SPACE_MSR");
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
	return vm;
}

static void vcpu__set_start(int vcpu)
{
	struct kvm_regs regs = { .rip = GUEST_ADDR, .rflags = 0x2 };
	struct kvm_cpuid2 cpuid = { .nent = 0 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_SET_CPUID2, &cpuid))
		die("KVM_SET_CPUID2");
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		die("KVM_SET_SREGS");
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
}

/* Runs until the guest's HLT. Returns the number of exits that read MPERF. */
static int vcpu__run(int vcpu, const struct kvm_run *run)
{
	int mperf_exits = 0;

	for (int i = 0; i < EXITS_MAX; i++) {
		if (ioctl(vcpu, KVM_RUN, 0))
			die("KVM_RUN");
		if (run->exit_reason == KVM_EXIT_HLT)
			return mperf_exits;
		if (run->exit_reason != KVM_EXIT_X86_RDMSR || run->msr.index != MSR_MPERF)
			break;
		/* msr.error is 0, so that the guest continues with the value 0. */
		mperf_exits++;
	}
	fprintf(stderr, "l2probe: unexpected exit %u\n", run->exit_reason);
	exit(1);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_regs regs;
	struct kvm_run *run;
	int vm, vcpu, run_size, mperf_exits;
	void *mem;

	if (kvm < 0)
		die("/dev/kvm");
	mem = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		die("mmap");
	memcpy(mem, guest_code, sizeof(guest_code));

	vm = vm__create(kvm, mem);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		die("KVM_CREATE_VCPU");
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < 0)
		die("KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap of kvm_run");

	vcpu__set_start(vcpu);
	mperf_exits = vcpu__run(vcpu, run);
	if (ioctl(vcpu, KVM_GET_REGS, &regs))
		die("KVM_GET_REGS");
	printf("cpuid6_ecx=0x%llx rdmsr=%s\n", regs.rbx, mperf_exits == 1 ? "exit" : "answered");
	return 0;
}
