// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * odd_vmm - a VMM that uses its vCPUs in ways that KVM allows and QEMU avoids. Everything runs on
 * CPU 1, beside a thread that never sleeps; helpers run on CPU 0. Runs until it is killed.
 *
 * usage: odd_vmm look		a vCPU thread sleeps; another thread keeps reading its registers
 *	  odd_vmm share		the same, but the other thread also runs the vCPU
 *	  odd_vmm work		a vCPU thread works in user mode between exits, and never sleeps
 *	  odd_vmm turn		a thread that runs two vCPUs in turn
 *	  odd_vmm leave		a vCPU thread that works in user mode after its first exit
 *	  odd_vmm late		after two seconds asks KVM to let vCPUs that exist halt in guest
 *				mode; prints "accepted" or "refused"
 *	  odd_vmm exec		a vCPU thread that calls execve() after two seconds
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define GUEST_ADDRESS 0x1000
#define SLEEP_US      950000
#define LOOK_US       5000
#define WORK_NS       300000000LL

static int vm_fd;
static int vcpus[2];

static void *checked_mmap(size_t size, int flags, int fd)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap");
	return memory;
}

static int checked(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

/* hlt, and again: each KVM_RUN comes back at once. */
static int make_vcpu(int kvm, int vm, int id)
{
	struct kvm_regs regs = { .rip = GUEST_ADDRESS, .rflags = 2 };
	int vcpu = checked(ioctl(vm, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");
	struct kvm_sregs sregs;

	checked_mmap((size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), 0, vcpu);
	checked(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	checked(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	checked(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	return vcpu;
}

static void make_vm(void)
{
	static const unsigned char code[] = { 0xf4, 0xeb, 0xfd };
	void *memory = checked_mmap(4096, MAP_ANONYMOUS, -1);
	struct kvm_userspace_memory_region region = { .guest_phys_addr = GUEST_ADDRESS,
						      .memory_size = 4096,
						      .userspace_addr = (unsigned long)memory };
	int kvm = checked(open("/dev/kvm", O_RDWR), "/dev/kvm");
	int vm = checked(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");

	vm_fd = vm;
	memcpy(memory, code, sizeof(code));
	checked(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	for (int i = 0; i < 2; i++)
		vcpus[i] = make_vcpu(kvm, vm, i);
}

static void be(const char *name, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	checked(sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
	prctl(PR_SET_NAME, name);
}

static void *spin(void *arg)
{
	(void)arg;
	be("spin", 1);
	for (volatile long i = 0;; i++)
		;
	return NULL;
}

static void *look(void *arg)
{
	struct kvm_regs regs;

	be("look", 0);
	for (;;) {
		ioctl(vcpus[0], arg ? KVM_RUN : KVM_GET_REGS, arg ? 0 : (unsigned long)&regs);
		usleep(LOOK_US);
	}
	return NULL;
}

static long long ran_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void sleep_in_between(void)
{
	usleep(SLEEP_US);
}

static void work_in_between(void)
{
	long long end_ns = ran_ns() + WORK_NS;

	while (ran_ns() < end_ns)
		;
}

/* The thread takes over the PID of its process, and all other threads end. */
static void become_sleep(void)
{
	execlp("sleep", "sleep", "1000", NULL);
	err(1, "sleep");
}

static void let_halt(void)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS,
				      .args = { KVM_X86_DISABLE_EXITS_HLT } };

	puts(ioctl(vm_fd, KVM_ENABLE_CAP, &cap) ? "refused" : "accepted");
	fflush(stdout);
}

static void *run(void *arg)
{
	const char *mode = arg;
	int is_turn = !strcmp(mode, "turn");

	be("CPU 0/KVM", 1);
	for (unsigned int i = 0;; i++) {
		while (!strcmp(mode, "leave") && i)
			work_in_between();
		ioctl(vcpus[is_turn ? i % 2 : 0], KVM_RUN, 0);
		if (!strcmp(mode, "late") && i == 2)
			let_halt();
		if (!strcmp(mode, "exec") && i == 2)
			become_sleep();
		else if (!strcmp(mode, "work"))
			work_in_between();
		else if (is_turn)
			usleep(1000);
		else
			sleep_in_between();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 2)
		errx(2, "usage: odd_vmm look|share|work|turn|leave|late|exec");
	make_vm();
	pthread_create(&thread, NULL, run, argv[1]);
	pthread_create(&thread, NULL, spin, NULL);
	if (!strcmp(argv[1], "look") || !strcmp(argv[1], "share"))
		pthread_create(&thread, NULL, look, strcmp(argv[1], "share") ? NULL : argv);
	pause();
	return 0;
}
